"""A request on its way through the engine: its texts become rows, one after the other, and the rows entities."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING

from edgener.entity import Entity
from edgener.parts import FoundPart, Part, Row
from edgener.recognizer import Recognizer
from edgener.serve.errors import RequestError
from edgener.serve.pool import Pool
from edgener.serve.run_cost import RunCost
from edgener.tags import ScoredSpan

if TYPE_CHECKING:
    from edgener.serve.turns import Client


@dataclass(frozen=True)
class Answered:
    """The answer to a request."""

    entities: list[list[Entity]]
    """The entities of each text, in the order of the texts."""
    queue_seconds: float
    """Time from the arrival of the request until its first row was computed."""
    compute_seconds: float
    """Time from then on until it was answered."""
    model: str
    """Name of the model that answered."""


@dataclass(frozen=True)
class Failed:
    """The end of a request that has no answer."""

    error: RequestError
    """The reason."""


class Model:
    """A recognizer with the rows that wait for it."""

    def __init__(self, recognizer: Recognizer, cost: RunCost) -> None:
        self.recognizer, self.cost = recognizer, cost
        self.name = recognizer.manifest.name
        self.pool = Pool()
        self.requests = 0
        """Requests and streams of them that need it."""


class QueuedRow:
    """A row of a request's tokens."""

    __slots__ = ("length", "number", "place", "request", "row", "spans", "tokens")
    _numbers = count()

    def __init__(self, request: Request, row: Row, tokens: int, spans: list[list[ScoredSpan]], place: int) -> None:
        """Take a row that stands for so many ``tokens`` of the request; its spans go to ``place`` of ``spans``."""
        self.request, self.row, self.tokens, self.spans, self.place = request, row, tokens, spans, place
        self.length = row.length
        self.number = next(QueuedRow._numbers)


class Request:
    """Texts of a client that are answered together, by one model.

    Tokens are counted as code points, since that is known before the texts are encoded, and one more for each text.
    """

    __slots__ = (
        "_found", "_parts", "_rows", "_spread", "_texts", "arrived", "began", "client", "client_name", "done", "inside",
        "inside_tokens", "is_drawn", "is_over", "model", "pending", "seconds", "tokens",
    )  # fmt: skip

    def __init__(
        self,
        texts: Sequence[str],
        client_name: str,
        model: Model,
        arrived: float,
        seconds: float | None,
        done: Callable[[Answered | Failed], None],
    ) -> None:
        self.client_name, self.model, self.arrived, self.seconds, self.done = client_name, model, arrived, seconds, done
        self.began: float | None = None
        self.client: Client | None = None
        self.inside: dict[QueuedRow, None] = {}
        self.inside_tokens = 0
        self.tokens = len(texts) + sum(map(len, texts))
        self.pending = 0
        self.is_drawn = self.is_over = False
        self._texts = len(texts)
        self._parts: Iterator[Part] = model.recognizer.parts([text] for text in texts)
        self._rows: deque[QueuedRow] = deque()
        self._spread = 0
        self._found: list[tuple[Part, list[list[ScoredSpan]]]] = []

    @property
    def has_more(self) -> bool:
        """Return whether there may be another row."""
        return bool(self._rows or self._texts)

    @property
    def is_answered(self) -> bool:
        """Return whether all rows have been computed."""
        return not (self.pending or self.is_drawn or self.has_more)

    def next_row(self) -> QueuedRow | None:
        """Return the next row, for which text may have to be encoded.

        Returns None where there is no row left, and after a window's worth of text that has none: there may be more.
        """
        looked_at = 0
        while not self._rows and self._texts and looked_at < self.model.recognizer.manifest.max_tokens:
            part = next(self._parts)
            self._texts -= part.is_last
            looked_at += len(part.chunk.text) + 1
            self._encode(part)
        return self._rows.popleft() if self._rows else None

    def pass_over(self) -> int:
        """Return the number of tokens that were looked at since the last row, and forget them."""
        tokens, self._spread = self._spread, 0
        return tokens

    def _encode(self, part: Part) -> None:
        rows = self.model.recognizer.rows(part)
        spans: list[list[ScoredSpan]] = [[] for _ in rows]
        self._found.append((part, spans))
        self._spread += part.chunk.core_end - part.chunk.core_start + part.is_last
        for place, row in enumerate(rows):
            tokens = self._spread // (len(rows) - place)
            self._spread -= tokens
            self._rows.append(QueuedRow(self, row, tokens, spans, place))

    def take(self, row: QueuedRow, spans: list[ScoredSpan]) -> None:
        """Take what the model finds in one of the rows."""
        row.spans[row.place] = spans
        self.pending -= 1

    def entities(self) -> list[list[Entity]]:
        """Return the entities of each text, when all rows have been computed."""
        found = (FoundPart(part, list(chain.from_iterable(spans))) for part, spans in self._found)
        result: list[list[Entity]] = []
        entities: list[Entity] = []
        for segment in self.model.recognizer.join(found):
            entities.extend(segment.entities)
            if segment.is_last:
                result.append(entities)
                entities = []
        return result

    def forget(self) -> None:
        """Let go of the texts, since the request is over."""
        self._texts = 0
        self._parts = iter(())
        self._rows.clear()
        self._found = []
