"""The service as a process: several clients at once, long lines, the signal to stop, sockets of all origins."""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from edgener import Recognizer
from edgener.service import DRAIN_SECONDS, MOST_CLIENTS
from edgener.session import AbandonedError
from tests.support import PASS_SOCKET, TINY_BUNDLE, labelled_texts, missing_providers, run_main, run_tiny

TEXT = "王小明在青山大学工作。"
LINE = f"{TEXT}\n".encode()
IMPATIENT = """
import sys
from edgener import service
from edgener.cli import main
service.SILENT_SECONDS = 1.0
sys.exit(main(sys.argv[1:]))
"""
NOHUP = """
import signal, sys
from edgener.cli import main
signal.signal(signal.SIGHUP, signal.SIG_IGN)
sys.exit(main(sys.argv[1:]))
"""
PATIENCE = 120
"""Seconds, for machines that are busy with something else."""
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "ner.sock"


@pytest.fixture
def start(place: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts the service at ``place`` and waits until it says that it is ready."""
    processes: list[subprocess.Popen[bytes]] = []

    def start_service(*command: str, pass_fds: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        words = command or ("-m", "edgener", "serve", "--socket", str(place), "--model", str(TINY_BUNDLE))
        address = tmp_path / f"notify-{len(processes)}"
        messages = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        messages.bind(str(address))
        messages.settimeout(PATIENCE)
        env = {**os.environ, "NOTIFY_SOCKET": str(address)}
        process = stack.enter_context(
            subprocess.Popen([sys.executable, *words], env=env, stderr=subprocess.PIPE, pass_fds=pass_fds)
        )
        stack.callback(process.kill)
        processes.append(process)
        assert messages.recv(100) == b"READY=1"
        assert process.stderr
        assert process.stderr.readline() == f"edgener: ready, answers on {place}\n".encode()
        return process

    with ExitStack() as stack:
        yield start_service


def connect(place: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(PATIENCE)
    client.connect(str(place))
    return client


def read_rows(client: socket.socket) -> list[Any]:
    """All that comes until the service closes the connection."""
    with client, client.makefile("rb") as stream:
        return [json.loads(line) for line in stream]


def ask(place: Path, content: bytes) -> list[Any]:
    """Send everything while reading the answers."""
    client = connect(place)

    def send() -> None:
        client.sendall(content)
        client.shutdown(socket.SHUT_WR)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(send)
        return read_rows(client)


def end(process: subprocess.Popen[bytes]) -> str:
    """Let the service end as systemd does; what it said meanwhile."""
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=DRAIN_SECONDS + PATIENCE)
    assert process.returncode == 0
    return errors.decode()


def test_the_same_records_as_the_command_line_for_any_bytes(start: Start, place: Path) -> None:
    process = start()
    long_line = ("长" * 300 + TEXT).encode() * 90 + b"\n"
    content = LINE * 2 + b"\n" + "一行\r\n".encode() + b"\xff\xfe\n" + long_line + LINE[:-1]
    assert ask(place, content) == run_tiny(stdin=content).rows
    assert ask(place, b"") == []
    assert end(process) == ""
    assert not place.exists()


def test_each_line_is_answered_before_the_next_one_is_sent(start: Start, place: Path) -> None:
    start()
    client = connect(place)
    with client, client.makefile("rb") as stream:
        for number in range(1, 4):
            for byte in LINE:
                client.sendall(bytes([byte]))
            row = json.loads(stream.readline())
            assert row["line"] == number
            assert [entity["text"] for entity in row["entities"]] == ["王小明", "青山大学"]


def test_more_clients_than_are_served_at_once_all_get_their_answers(start: Start, place: Path) -> None:
    process = start()
    contents = [LINE * number for number in range(1, MOST_CLIENTS + 5)]
    with ThreadPoolExecutor(len(contents)) as pool:
        answers = list(pool.map(lambda content: ask(place, content), contents))
    for number, rows in enumerate(answers, start=1):
        assert [row["line"] for row in rows] == list(range(1, number + 1))
        assert all([entity["text"] for entity in row["entities"]] == ["王小明", "青山大学"] for row in rows)
    assert end(process) == ""


def test_a_silent_or_vanished_client_keeps_nobody_waiting(start: Start, place: Path) -> None:
    process = start()
    silent = connect(place)
    silent.sendall(LINE[:-1] * 3_000)  # one line that does not end: read in pieces
    vanished = connect(place)
    vanished.sendall(LINE * 3_000)
    vanished.close()
    assert len(ask(place, LINE * 3)) == 3
    silent.close()
    assert end(process) == ""


def test_what_arrived_before_the_signal_is_answered_and_no_cut_line_is(start: Start, place: Path) -> None:
    process = start()
    clients = [connect(place) for _ in range(3)]
    clients[0].sendall(LINE * 300)
    clients[1].sendall(LINE + LINE[:9])
    idle = clients[2]
    assert end(process) == ""
    assert len(read_rows(clients[0])) == 300
    assert len(read_rows(clients[1])) == 1
    assert read_rows(idle) == []
    assert not place.exists()


def test_a_client_that_takes_no_answers_does_not_keep_it_from_ending(start: Start, place: Path) -> None:
    process = start()
    with connect(place) as client:
        client.settimeout(2)
        with pytest.raises(TimeoutError):  # both sockets are full: the service waits for its answers to be taken
            client.sendall(LINE * 100_000)
        assert "1 clients did not take their answers in time" in end(process)


def test_a_signal_that_another_thread_takes_ends_it_too(start: Start, place: Path) -> None:
    process = start()
    with connect(place) as client:
        client.sendall(LINE)
        assert client.recv(100)  # its thread exists
        others = {int(thread.name) for thread in Path(f"/proc/{process.pid}/task").iterdir()} - {process.pid}
        assert ctypes.CDLL(None).tgkill(process.pid, max(others), signal.SIGTERM) == 0
        assert process.wait(PATIENCE) == 0


def test_a_terminal_that_is_closed_ends_it_as_sigterm_does(start: Start, place: Path) -> None:
    process = start()
    client = connect(place)
    client.sendall(LINE * 30)
    process.send_signal(signal.SIGHUP)
    assert process.wait(PATIENCE) == 0
    assert len(read_rows(client)) == 30
    assert not place.exists()


def test_nohup_lets_it_outlive_its_terminal(start: Start, place: Path) -> None:
    process = start("-c", NOHUP, "serve", "--socket", str(place), "--model", str(TINY_BUNDLE))
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    (ignored,) = re.findall(r"SigIgn:\s+(\w+)", status)
    assert int(ignored, 16) & 1 << signal.SIGHUP - 1
    assert end(process) == ""


def test_a_dead_socket_is_replaced(start: Start, place: Path) -> None:
    process = start()
    process.kill()
    process.wait()
    assert place.is_socket()
    process = start()
    assert len(ask(place, LINE)) == 1
    end(process)


def test_a_service_that_ends_leaves_the_socket_of_its_successor(start: Start, place: Path) -> None:
    first = start()
    place.unlink()
    start()
    assert end(first) == ""
    assert len(ask(place, LINE)) == 1


def test_clients_that_are_silent_for_long_make_room(start: Start, place: Path) -> None:
    process = start("-c", IMPATIENT, "serve", "--socket", str(place), "--model", str(TINY_BUNDLE))
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(place)) for _ in range(MOST_CLIENTS)]
        silent = clients.pop(MOST_CLIENTS // 2)
        for client in (silent, *clients * 3):
            client.sendall(LINE)
            assert client.recv(1000).endswith(b"\n")
        assert len(ask(place, LINE)) == 1
        closed, _, _ = select.select([silent, *clients], [], [], PATIENCE)
        assert closed == [silent]
        assert silent.recv(1) == b""
    assert end(process) == "edgener: a client that was silent for 1 seconds makes room for another one\n"


def serve_words(place: Path, *options: str) -> list[str]:
    """Arguments of Python for the service at ``place`` with some options."""
    return ["-m", "edgener", "serve", "--socket", str(place), "--model", str(TINY_BUNDLE), *options]


def test_the_rules_of_the_operator_hold(start: Start, place: Path, tmp_path: Path) -> None:
    words, excluded = tmp_path / "words.tsv", tmp_path / "exclude.txt"
    words.write_text("小明\tLOC\n", encoding="utf-8")
    excluded.write_text("李娜\n", encoding="utf-8")
    rules = ["--dictionary", str(words), "--exclude", str(excluded), "--min-score", "ORG=1", "--types", "LOC,PER,ORG"]
    start(*serve_words(place, *rules))
    rows = ask(place, LINE + "李娜在小明家。\n".encode())
    found = [[(entity["text"], entity["label"]) for entity in row["entities"]] for row in rows]
    assert found == [[("小明", "LOC")], [("小明", "LOC")]]


def test_entities_below_the_least_score_are_dropped(start: Start, place: Path) -> None:
    start(*serve_words(place, "--min-score", "0.99005"))
    texts = [row.text for row in labelled_texts()]
    lines = "".join(f"{text}\n" for text in texts).encode()
    rows = ask(place, lines)
    assert rows == run_tiny("--min-score", "0.99005", stdin=lines).rows
    assert rows != run_tiny(stdin=lines).rows


@pytest.mark.parametrize("by_variable", [False, True])
def test_as_many_threads_compute_as_were_asked_for(
    start: Start, place: Path, by_variable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for threads in ("1", "3"):
        monkeypatch.setenv("EDGENER_THREADS", threads if by_variable else "2")
        process = start(*serve_words(place, *([] if by_variable else ["--threads", threads])))
        with connect(place) as client:
            client.sendall(LINE)
            assert client.recv(1000)
            counts.append(len(list(Path(f"/proc/{process.pid}/task").iterdir())))
        end(process)
    assert counts[1] - counts[0] == 2


@pytest.mark.parametrize("provider", missing_providers())
def test_a_missing_provider_ends_it_before_it_listens(place: Path, provider: str) -> None:
    command = [sys.executable, *serve_words(place, "--provider", provider)]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert refused.returncode == 8
    assert refused.stderr.startswith(f"edgener: {provider}: ")
    assert not place.exists()


def test_a_byte_order_mark_is_no_part_of_the_first_line(start: Start, place: Path) -> None:
    start()
    (row,) = ask(place, BOM_UTF8 + LINE)
    assert [(entity["text"], entity["start"]) for entity in row["entities"]] == [("王小明", 0), ("青山大学", 4)]


def test_a_socket_that_lives_is_left_alone(start: Start, place: Path) -> None:
    start()
    refused = run_main("serve", "--socket", str(place), "--model", str(TINY_BUNDLE))
    assert refused.code == 4
    assert "another service answers there" in refused.errors
    assert len(ask(place, LINE)) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [("file", "is there and no socket"), ("none/x", "No such file"), ("x" * 120, "no socket can be made there")],
)
def test_places_where_no_socket_can_be(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "file").write_text("mine")
    finished = run_main("serve", "--socket", str(tmp_path / name), "--model", str(TINY_BUNDLE))
    assert finished.code == 4
    assert message in finished.errors
    assert (tmp_path / "file").read_text() == "mine"


def test_a_socket_passed_by_systemd_is_served_and_left(start: Start, place: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(place))
        listener.listen()
        for _ in range(2):  # a client that comes between two services waits for the second one
            client = connect(place)
            client.sendall(LINE)
            client.shutdown(socket.SHUT_WR)
            fd = listener.fileno()
            process = start("-c", PASS_SOCKET, str(fd), "1", "--model", str(TINY_BUNDLE), pass_fds=(fd,))
            assert len(read_rows(client)) == 1
            end(process)
            assert place.is_socket()


@pytest.mark.parametrize(("kind", "count"), [(socket.SOCK_DGRAM, "1"), (socket.SOCK_STREAM, "1"), (None, "2")])
def test_other_sockets_of_systemd_are_refused(kind: socket.SocketKind | None, count: str) -> None:
    with socket.socket(socket.AF_UNIX, kind or socket.SOCK_STREAM) as other:  # none of them listens
        command = [sys.executable, "-c", PASS_SOCKET, str(other.fileno()), count, "--model", str(TINY_BUNDLE)]
        finished = subprocess.run(command, pass_fds=(other.fileno(),), capture_output=True, text=True, check=False)
    assert finished.returncode == 2
    assert "socket unit must have" in finished.stderr


def test_nowhere_to_listen_or_twice(place: Path) -> None:
    assert run_main("serve", "--model", str(TINY_BUNDLE)).code == 2
    assert run_main("serve", "--socket", str(place), "--min-score", "2").code == 2


def test_nothing_is_computed_for_a_recognizer_that_was_abandoned() -> None:
    serial = Recognizer.load(TINY_BUNDLE, serial=True)
    endless = serial.batch(itertools.repeat(TEXT))
    assert len(next(endless)) == 2
    serial.abandon()
    with pytest.raises(AbandonedError):
        list(endless)


def test_one_batch_at_a_time_gives_the_same_answers(recognizer: Recognizer) -> None:
    serial = Recognizer.load(TINY_BUNDLE, serial=True)
    texts = [TEXT * number for number in range(1, 9)]
    expected = [recognizer(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(serial, texts)) == expected
