"""Reads what systemd passes to a service in its environment: a listening socket, and where to report readiness.

The protocols are those of sd_listen_fds(3) and sd_notify(3); no library of systemd's is needed for them.
"""

from __future__ import annotations

import os
import socket

from edgener.errors import UsageError
from edgener.standard_streams import say

FIRST_DESCRIPTOR = 3
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)


def inherited_listener() -> socket.socket | None:
    """Return the socket of the unit that activated this process, or None where systemd passed none.

    Raises UsageError where it is not exactly one stream socket that listens, of the Unix kind or of the network.
    """
    if os.environ.pop("LISTEN_PID", "") != str(os.getpid()):
        return None
    count = os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if count != "1":
        raise UsageError(f"systemd passed {count or 'no'} sockets; the socket unit must have one ListenStream=")
    try:
        listener = socket.socket(fileno=FIRST_DESCRIPTOR)
    except OSError as error:
        raise UsageError(
            f"systemd passed no socket as descriptor {FIRST_DESCRIPTOR}: {error.strerror}; the socket unit must have "
            "one ListenStream="
        ) from error
    listener.set_inheritable(False)
    listens = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if listener.family not in FAMILIES or listener.type != socket.SOCK_STREAM or not listens:
        listener.close()
        raise UsageError("systemd passed another kind of socket; the socket unit must have ListenStream=")
    return listener


def notify(state: str) -> None:
    """Send ``READY=1``, ``STOPPING=1`` or ``WATCHDOG=1`` to systemd, if it asked for such messages."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messenger:
            _send(messenger, state, address)
    except OSError as error:
        _tell(address, error)


class Watchdog:
    """The sign of life that systemd waits for, if it asked for one.

    It keeps its socket open, since a service with many clients may have no descriptor left for another one.
    """

    def __init__(self) -> None:
        self._notified_at = 0.0
        self._messenger: socket.socket | None = None

    def feed(self, now: float) -> None:
        """Send ``WATCHDOG=1`` when a third of the time for it is over; ``now`` is the time of a clock in seconds."""
        interval, address = watchdog_seconds(), os.environ.get("NOTIFY_SOCKET")
        if not address or not interval or now - self._notified_at <= interval / 3:
            return
        self._notified_at = now
        try:
            self._messenger = self._messenger or socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            _send(self._messenger, "WATCHDOG=1", address)
        except OSError as error:
            _tell(address, error)

    def close(self) -> None:
        """Close the socket."""
        if self._messenger:
            self._messenger.close()


def _send(messenger: socket.socket, state: str, address: str) -> None:
    messenger.sendto(state.encode(), address.replace("@", "\0", 1) if address.startswith("@") else address)


def _tell(address: str, error: OSError) -> None:
    say(f"NOTIFY_SOCKET={address}: cannot be reached: {error.strerror}")


def watchdog_seconds() -> float:
    """Return the time within which systemd wants the next ``WATCHDOG=1`` of this process; 0 where it wants none."""
    microseconds, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID")
    if not microseconds.isdecimal() or pid not in (None, str(os.getpid())):
        return 0.0
    return int(microseconds) / 1e6
