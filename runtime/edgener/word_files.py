"""Files of words that operators write: one entry per line in UTF-8, columns separated by a tab, empty lines ignored."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple
from unicodedata import category

from edgener.errors import EdgenerError, InputError, UsageError
from edgener.tags import OUTSIDE

LONGEST_WORD = 256
"""Most code points of a word."""
MOST_DIGITS = 100
PRIORITIES = range(10)
"""Priorities that a word can have; words of a higher one are matched first."""
WEIGHT = re.compile(r"\+(\d{1,2}(?:\.\d)?)", re.ASCII)
"""The weight of a word that is a hint, in the place of a priority."""
CONTROL_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class WordFile:
    """A file of words that was read already, so that all processes of a job have the same words."""

    path: Path
    """Path of the file, which messages name."""
    content: bytes
    """The bytes of the file."""

    def __str__(self) -> str:
        """Return the path."""
        return str(self.path)


class Word(NamedTuple):
    """An entry of a dictionary."""

    line: int
    """The line of the file, from 1; 0 for a word that does not come from a file."""
    text: str
    label: str
    """The entity type, or ``O`` for a word that is no entity."""
    priority: int
    """One of PRIORITIES."""
    weight: float = 0.0
    """The number that a hint adds to the logits of its tags; 0 for a word that is forced."""


class Exclusion(NamedTuple):
    """An entry of a list of excluded texts."""

    line: int
    """The line of the file, from 1; 0 for a text that does not come from a file."""
    text: str
    label: str
    """The entity type that is excluded; empty for all types."""


def fault(name: str, line: int, message: str) -> EdgenerError:
    """Return an InputError about a line of the file ``name``, or a UsageError where ``line`` is 0."""
    return InputError(f"{name}: line {line}: {message}") if line else UsageError(f"{name}: {message}")


def dictionary_words(source: str | Path | WordFile | Mapping[str, str], labels: Collection[str]) -> Iterator[Word]:
    """Yield the words of a file or of a mapping from words to types.

    ``labels`` are the types that the model has. Raises InputError for a fault of the file, UsageError for one of the
    mapping.
    """
    if isinstance(source, Mapping):
        name = "dictionary"
        rows: Iterable[tuple[int, list[str]]] = ((0, [text, label]) for text, label in source.items())
    else:
        name, rows = str(source), _rows(source)
    types = (*labels, OUTSIDE)
    for line, columns in rows:
        if not 2 <= len(columns) <= 3:
            raise fault(name, line, f"has {_columns(columns)}; write word, tab, type, and if need be tab, priority")
        text, label, priority = (*columns, "0")[:3]
        _check_text(name, line, text)
        _check_label(name, line, label, types)
        weight = WEIGHT.fullmatch(priority)
        if weight and float(weight[1]) > 0:
            yield Word(line, text, label, 0, float(weight[1]))
        elif _is_whole_number(priority) and int(priority) in PRIORITIES:
            yield Word(line, text, label, int(priority))
        else:
            numbers = f"a whole number from 0 to {PRIORITIES[-1]}, or a weight from +0.1 to +99.9"
            raise fault(name, line, f"the priority is {priority!r}; write {numbers}")


def _is_whole_number(text: str) -> bool:
    """Return True for digits, unless they are so many that no number of interest has them and ``int`` refuses them."""
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS


def excluded_texts(source: str | Path | WordFile | Collection[str], labels: Collection[str]) -> Iterator[Exclusion]:
    """Yield the excluded texts of a file or of a collection; the errors are those of ``dictionary_words``."""
    if isinstance(source, (str, Path, WordFile)):
        name, rows = str(source), _rows(source)
    else:
        name, rows = "exclude", ((0, [text]) for text in source)
    for line, columns in rows:
        if len(columns) > 2:
            raise fault(name, line, f"has {_columns(columns)}; write a text, and if need be a tab and a type")
        text, label = (*columns, "")[:2]
        _check_text(name, line, text)
        if len(columns) == 2:
            _check_label(name, line, label, labels)
        yield Exclusion(line, text, label)


def _rows(path: str | Path | WordFile) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the columns of each line of a file that is not empty."""
    try:
        with _opened(path) as file:
            for number, line in enumerate(file, 1):
                try:
                    text = line.decode().removesuffix("\n").removesuffix("\r")
                except UnicodeDecodeError:
                    remedy = f"convert it, as: iconv -f gb18030 -t utf-8 {path} > utf-8.txt"
                    raise fault(str(path), number, f"is not UTF-8; {remedy}") from None
                if number == 1:
                    text = text.removeprefix(BYTE_ORDER_MARK)
                if text:
                    yield number, text.split("\t")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", error)
        raise InputError(f"{path}: cannot be read: {reason}; check the path and the permissions") from error


def _opened(path: str | Path | WordFile) -> IO[bytes]:
    return io.BytesIO(path.content) if isinstance(path, WordFile) else Path(path).open("rb")


def _check_text(name: str, line: int, text: str) -> None:
    if not isinstance(text, str):
        raise TypeError(f"{name}: expected words as str, got {type(text).__name__}")
    if not text.strip():
        raise fault(name, line, "the word is empty; write a word before the tab, or delete the line")
    if text != text.strip():
        raise fault(name, line, f"{text!r} begins or ends with white space; delete it")
    if CONTROL_CHARACTER.search(text):
        raise fault(name, line, f"{text[:40]!r} holds a control character or a line break; delete it")
    if category(text[0]).startswith("M"):
        raise fault(name, line, f"{text!r} begins with a mark that belongs to a character before it; write both")
    if len(text) > LONGEST_WORD:
        raise fault(name, line, f"the word has {len(text)} characters; write at most {LONGEST_WORD}")


def _check_label(name: str, line: int, label: str, labels: Collection[str]) -> None:
    if label not in labels:
        raise fault(name, line, f"the type is {label!r}, which the model does not have; write {' or '.join(labels)}")


def _columns(columns: Collection[str]) -> str:
    return "1 column" if len(columns) == 1 else f"{len(columns)} columns"
