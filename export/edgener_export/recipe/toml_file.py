"""A TOML file becomes tables, or an error that names it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from edgener_export.errors import RecipeError


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a file in UTF-8. Raises RecipeError for one that cannot be read or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RecipeError(f"{path}: is not TOML: {error}") from error
