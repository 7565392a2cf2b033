"""``python -m edgener_export``."""

import sys

from edgener_export.cli.main import main

sys.exit(main())
