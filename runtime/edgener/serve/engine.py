"""The engine of a service: requests of many clients wait in one queue for the threads that compute them.

It knows nothing of how requests arrive. A request is some texts of one client; it is answered as a whole, with the
entities that the recognizer itself would give, whatever its rows were computed with.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from edgener.errors import MachineError
from edgener.recognizer import Recognizer
from edgener.segmentation import CHUNK
from edgener.serve.deadlines import Deadlines
from edgener.serve.errors import Draining, Expired, Internal, Overloaded, RequestError
from edgener.serve.observer import Observer
from edgener.serve.pace import Pace
from edgener.serve.pool import FEW_TOKENS, MOST_TOKENS
from edgener.serve.request import Answered, Failed, Model, QueuedRow, Request
from edgener.serve.run_cost import measured_cost
from edgener.serve.turns import Turns

__all__ = ["Answered", "Engine", "Failed", "Statistics", "Ticket"]

MOST_DRAWN = 16
"""Most rows that a worker puts into the pool before it computes something."""


@dataclass(frozen=True)
class Statistics:
    """The state of an engine at one moment."""

    queue_requests: int
    """Requests of which nothing was computed yet."""
    queue_tokens: int
    """Tokens that are still to be computed, counted as code points."""
    queue_seconds: float
    """Time that the workers are likely to need for them."""
    workers: int
    """Threads that compute."""
    workers_busy: int
    """Threads that have something to do now."""


class Ticket:
    """A request that was taken."""

    __slots__ = ("_engine", "_request")

    def __init__(self, engine: Engine, request: Request) -> None:
        self._engine, self._request = engine, request

    def cancel(self) -> None:
        """Take the request out of the queue; ``done`` is not called any more, unless it is being called now."""
        self._engine.cancel(self._request)


class _Run(NamedTuple):
    """Rows that are computed together."""

    rows: Sequence[QueuedRow]
    queue_seconds: Sequence[float]
    """Time in the queue of each request of which these are the first rows."""


_NOTHING = _Run((), ())


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
        """Measure the model, and start ``workers`` threads that share ``recognizer``, which was loaded with one thread.

        A request is refused when its turn would come later than in ``queue_seconds``, or when the queue, which holds
        ``queue_tokens``, has less room left than the client of the request takes. Without ``batching``, each row is
        computed alone. ``observer`` is told of the work.
        """
        self._clock, self._batching = clock, batching
        self._queue_seconds, self._queue_tokens = queue_seconds, queue_tokens
        self._observer = observer or Observer()
        self.on_told: Callable[[], None] = lambda: None
        """Called by a thread of the engine when it has told the ends of some requests."""
        self._model = Model(recognizer, measured_cost(recognizer, clock))
        self._pace = Pace(workers, self._model.cost.seconds_per_token, clock())
        self._turns, self._deadlines = Turns(), Deadlines()
        self._requests: set[Request] = set()
        self._queued = self._untold = self._idle = 0
        self._is_draining = self._is_closed = False
        self._lock = threading.Lock()
        self._is_something_to_do, self._is_all_told = threading.Condition(self._lock), threading.Condition(self._lock)
        self._threads = [threading.Thread(target=self._work, name=f"worker {n}", daemon=True) for n in range(workers)]
        self._start()

    def submit(
        self,
        texts: Sequence[str],
        *,
        client: str,
        deadline: float | None,
        done: Callable[[Answered | Failed], None],
        model: Model | None = None,
    ) -> Ticket:
        """Take a request; ``done`` is called once with its end, by a thread of the engine.

        ``deadline`` is the time in seconds, from now, after which nobody wants the answer. Requests of different
        ``client`` take turns. It is answered by the present model, unless ``model`` is one that is held. Raises
        Overloaded or Draining where the request is not taken.
        """
        now = self._clock()
        with self._lock:
            if self._is_draining:
                raise Draining
            request = Request(texts, client, model or self._model, now, deadline, done)
            self._admit(request)
            if deadline is not None:
                self._deadlines.add(request, now + deadline)
            self._requests.add(request)
            self._queued += 1
            self._untold += 1
            request.model.requests += 1
            self._turns.add(request)
            if self._idle:
                self._is_something_to_do.notify()
        return Ticket(self, request)

    @contextmanager
    def held_model(self) -> Iterator[Model]:
        """Provide the present model for requests that belong together; it is not retired as long as it is held."""
        with self._lock:
            model = self._model
            model.requests += 1
        try:
            yield model
        finally:
            with self._lock:
                is_retired = self._let_go(model)
            if is_retired:
                self._observer.retired(model.name)

    def cancel(self, request: Request) -> None:
        """Take a request out of the queue unless it is over; ``Ticket.cancel`` calls it."""
        with self._lock:
            is_cancelled = self._leave(request)
        if is_cancelled:
            self._observer.cancelled()
            self._settle([request])

    def switch(self, recognizer: Recognizer) -> None:
        """Answer requests from now on with another recognizer; those that were taken before keep theirs."""
        model = Model(recognizer, measured_cost(recognizer, self._clock))
        with self._lock:
            before, self._model = self._model, model
            self._pace.expect(model.cost.seconds_per_token)
            is_retired = not before.requests
        if is_retired:
            self._observer.retired(before.name)

    def drain(self, seconds: float) -> bool:
        """Take no more requests and wait until all have been answered; return False if that takes longer."""
        with self._lock:
            self._is_draining = True
            return self._is_all_told.wait_for(lambda: not self._untold, seconds)

    def close(self) -> None:
        """Take no more requests, let all that are not answered fail with Draining, and end the threads."""
        with self._lock:
            self._is_draining = self._is_closed = True
            left = [request for request in list(self._requests) if self._leave(request)]
            self._is_something_to_do.notify_all()
        self._fail(left, Draining())
        for thread in self._threads:
            thread.join()

    def statistics(self) -> Statistics:
        """Return the state of the engine."""
        with self._lock:
            tokens = self._turns.tokens
            seconds = tokens * self._pace.seconds_per_token
            return Statistics(self._queued, tokens, seconds, len(self._threads), self._pace.busy)

    def _start(self) -> None:
        """Start the threads. Raises MachineError where the system has none left."""
        for number, thread in enumerate(self._threads):
            try:
                thread.start()
            except RuntimeError as error:
                del self._threads[number:]
                self.close()
                raise MachineError(
                    f"only {number} threads that compute can be started; take fewer --workers, or allow more threads"
                ) from error

    def _admit(self, request: Request) -> None:
        """Raise Overloaded if the request would wait too long, or would need too much room."""
        turns, tokens = self._turns, request.tokens
        if not turns.tokens:
            return
        seconds_per_token = self._pace.seconds_per_token
        own_space = turns.space_of(request.client_name)
        missing = own_space + min(tokens, CHUNK) - (self._queue_tokens - turns.space)
        if missing > 0:
            raise Overloaded(missing * seconds_per_token, "client" if own_space else "overloaded")
        if turns.tokens * seconds_per_token > self._queue_seconds:
            ahead = turns.ahead(request.client_name, tokens)
            late = (ahead.own + ahead.others) * seconds_per_token - self._queue_seconds
            if late > 0:
                raise Overloaded(late, "client" if ahead.own > ahead.others else "overloaded")

    def _work(self) -> None:
        """Encode, compute and answer until the engine is closed."""
        with self._lock:
            self._pace.begin(self._clock())
        while self._work_once():
            pass
        with self._lock:
            self._pace.end(self._clock())

    def _work_once(self) -> bool:
        """Do what is to be done next, or wait for it; return False when the engine is closed."""
        has_expired = self._expire()
        has_filled = self._fill_pool()
        run = self._next_run(may_wait=not (has_expired or has_filled))
        if run is None:
            return False
        if run.rows:
            self._compute(run)
        return True

    def _expire(self) -> bool:
        """Let requests fail whose deadline has passed; return whether there are any."""
        with self._lock:
            expired = [request for request in self._deadlines.due(self._clock()) if self._leave(request)]
        for request in expired:
            self._observer.expired()
            self._fail([request], Expired(request.seconds or 0.0))
        return bool(expired)

    def _fill_pool(self) -> bool:
        """Put the next rows into the pool, up to MOST_DRAWN; return whether anything was encoded.

        Text without a row ends it, since it has taken as long as a run: deadlines are looked at, and others go on.
        """
        for turn in range(MOST_DRAWN):
            with self._lock:
                request = self._turns.draw()
            if request is None:
                return turn > 0
            try:
                row = request.next_row()
            except Exception as error:
                self._break([request], error)
                continue
            self._enter(request, row)
            if row is None:
                break
        return True

    def _enter(self, request: Request, row: QueuedRow | None) -> None:
        """Put a row into the pool, and answer a request that turns out to have no row at all."""
        with self._lock:
            if request.is_over:
                request.is_drawn = False
                request.forget()
                return
            before = request.tokens
            self._turns.enter(request, row)
            if row is None:
                self._pace.done(before - request.tokens, self._clock())
            is_complete = request.is_answered and self._leave(request)
        if is_complete:
            self._answer([request])

    def _next_run(self, *, may_wait: bool) -> _Run | None:
        """Return the rows to compute now; return None when the engine is closed.

        Where there are none, the thread waits for something to do, if it ``may_wait``, and returns no rows.
        """
        with self._lock:
            run = self._chosen()
            if self._idle and self._turns.is_anything_to_do:
                self._is_something_to_do.notify()
            if may_wait and not run.rows:
                if self._is_closed:
                    return None
                if not self._turns.is_anything_to_do:  # nothing has come since it was looked for
                    self._wait()
            return run

    def _chosen(self) -> _Run:
        head = self._turns.head()
        if head is None:
            return _NOTHING
        model = head.request.model
        rows = [head]
        if self._batching:
            most_tokens = FEW_TOKENS if self._turns.is_modest(head) else MOST_TOKENS
            rows = model.pool.company(head, model.cost.run_tokens, most_tokens)
        now = self._clock()
        queue_seconds = []
        for row in rows:
            self._turns.take(row)
            request = row.request
            if request.began is None:
                request.began = now
                self._queued -= 1
                queue_seconds.append(now - request.arrived)
        return _Run(rows, queue_seconds)

    def _wait(self) -> None:
        self._pace.end(self._clock())
        self._idle += 1
        self._is_something_to_do.wait()
        self._idle -= 1
        self._pace.begin(self._clock())

    def _compute(self, run: _Run) -> None:
        """Compute a run, and answer the requests that it completes; they fail if it does."""
        for seconds in run.queue_seconds:
            self._observer.began(seconds)
        began = self._clock()
        try:
            found = run.rows[0].request.model.recognizer.spans([row.row for row in run.rows])
        except Exception as error:
            self._break(dict.fromkeys(row.request for row in run.rows), error)
            return
        now = self._clock()
        complete = []
        with self._lock:
            self._pace.done(sum(row.tokens for row in run.rows), now)
            for row, spans in zip(run.rows, found, strict=True):
                row.request.take(row, spans)
                if row.request.is_answered and self._leave(row.request):
                    complete.append(row.request)
        lengths = [row.length for row in run.rows]
        self._observer.ran(now - began, len(lengths), sum(lengths), len(lengths) * max(lengths) - sum(lengths))
        self._answer(complete)

    def _answer(self, complete: Sequence[Request]) -> None:
        """Tell requests of which all rows have been computed their entities."""
        if not complete:
            return
        ends = [self._end_of(request) for request in complete]
        answers = [end.entities for end in ends if isinstance(end, Answered)]
        self._observer.answered(Counter(entity.label for found in chain.from_iterable(answers) for entity in found))
        for request, end in zip(complete, ends, strict=True):
            self._tell(request, end)
        self._settle(complete)

    def _end_of(self, request: Request) -> Answered | Failed:
        """Return the entities of a request of which all rows have been computed."""
        try:
            entities = request.entities()
        except Exception as error:
            self._observer.failed(error)
            return Failed(_internal(error))
        now = self._clock()
        began = now if request.began is None else request.began
        return Answered(entities, began - request.arrived, now - began, request.model.name)

    def _break(self, requests: Iterable[Request], error: Exception) -> None:
        """Let requests fail for an error of the service itself."""
        self._observer.failed(error)
        with self._lock:
            broken = [request for request in requests if self._leave(request)]
        self._fail(broken, _internal(error))

    def _fail(self, over: Sequence[Request], error: RequestError) -> None:
        for request in over:
            self._tell(request, Failed(error))
        self._settle(over)

    def _tell(self, request: Request, end: Answered | Failed) -> None:
        try:
            request.done(end)
        except Exception as error:  # of those who asked; the others still want their answers
            self._observer.failed(error)

    def _leave(self, request: Request) -> bool:
        """Take a request out of the queue, since it is over; return False if it was over already."""
        if request.is_over:
            return False
        request.is_over = True
        self._requests.remove(request)
        self._turns.remove(request)
        if request.seconds is not None:
            self._deadlines.discard(request, request.arrived + request.seconds)
        if request.began is None:
            self._queued -= 1
        return True

    def _settle(self, over: Sequence[Request]) -> None:
        """Forget requests whose end has been told."""
        if not over:
            return
        self.on_told()
        retired = []
        with self._lock:
            for request in over:
                if not request.is_drawn:
                    request.forget()
                if self._let_go(request.model):
                    retired.append(request.model.name)
            self._untold -= len(over)
            if not self._untold:
                self._is_all_told.notify_all()
        for name in retired:
            self._observer.retired(name)

    def _let_go(self, model: Model) -> bool:
        """Note that one less needs a model; return whether that was the last one, and the model is replaced."""
        model.requests -= 1
        return not model.requests and model is not self._model


def _internal(error: Exception) -> Internal:
    internal = Internal()
    internal.__cause__ = error
    return internal
