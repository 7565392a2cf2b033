"""``python peak_memory.py ARGUMENTS``: run edgener's command line, then print the peak memory on standard error."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from edgener.cli import main

code = main(sys.argv[1:])
peak = re.search(r"^VmHWM:\s*(\d+) kB$", Path("/proc/self/status").read_text(encoding="ascii", errors="replace"), re.M)
print("peak_rss_kb", peak.group(1) if peak else 0, file=sys.stderr)
sys.exit(code)
