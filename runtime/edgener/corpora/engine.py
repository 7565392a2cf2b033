"""The work of an engine's processes: options that can be sent to them, and a recognizer that each loads once."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from edgener.corpora.arrow import annotate_batch, annotate_table
from edgener.rules import Rules

if TYPE_CHECKING:
    import pyarrow as pa

    from edgener.recognizer import Recognizer


class Options(TypedDict, total=False):
    """Keyword arguments that all engines share."""

    text: str
    """Column of the texts; ``text`` if it is left out."""
    model: str | Path
    """Directory of a bundle, at the same place on every computer; the built-in model if it is left out."""
    rules: Rules
    """Changes to the entities that the model finds."""
    join_lines: bool
    """Texts are wrapped: names go on in the next line."""


class Annotator:
    """Annotates tables and record batches with a recognizer that its process loads once, whatever it is sent there for.

    It can be pickled; ``options`` are those of Options. Each call computes on one core, and threads may call at once.
    """

    def __init__(self, **options: Unpack[Options]) -> None:
        self._options = options

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield each batch with its entities; see ``edgener.corpora.arrow.annotate_batch``."""
        recognizer = self.recognizer()
        for batch in batches:
            yield annotate_batch(batch, recognizer, text=self.text, join_lines=self._join_lines)

    def table(self, table: pa.Table) -> pa.Table:
        """Return a table with its entities; see ``edgener.corpora.arrow.annotate_table``."""
        return annotate_table(table, self.recognizer(), text=self.text, join_lines=self._join_lines)

    def recognizer(self) -> Recognizer:
        """Return the recognizer, which is loaded if this process has none with the same model and rules.

        Raises the errors of ``Recognizer.load``.
        """
        from edgener.recognizer import Recognizer

        model, rules = self._options.get("model", "default"), self._options.get("rules")
        key = pickle.dumps((str(model), rules))
        with _TURN:
            if key not in _RECOGNIZERS:
                _RECOGNIZERS[key] = Recognizer.load(model, threads=1, rules=rules)
            return _RECOGNIZERS[key]

    @property
    def text(self) -> str:
        """Name of the column of the texts."""
        return self._options.get("text", "text")

    @property
    def _join_lines(self) -> bool:
        return self._options.get("join_lines", False)


_RECOGNIZERS: dict[bytes, Recognizer] = {}
_TURN = threading.Lock()
