"""The engine of a service: requests of many clients wait in one queue for the threads that compute them.

It knows nothing of how requests arrive. A request is some texts of one client; it is answered as a whole.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgener.entity import Entity
from edgener.recognizer import Recognizer
from edgener.serve.errors import Draining, Expired, Internal, Overloaded, RequestError
from edgener.serve.observer import Observer

SECONDS_PER_TOKEN = 0.0001
"""Estimate of the time that a token takes, until some have been computed."""


@dataclass(frozen=True)
class Answered:
    """The answer to a request."""

    entities: list[list[Entity]]
    """The entities of each text, in the order of the texts."""
    queue_seconds: float
    """Time from the arrival of the request until its first window was computed."""
    compute_seconds: float
    """Time from then on until it was answered."""
    model: str
    """Name of the model that answered."""


@dataclass(frozen=True)
class Failed:
    """The end of a request that has no answer."""

    error: RequestError
    """The reason."""


@dataclass(frozen=True)
class Statistics:
    """The state of an engine at one moment."""

    queue_requests: int
    """Requests of which no window was computed yet."""
    queue_tokens: int
    """Tokens that are still to be computed, about."""
    queue_seconds: float
    """Time that all of the queue takes the workers, about."""
    workers: int
    """Threads that compute."""
    workers_busy: int
    """Threads that compute something now."""


class Ticket:
    """A request that was taken."""

    def __init__(
        self, engine: Engine, texts: Sequence[str], deadline: float | None, done: Callable[[Answered | Failed], None]
    ) -> None:
        self._engine, self.texts, self.seconds, self.done = engine, texts, deadline, done
        self.recognizer = engine.recognizer
        self.tokens = 1 + sum(len(text) + 1 for text in texts)
        self.arrived = engine.clock()

    def cancel(self) -> None:
        """Take the request out of the queue; ``done`` is not called any more, unless it is being called now."""
        self._engine._cancel(self)


class Engine:
    """A queue of requests and the threads that answer them."""

    def __init__(
        self,
        recognizer: Recognizer,
        *,
        workers: int,
        queue_seconds: float = 1.0,
        queue_tokens: int = 65536,
        batching: bool = True,
        clock: Callable[[], float] = time.monotonic,
        observer: Observer | None = None,
    ) -> None:
        """Start ``workers`` threads that share ``recognizer``, which was loaded with one thread.

        A request is refused when it would begin later than ``queue_seconds``, or when the queue would hold more than
        ``queue_tokens``. Without ``batching``, each window is computed alone. ``observer`` is told of the work.
        """
        self.recognizer, self.clock = recognizer, clock
        self._queue_seconds, self._queue_tokens = queue_seconds, queue_tokens
        self._batching = batching
        self._observer = observer or Observer()
        self._changed = threading.Condition()
        self._queue: deque[Ticket] = deque()
        self._tokens = 0
        self._busy = 0
        self._seconds_per_token = SECONDS_PER_TOKEN
        self._is_draining = self._is_closed = False
        self._threads = [threading.Thread(target=self._work, name=f"worker {n}", daemon=True) for n in range(workers)]
        for thread in self._threads:
            thread.start()

    def submit(
        self,
        texts: Sequence[str],
        *,
        client: str,  # noqa: ARG002 (requests do not take turns yet)
        deadline: float | None,
        done: Callable[[Answered | Failed], None],
    ) -> Ticket:
        """Take a request; ``done`` is called once with its end, by a thread of the engine.

        ``deadline`` is the time in seconds, from now, after which nobody wants the answer. Requests of different
        ``client`` take turns. Raises Overloaded or Draining where the request is not taken.
        """
        ticket = Ticket(self, texts, deadline, done)
        with self._changed:
            if self._is_draining:
                raise Draining
            wait = self._tokens * self._seconds_per_token / len(self._threads)
            if wait > self._queue_seconds or (self._tokens and self._tokens + ticket.tokens > self._queue_tokens):
                raise Overloaded(max(wait, 0.1), "overloaded")
            self._queue.append(ticket)
            self._tokens += ticket.tokens
            self._changed.notify()
        return ticket

    def switch(self, recognizer: Recognizer) -> None:
        """Answer requests from now on with another recognizer; those that were taken before keep theirs."""
        self.recognizer = recognizer

    def drain(self, seconds: float) -> bool:
        """Take no more requests and wait until all have been answered; return False if that takes longer."""
        with self._changed:
            self._is_draining = True
            return self._changed.wait_for(lambda: not self._queue and not self._busy, seconds)

    def close(self) -> None:
        """Take no more requests, let those that were not begun fail with Draining, and end the threads."""
        with self._changed:
            self._is_draining = self._is_closed = True
            left, self._queue = list(self._queue), deque()
            self._tokens = 0
            self._changed.notify_all()
        for ticket in left:
            ticket.done(Failed(Draining()))
        for thread in self._threads:
            thread.join()

    def statistics(self) -> Statistics:
        """Return the state of the engine."""
        with self._changed:
            seconds = self._tokens * self._seconds_per_token / len(self._threads)
            return Statistics(len(self._queue), self._tokens, seconds, len(self._threads), self._busy)

    def _cancel(self, ticket: Ticket) -> None:
        with self._changed:
            if ticket not in self._queue:
                return
            self._queue.remove(ticket)
            self._tokens -= ticket.tokens
        self._observer.cancelled()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._is_closed)
                if not self._queue:
                    return
                ticket = self._queue.popleft()
                self._tokens -= ticket.tokens
                self._busy += 1
            began = self.clock()
            if ticket.seconds is not None and began - ticket.arrived > ticket.seconds:
                self._observer.expired()
                ticket.done(Failed(Expired(ticket.seconds)))
            else:
                self._observer.began(began - ticket.arrived)
                ticket.done(self._answer(ticket, began))
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _answer(self, ticket: Ticket, began: float) -> Answered | Failed:
        try:
            entities = list(ticket.recognizer.batch(ticket.texts))
        except Exception as error:
            self._observer.failed(error)
            failure = Internal()
            failure.__cause__ = error
            return Failed(failure)
        seconds = self.clock() - began
        self._seconds_per_token += 0.1 * (seconds / ticket.tokens - self._seconds_per_token)
        self._observer.answered(Counter(entity.label for found in entities for entity in found))
        return Answered(entities, began - ticket.arrived, seconds, ticket.recognizer.manifest.name)
