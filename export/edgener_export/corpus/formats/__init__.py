"""The formats of labelled text: one file each, found by what lies in this folder.

A file that is put here is a format at once: it defines ``FORMATS``, a tuple of ``Format`` (most often of one).
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from edgener_export.corpus.labelled_file import Format

AUTO = "auto"
"""The name that stands for the format which the content of a file looks like."""
JSONL = "jsonl"
"""The project's own format, which holds every sentence."""
DEFAULT = "bio"
"""The format that is written if neither the user nor the file's name says one."""


def _formats() -> dict[str, Format]:
    modules = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    return {known.name: known for module in modules for known in module.FORMATS}


FORMATS: dict[str, Format] = _formats()
"""All formats by their names."""
READABLE: tuple[str, ...] = tuple(FORMATS)
"""Names of the formats that can be read: all of them."""
WRITABLE: tuple[str, ...] = tuple(name for name, known in FORMATS.items() if known.write)
"""Names of the formats that can be written."""
