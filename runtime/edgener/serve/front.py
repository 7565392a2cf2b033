"""The state of a running service, and the way of a request's texts to the engine and back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial

from edgener.serve.engine import Answered, Engine, Failed
from edgener.serve.errors import Overloaded, RequestError
from edgener.serve.hosts import Hosts
from edgener.serve.limits import Limits
from edgener.serve.log import Log
from edgener.serve.messages import DisconnectedError, Request
from edgener.serve.metrics import Metrics
from edgener.serve.models import Model
from edgener.serve.problem import problem_of
from edgener.serve.proxies import Proxies
from edgener.serve.request import Model as HeldModel
from edgener.serve.tokens import Tokens


class Front:
    """The state that all requests to a service share."""

    def __init__(
        self,
        model: Model,
        engine: Engine,
        limits: Limits,
        hosts: Hosts,
        tokens: Tokens | None,
        metrics: Metrics,
        log: Log,
        proxies: Proxies,
        processes: int = 1,
    ) -> None:
        """Take the model that ``engine`` answers with; without ``tokens`` anybody may ask."""
        self.proxies = proxies
        self.model, self.engine, self.limits, self.hosts = model, engine, limits, hosts
        self.tokens, self.metrics, self.log, self.processes = tokens, metrics, log, processes
        self.is_draining = False
        """The service ends: load balancers should send nothing more, and connections end with their answer."""
        self.connections: Collection[object] = ()
        """Open connections; the server's own set."""
        self._loop = asyncio.get_running_loop()
        self._mailbox = _Mailbox(self._loop)
        engine.on_told = self._mailbox.wake
        metrics.use_model(model.name, model.digest)

    async def switch(self, model: Model) -> None:
        """Answer requests from now on with another model."""
        await asyncio.to_thread(self.engine.switch, model.recognizer)
        self.model = model
        self.metrics.use_model(model.name, model.digest)

    def update_metrics(self) -> None:
        """Set the gauges to the present state."""
        self.metrics.update(self.engine.statistics(), len(self.connections))

    async def answer(
        self, texts: Sequence[str], request: Request, deadline: float | None, model: HeldModel | None = None
    ) -> Answered:
        """Return the engine's answer to the texts of a request, by the present model or one that is held.

        Raises ProblemError where it gives none, DisconnectedError where the client left.
        """
        future: asyncio.Future[Answered | Failed] = self._loop.create_future()
        try:
            ticket = self.engine.submit(
                texts, client=request.client, deadline=deadline, done=partial(self._mailbox.put, future), model=model
            )
        except RequestError as error:
            reason = error.reason if isinstance(error, Overloaded) else "draining"
            self.metrics.refused.inc(reason)
            raise problem_of(error) from None

        def leave() -> None:
            ticket.cancel()
            if not future.done():
                future.set_exception(DisconnectedError())

        request.on_gone = leave
        try:
            end = await future
        finally:
            request.on_gone = None
        if isinstance(end, Failed):
            if end.error.__cause__:
                self.log.failure(end.error.__cause__)
            raise problem_of(end.error)
        self.metrics.texts.inc(by=len(texts))
        return end


class _Mailbox:
    """Ends of requests on their way from the engine's threads to the event loop, many in one wake-up."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._arrived: deque[tuple[asyncio.Future[Answered | Failed], Answered | Failed]] = deque()
        self._is_waking = False

    def put(self, future: asyncio.Future[Answered | Failed], end: Answered | Failed) -> None:
        """Keep the result of ``future`` for the event loop; called by any thread."""
        self._arrived.append((future, end))

    def wake(self) -> None:
        """Let the event loop set the results; called by any thread, when it has put all that it has."""
        if self._arrived and not self._is_waking:
            self._is_waking = True
            with suppress(RuntimeError):  # the loop is closed, since the service has ended
                self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._is_waking = False
        while self._arrived:
            future, end = self._arrived.popleft()
            if not future.done():
                future.set_result(end)
