"""``edgener`` and ``python -m edgener``, which Ctrl-C ends without a traceback while they are being imported."""

import sys


def main() -> int:
    """Run the command line and return its exit code."""
    try:
        from edgener.cli import main as command_line
    except KeyboardInterrupt:
        from edgener.standard_streams import INTERRUPTED

        return INTERRUPTED
    return command_line()


if __name__ == "__main__":
    sys.exit(main())
