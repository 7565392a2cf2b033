"""A list of public repositories whose text is taken: where it is, what it is, and how it is read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from edgener.dataclass_json import RecordError, from_plain
from edgener_export.errors import RecipeError
from edgener_export.labelling.fuse import KINDS
from edgener_export.texts.readers import READERS


@dataclass(frozen=True)
class Source:
    """Files of one repository that are read alike: a ``[[source]]`` table."""

    name: str
    """The name of the texts in the output."""
    repository: str
    """OWNER/NAME on GitHub, or the address of another repository."""
    commit: str
    """40 hexadecimal digits."""
    license: str
    """License of the texts, as the repository states it."""
    kind: str
    """One of ``fuse.KINDS``, which says how far each labeller is believed."""
    reader: str
    """One of ``READERS``."""
    paths: tuple[str, ...]
    """Patterns of the files; ``*`` stands for anything, / too."""
    fields: tuple[str, ...] = ()
    """Keys or elements whose text is taken, for readers that need them."""
    texts: int = 0
    """Most texts, evenly spread over all; 0 takes all."""
    sha256: str = ""
    """Digest of the texts, each with a line end; empty where it is not pinned yet."""

    @property
    def address(self) -> str:
        """Return the address to clone from."""
        return self.repository if ":" in self.repository else f"https://github.com/{self.repository}"


@dataclass(frozen=True)
class Sources:
    """The file: all sources, in the order in which their texts are written."""

    source: tuple[Source, ...]


def read_sources(path: Path) -> tuple[Source, ...]:
    """Read the list. Raises RecipeError, which names the file and the source, for what is not a list of sources."""
    try:
        sources = from_plain(Sources, tomllib.loads(path.read_text(encoding="utf-8"))).source
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecordError) as error:
        raise RecipeError(f"{path}: is no list of sources: {error}") from error
    names: set[str] = set()
    for source in sources:
        for key, value, known in (("kind", source.kind, KINDS), ("reader", source.reader, tuple(READERS))):
            if value not in known:
                raise RecipeError(f"{path}: {source.name}: {key} {value!r} is unknown; known: {', '.join(known)}")
        if len(source.commit) != 40 or source.name in names:
            raise RecipeError(f"{path}: {source.name}: needs a name of its own and a commit of 40 digits")
        names.add(source.name)
    return sources
