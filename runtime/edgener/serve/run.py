"""``edgener serve --http``: from options to a service that runs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from edgener.errors import MissingExtraError, OutputError, UsageError, how_to_install
from edgener.serve.addresses import is_loopback
from edgener.serve.hosts import Hosts
from edgener.serve.limits import Limits
from edgener.serve.log import Log
from edgener.serve.models import Model, ModelSource
from edgener.serve.numbers import Numbers
from edgener.serve.processes import GENERATIONS, Duties, Processes
from edgener.serve.proxies import Proxies
from edgener.serve.tokens import Tokens, read_again
from edgener.systemd import notify

PACKAGES = ("httptools",)
"""Packages of the extra."""
EXTRA_PATIENCE = 5.0
"""Seconds that a process has to end, beyond those for its clients."""


@dataclass(frozen=True)
class Settings:
    """The options of a service over HTTP."""

    source: ModelSource
    """Source of the model."""
    workers: int
    """Threads that compute, in each process."""
    processes: int
    """Processes that serve."""
    queue_seconds: float
    """Longest time that a request may wait until it is begun."""
    queue_tokens: int
    """Most tokens that wait."""
    batching: bool
    """Windows of several requests are computed together."""
    limits: Limits
    token_file: Path | None
    """File of names and tokens of clients."""
    no_token: bool
    """Anybody may ask, even from other machines."""
    allowed_hosts: tuple[str, ...]
    """Names, besides those of loopback, that the Host header may hold."""
    cors_origins: tuple[str, ...]
    """Origins of pages that may ask from elsewhere."""
    proxies: Proxies
    """Proxies whose X-Forwarded-For is believed."""
    has_page: bool
    """Show the page for people at ``/``."""
    log_format: str
    log_requests: bool


def run(settings: Settings, listener: socket.socket) -> None:
    """Serve ``listener`` until SIGTERM or Ctrl-C.

    Raises UsageError where anybody on the network could ask without a token,
    InputError for a fault of the token file, and what the model's loading raises.
    """
    host = _host_of(listener)
    loopback = not host or is_loopback(host)
    if not loopback and not settings.token_file and not settings.no_token:
        raise UsageError(
            f"{host} is reachable from other machines; name a --token-file, or let anybody ask with --no-token"
        )
    tokens = Tokens.read(settings.token_file) if settings.token_file else None
    hosts = Hosts.of(host, names=settings.allowed_hosts, origins=settings.cors_origins)
    log = Log(settings.log_format, requests=settings.log_requests)
    address = _address(listener)

    def on_ready() -> None:
        log.event("ready", f"ready, answers on {address}", address=address)
        notify("READY=1")

    if settings.processes == 1:
        asyncio.run(_serve(settings, settings.source.load(), listener, tokens, hosts, log, on_ready=on_ready))
    else:
        _run_processes(settings, listener, tokens, hosts, log, on_ready)


def bound(address: str) -> socket.socket:
    """Return a socket that listens on ``HOST:PORT``, ``[HOST]:PORT`` or, on loopback, ``PORT``.

    Raises UsageError where it is no such address, OutputError where nothing can listen there.
    """
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not port.isdecimal() or int(port) > 65535 or (":" in address and not host):
        raise UsageError(f"--http is {address!r}; write HOST:PORT, as 127.0.0.1:8765 or 0.0.0.0:8765")
    try:
        found = socket.getaddrinfo(host or "127.0.0.1", int(port), type=socket.SOCK_STREAM)
        family, kind, protocol, _, place = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen()
        except OSError:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no name of a host"
        raise OutputError(f"{address}: cannot listen there: {reason}; name another --http address") from error
    return listener


async def _serve(
    settings: Settings,
    model: Model,
    listener: socket.socket,
    tokens: Tokens | None,
    hosts: Hosts,
    log: Log,
    *,
    on_ready: Callable[[], None] = lambda: None,
    on_tick: Callable[[], None] = lambda: None,
    lifeline: int | None = None,
    place: int = 0,
    places: Sequence[Numbers] | None = None,
) -> None:
    from edgener.serve.engine import Engine
    from edgener.serve.front import Front
    from edgener.serve.metrics import Metrics
    from edgener.serve.server import Server

    metrics = Metrics(place, places)
    engine = Engine(
        model.recognizer,
        workers=settings.workers,
        queue_seconds=settings.queue_seconds,
        queue_tokens=settings.queue_tokens,
        batching=settings.batching,
        observer=metrics,
    )
    try:
        front = Front(model, engine, settings.limits, hosts, tokens, metrics, log, settings.proxies, settings.processes)
        server = Server(
            front,
            listener,
            source=settings.source if lifeline is None else None,
            token_file=settings.token_file,
            has_page=settings.has_page,
            on_tick=on_tick,
        )
        del model
        if lifeline is not None:
            server.stop_with(lifeline)
        await server.run(on_ready)
    finally:
        engine.close()


class _Duties(Duties):
    """The duties of several processes that serve one listener."""

    def __init__(
        self, settings: Settings, listener: socket.socket, tokens: Tokens | None, hosts: Hosts, log: Log
    ) -> None:
        self._settings, self._listener, self._tokens, self._hosts, self._log = settings, listener, tokens, hosts, log
        self._places = [Numbers() for _ in range(GENERATIONS * settings.processes)]

    def serve(self, model: Model, on_tick: Callable[[], None], lifeline: int, slot: int) -> None:
        asyncio.run(
            _serve(
                self._settings,
                model,
                self._listener,
                self._tokens,
                self._hosts,
                self._log,
                on_tick=on_tick,
                lifeline=lifeline,
                place=slot,
                places=self._places,
            )
        )

    def read_tokens(self) -> bool:
        tokens = read_again(self._settings.token_file, self._log, is_told=True)
        self._tokens = tokens or self._tokens
        return tokens is not None

    def on_death(self, slot: int) -> None:
        self._places[slot].end()

    def close(self) -> None:
        self._listener.close()


def _run_processes(
    settings: Settings,
    listener: socket.socket,
    tokens: Tokens | None,
    hosts: Hosts,
    log: Log,
    on_ready: Callable[[], None],
) -> None:
    patience = settings.limits.drain_seconds + EXTRA_PATIENCE
    duties = _Duties(settings, listener, tokens, hosts, log)
    Processes(settings.processes, settings.source, duties, log, patience).run(on_ready)


def require_extra() -> None:
    """Raise MissingExtraError where a package that HTTP needs is not installed."""
    for package in PACKAGES:
        if find_spec(package) is None:
            raise MissingExtraError(f"--http needs {package}: {how_to_install('serve')}")


def _host_of(listener: socket.socket) -> str:
    """Return the address of a listener, or nothing for a Unix socket."""
    return "" if listener.family == socket.AF_UNIX else str(listener.getsockname()[0])


def _address(listener: socket.socket) -> str:
    if listener.family == socket.AF_UNIX:
        return str(listener.getsockname())
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
