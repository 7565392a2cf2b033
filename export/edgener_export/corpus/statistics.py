"""Counts and places of a labelled file, to be read before anything is trained on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from edgener.lone_surrogates import STAND_INS
from edgener_export.corpus.labelled_file import Kind, Trouble
from edgener_export.corpus.reading import Reading

SHOWN = 10
"""Most lines of a kind that the table lists; the record holds all."""


@dataclass(frozen=True)
class Repeat:
    """A sentence whose text came before, in the same data or in other data such as the training set of a test set."""

    line: int
    """The line of the sentence."""
    first_line: int
    """The line where the text stands for the first time."""
    same_entities: bool
    """True if both have the same entities; if not, one of the two is labelled wrongly."""
    file: str
    """The file inside a directory that ``line`` is in; empty if the data is one file."""
    first_file: str
    """The file inside a directory that ``first_line`` is in; empty if the data is one file."""


@dataclass(frozen=True)
class DataReport:
    """Counts and places; every list is in the order of the file."""

    file: str
    format: str
    sentences: int
    characters: int
    longest: int
    """Characters of the longest sentence."""
    without_entity: int
    """Sentences in which there is no entity."""
    entities: dict[str, int]
    """Entities by type, in alphabetical order."""
    single_character: int
    """Entities that are one character long."""
    names: dict[str, int]
    """Distinct entity texts by type."""
    duplicates: tuple[Repeat, ...]
    troubles: tuple[Trouble, ...]
    against: str | None = None
    """The file that this one was compared with."""
    against_sentences: int = 0
    overlap: tuple[Repeat, ...] = ()
    unseen_names: dict[str, int] | None = None
    """Entities of the other file, by type, whose text is an entity of that type nowhere in this one."""

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield name and value of each line of the table for people."""
        yield "file", self.file
        yield "format", self.format
        yield "sentences", f"{self.sentences}, {self.without_entity} of them without an entity"
        yield "characters", f"{self.characters}, at most {self.longest} in a sentence"
        for label, count in self.entities.items():
            yield label.translate(STAND_INS), f"{count} entities, {self.names[label]} different"
        yield "single characters", f"{self.single_character} entities"
        different = sum(not duplicate.same_entities for duplicate in self.duplicates)
        yield "duplicates", f"{len(self.duplicates)} sentences, {different} of them with other entities"
        for duplicate in self.duplicates[:SHOWN]:
            first = _place(duplicate.first_line, duplicate.first_file)
            yield f"  {_place(duplicate.line, duplicate.file)}", f"as {first}{_unlike(duplicate.same_entities)}"
        yield from _more(len(self.duplicates))
        for kind in get_args(Kind):
            troubles = [trouble for trouble in self.troubles if trouble.kind == kind]
            yield kind, str(len(troubles))
            for trouble in troubles[:SHOWN]:
                yield f"  {_place(trouble.line, trouble.file)}", trouble.reason
            yield from _more(len(troubles))
        if self.against is not None:
            yield "against", f"{self.against}, {self.against_sentences} sentences"
            yield "overlap", f"{len(self.overlap)} sentences of it are here too"
            for shared in self.overlap[:SHOWN]:
                first = _place(shared.first_line, shared.first_file)
                yield f"  its {_place(shared.line, shared.file)}", f"as {first}{_unlike(shared.same_entities)}"
            yield from _more(len(self.overlap))
            for label, count in (self.unseen_names or {}).items():
                shown = label.translate(STAND_INS)
                yield f"unseen {shown}", f"{count} of its entities are no {shown} here"


def report_data(reading: Reading, against: Reading | None = None) -> DataReport:
    """Return the counts of ``reading``, and what of ``against`` it holds."""
    seen: dict[str, int] = {}
    duplicates: list[Repeat] = []
    entities: Counter[str] = Counter()
    names: defaultdict[str, set[str]] = defaultdict(set)
    single = 0
    for index, sentence in enumerate(reading.sentences):
        first = seen.setdefault(sentence.text, index)
        if first != index:
            duplicates.append(_repeat(reading, index, reading, first))
        for start, end, label in sentence.spans:
            entities[label] += 1
            names[label].add(sentence.text[start:end])
            single += end - start == 1
    lengths = [len(sentence.text) for sentence in reading.sentences]
    return DataReport(
        file=str(reading.path),
        format=reading.format,
        sentences=len(reading.sentences),
        characters=sum(lengths),
        longest=max(lengths, default=0),
        without_entity=sum(not sentence.spans for sentence in reading.sentences),
        entities=dict(sorted(entities.items())),
        single_character=single,
        names={label: len(names[label]) for label in sorted(names)},
        duplicates=tuple(duplicates),
        troubles=tuple(reading.troubles),
        against=None if against is None else str(against.path),
        against_sentences=0 if against is None else len(against.sentences),
        overlap=() if against is None else tuple(_overlap(reading, seen, against)),
        unseen_names=None if against is None else _unseen(names, against),
    )


def _overlap(reading: Reading, seen: Mapping[str, int], against: Reading) -> Iterator[Repeat]:
    for index, sentence in enumerate(against.sentences):
        if sentence.text in seen:
            yield _repeat(against, index, reading, seen[sentence.text])


def _repeat(repeating: Reading, index: int, first: Reading, first_index: int) -> Repeat:
    return Repeat(
        line=repeating.lines[index],
        first_line=first.lines[first_index],
        same_entities=repeating.sentences[index].spans == first.sentences[first_index].spans,
        file=repeating.files[index],
        first_file=first.files[first_index],
    )


def _unseen(names: Mapping[str, set[str]], against: Reading) -> dict[str, int]:
    unseen: Counter[str] = Counter()
    for sentence in against.sentences:
        for start, end, label in sentence.spans:
            unseen[label] += sentence.text[start:end] not in names.get(label, set())
    return dict(sorted(unseen.items()))


def _place(line: int, file: str) -> str:
    return f"{file} line {line}" if file else f"line {line}"


def _unlike(same_entities: bool) -> str:
    return "" if same_entities else ", with other entities"


def _more(count: int) -> Iterator[tuple[str, str]]:
    if count > SHOWN:
        yield "  …", f"{count - SHOWN} more; --json lists them all"
