"""The tiny model under a test's control: its session can be held, can fail, and spends time of a clock that stands."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from edgener import Recognizer
from edgener.bundle import GRAPH, TOKENIZER, load_bundle
from edgener.serve.engine import Answered, Engine, Failed, Ticket
from edgener.serve.request import Model
from edgener.session import Session
from edgener.tokenizer import Encoder, Encoding
from tests.serve.servers import PATIENCE
from tests.support import TINY_BUNDLE

RUN_SECONDS = 0.0006
"""Time of a run, without that of its tokens."""
TOKEN_SECONDS = 0.00005
"""Time of a token, padding included."""


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


class ControlledSession(Session):
    """The graph of the tiny model, which notes what it is given."""

    def __init__(self, clock: Clock) -> None:
        bundle = load_bundle(TINY_BUNDLE)
        super().__init__(bundle.path(GRAPH), bundle.manifest, threads=1)
        self.clock = clock
        self.shapes: list[tuple[int, int]] = []
        self.error: Exception | None = None
        self.seconds_of: Callable[[int], float] = lambda tokens: RUN_SECONDS + tokens * TOKEN_SECONDS
        self._may_run = threading.Event()
        self._may_run.set()
        self._is_held = threading.Semaphore(0)

    def __call__(self, ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Compute logits as Session does, when nobody holds it."""
        rows, tokens = ids.shape
        self.shapes.append((rows, tokens))
        if not self._may_run.is_set():
            self._is_held.release()
            assert self._may_run.wait(PATIENCE)
        if self.error:
            raise self.error
        self.clock.now += self.seconds_of(rows * tokens)
        return super().__call__(ids, attention_mask)

    def hold(self) -> None:
        """Let further runs wait."""
        self._may_run.clear()

    def await_run(self) -> None:
        """Wait until a run waits, one more at each call."""
        assert self._is_held.acquire(timeout=PATIENCE)

    def release(self) -> None:
        """Let all runs go on."""
        self._may_run.set()


class BrokenEncoder(Encoder):
    """The encoder of the tiny model, which breaks at some texts."""

    def _encode_in_parts(self, text: str) -> Encoding:
        if "坏" in text:
            raise ValueError("a text that the encoder cannot take")
        return super()._encode_in_parts(text)


def controlled_recognizer(session: Session, name: str = "tiny") -> Recognizer:
    """Return the tiny model under another name."""
    bundle = load_bundle(TINY_BUNDLE)
    return Recognizer(replace(bundle.manifest, name=name), BrokenEncoder(bundle.path(TOKENIZER)), session, batch_size=8)


class Ends:
    """The ends of requests, in their order, each under the name of its request."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: SimpleQueue[tuple[str, Answered | Failed]] = SimpleQueue()

    def ask(
        self,
        name: str,
        *texts: str,
        client: str = "somebody",
        deadline: float | None = None,
        model: Model | None = None,
    ) -> Ticket:
        """Submit a request."""
        return self._engine.submit(
            texts, client=client, deadline=deadline, done=lambda end: self._queue.put((name, end)), model=model
        )

    def take(self, count: int) -> list[tuple[str, Answered | Failed]]:
        """Return the next ``count`` ends, as soon as there are so many."""
        return [self._queue.get(timeout=PATIENCE) for _ in range(count)]

    @property
    def is_empty(self) -> bool:
        """Return whether no other request has ended."""
        return self._queue.empty()
