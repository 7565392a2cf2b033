"""``python -m edgener_export``."""

import sys

from edgener_export.cli import main

sys.exit(main())
