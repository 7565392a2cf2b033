"""The name and the place of the bundle that edgener brings; nothing here loads numpy, so that options can be read."""

from __future__ import annotations

from pathlib import Path

BUILT_IN = "default"
"""Name of the bundle that edgener brings, also of its directory in the package."""
DEFAULT_BUNDLE = Path(__file__).parent / BUILT_IN


def bundle_directory(name: str | Path) -> Path:
    """The directory of the built-in bundle for the string ``default``; everything else is a directory itself.

    A path is never that string: ``Path("./default")`` equals ``Path("default")``.
    """
    return DEFAULT_BUNDLE if name == BUILT_IN else Path(name)
