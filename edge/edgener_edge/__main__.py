"""``python -m edgener_edge``."""

import sys

from edgener_edge.cli import main

sys.exit(main())
