"""Training sentences with other names in them, so that a model learns what surrounds a name and not the names alone.

Names come from the training sentences themselves (mention replacement: Dai and Adel, 2020, An analysis of simple data
augmentation for named entity recognition), and from a list where one is given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from edgener.tags import Span
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.text_file import read_lines
from edgener_export.errors import CorpusError, RecipeError

Kind = tuple[str, bool]
"""Entity type, and whether the name is a single character: 中 and 美 stand where 北京 cannot."""


class Name(NamedTuple):
    """A name with its entity type."""

    label: str
    text: str


def read_all_names(paths: Iterable[str], labels: Sequence[str]) -> list[Name]:
    """Return the names of several files, as ``read_names`` reads them."""
    return [name for path in paths for name in read_names(Path(path), labels)]


def read_names(path: Path, labels: Sequence[str]) -> list[Name]:
    """Read the names of a file with a type, a tab and a name a line; types outside ``labels`` are left out.

    Raises CorpusError that names the file and the line.
    """
    names = []
    for number, line in enumerate(read_lines(path), 1):
        if not line:
            continue
        label, tab, text = line.partition("\t")
        if not (label and tab and text):
            raise CorpusError(f"{path}:{number}: expected a type, a tab and a name, found {line!r:.60}")
        if label in labels:
            names.append(Name(label, text))
    return names


class NameSwapper:
    """Replaces names by others of their type, by different ones in each epoch."""

    def __init__(
        self, sentences: Sequence[Sentence], probability: float, seed: int, more_names: Iterable[Name] = ()
    ) -> None:
        """``probability`` is the share of a sentence's distinct names that are replaced.

        Raises RecipeError where it is no probability.
        """
        if not 0 <= probability <= 1:
            raise RecipeError(f"swap_probability is {probability}; it must be between 0 and 1")
        self._sentences, self._probability, self._seed = sentences, probability, seed
        names: defaultdict[Kind, set[str]] = defaultdict(set)
        for sentence in sentences:
            for span in sentence.spans:
                names[_kind(sentence, span)].add(_name(sentence, span))
        for label, name in more_names:
            names[label, len(name) == 1].add(name)
        self._names = {kind: sorted(distinct) for kind, distinct in names.items()}

    def epoch(self, number: int) -> list[Sentence]:
        """Return the sentences, in their order, as epoch ``number`` sees them.

        What becomes of a sentence depends on the seed, the epoch and its place alone: a resumed run sees the same.
        """
        return [self._swap(sentence, number, place) for place, sentence in enumerate(self._sentences)]

    def _swap(self, sentence: Sentence, epoch: int, place: int) -> Sentence:
        if not sentence.spans or not self._probability:
            return sentence
        generator = np.random.default_rng([self._seed, epoch, place])
        others: dict[tuple[str, str], str] = {}
        for span in sentence.spans:
            key = (span.label, _name(sentence, span))
            if key not in others:
                names = self._names[_kind(sentence, span)]
                chance, choice = generator.random(), int(generator.integers(len(names)))
                others[key] = names[choice] if chance < self._probability else key[1]
        return with_names(sentence, [others[span.label, _name(sentence, span)] for span in sentence.spans])


def with_names(sentence: Sentence, names: Sequence[str]) -> Sentence:
    """Return the sentence with the text of each span replaced; what lies between them stays."""
    pieces: list[str] = []
    spans: list[Span] = []
    length = end = 0
    for span, name in zip(sentence.spans, names, strict=True):
        between = sentence.text[end : span.start]
        start = length + len(between)
        length, end = start + len(name), span.end
        pieces += between, name
        spans.append(Span(start, length, span.label))
    ignored = tuple(
        (_moved(start, sentence.spans, spans, "start"), _moved(end, sentence.spans, spans, "end"))
        for start, end in sentence.ignored
    )
    return Sentence("".join([*pieces, sentence.text[end:]]), tuple(spans), ignored, sentence.category)


def _moved(place: int, before: Sequence[Span], after: Sequence[Span], side: Literal["start", "end"]) -> int:
    """Return where a boundary of a range lies once the spans ``before`` have become those ``after``.

    One inside of a span moves to the ``side`` of that span.
    """
    shift = 0
    for old, new in zip(before, after, strict=True):
        if old.start < place < old.end:
            return new.start if side == "start" else new.end
        if old.end <= place:
            shift = new.end - old.end
    return place + shift


def _name(sentence: Sentence, span: Span) -> str:
    return sentence.text[span.start : span.end]


def _kind(sentence: Sentence, span: Span) -> Kind:
    return span.label, len(_name(sentence, span)) == 1
