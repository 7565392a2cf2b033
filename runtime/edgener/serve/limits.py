"""Limits that keep a service alive whatever its clients do.

protocol.py watches the clocks and the sizes of connections, routes.py those of requests; the shares of the queue that
clients take, and their turns, are in engine.py and turns.py.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Sizes and times that a client of the service may take."""

    most_bytes: int = 1 << 20
    """Bytes of a request's body; a line of ``/v1/lines`` may have as many code points."""
    most_unread_bytes: int = 1 << 26
    """Bytes of all requests together that have arrived and are not read yet, since they are not whole."""
    most_texts: int = 256
    """Texts of a request."""
    most_connections: int = 512
    """Connections that are served at once; a few more are told so."""
    head_bytes: int = 1 << 14
    """Bytes of a request's line and headers."""
    read_seconds: float = 10.0
    """Time in which a whole request must arrive; a stream of lines may rest for ``keep_alive_seconds``."""
    write_seconds: float = 10.0
    """Time in which a client must take something of what waits for it."""
    keep_alive_seconds: float = 75.0
    """Time for which a connection may be idle between two requests."""
    deadline_seconds: float = 30.0
    """Time in which a request is answered, or fails."""
    drain_seconds: float = 10.0
    """Time that requests which have arrived get when the service ends."""
