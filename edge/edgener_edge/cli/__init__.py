"""The command line of the device builder."""

from edgener_edge.cli.main import main

__all__ = ["main"]
