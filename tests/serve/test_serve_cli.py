"""``edgener serve --http``: what its options stand for, seen in the settings of the service, which is not started."""

from __future__ import annotations

import os
import socket
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from edgener import Rules
from edgener.errors import UsageError
from edgener.providers import PROVIDERS
from edgener.serve import run
from edgener.serve.limits import Limits
from edgener.serve.models import ModelSource
from tests.support import TINY_BUNDLE, run_main, run_python

DEFAULTS: dict[str, Any] = {
    "source": ModelSource(TINY_BUNDLE, rules=Rules()),
    "workers": 4,
    "processes": 1,
    "queue_seconds": 1.0,
    "queue_tokens": 65536,
    "batching": True,
    "limits": Limits(),
    "token_file": None,
    "no_token": False,
    "allowed_hosts": (),
    "cors_origins": (),
    "has_page": True,
    "log_format": "text",
    "log_requests": False,
}
"""The settings without the proxies."""


@pytest.fixture(autouse=True)
def six_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    monkeypatch.delenv("EDGENER_THREADS", raising=False)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[run.Settings, Any]]:
    """The settings and the address of each service that would be started."""
    made: list[tuple[run.Settings, Any]] = []

    def noted(settings: run.Settings, listener: socket.socket) -> None:
        made.append((settings, listener.getsockname()))

    monkeypatch.setattr(run, "run", noted)
    return made


def serve(*options: str | Path) -> None:
    finished = run_main("serve", "--http", "127.0.0.1:0", "--model", str(TINY_BUNDLE), *map(str, options))
    assert (finished.code, finished.errors) == (0, "")


def plain(settings: run.Settings) -> dict[str, Any]:
    return {field.name: getattr(settings, field.name) for field in fields(settings) if field.name != "proxies"}


def test_a_service_without_options_has_the_defaults(
    served: list[tuple[run.Settings, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    monkeypatch.setenv("EDGENER_THREADS", "7")
    serve()
    (settings, (host, port)), (other, _) = served
    assert (host, port > 0) == ("127.0.0.1", True)
    assert plain(settings) == DEFAULTS
    assert plain(other) == {**DEFAULTS, "workers": 7}
    assert settings.proxies.client_of("127.0.0.1", "10.0.0.1") == "127.0.0.1"


def test_each_option_is_a_setting_of_the_service(
    served: list[tuple[run.Settings, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROVIDERS, "cuda", PROVIDERS["cpu"])
    serve(
        "--threads", "2", "--provider", "cuda", "--types", "PER", "--workers", "3", "--queue-seconds", "1.5",
        "--queue-tokens", "99", "--no-batching", "--most-bytes", "11", "--most-texts", "12", "--most-connections", "13",
        "--read-seconds", "14.5", "--write-seconds", "15.5", "--keep-alive-seconds", "16.5", "--deadline", "17.5",
        "--drain-seconds", "18.5", "--token-file", tmp_path / "tokens", "--no-token", "--allowed-host", "a.example",
        "--allowed-host", "b.example", "--cors-origin", "https://c.example", "--trusted-proxy", "10.0.0.0/8",
        "--no-page", "--log-format", "json", "--log-requests",
    )  # fmt: skip
    ((settings, _),) = served
    assert plain(settings) == {
        "source": ModelSource(TINY_BUNDLE, 2, "cuda", Rules(types=("PER",))),
        "workers": 3,
        "processes": 1,
        "queue_seconds": 1.5,
        "queue_tokens": 99,
        "batching": False,
        "limits": Limits(
            most_bytes=11,
            most_texts=12,
            most_connections=13,
            read_seconds=14.5,
            write_seconds=15.5,
            keep_alive_seconds=16.5,
            deadline_seconds=17.5,
            drain_seconds=18.5,
        ),
        "token_file": tmp_path / "tokens",
        "no_token": True,
        "allowed_hosts": ("a.example", "b.example"),
        "cors_origins": ("https://c.example",),
        "has_page": False,
        "log_format": "json",
        "log_requests": True,
    }
    assert settings.proxies.client_of("10.1.2.3", "192.0.2.1") == "192.0.2.1"


def test_several_processes_compute_with_a_thread_each(served: list[tuple[run.Settings, Any]]) -> None:
    serve("--processes", "2", "--threads", "1")
    assert served[0][0].processes == 2
    finished = run_main("serve", "--http", "127.0.0.1:0", "--processes", "2", "--threads", "2")
    message = "--processes and --threads do not go together; several processes compute with one thread each"
    assert (finished.code, finished.errors) == (UsageError.exit_code, f"edgener: {message}\n")


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        *(
            (f"--{name}", "0", "0")
            for name in (
                "workers",
                "threads",
                "processes",
                "queue-tokens",
                "most-bytes",
                "most-unread-bytes",
                "most-texts",
                "most-connections",
            )
        ),
        *(
            (f"--{name}", "0", "0.0")
            for name in (
                "queue-seconds",
                "deadline",
                "read-seconds",
                "write-seconds",
                "keep-alive-seconds",
                "drain-seconds",
            )
        ),
        ("--workers", "-1", "-1"),
        ("--deadline", "inf", "inf"),
        ("--deadline", "nan", "nan"),
    ],
)
def test_a_number_that_is_not_above_zero_is_told(
    served: list[tuple[run.Settings, Any]], option: str, value: str, told: str
) -> None:
    finished = run_main("serve", "--http", "127.0.0.1:0", option, value)
    assert (finished.code, finished.errors) == (
        UsageError.exit_code,
        f"edgener: {option} is {told}; it must be more than 0\n",
    )
    assert served == []


@pytest.mark.parametrize(
    ("most_bytes", "given", "most_unread"),
    [(None, None, 1 << 26), (100_000_000, None, 200_000_000), (None, 1 << 20, 1 << 20), (99, 99, 99)],
)
def test_the_bytes_that_may_wait_are_enough_for_the_largest_request(
    served: list[tuple[run.Settings, Any]], most_bytes: int | None, given: int | None, most_unread: int
) -> None:
    options = {"--most-bytes": most_bytes, "--most-unread-bytes": given}
    serve(*(str(word) for option, value in options.items() if value for word in (option, value)))
    ((settings, _),) = served
    assert settings.limits == Limits(most_bytes=most_bytes or 1 << 20, most_unread_bytes=most_unread)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--most-unread-bytes", "400000"], "400000, but a single request may have 1048576"),
        (["--most-bytes", "100", "--most-unread-bytes", "99"], "99, but a single request may have 100"),
    ],
)
def test_a_limit_that_the_largest_request_could_never_keep_is_refused(
    served: list[tuple[run.Settings, Any]], options: list[str], told: str
) -> None:
    finished = run_main("serve", "--http", "127.0.0.1:0", *options)
    message = f"--most-unread-bytes is {told}; make it at least that, or lower --most-bytes"
    assert (finished.code, finished.errors) == (UsageError.exit_code, f"edgener: {message}\n")
    assert served == []


def test_processes_that_would_share_a_gpu_are_refused(served: list[tuple[run.Settings, Any]]) -> None:
    finished = run_main("serve", "--http", "127.0.0.1:0", "--processes", "2", "--provider", "cuda")
    assert finished.code == UsageError.exit_code
    assert "--processes are copies of one process, which share no GPU" in finished.errors
    assert served == []


@pytest.mark.parametrize(("hard", "connections", "code"), [(4096, 512, 0), (640, 512, 0), (639, 512, 2), (4096, 9, 0)])
def test_connections_get_the_open_files_that_they_need_or_are_refused(hard: int, connections: int, code: int) -> None:
    program = (
        "import resource, sys; from edgener.errors import UsageError; "
        "from edgener.serve.open_files import allow_open_files\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, (200, {hard}))\n"
        f"try: allow_open_files({connections})\n"
        "except UsageError as error: sys.exit(error.exit_code)\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    finished = run_python(program)
    assert finished.code == code
    assert finished.output.decode() == {0: f"{max(200, connections + 128)}\n", 2: ""}[code]


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("--http", ["127.0.0.1:0", "127.0.0.1:0"]),
        ("--model", [str(TINY_BUNDLE), str(TINY_BUNDLE)]),
        ("--workers", ["1", "2"]),
        ("--log-format", ["text", "json"]),
        ("--deadline", ["30", "30"]),
        ("--no-token", []),
    ],
)
def test_an_option_that_would_replace_an_earlier_one_is_refused(
    served: list[tuple[run.Settings, Any]], option: str, values: list[str]
) -> None:
    words = [word for value in values for word in (option, value)] or [option, option]
    finished = run_main("serve", *words)
    assert (finished.code, finished.errors) == (
        UsageError.exit_code,
        f"edgener: {option} is given twice; give it once\n",
    )
    assert served == []
