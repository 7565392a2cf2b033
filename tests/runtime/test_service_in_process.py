"""The service in this process, where a test can shorten its delays: answers, room for others, and its end."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from edgener import Recognizer, Rules, service
from edgener.errors import OutputError
from edgener.service import Service, listening
from edgener.systemd import notify
from tests.support import TINY_BUNDLE, run_main, run_tiny

TEXT = "王小明在青山大学工作。"
LINE = f"{TEXT}\n".encode()
PATIENCE = 60
"""Seconds, for machines that are busy with something else."""


@pytest.fixture(scope="module")
def serial() -> Recognizer:
    """The tiny model, which computes one batch at a time."""
    return Recognizer.load(TINY_BUNDLE, serial=True)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "ner.sock"


def connect(place: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(PATIENCE)
    client.connect(str(place))
    return client


def serve(recognizer: Recognizer, place: Path, talk: Callable[[Service], Any], *, stops: bool = True) -> Any:
    """Run a service in the main thread while ``talk`` runs in another, and return the result of that."""
    with listening(place) as listener, ThreadPoolExecutor(1) as pool:
        running = Service(recognizer, listener)

        def talk_and_stop() -> Any:
            try:
                return talk(running)
            finally:
                if stops:
                    running.stop()

        result = pool.submit(talk_and_stop)
        running.run()
        return result.result()


def question(client: socket.socket, content: bytes = LINE) -> Any:
    """Send a line and return the answer to it."""
    client.sendall(content)
    return json.loads(read_line(client))


def asked_once(place: Path) -> Any:
    """Connect, and return the answer to one line."""
    with closing(connect(place)) as client:
        return question(client)


def read_line(client: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n") and (part := client.recv(1)):
        line += part
    return line


def test_every_line_of_a_client_is_answered_in_order(
    serial: Recognizer, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def talk(_service: Service) -> list[Any]:
        with closing(connect(place)) as client:
            return [
                question(client),
                question(client, b"\xff\n"),
                question(client, LINE * 2),
                json.loads(read_line(client)),
            ]

    expected = run_tiny(stdin=LINE + b"\n" + LINE * 2).rows
    assert serve(serial, place, talk) == expected
    assert capsys.readouterr().err == f"edgener: ready, answers on {place}\n"
    assert not place.exists()


def test_entities_below_the_least_score_are_left_out(serial: Recognizer, place: Path) -> None:
    scores = sorted(round(entity.score, 4) for entity in serial(TEXT))
    row = serve(serial.with_rules(Rules(min_score=scores[0] + 0.0001)), place, lambda _: asked_once(place))
    assert [entity["score"] for entity in row["entities"]] == [score for score in scores if score > scores[0]]


def test_the_client_that_was_silent_for_longest_makes_room(
    serial: Recognizer, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(service, "MOST_CLIENTS", 2)
    monkeypatch.setattr(service, "SILENT_SECONDS", 0.8)
    monkeypatch.setattr(service, "LOOK_SECONDS", 0.05)

    def talk(_service: Service) -> None:
        first, second = connect(place), connect(place)
        question(first)
        question(second)
        time.sleep(0.3)
        question(first)
        with closing(connect(place)) as third:
            assert question(third)["entities"]
        assert second.recv(1) == b""
        assert question(first)["line"] == 3
        first.close()
        second.close()

    serve(serial, place, talk)
    errors = capsys.readouterr().err.splitlines()[1:]
    assert errors == ["edgener: a client that was silent for 1 seconds makes room for another one"]


def test_clients_that_wait_at_the_end_are_answered(serial: Recognizer, place: Path) -> None:
    with listening(place) as listener:
        clients = [connect(place) for _ in range(3)]
        for client in clients:
            client.sendall(LINE)
        stopped = Service(serial, listener)
        stopped.stop()
        stopped.run()
        for client in clients:
            with closing(client):
                assert [one["label"] for one in json.loads(read_line(client))["entities"]] == ["PER", "ORG"]


def test_a_connection_that_its_thread_has_closed_is_left_alone() -> None:
    connection, other = socket.socketpair()
    client = service._Client(connection, lambda _: None)
    with other:
        connection.close()
        client.shut(socket.SHUT_RD)


def test_a_client_keeps_its_place_while_nobody_waits(
    serial: Recognizer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_CLIENTS", 1)
    monkeypatch.setattr(service, "SILENT_SECONDS", 0.05)
    monkeypatch.setattr(service, "LOOK_SECONDS", 0.02)

    def talk(_service: Service) -> None:
        with closing(connect(place)) as client:
            question(client)
            time.sleep(0.3)
            assert question(client)["line"] == 2

    serve(serial, place, talk)


def test_a_client_waits_while_the_others_are_not_silent_for_long(
    serial: Recognizer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_CLIENTS", 1)
    monkeypatch.setattr(service, "LOOK_SECONDS", 0.02)

    def talk(_service: Service) -> None:
        first = connect(place)
        question(first)
        with closing(connect(place)) as second:
            second.sendall(LINE)
            second.settimeout(0.3)
            with pytest.raises(TimeoutError):
                second.recv(1)
            assert question(first)["line"] == 2
            first.close()
            second.settimeout(PATIENCE)
            assert json.loads(read_line(second))["line"] == 1

    serve(serial, place, talk)


def test_at_the_end_whole_lines_are_answered_and_a_cut_one_is_not(serial: Recognizer, place: Path) -> None:
    clients = []

    def talk(running: Service) -> None:
        client = connect(place)
        clients.append(client)
        question(client)
        client.sendall(LINE * 3 + TEXT.encode())
        running.stop()

    serve(serial, place, talk)
    with clients[0].makefile("rb") as rest:
        assert [json.loads(line)["line"] for line in rest] == [2, 3, 4]
    clients[0].close()


def test_a_client_that_takes_no_answers_is_left_after_the_delay(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(service, "DRAIN_SECONDS", 0.2)
    clients = []

    def talk(_service: Service) -> None:
        client = connect(place)
        clients.append(client)
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.sendall(LINE * 100_000)

    serve(Recognizer.load(TINY_BUNDLE, serial=True), place, talk)
    assert capsys.readouterr().err.endswith("edgener: 1 clients did not take their answers in time\n")
    clients[0].close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_handlers_are_as_before(serial: Recognizer, place: Path, number: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]

    def talk(_service: Service) -> None:
        asked_once(place)
        os.kill(os.getpid(), number)

    serve(serial, place, talk, stops=False)
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)] == before
    assert signal.set_wakeup_fd(-1) == -1


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket on which systemd waits for messages."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messages:
        messages.bind(str(tmp_path / "notify"))
        messages.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield messages


def test_systemd_is_told_when_it_is_ready_and_when_it_stops(
    serial: Recognizer, place: Path, systemd: socket.socket
) -> None:
    assert serve(serial, place, lambda _: systemd.recv(100)) == b"READY=1"
    assert systemd.recv(100) == b"STOPPING=1"


def test_systemd_is_given_a_sign_of_life_again_and_again(
    serial: Recognizer, place: Path, systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LOOK_SECONDS", 0.02)
    monkeypatch.setenv("WATCHDOG_USEC", "30000")
    told = serve(serial, place, lambda _: [systemd.recv(100) for _ in range(4)])
    assert sorted(told) == [b"READY=1", *[b"WATCHDOG=1"] * 3]


def test_a_service_that_has_no_descriptor_left_goes_on_and_answers_when_it_has(
    serial: Recognizer, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(service, "LOOK_SECONDS", 0.02)
    accept, failures = socket.socket.accept, iter(range(3))

    def accept_later(listener: socket.socket) -> Any:
        if next(failures, None) is not None:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return accept(listener)

    monkeypatch.setattr(socket.socket, "accept", accept_later)
    assert serve(serial, place, lambda _: asked_once(place))["line"] == 1
    assert next(failures, None) is None
    assert capsys.readouterr().err.count("a client has to wait: Too many open files") == 1


def test_a_client_for_whom_no_thread_can_start_is_turned_away_and_the_others_are_answered(
    serial: Recognizer, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(service, "LOOK_SECONDS", 0.02)
    start, is_short = threading.Thread.start, iter([False, True, False])

    def start_if_it_can(thread: threading.Thread) -> None:
        if thread.daemon and next(is_short):
            raise RuntimeError("can't start new thread")
        start(thread)

    def talk(_: Service) -> Any:
        with closing(connect(place)) as first:
            before = question(first)
            with closing(connect(place)) as second:
                assert read_line(second) == b""
            assert asked_once(place) == before
            return question(first)["line"]

    monkeypatch.setattr(threading.Thread, "start", start_if_it_can)
    assert serve(serial, place, talk) == 2
    assert "a client was turned away: can't start new thread" in capsys.readouterr().err


def test_an_abstract_address_of_systemd_begins_with_an_at_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"edgener-test@{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messages:
        messages.bind(f"\0{name}")
        messages.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        notify("READY=1")
        assert messages.recv(100) == b"READY=1"


def test_an_address_that_nobody_listens_on_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", f"{tmp_path}/nobody")
    notify("READY=1")
    expected = f"edgener: NOTIFY_SOCKET={tmp_path}/nobody: cannot be reached: No such file or directory\n"
    assert capsys.readouterr().err == expected


def test_a_process_without_a_descriptor_left_tells_systemd_nothing_and_goes_on(
    systemd: socket.socket, capsys: pytest.CaptureFixture[str]
) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Path(os.devnull).open("rb") as file:
        free = file.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        notify("WATCHDOG=1")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert "cannot be reached: Too many open files" in capsys.readouterr().err
    notify("READY=1")
    assert systemd.recv(100) == b"READY=1"


def test_a_dead_socket_is_replaced_and_another_service_is_not(place: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(place))
    with listening(place):
        with pytest.raises(OutputError) as caught, listening(place):
            pass
        assert str(caught.value) == f"{place}: another service answers there; stop it, or name another path"
        assert place.is_socket()
    assert not place.exists()


def test_a_service_that_takes_no_more_clients_answers_there_all_the_same(place: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stuck, ExitStack() as stack:
        stuck.bind(str(place))
        stuck.listen(0)
        for _ in range(2):  # one more than it holds
            waiting = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(str(place))
        with pytest.raises(OutputError, match="another service answers there"), listening(place):
            pass


def test_a_folder_that_stays_locked_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "LOCK_SECONDS", 0.1)
    descriptor = os.open(place.parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="another program has locked it; name a socket"), listening(place):
            pass
    finally:
        os.close(descriptor)


def test_one_of_many_services_that_come_at_once_replaces_a_dead_socket(place: Path) -> None:
    barrier = threading.Barrier(8, timeout=PATIENCE)

    def listens(_number: int) -> bool:
        barrier.wait()
        with ExitStack() as stack:
            try:
                stack.enter_context(listening(place))
            except OutputError:
                return False
            else:
                return True
            finally:
                barrier.wait()

    with ThreadPoolExecutor(barrier.parties) as pool:
        for _ in range(50):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
                dead.bind(str(place))
            assert sum(pool.map(listens, range(barrier.parties))) == 1


def test_what_is_no_socket_stays(place: Path) -> None:
    place.write_text("mine")
    with pytest.raises(OutputError) as caught, listening(place):
        pass
    assert str(caught.value) == f"{place}: is there and no socket; name another path, or delete it"
    assert place.read_text() == "mine"


def test_a_place_without_a_folder_is_told(tmp_path: Path) -> None:
    path = tmp_path / "no/ner.sock"
    with pytest.raises(OutputError) as caught, listening(path):
        pass
    assert str(caught.value) == f"{path}: no socket can be made there: No such file or directory"


def test_a_socket_of_another_kind_cannot_be_reached(place: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(place))
        with pytest.raises(OutputError) as caught, listening(place):
            pass
    message = "is there and cannot be reached: Protocol wrong type for socket; delete it"
    assert str(caught.value) == f"{place}: {message}"
    assert place.is_socket()


def test_the_socket_of_a_successor_is_left(place: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as successor:
        with listening(place):
            place.unlink()
            successor.bind(str(place))
        assert place.is_socket()
    place.unlink()
    with listening(place):
        place.unlink()
    assert not place.exists()


def test_the_service_needs_one_place_to_listen_at() -> None:
    finished = run_main("serve", "--model", str(TINY_BUNDLE))
    assert finished.code == 2
    assert finished.errors == "edgener: give either --socket, --http or, through systemd, a socket unit\n"
