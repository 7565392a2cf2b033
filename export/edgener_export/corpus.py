"""Labelled sentences in the field's plain formats: one character and tag a line (BIO, BMES, BIOES), or JSON lines."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgener.tags import Span
from edgener_export.errors import CorpusError

BEGINS = frozenset("BSU")
CONTINUES = frozenset("IMEL")
ENDS = frozenset("ESLU")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text and its entities, as code-point spans that are sorted and never overlap."""

    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Sentences for each purpose; the test rows are never looked at while training."""

    train: Sequence[Sentence]
    dev: Sequence[Sentence]
    test: Sequence[Sentence]

    def labels(self) -> tuple[str, ...]:
        """Entity types of the training sentences, in alphabetical order."""
        return tuple(sorted({span.label for sentence in self.train for span in sentence.spans}))


def read_corpus_file(path: Path) -> list[Sentence]:
    """Sentences of a ``.jsonl`` file or of a file with one character and tag a line.

    Raises CorpusError, naming file and line, for a row that does not fit the format, and for an empty file.
    """
    lines = read_lines(path)
    read = _read_json_lines if path.suffix == ".jsonl" else _read_tagged_characters
    sentences = list(read(lines, path))
    if not sentences:
        raise CorpusError(f"{path}: holds no sentence")
    return sentences


def read_lines(path: Path) -> list[str]:
    """Lines of a UTF-8 text file, which may be packed as .xz; raises CorpusError where there is none."""
    open_file = lzma.open if path.suffix == ".xz" else open
    try:
        with open_file(path, "rb") as file:
            text = file.read().decode("utf-8")
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise CorpusError(f"{path}: cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: is not UTF-8 at byte {error.start}; convert it first") from error
    return text.replace("\r\n", "\n").split("\n")


def _read_json_lines(lines: Iterable[str], path: Path) -> Iterator[Sentence]:
    """Rows like ``{"text": "...", "entities": [{"start": 0, "end": 2, "label": "PER"}]}``."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text = row["text"]
            spans = tuple(sorted(Span(int(e["start"]), int(e["end"]), str(e["label"])) for e in row["entities"]))
        except (ValueError, KeyError, TypeError) as error:
            raise CorpusError(f'{path}:{number}: expected {{"text": ..., "entities": [...]}}: {error!r}') from error
        if not isinstance(text, str):
            raise CorpusError(f"{path}:{number}: text is {text!r:.80}, expected a string")
        previous_end = 0
        for span in spans:
            if not previous_end <= span.start < span.end <= len(text):
                raise CorpusError(f"{path}:{number}: span {list(span)} overlaps another one or leaves the text")
            previous_end = span.end
        yield Sentence(text, spans)


def _read_tagged_characters(lines: Iterable[str], path: Path) -> Iterator[Sentence]:
    """Rows like ``北 B-LOC``, separated by a space or a tab, with an empty line between sentences."""
    characters: list[str] = []
    tags: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            if characters:
                yield _sentence(characters, tags)
                characters, tags = [], []
            continue
        character, separator, tag = line.replace("\t", " ").rpartition(" ")
        prefix, dash, label = tag.partition("-")
        is_tag = tag == "O" or (dash and label and prefix in BEGINS | CONTINUES)
        if not separator or not character or not is_tag:
            raise CorpusError(f"{path}:{number}: expected a character, a space and a tag like B-PER, not {line!r}")
        characters.append(character.strip() or " ")
        tags.append(tag)
    if characters:
        yield _sentence(characters, tags)


def _sentence(characters: list[str], tags: list[str]) -> Sentence:
    """Spans of a row; a name that was cut at the row's start begins there."""
    spans: list[Span] = []
    position = start = 0
    label = ""
    for character, tag in zip(characters, tags, strict=True):
        prefix, _, tag_label = tag.partition("-")
        if label and (tag_label != label or prefix in BEGINS):
            spans.append(Span(start, position, label))
            label = ""
        if tag_label and not label:
            start, label = position, tag_label
        position += len(character)
        if prefix in ENDS:
            spans.append(Span(start, position, label))
            label = ""
    if label:
        spans.append(Span(start, position, label))
    return Sentence("".join(characters), tuple(spans))
