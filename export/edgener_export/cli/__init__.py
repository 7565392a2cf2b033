"""The command line of the exporter."""

from edgener_export.cli.main import main

__all__ = ["main"]
