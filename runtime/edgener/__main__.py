"""``python -m edgener``."""

import sys

from edgener.cli import main

sys.exit(main())
