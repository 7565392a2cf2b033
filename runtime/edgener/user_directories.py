"""Directories of this user by the XDG base directory specification, which has programs ignore relative ones."""

from __future__ import annotations

import os
from pathlib import Path

from edgener.errors import UsageError


def data_home() -> Path:
    """Return the directory of this user's data; one without a home is taken for root."""
    return _named("XDG_DATA_HOME") or Path(os.environ.get("HOME") or "/root") / ".local/share"


def cache_home() -> Path:
    """Return the directory of this user's downloads; raise UsageError for one without a home."""
    try:
        return _named("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError as error:
        raise UsageError("this user has no home directory to keep downloads in; give --cache") from error


def _named(variable: str) -> Path | None:
    directory = Path(os.environ.get(variable, ""))
    return directory if directory.is_absolute() else None
