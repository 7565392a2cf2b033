"""A service over HTTP changes its model and ends without losing a request, and does what systemd asks for."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from edgener.client import Client, ServiceError
from edgener.installed import install
from tests.serve.servers import LINES, PATIENCE, TEXT, TOKEN, Running, read_answer, running, wait_until
from tests.support import PACKAGES, PASS_SOCKET, TINY_BUNDLE, change_manifest, replace_file, run_main
from tools import measured

OPEN = ("--workers", "2", "--queue-seconds", "100", "--queue-tokens", "100000000")

TERMINATED_AT_BIRTH = """
import os, signal, sys
from edgener.cli import main
births = []
def terminate_the_first():
    if len(births) == 1:
        os.kill(os.getpid(), signal.SIGTERM)
os.register_at_fork(before=lambda: births.append(1), after_in_child=terminate_the_first)
sys.exit(main(sys.argv[1:]))
"""
"""The command line, whose first new process gets SIGTERM at once."""
CLIENT_AT_THE_END = """
import asyncio, socket, sys
from edgener.cli import main
from edgener.serve.server import Server
drain = Server._drain
async def drain_after_accepting(self, server):
    client = socket.create_connection(self._listener.getsockname(), timeout=5)
    client.sendall(b"GET /health HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    for _ in range(2):  # asyncio selects, and accepts; its transport comes later
        await asyncio.sleep(0)
    await drain(self, server)
    print(client.recv(1 << 16), file=sys.stderr)
Server._drain = drain_after_accepting
sys.exit(main(sys.argv[1:]))
"""
"""The command line, with a client that comes when the service begins to end."""
SHORT_OF_PROCESSES = """
import errno, os, sys
from edgener.cli import main
fork, calls = os.fork, []
def fork_unless_short():
    calls.append(1)
    if len(calls) in (3, 4):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return fork()
os.fork = fork_unless_short
sys.exit(main(sys.argv[1:]))
"""
"""The command line, which for a while can start no further process when two have been started."""
SHORT_OF_THREADS = """
import sys
from edgener.cli import main
from edgener.errors import MachineError
from edgener.serve import engine
def refuse(self):
    raise MachineError("only 3 threads that compute can be started")
engine.Engine._start = refuse
sys.exit(main(sys.argv[1:]))
"""
"""The command line, no process of which can start its threads."""
IMPATIENT = """
import sys
from edgener.cli import main
from edgener.serve import processes
processes.SILENT_SECONDS, processes.LOOK_SECONDS = 3.0, 0.2
sys.exit(main(sys.argv[1:]))
"""
"""The command line, which replaces a process that is silent for three seconds."""
FAILING_SWITCH = """
import sys
from edgener.cli import main
from edgener.serve import engine
measure, calls = engine.measured_cost, []
def measure_once(*arguments):
    calls.append(1)
    if len(calls) == 2:
        raise MemoryError
    return measure(*arguments)
engine.measured_cost = measure_once
sys.exit(main(sys.argv[1:]))
"""
"""The command line, which cannot change to the first other model."""
FAILING_MODEL = """
import sys
from edgener.cli import main
from edgener.serve import run
serve = run._serve
async def serve_unless_failing(settings, model, *others, **options):
    if model.name == "failing":
        raise MemoryError
    await serve(settings, model, *others, **options)
run._serve = serve_unless_failing
sys.exit(main(sys.argv[1:]))
"""
"""The command line, with processes that cannot serve with the model of this name."""


class Load:
    """Requests that are made all the time, and what became of them."""

    def __init__(self, address: str, clients: int) -> None:
        self.answered, self.failed = 0, []  # type: tuple[int, list[str]]
        self._address, self._stop = address, threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _ask(self) -> None:
        with Client(self._address, patience=0) as client:
            while not self._stop.is_set():
                try:
                    assert len(client(TEXT)) == 2
                    self.answered += 1
                except ServiceError as error:
                    self.failed.append(str(error))
                    return

    def wait_for(self, more: int) -> None:
        """Wait until so many more requests were answered."""
        target, deadline = self.answered + more, time.monotonic() + PATIENCE
        while self.answered < target:
            assert time.monotonic() < deadline
            assert not self.failed, self.failed
            time.sleep(0.01)


@contextmanager
def another_bundle(folder: Path, name: str) -> Iterator[Path]:
    path = shutil.copytree(TINY_BUNDLE, folder / name)
    change_manifest(path, name=name)
    yield path
    shutil.rmtree(path)


def test_twenty_changes_of_the_model_under_load_fail_nobody() -> None:
    with running(*OPEN) as service, Load(service.address, 3) as load:
        for number in range(1, 21):
            service.process.send_signal(signal.SIGHUP)
            load.wait_for(2)
            wait_until(lambda number=number: sum("answers with" in line for line in service.log) >= number)
        assert service.metric('edgener_model_switches_total{result="switched"}') == 20
        load.wait_for(1)
    assert not load.failed


def test_an_installed_model_is_used_without_a_signal_and_a_bad_one_is_not(tmp_path: Path) -> None:
    models = tmp_path / "models"
    with another_bundle(tmp_path, "first") as first, another_bundle(tmp_path, "second") as second:
        install(first, models)
        with running(*OPEN, model=None, EDGENER_MODELS=str(models)) as service, Load(service.address, 1) as load:
            assert service.get("/ready").json["model"] == "first"
            target = install(second, models)
            wait_until(lambda: service.get("/ready").json["model"] == "second")
            golden = json.loads((target / "golden.json").read_text(encoding="utf-8"))
            golden["cases"][0]["entities"] = []
            golden["cases"][0]["text"] = TEXT
            replace_file(target, "golden.json", json.dumps(golden).encode())
            service.process.send_signal(signal.SIGHUP)
            wait_until(lambda: any("second" in line and "goes on answering" in line for line in service.log))
            load.wait_for(2)
            assert service.get("/ready").json["model"] == "second"
            assert service.metric('edgener_model_switches_total{result="refused"}') == 1
            digest = service.get("/info").json["model"]["digest"]
            assert f'digest="{digest}",name="second"' in service.get("/metrics").body.decode()
        assert not load.failed


@pytest.mark.parametrize("processes", ["1", "2"])
def test_tokens_are_read_again_and_bad_ones_are_not_taken(tmp_path: Path, processes: str) -> None:
    path = tmp_path / "tokens"
    path.write_text(f"old {TOKEN}\n", encoding="utf-8")
    with running(*OPEN, "--token-file", str(path), "--processes", processes) as service:
        path.write_text("new short\n", encoding="utf-8")
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: any("the tokens of before are still valid" in line for line in service.log))
        assert service.get("/info", Authorization=f"Bearer {TOKEN}").status == 200
        path.write_text(f"new {TOKEN[::-1]}\n", encoding="utf-8")
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: service.get("/info", Authorization=f"Bearer {TOKEN[::-1]}").status == 200)
        wait_until(lambda: service.get("/info", Authorization=f"Bearer {TOKEN}").status == 401)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_token_that_was_taken_away_is_refused_although_the_rules_cannot_be_loaded(
    tmp_path: Path, processes: str
) -> None:
    tokens, dictionary = tmp_path / "tokens", tmp_path / "dictionary"
    tokens.write_text(f"stays {TOKEN[::-1]}\nleaves {TOKEN}\n", encoding="utf-8")
    dictionary.write_text("王小明\tPER\n", encoding="utf-8")
    files = ("--token-file", str(tokens), "--dictionary", str(dictionary))
    with running("--workers", "1", "--processes", processes, *files) as service:
        assert service.get("/info", Authorization=f"Bearer {TOKEN}").status == 200
        tokens.write_text(f"stays {TOKEN[::-1]}\n", encoding="utf-8")
        dictionary.write_text("王小明\t\t\t\n", encoding="utf-8")
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: any("goes on answering" in line for line in service.log))
        assert len([line for line in service.log if f"{tokens}: the tokens are read again" in line]) == 1
        wait_until(lambda: {service.get("/info", Authorization=f"Bearer {TOKEN}").status for _ in range(12)} == {401})
        assert service.get("/info", Authorization=f"Bearer {TOKEN[::-1]}").status == 200
        for child in children_of(service.process.pid)[:1]:
            os.kill(child, signal.SIGKILL)
            wait_until(lambda: any("is replaced" in line for line in service.log))
            wait_until(lambda: len(children_of(service.process.pid)) == int(processes))
        assert {service.get("/info", Authorization=f"Bearer {TOKEN}").status for _ in range(12)} == {401}


def test_reloads_that_are_asked_for_all_the_time_start_no_third_generation(tmp_path: Path) -> None:
    with (
        another_bundle(tmp_path, "first") as bundle,
        running("--workers", "1", "--processes", "2", model=bundle) as service,
    ):
        most = 0
        with service.connect() as stream:
            stream.sendall(LINES + b"2\r\na\n\r\n")
            assert b"200 OK" in stream.recv(1 << 16)
            for _ in range(40):
                service.process.send_signal(signal.SIGHUP)
                most = max(most, len(children_of(service.process.pid)))
                time.sleep(0.05)
            change_manifest(bundle, name="last")
            service.process.send_signal(signal.SIGHUP)
        assert most <= 4
        wait_until(lambda: any("answers with last" in line for line in service.log))
        wait_until(lambda: len(children_of(service.process.pid)) == 2)
        assert service.get("/ready").json["model"] == "last"


def test_processes_that_fail_with_a_model_are_given_up_for_the_next_one(tmp_path: Path) -> None:
    with (
        another_bundle(tmp_path, "first") as bundle,
        running("--workers", "1", "--processes", "2", model=bundle, program=("-c", FAILING_MODEL)) as service,
    ):
        change_manifest(bundle, name="failing")
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: any("is replaced" in line for line in service.log))
        assert service.get("/ready").json["model"] == "first"
        change_manifest(bundle, name="last")
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: any("answers with last" in line for line in service.log))
        wait_until(lambda: len(children_of(service.process.pid)) == 2)
        assert service.get("/ready").json["model"] == "last"


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_reload_that_is_asked_for_during_the_start_comes_after_it(processes: str) -> None:
    def ask_for_it(pid: int) -> None:
        wait_until(lambda: "onnxruntime" in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8"))
        os.kill(pid, signal.SIGHUP)

    with running("--workers", "1", "--processes", processes, on_start=ask_for_it) as service:
        wait_until(lambda: any("answers with" in line for line in service.log))
        assert service.ask({"inputs": TEXT}).status == 200
        service.end()


@pytest.mark.parametrize("processes", ["1", "2"])
def test_reloads_that_are_asked_for_at_the_end_do_no_harm(processes: str) -> None:
    with running("--workers", "1", "--processes", processes) as service:
        service.process.send_signal(signal.SIGTERM)
        for _ in range(10_000):
            if service.process.poll() is not None:
                break
            service.process.send_signal(signal.SIGHUP)
            time.sleep(0.001)
        assert service.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("processes", ["1", "2"])
def test_every_request_that_was_sent_before_the_end_is_answered(processes: str) -> None:
    body = json.dumps({"inputs": [TEXT * 5] * 8}).encode()
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with running(*OPEN, "--drain-seconds", "100", "--processes", processes) as service, ExitStack() as stack:
        connections = [stack.enter_context(closing(service.connect())) for _ in range(24)]
        idle = stack.enter_context(closing(service.connect()))
        for connection in connections:
            connection.sendall(head % len(body) + body)
        service.process.send_signal(signal.SIGTERM)
        for connection in connections:
            status, content = read_answer(connection)
            assert (status, len(json.loads(content))) == (200, 8), content[:200]
        assert read_answer(idle)[0] == 0
        assert service.process.wait(PATIENCE) == 0


def test_a_request_whose_connection_was_accepted_just_before_the_end_is_answered() -> None:
    with running("--workers", "1", program=("-c", CLIENT_AT_THE_END)) as service:
        assert "HTTP/1.1 200 OK" in service.end()


@pytest.mark.parametrize("processes", ["1", "2"])
def test_the_end_comes_although_a_client_stays_and_a_stream_has_none(processes: str) -> None:
    options = (*OPEN, "--processes", processes, "--drain-seconds")
    with running(*options, "1") as service, service.connect() as connection:
        connection.sendall(LINES + b"2\r\na\n\r\n")
        assert b"200 OK" in connection.recv(1 << 16)
        assert "1 clients did not take their answers in time" in service.end()
    with running(*options, "1000") as service, service.connect() as connection:
        connection.sendall(LINES + b"2\r\na\n\r\n")
        assert b"200 OK" in connection.recv(1 << 16)
        for _ in range(2):  # a second Ctrl-C does not wait
            service.process.send_signal(signal.SIGINT)
            time.sleep(0.5)
        assert service.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_service_that_ends_is_not_ready_and_closes_its_connections(processes: str) -> None:
    with running(*OPEN, "--processes", processes) as service, service.connect() as stream, service.connect() as other:
        stream.sendall(LINES + b"2\r\na\n\r\n")
        assert b"200 OK" in stream.recv(1 << 16)
        other.sendall(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nX-Half: ")
        wait_until(lambda: service.metric("edgener_connections") >= 3)
        service.process.send_signal(signal.SIGTERM)
        with suppress(ConnectionError):
            wait_until(lambda: not is_listening(service))
        other.sendall(b"\r\n\r\n")
        status, body = read_answer(other)
        assert (status, json.loads(body)["error_type"]) == (503, "unavailable")
        stream.sendall(b"0\r\n\r\n")
        assert service.process.wait(PATIENCE) == 0


def is_listening(service: Running) -> bool:
    try:
        service.connect().close()
    except ConnectionRefusedError:
        return False
    return True


def test_systemd_passes_the_socket_and_is_told_of_readiness_life_and_end(tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messages, socket.create_server(("127.0.0.1", 0)) as passed:
        messages.bind(str(address))
        messages.settimeout(PATIENCE)
        env = {**os.environ, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "600000", "PYTHONPATH": PACKAGES}
        command = [sys.executable, "-c", PASS_SOCKET, str(passed.fileno()), "1", "--model", str(TINY_BUNDLE), *OPEN]
        with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, pass_fds=[passed.fileno()]) as process:
            try:
                with Client(f"http://127.0.0.1:{passed.getsockname()[1]}") as client:
                    assert len(client(TEXT)) == 2
                heard = {messages.recv(100) for _ in range(3)}
                assert heard == {b"READY=1", b"WATCHDOG=1"}
                process.terminate()
                while messages.recv(100) != b"STOPPING=1":
                    pass
                assert process.wait(PATIENCE) == 0
            finally:
                process.kill()


def test_several_processes_share_a_socket_their_numbers_and_their_end() -> None:
    with running("--workers", "1", "--processes", "2", "--queue-seconds", "100") as service:
        children = children_of(service.process.pid)
        assert len(children) == 2
        clients = 4
        with Load(service.address, clients) as load:
            load.wait_for(8)
            os.kill(children[0], signal.SIGKILL)
            wait_until(lambda: any("is replaced" in line for line in service.log))
            wait_until(lambda: len(children_of(service.process.pid)) == 2)
        assert all("reset" in failure or "closed" in failure for failure in load.failed), load.failed
        assert service.get("/info").json["processes"] == 2
        assert service.metric("edgener_workers") in (1, 2)
        not_counted = clients  # an answer of each may have been sent, and not counted yet, when the process was killed
        assert service.metric('edgener_requests_total{route="/v1/ner",status="200"}') >= load.answered - not_counted
        with Load(service.address, 3) as load:
            service.process.send_signal(signal.SIGHUP)
            wait_until(lambda: any("answers with" in line for line in service.log))
            wait_until(lambda: len(children_of(service.process.pid)) == 2)
            load.wait_for(4)
        assert not load.failed
        children = children_of(service.process.pid)
        service.end()
        assert not any(Path(f"/proc/{child}").exists() for child in children)


def test_numbers_of_processes_that_have_ended_stay_in_the_sums() -> None:
    with running("--workers", "1", "--processes", "2") as service:
        answered = 0
        for reloads in range(5):
            for _ in range(8):
                assert service.ask({"inputs": TEXT}).status == 200
            answered += 8
            assert service.metric("edgener_texts_total") == answered
            assert service.metric("edgener_request_duration_seconds_count") >= answered
            wait_until(lambda: service.metric("edgener_workers") == 2)
            service.process.send_signal(signal.SIGHUP)
            wait_until(lambda count=reloads + 1: sum("answers with" in line for line in service.log) == count)
            wait_until(lambda: len(children_of(service.process.pid)) == 2)
        assert service.metric("edgener_texts_total") == answered
        service.end()


def test_a_process_that_takes_the_place_of_a_killed_one_goes_on_from_its_counts() -> None:
    with running("--workers", "1", "--processes", "2") as service:
        for _ in range(20):
            assert service.ask({"inputs": TEXT}).status == 200
        assert service.metric("edgener_texts_total") == 20
        for pid in children_of(service.process.pid):
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda pid=pid: pid not in (left := children_of(service.process.pid)) and len(left) == 2)
        wait_until(lambda: service.metric("edgener_workers") == 2)
        assert service.metric("edgener_texts_total") == 20
        service.end()


def test_a_process_that_is_told_to_end_as_soon_as_it_exists_ends() -> None:
    with running("--workers", "1", "--processes", "2", program=("-c", TERMINATED_AT_BIRTH)) as service:
        assert [line for line in service.log if "ended with -15 and is replaced" in line]
        assert len(children_of(service.process.pid)) == 2


def test_processes_that_cannot_serve_end_the_service_with_the_reason() -> None:
    command = [sys.executable, "-c", SHORT_OF_THREADS, "serve", "--http", "127.0.0.1:0", "--processes", "2"]
    environment = {**os.environ, "PYTHONPATH": PACKAGES}
    finished = subprocess.run(
        [*command, "--model", str(TINY_BUNDLE)],
        env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert finished.returncode == 5
    assert "edgener: only 3 threads that compute can be started\n" in finished.stderr
    assert re.search(r"edgener: process \d+ ended with 1 before it could serve\n$", finished.stderr)


def test_processes_that_were_stopped_all_together_are_not_taken_for_hung() -> None:
    with running("--workers", "1", "--processes", "2", program=("-c", IMPATIENT)) as service:
        children = children_of(service.process.pid)
        for pid in (service.process.pid, *children):
            os.kill(pid, signal.SIGSTOP)
        time.sleep(3.5)
        os.kill(service.process.pid, signal.SIGCONT)
        time.sleep(0.5)
        for pid in children:
            os.kill(pid, signal.SIGCONT)
        assert service.ask({"inputs": TEXT}).status == 200
        assert children_of(service.process.pid) == children
        os.kill(children[0], signal.SIGSTOP)
        wait_until(lambda: any("hangs and is replaced" in line for line in service.log))


def test_a_process_that_cannot_be_started_is_tried_again_while_the_other_answers() -> None:
    with running("--workers", "1", "--processes", "2", program=("-c", SHORT_OF_PROCESSES)) as service:
        os.kill(children_of(service.process.pid)[0], signal.SIGKILL)
        wait_until(lambda: any("no process can be started, which is tried again: Resource" in it for it in service.log))
        assert service.get("/ready").status == 200
        wait_until(lambda: len(children_of(service.process.pid)) == 2)
        assert sum("no process can be started" in line for line in service.log) == 1
        service.process.terminate()
        assert service.process.wait(PATIENCE) == 0


def test_a_model_that_cannot_be_taken_up_leaves_the_present_one_and_is_told(tmp_path: Path) -> None:
    with (
        another_bundle(tmp_path, "first") as bundle,
        running("--workers", "1", model=bundle, program=("-c", FAILING_SWITCH)) as service,
    ):
        for name, told in (("second", "goes on answering"), ("third", "answers with third")):
            change_manifest(bundle, name=name)
            service.process.send_signal(signal.SIGHUP)
            wait_until(lambda told=told: any(told in line for line in service.log))
        assert service.get("/ready").json["model"] == "third"
        service.process.terminate()
        assert service.process.wait(PATIENCE) == 0


def test_processes_end_when_the_first_one_is_killed() -> None:
    with running("--workers", "1", "--processes", "2") as service:
        children = children_of(service.process.pid)
        service.process.kill()
        service.process.wait(PATIENCE)
        wait_until(lambda: not any(Path(f"/proc/{child}/exe").exists() for child in children))


def children_of(pid: int) -> list[int]:
    return sorted(measured.children().get(pid, []))


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--http", "nowhere"), 2, "--http is 'nowhere'; write HOST:PORT"),
        (("--http", "127.0.0.1:70000"), 2, "write HOST:PORT"),
        (("--http", ":80"), 2, "write HOST:PORT"),
        (("--http", "192.0.2.1:0"), 4, "192.0.2.1:0: cannot listen there: "),
        (("--http", "no.invalid:0"), 4, "no.invalid:0: cannot listen there: "),
        (("--http", "127.0.0.1:0", "--socket", "/tmp/x"), 2, "give either --socket or --http"),
        (("--socket", "/tmp/x", "--token-file", "t", "--workers", "2"), 2, "--token-file, --workers: for --http alone"),
        (("--http", "127.0.0.1:0", "--workers", "0"), 2, "--workers is 0; it must be more than 0"),
        (("--http", "127.0.0.1:0", "--workers", "5000"), 2, "--workers is 5000; it must be at most "),
        (("--http", "127.0.0.1:0", "--deadline", "nan"), 2, "--deadline is nan; it must be more than 0"),
        (("--http", "127.0.0.1:0", "--processes", "2", "--threads", "2"), 2, "--processes and --threads do not go"),
        (("--http", "127.0.0.1:0", "--token-file", "/nonexistent"), 3, "/nonexistent: cannot be read"),
        (("--http", "127.0.0.1:0", "--model", "/nonexistent"), 11, "/nonexistent"),
    ],
)
def test_options_that_cannot_be_met_end_it_at_once(options: tuple[str, ...], code: int, told: str) -> None:
    model = () if "--model" in options else ("--model", str(TINY_BUNDLE))
    finished = run_main("serve", *model, *options)
    assert (finished.code, told in finished.errors) == (code, True), finished.errors
    assert finished.errors.count("\n") == 1


def test_an_address_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        finished = run_main("serve", "--model", str(TINY_BUNDLE), "--http", address)
    assert finished.code == 4
    assert finished.errors.startswith(f"edgener: {address}: cannot listen there: Address already in use")


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_signal_to_the_whole_group_lets_requests_be_answered(processes: str) -> None:
    with running("--processes", processes, "--workers", "1", "--queue-seconds", "100") as service:
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(service.ask, {"inputs": [TEXT * 200] * 60})
            wait_until(lambda: service.metric("edgener_queue_tokens") > 0)
            assert not answer.done()
            for pid in (*children_of(service.process.pid), service.process.pid):
                os.kill(pid, signal.SIGTERM)
            assert answer.result().status == 200
        assert service.process.wait(PATIENCE) == 0
