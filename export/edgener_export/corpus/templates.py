"""Labelled sentences out of a grammar: text of a kind that no labelled corpus has, such as biographies and titles.

A line holds a symbol and, after a tab each, its alternatives; several lines add up, and ``symbol*3`` makes those of a
line three times as likely. In an alternative ``{symbol}`` stands for an alternative of that symbol, ``{PER=symbol}``
labels what comes of it, ``{?=symbol}`` marks that as ignored, and ``{1955..2023}`` is a number, as wide as the first. A
type of entity is a symbol too, which stands for any known name of that type. Sentences begin with ``sentence``. Empty
lines and those that begin with # say nothing.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgener.tags import Span
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.text_file import iterate_lines
from edgener_export.errors import CorpusError

START, IGNORED = "sentence", "?"
HEAD = re.compile(r"([A-Za-z]\w*)(?:\*(\d+(?:\.\d+)?))?", re.ASCII)
SLOT = re.compile(r"\{([^{}]*)\}")
NUMBERS = re.compile(r"(\d{1,18})\.\.(\d{1,18})", re.ASCII)
SYMBOL = re.compile(r"(?:(\?|[^=?]+)=)?([A-Za-z]\w*)", re.ASCII)


class Slot(NamedTuple):
    """A place in an alternative where a symbol is expanded."""

    symbol: str
    label: str
    """Type of entity that the expansion is; ``?`` where it is ignored, empty where it is text."""


class Numbers(NamedTuple):
    """A place in an alternative for a number."""

    first: int
    last: int
    digits: int
    """Least number of digits, which leading zeros fill up."""


class Alternative(NamedTuple):
    """One of the things that a symbol can become."""

    pieces: tuple[str | Slot | Numbers, ...]
    place: str
    """File and line, for messages."""


@dataclass
class Rule:
    """The alternatives of a symbol, and the sum of the weights up to each."""

    alternatives: list[Alternative] = field(default_factory=list)
    sums: list[float] = field(default_factory=list)

    def add(self, alternative: Alternative, weight: float) -> None:
        """Add an alternative with its weight."""
        self.alternatives.append(alternative)
        self.sums.append(weight + (self.sums[-1] if self.sums else 0))

    def choose(self, generator: np.random.Generator) -> Alternative:
        """Return one of the alternatives; the likelier, the greater its weight."""
        return self.alternatives[bisect(self.sums[:-1], generator.random() * self.sums[-1])]


class Grammar:
    """Rules in which every symbol is known, none leads back to itself, and no label stands within another."""

    def __init__(self, path: Path, names: Mapping[str, Sequence[str]]) -> None:
        """Read the rules of a file; ``names`` holds the known names of each type that a slot may have.

        Raises CorpusError, which names the file and the line of what is wrong.
        """
        self._rules = {label: Rule() for label, known in names.items() if known}
        for label, rule in self._rules.items():
            for name in names[label]:
                rule.add(Alternative((name,), label), 1)
        for number, line in enumerate(iterate_lines(path), 1):
            if line and not line.startswith("#"):
                self._read(f"{path}:{number}", line, names)
        if START not in self._rules:
            raise CorpusError(f"{path}: has no rule for {START!r}, with which every sentence begins")
        has_labels: dict[str, bool] = {}
        for symbol in self._rules:
            self._verify(symbol, [], has_labels)

    def sentence(self, generator: np.random.Generator) -> Sentence:
        """Return a sentence; all choices are drawn from ``generator``."""
        text, spans = "", []
        for piece, label in self._pieces_of(START, "", generator):
            if label and piece:
                spans.append(Span(len(text), len(text) + len(piece), label))
            text += piece
        ignored = tuple((start, end) for start, end, label in spans if label == IGNORED)
        return Sentence(text, tuple(span for span in spans if span.label != IGNORED), ignored)

    def _pieces_of(self, symbol: str, label: str, generator: np.random.Generator) -> Iterator[tuple[str, str]]:
        """Yield the pieces of an expansion with their labels; it is one piece if ``label`` is given."""
        pieces = list(self._expansion(symbol, generator))
        yield from [("".join(piece for piece, _ in pieces), label)] if label else pieces

    def _expansion(self, symbol: str, generator: np.random.Generator) -> Iterator[tuple[str, str]]:
        for piece in self._rules[symbol].choose(generator).pieces:
            match piece:
                case str():
                    yield piece, ""
                case Numbers():
                    yield f"{generator.integers(piece.first, piece.last + 1):0{piece.digits}d}", ""
                case Slot():
                    yield from self._pieces_of(piece.symbol, piece.label, generator)

    def _read(self, place: str, line: str, types: Mapping[str, object]) -> None:
        head, *texts = line.split("\t")
        found = HEAD.fullmatch(head)
        if not found or not texts or (found[2] and not float(found[2])):
            raise CorpusError(
                f"{place}: expected a symbol, with a weight above 0 such as {START}*2 or without one, "
                f"a tab and an alternative, found {line!r:.60}"
            )
        if found[1] in types:
            raise CorpusError(f"{place}: {found[1]} is a type, which stands for its known names; rename the symbol")
        rule = self._rules.setdefault(found[1], Rule())
        for text in texts:
            rule.add(Alternative(tuple(_pieces(place, text, types)), place), float(found[2] or 1))

    def _verify(self, symbol: str, way: list[str], has_labels: dict[str, bool]) -> bool:
        """Tell whether labels come of a symbol, to which the symbols of ``way`` lead; ``has_labels`` is what is known.

        Raises CorpusError for what would never end, would have no meaning, or would have two.
        """
        if symbol in has_labels:
            return has_labels[symbol]
        labels = False
        for alternative in self._rules[symbol].alternatives:
            for slot in (piece for piece in alternative.pieces if isinstance(piece, Slot)):
                if slot.symbol not in self._rules:
                    raise CorpusError(f"{alternative.place}: {slot.symbol} is unknown; give it a rule")
                if slot.symbol in (*way, symbol):
                    circle = " → ".join([*way, symbol][[*way, symbol].index(slot.symbol) :])
                    raise CorpusError(f"{alternative.place}: {circle} → {slot.symbol} never ends; break the circle")
                within = self._verify(slot.symbol, [*way, symbol], has_labels)
                if within and slot.label:
                    raise CorpusError(
                        f"{alternative.place}: {slot.symbol} has labels in it; it cannot be {slot.label} as a whole"
                    )
                labels |= within or slot.label != ""
        has_labels[symbol] = labels
        return labels


def _pieces(place: str, text: str, types: Mapping[str, object]) -> Iterator[str | Slot | Numbers]:
    """Yield the texts and the slots of an alternative."""
    for number, part in enumerate(SLOT.split(text)):
        if number % 2:
            yield _slot(place, part, types)
        elif "{" in part or "}" in part:
            raise CorpusError(f"{place}: has a brace without its partner in {text!r:.60}")
        elif part:
            yield part


def _slot(place: str, content: str, types: Mapping[str, object]) -> Slot | Numbers:
    numbers, symbol = NUMBERS.fullmatch(content), SYMBOL.fullmatch(content)
    if numbers and int(numbers[1]) <= int(numbers[2]):
        return Numbers(int(numbers[1]), int(numbers[2]), len(numbers[1]))
    if not symbol:
        raise CorpusError(
            f"{place}: {{{content:.60}}} is no slot; expected {{symbol}}, {{TYPE=symbol}}, {{?=symbol}}, or {{1..9}}"
        )
    label = symbol[1] or ""
    if label and label != IGNORED and label not in types:
        raise CorpusError(f"{place}: {label} is no type of the training sentences, which have {', '.join(types)}")
    return Slot(symbol[2], label)
