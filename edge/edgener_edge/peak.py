"""``python peak.py ARGUMENTS``: edgener's command line, then its own peak memory on standard error."""

from __future__ import annotations

import resource
import sys

from edgener.cli import main

code = main(sys.argv[1:])
print("peak_rss_kb", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(code)
