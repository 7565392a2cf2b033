"""A socket that systemd passes is taken if it is the right one, and only by the process that it is meant for."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edgener import systemd
from edgener.errors import UsageError
from edgener.systemd import Watchdog, inherited_listener, notify, watchdog_seconds

VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
Pass = Callable[..., None]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "ner.sock"


@pytest.fixture
def pass_socket(monkeypatch: pytest.MonkeyPatch) -> Pass:
    """A function that does what systemd does before it starts a service."""

    def passes(passed: socket.socket | None, count: str = "1", pid: int | None = None) -> None:
        if passed:
            monkeypatch.setattr(systemd, "FIRST_DESCRIPTOR", os.dup(passed.fileno()))
            os.set_inheritable(systemd.FIRST_DESCRIPTOR, True)
        for name, value in zip(VARIABLES, (str(pid or os.getpid()), count, "ner.socket"), strict=True):
            monkeypatch.setenv(name, value)

    return passes


@pytest.fixture
def listener(place: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(place))
        listening.listen()
        yield listening


def test_the_socket_is_taken_once_and_no_child_inherits_it(
    pass_socket: Pass, listener: socket.socket, place: Path
) -> None:
    pass_socket(listener)
    found = inherited_listener()
    assert found is not None
    with found:
        assert found.getsockname() == str(place)
        assert not found.get_inheritable()
    assert not set(VARIABLES) & set(os.environ)
    assert inherited_listener() is None


def test_a_socket_of_the_network_is_taken(pass_socket: Pass) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        pass_socket(listening)
        found = inherited_listener()
        assert found is not None
        with found:
            assert found.getsockname() == listening.getsockname()


def test_a_watchdog_of_this_process_is_fed_and_another_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    assert watchdog_seconds() == 0
    monkeypatch.setenv("WATCHDOG_USEC", "1500000")
    assert watchdog_seconds() == 1.5
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid() + 1))
    assert watchdog_seconds() == 0
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert watchdog_seconds() == 1.5


def test_a_socket_for_another_process_is_not_taken(pass_socket: Pass, listener: socket.socket) -> None:
    pass_socket(listener, pid=os.getpid() + 1)
    assert inherited_listener() is None
    os.close(systemd.FIRST_DESCRIPTOR)


@pytest.mark.parametrize(("count", "told"), [("2", "2"), ("0", "0"), ("", "no")])
def test_another_number_of_sockets_is_refused(pass_socket: Pass, count: str, told: str) -> None:
    pass_socket(None, count)
    with pytest.raises(UsageError) as caught:
        inherited_listener()
    assert str(caught.value) == f"systemd passed {told} sockets; the socket unit must have one ListenStream="


def test_a_number_of_sockets_that_systemd_does_not_tell_is_none(
    pass_socket: Pass, monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_socket(None)
    monkeypatch.delenv("LISTEN_FDS")
    with pytest.raises(UsageError, match=r"^systemd passed no sockets; "):
        inherited_listener()


@pytest.mark.parametrize(
    ("family", "kind", "listens"),
    [
        (socket.AF_UNIX, socket.SOCK_STREAM, False),
        (socket.AF_UNIX, socket.SOCK_DGRAM, False),
        (socket.AF_UNIX, socket.SOCK_SEQPACKET, True),
        (socket.AF_INET, socket.SOCK_STREAM, False),
        (socket.AF_INET, socket.SOCK_DGRAM, False),
    ],
)
def test_another_kind_of_socket_is_refused(
    pass_socket: Pass, family: socket.AddressFamily, kind: socket.SocketKind, listens: bool
) -> None:
    with socket.socket(family, kind) as other:
        other.bind("" if family == socket.AF_UNIX else ("127.0.0.1", 0))
        if listens:
            other.listen()
        pass_socket(other)
        with pytest.raises(UsageError) as caught:
            inherited_listener()
    message = "systemd passed another kind of socket; the socket unit must have ListenStream="
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("is_open", "reason"), [(False, "Bad file descriptor"), (True, "Socket operation on non-socket")]
)
def test_a_descriptor_that_is_no_socket_is_refused(pass_socket: Pass, is_open: bool, reason: str) -> None:
    descriptor = os.memfd_create("no socket")
    pass_socket(None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(systemd, "FIRST_DESCRIPTOR", descriptor)
        if not is_open:
            os.close(descriptor)
        with pytest.raises(UsageError) as caught:
            inherited_listener()
    if is_open:
        os.close(descriptor)
    remedy = "the socket unit must have one ListenStream="
    assert str(caught.value) == f"systemd passed no socket as descriptor {descriptor}: {reason}; {remedy}"


@pytest.mark.parametrize("kind", ["path", "path-with-at", "abstract"])
def test_systemd_is_told_at_the_place_that_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    address = {
        "path": str(tmp_path / "notify"),
        "path-with-at": str(tmp_path / "a@b"),
        "abstract": f"\0edgener-test-{os.getpid()}",
    }[kind]
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{address[1:]}" if kind == "abstract" else address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messages:
        messages.bind(address)
        messages.settimeout(5)
        notify("READY=1")
        assert messages.recv(100) == b"READY=1"


def test_a_watchdog_is_fed_where_no_descriptor_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messages, closing(Watchdog()) as watchdog:
        messages.bind(str(tmp_path / "notify"))
        messages.settimeout(5)
        watchdog.feed(100.0)
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (messages.fileno(), before[1]))
        try:
            with pytest.raises(OSError, match="Too many open files"):
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            for now in (100.9, 101.1):
                watchdog.feed(now)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        assert [messages.recv(100) for _ in range(2)] == [b"WATCHDOG=1"] * 2
        messages.setblocking(False)
        with pytest.raises(BlockingIOError):
            messages.recv(100)


def test_a_place_that_cannot_be_reached_is_told_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "none"))
    notify("READY=1")
    assert (
        capsys.readouterr().err
        == f"edgener: NOTIFY_SOCKET={tmp_path}/none: cannot be reached: No such file or directory\n"
    )


@pytest.mark.parametrize("address", [None, ""])
def test_nobody_is_told_without_a_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str | None
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify("READY=1")
    assert capsys.readouterr().err == ""
