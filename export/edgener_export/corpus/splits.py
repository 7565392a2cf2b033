"""Sets of labelled sentences: one for training, one for development and one for the test."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgener.tags import OUTSIDE
from edgener_export.corpus.formats import AUTO
from edgener_export.corpus.offsets import AUTO_UNIT
from edgener_export.corpus.reading import read_labelled
from edgener_export.corpus.sentence import Sentence, labels_of
from edgener_export.corpus.text_file import UTF_8, read_lines
from edgener_export.errors import CorpusError

__all__ = ["Corpus", "Sentence", "read_corpus_file", "read_lines"]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Sentences for each purpose; the test rows are never looked at while training."""

    train: Sequence[Sentence]
    dev: Sequence[Sentence]
    test: Sequence[Sentence]
    more: Sequence[Sentence] = ()
    """Sentences to train on whose labels are not the corpus's own, and who have teachers of their own, or none."""
    unlabelled_types: tuple[str, ...] = ()
    """Entity types of the model that nobody labelled in these sentences, where they may occur nevertheless."""

    @property
    def learned(self) -> Sequence[Sentence]:
        """Return all sentences to train on; calibration takes some of them too."""
        return [*self.train, *self.more] if self.more else self.train

    def labels(self) -> tuple[str, ...]:
        """Return the entity types of the training sentences, in alphabetical order."""
        return labels_of(self.train)

    def types(self) -> tuple[str, ...]:
        """Return the entity types of a model of these sentences, in alphabetical order."""
        return tuple(sorted({*self.labels(), *self.unlabelled_types}))

    def verify_labels(self, train: str, dev: str, test: str, more: str = "") -> None:
        """Raise CorpusError, which names the part, where a model of these sentences could not be trained or scored."""
        known = self.labels()
        if not known:
            raise CorpusError(f"{train}: no training sentence has an entity; there is nothing to learn")
        if OUTSIDE in known:
            raise CorpusError(
                f"{train}: has entities of the type {OUTSIDE}, which is the name of text outside of entities; rename "
                "or drop the type under data.types"
            )
        both = [label for label in self.unlabelled_types if label in known]
        if both:
            raise CorpusError(
                f"{train}: has entities of {', '.join(both)}, which data.unlabelled_types says that nobody labelled; "
                "leave these out of one of them: data.types drops types of the data"
            )
        for name, sentences in ((dev, self.dev), (test, self.test), (more, self.more)):
            for where, _ in unknown_entities(sentences, known):
                raise CorpusError(
                    f"{name}: {where}, but the training sentences ({train}) have only {', '.join(known)}; rename it, "
                    "or leave it out"
                )


def unknown_entities(sentences: Iterable[Sentence], known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each entity of a type that is not ``known``, in the words of a message, and its type."""
    for sentence in sentences:
        for start, end, label in sentence.spans:
            if label not in known:
                yield f"{sentence.text[start:end]!r:.40} in {sentence.text!r:.60} is a {label}", label


def read_corpus_file(
    path: Path,
    format_name: str = AUTO,
    encoding: str = UTF_8,
    offsets: str = AUTO_UNIT,
    tell: Callable[[str], None] | None = None,
) -> list[Sentence]:
    """Return the sentences of a labelled file; ``formats.READABLE`` are the formats, and ``offsets.UNITS`` the units.

    ``tell`` is given a line for each kind of thing that was left out or mended, and for the first places of each.
    Raises CorpusError, naming file and line, for a row that does not fit the format, and for an empty file.
    """
    reading = read_labelled(path, format_name, encoding, offsets)
    if tell:
        for remark in reading.remarks():
            tell(remark)
    return reading.sentences
