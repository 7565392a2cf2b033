"""What there is to know about a labelled file before training on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edgener_export.corpus.formats import Reading, Trouble

SHOWN = 10
"""Most lines of a kind that the table lists; the record holds all."""


@dataclass(frozen=True)
class Duplicate:
    """A text that came before."""

    line: int
    first_line: int
    """Where the text stands for the first time."""
    same_entities: bool
    """Its entities are those of that first time; if not, one of the two is labelled wrongly."""


@dataclass(frozen=True)
class Overlap:
    """A sentence of another file, the test set say, that this file holds too."""

    line: int
    """In the other file."""
    first_line: int
    """In this file."""
    same_entities: bool


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
    """Sentences in which there is none."""
    entities: dict[str, int]
    """By type, in alphabetical order."""
    single_character: int
    """Entities that are one character long."""
    names: dict[str, int]
    """Distinct entity texts by type."""
    duplicates: tuple[Duplicate, ...]
    troubles: tuple[Trouble, ...]
    against: str | None = None
    """The file that it was compared with."""
    against_sentences: int = 0
    overlap: tuple[Overlap, ...] = ()
    unseen_names: dict[str, int] | None = None
    """Entities of the other file, by type, whose text is an entity of that type nowhere in this one."""

    def rows(self) -> Iterator[tuple[str, str]]:
        """Name and value of each line of the table for people."""
        yield "file", self.file
        yield "format", self.format
        yield "sentences", f"{self.sentences}, {self.without_entity} of them without an entity"
        yield "characters", f"{self.characters}, at most {self.longest} in a sentence"
        for label, count in self.entities.items():
            yield label, f"{count} entities, {self.names[label]} different"
        yield "single characters", f"{self.single_character} entities"
        different = sum(not duplicate.same_entities for duplicate in self.duplicates)
        yield "duplicates", f"{len(self.duplicates)} sentences, {different} of them with other entities"
        for duplicate in self.duplicates[:SHOWN]:
            yield f"  line {duplicate.line}", f"as line {duplicate.first_line}{_unlike(duplicate.same_entities)}"
        yield from _more(len(self.duplicates))
        yield "broken tags", str(len(self.troubles))
        for trouble in self.troubles[:SHOWN]:
            yield f"  line {trouble.line}", trouble.reason
        yield from _more(len(self.troubles))
        if self.against is not None:
            yield "against", f"{self.against}, {self.against_sentences} sentences"
            yield "overlap", f"{len(self.overlap)} sentences of it are here too"
            for shared in self.overlap[:SHOWN]:
                yield f"  its line {shared.line}", f"as line {shared.first_line}{_unlike(shared.same_entities)}"
            yield from _more(len(self.overlap))
            for label, count in (self.unseen_names or {}).items():
                yield f"unseen {label}", f"{count} of its entities are no {label} here"


def report_data(reading: Reading, against: Reading | None = None) -> DataReport:
    """Count ``reading``, and what of ``against`` it holds."""
    seen: dict[str, int] = {}
    duplicates: list[Duplicate] = []
    entities: Counter[str] = Counter()
    names: defaultdict[str, set[str]] = defaultdict(set)
    single = 0
    for index, sentence in enumerate(reading.sentences):
        first = seen.setdefault(sentence.text, index)
        if first != index:
            same = reading.sentences[first].spans == sentence.spans
            duplicates.append(Duplicate(reading.lines[index], reading.lines[first], same))
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


def _overlap(reading: Reading, seen: dict[str, int], against: Reading) -> Iterator[Overlap]:
    for line, sentence in zip(against.lines, against.sentences, strict=True):
        if sentence.text in seen:
            index = seen[sentence.text]
            yield Overlap(line, reading.lines[index], reading.sentences[index].spans == sentence.spans)


def _unseen(names: Mapping[str, set[str]], against: Reading) -> dict[str, int]:
    unseen: Counter[str] = Counter()
    for sentence in against.sentences:
        for start, end, label in sentence.spans:
            unseen[label] += sentence.text[start:end] not in names.get(label, set())
    return dict(sorted(unseen.items()))


def _unlike(same_entities: bool) -> str:
    return "" if same_entities else ", with other entities"


def _more(count: int) -> Iterator[tuple[str, str]]:
    if count > SHOWN:
        yield "  …", f"{count - SHOWN} more; --json lists them all"
