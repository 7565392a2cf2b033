"""The name and the place of the bundle that edgener brings; nothing here loads numpy, so that options can be read."""

from __future__ import annotations

from pathlib import Path

from edgener.errors import UsageError

BUILT_IN = "default"
"""Name of the bundle that edgener brings, also of its directory in the package."""
DEFAULT_BUNDLE = Path(__file__).parent / BUILT_IN


def bundle_directory(name: str | Path) -> Path:
    """Return the directory of the built-in bundle for the string ``default``; everything else is a directory itself.

    A path is never that string: ``Path("./default")`` equals ``Path("default")``. Raises UsageError for an empty
    string, which would be this directory.
    """
    if not name:
        raise UsageError("the name of the model's directory is empty; name one, or . for this directory")
    return DEFAULT_BUNDLE if name == BUILT_IN else Path(name)
