"""Rules by which an operator changes a model's answers without training: words to force or drop, scores, types."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.errors import UsageError

if TYPE_CHECKING:  # numpy, which the client does without, comes with it
    from edgener.word_files import WordFile


@dataclass(frozen=True)
class Rules:
    """Changes to the entities that a model finds; without arguments there are none.

    >>> rules = Rules(dictionary={"鹿鸣山庄": "ORG"}, min_score={"PER": 0.9}, types=["PER", "ORG"])
    """

    dictionary: str | Path | WordFile | Mapping[str, str] | None = None
    """Words that are always entities: a path of a file with a word, a tab and its type per line, or types by word.

    The type ``O`` says that a word is no entity. A third column can hold a priority, from 0 to 9, or a weight, such as
    +6: the word is then a hint, which the model weighs against what it reads."""
    exclude: str | Path | WordFile | Collection[str] | None = None
    """Texts that are no entities: a path of a file with one text per line, or a list or set of texts.

    A second column can hold the only type that is meant."""
    min_score: float | Mapping[str, float] | None = None
    """The lowest score, from 0 to 1, that the model's entities may have, for all types or by type.

    Types without one have that of the bundle, else 0; a number for all types replaces the bundle's. None has none."""
    types: Collection[str] | None = None
    """The types of the entities that are returned; None for those of the bundle, else all."""
    of_bundle: bool = True
    """The rules of the bundle hold, too, but for what these say otherwise; False leaves them out."""

    def __post_init__(self) -> None:
        """Raise UsageError for scores outside of 0 to 1 and for an empty list of types, TypeError for another type.

        An iterator is one, since it would be empty when the rules are used again.
        """
        if isinstance(self.dictionary, Collection) and not isinstance(self.dictionary, (str, Mapping)):
            raise TypeError(f"expected dictionary as a path, or as types by word, got {self.dictionary!r:.60}")
        if isinstance(self.exclude, (bytes, Mapping, Iterator)):
            raise TypeError(
                f"expected exclude as a path, or as a list or set of texts, got {self.exclude!r:.60}; a file can say "
                "the only type that is meant"
            )
        if self.types is not None and (isinstance(self.types, (str, bytes)) or not isinstance(self.types, Collection)):
            raise TypeError(f"expected types as a list or another collection, got {self.types!r:.60}")
        if self.types is not None and not self.types:
            raise UsageError("types is empty, so that nothing would be found; name at least one type, or leave it out")
        if isinstance(self.min_score, Mapping) and "" in self.min_score:
            raise UsageError("min_score has a score for a type without a name; name the type")
        for score in self.scores_over({}).values():
            if not isinstance(score, Real):
                raise TypeError(f"expected min_score as a number, or as numbers by type, got {score!r}")
            if not 0 <= score <= 1:
                raise UsageError(f"min_score is {score}; it must be between 0 and 1")

    def scores_over(self, others: Mapping[str, float]) -> Mapping[str, float]:
        """Return the lowest score of each type where these rules stand over others with the scores ``others``.

        Under the empty string stands the score of the types that are not named.
        """
        if isinstance(self.min_score, Mapping):
            return {**others, **self.min_score}
        return others if self.min_score is None else {"": self.min_score}


def min_score_of(argument: str) -> float | dict[str, float]:
    """Return the value of ``--min-score``: a number for all types, or a number for each of several types.

    Raises UsageError where ``argument`` is neither such as ``0.9`` nor such as ``PER=0.9,LOC=0.6``.
    """
    try:
        if "=" not in argument:
            return float(argument)
        pairs = [item.split("=") for item in argument.split(",")]
        scores = {label.strip(): float(score) for label, score in pairs}
    except ValueError:
        raise UsageError(f"--min-score is {argument!r}; write one number, as 0.9, or PER=0.9,LOC=0.6") from None
    if "" in scores:
        raise UsageError(f"--min-score is {argument!r}; name the type before each =")
    if len(scores) < len(pairs):
        raise UsageError(f"--min-score is {argument!r}; name each type only once")
    return scores


def types_of(argument: str | None) -> tuple[str, ...] | None:
    """Return the value of ``--types``, names with commas between them; None where it was not given."""
    if argument is None:
        return None
    return tuple(name for name in map(str.strip, argument.split(",")) if name)
