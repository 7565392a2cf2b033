"""``python -m edgener_edge``."""

import sys

from edgener_edge.cli.main import main

sys.exit(main())
