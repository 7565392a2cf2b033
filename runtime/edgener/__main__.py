"""``edgener`` and ``python -m edgener``, which Ctrl-C ends without a traceback while they are being imported."""

import sys

INTERRUPTED = 130


def main() -> int:
    """Run the command line and return its exit code."""
    try:
        from edgener.cli import main as command_line
    except KeyboardInterrupt:
        return INTERRUPTED
    return command_line()


if __name__ == "__main__":
    sys.exit(main())
