"""A file of labelled text as its readers see it, and the sentences that they find in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

from edgener_export.corpus.offsets import AUTO_UNIT
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.text_file import (
    HEAD,
    NAME_ENCODING,
    UNREADABLE,
    UTF_8,
    iterate_lines,
    open_packed,
    suffix_inside,
)
from edgener_export.errors import CorpusError

Kind = Literal["broken tags", "left out", "note"]
BROKEN: Kind = "broken tags"
LEFT_OUT: Kind = "left out"
NOTE: Kind = "note"
Measure = TypeVar("Measure")
REMEDY = f"{NAME_ENCODING} (in a recipe: encoding, under [data])"
OF_WEIBO = ", or name the format weibo if it is Weibo NER with its torn emoji"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something in a file that was read in spite of what is wrong with it."""

    line: int
    """The first line of a file is 1; in Parquet and .spacy files, which have no lines, the first row is."""
    reason: str
    kind: Kind = BROKEN
    """A tag sequence that its scheme forbids, something that was left out, or a remark on how the file was read."""
    file: str = ""
    """The name of the file inside a directory; empty if the data is one file."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One sentence of a file with the place where it starts."""

    line: int
    sentence: Sentence | None
    """None if nothing but troubles is to be told here: an example that was left out."""
    troubles: tuple[Trouble, ...] = ()
    file: str = ""
    """The name of the file inside a directory; empty if the data is one file."""


@dataclass(frozen=True)
class LabelledFile:
    """A path with what the user says of its content."""

    path: Path
    encoding: str = UTF_8
    offsets: str = AUTO_UNIT
    """The unit that offsets count: one of ``offsets.UNITS``, or ``auto`` for the one that the format is known for."""
    errors: str = "strict"
    """The treatment of bytes that are not in the encoding, as ``bytes.decode`` names it."""
    _measures: dict[Callable[[LabelledFile], Any], Any] = field(default_factory=dict, compare=False, repr=False)

    def lines(self) -> Iterator[str]:
        """Yield the lines without their ends. Raises CorpusError where they cannot be read or decoded."""
        remedy = REMEDY + (OF_WEIBO if self.encoding == UTF_8 else "")
        return iterate_lines(self.path, self.errors, self.encoding, remedy)

    def numbered_lines(self) -> Iterator[tuple[int, str]]:
        """Yield the lines with their numbers, from 1, but for those that are blank."""
        return ((number, line) for number, line in enumerate(self.lines(), start=1) if line.strip())

    def text(self) -> str:
        """Return the whole text as it is, line ends and byte order mark included."""
        for _ in self.lines():  # which says where the text cannot be decoded
            pass
        return self.content().decode(self.encoding, self.errors)

    def content(self) -> bytes:
        """Return the bytes of the file, unpacked. Raises CorpusError where they cannot be read."""
        return self._read(-1)

    @cached_property
    def head(self) -> bytes:
        """The first bytes of the file, unpacked; none of a directory."""
        return b"" if self.path.is_dir() else self._read(HEAD)

    @property
    def suffix(self) -> str:
        """The suffix of the name in lower case, without that of a packed file."""
        return suffix_inside(self.path).lower()

    def once(self, measure: Callable[[LabelledFile], Measure]) -> Measure:
        """Return ``measure(self)``, computed at the first call alone."""
        if measure not in self._measures:
            self._measures[measure] = measure(self)
        result: Measure = self._measures[measure]
        return result

    def error(self, line: int, what: object) -> CorpusError:
        """Return the error that names this file and a line of it."""
        return CorpusError(f"{self.path}:{line}: {what}")

    def _read(self, size: int) -> bytes:
        try:
            with open_packed(self.path, "rb") as file:
                return file.read(size)
        except UNREADABLE as error:
            raise CorpusError(f"{self.path}: cannot be read: {error}") from error


@dataclass(frozen=True)
class Format:
    """One format of labelled text."""

    name: str
    """Name on the command line and in recipes."""
    summary: str
    """One sentence for people who look for their format."""
    recognizes: Callable[[LabelledFile], bool]
    """Tells from name and content whether a file may be of this format; no file is read to its end for it but tagged
    text, whose scheme shows only there."""
    read: Callable[[LabelledFile], Iterator[Labelled]]
    """Yields the sentences in the order of the file. Raises CorpusError that names file and line."""
    write: Callable[[Iterable[Sentence], Path], None] | None = None
    """Writes sentences to a path that does not exist yet, or is empty; None if the format can only be read. Raises
    CorpusError for a sentence that the format cannot hold; the message counts sentences from 1."""
    suffixes: tuple[str, ...] = ()
    """Names of files that are written in this format if no other is named."""
    holds_empty_texts: bool = False
    """Sentences without text can be written."""
    is_directory: bool = False
    """Sentences are written as a directory, and read from one."""
    is_binary: bool = False
    """The file is no text, so that encodings and lines mean nothing to it."""
