"""``edgener serve``: the recognizer behind a Unix socket, or behind HTTP."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from edgener import hangup
from edgener.command_line import Command, refuse_repeated_options
from edgener.errors import UsageError
from edgener.options import (
    add_model,
    add_provider,
    add_rules,
    add_threads,
    load_recognizer_class,
    model_of,
    rules_of,
    threads_of,
)
from edgener.providers import CPU

if TYPE_CHECKING:
    import socket

MOST_WORKERS = 4
"""Threads for which one process of Python has enough to do beside them."""
LOG_FORMATS = ("text", "json")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    refuse_repeated_options(parser)
    parser.add_argument(
        "--socket", type=Path, metavar="PATH", help="path of the socket to listen on, unless systemd passes a socket"
    )
    add_model(parser)
    add_threads(parser)
    add_rules(parser)
    add_provider(parser)
    _add_http(parser)


def _add_http(parser: argparse.ArgumentParser) -> None:
    from edgener.serve.limits import Limits

    limits = Limits()
    group = parser.add_argument_group("HTTP (pip install '.[serve]' in a clone; docs/serving.md)")

    def number(name: str, default: float, text: str, kind: type[int] | type[float] = float) -> None:
        metavar, shown = ("N", str(default)) if kind is int else ("S", f"{default:g}")
        group.add_argument(name, type=kind, default=default, metavar=metavar, help=f"{text}; default: {shown}")

    group.add_argument(
        "--http", metavar="HOST:PORT", help="answer over HTTP at this address, unless systemd passes a network socket"
    )
    group.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="clients that may ask: lines of a name and a token of at least 16 characters",
    )
    group.add_argument("--no-token", action="store_true", help="let anybody ask who reaches a network address")
    group.add_argument(
        "--workers", type=int, metavar="N", help="threads that compute; default: EDGENER_THREADS, else cores, at most 4"
    )
    number("--processes", 1, "processes with --workers threads each, for machines with many cores", int)
    number("--queue-seconds", 1.0, "refuse requests that would have to wait longer than this")
    number("--queue-tokens", 65536, "refuse requests while so many tokens wait", int)
    number("--deadline", limits.deadline_seconds, "seconds until a request must be answered")
    number("--most-bytes", limits.most_bytes, "bytes of a request", int)
    group.add_argument(
        "--most-unread-bytes",
        type=int,
        metavar="N",
        help="bytes of all requests together that are not whole yet; "
        f"default: {limits.most_unread_bytes}, or twice --most-bytes if that is more",
    )
    number("--most-texts", limits.most_texts, "texts of a request", int)
    number(
        "--most-connections",
        limits.most_connections,
        "connections that are served at once, by each of --processes",
        int,
    )
    number("--read-seconds", limits.read_seconds, "seconds in which a request must arrive")
    number("--write-seconds", limits.write_seconds, "seconds in which a client must take some of its answer")
    number("--keep-alive-seconds", limits.keep_alive_seconds, "seconds for which a connection may rest")
    number("--drain-seconds", limits.drain_seconds, "seconds to answer what has arrived when the service ends")
    group.add_argument(
        "--allowed-host",
        action="append",
        default=[],
        metavar="NAME",
        help="name that requests may call this service, besides localhost and its address; may be repeated",
    )
    group.add_argument(
        "--cors-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="origin of web pages that may ask, as https://example.org; may be repeated",
    )
    group.add_argument(
        "--trusted-proxy",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="address of a proxy whose X-Forwarded-For names the client; may be repeated",
    )
    group.add_argument("--no-page", action="store_true", help="do not show the page to try it at /")
    group.add_argument("--no-batching", action="store_true", help="compute each window alone, to compare")
    group.add_argument(
        "--log-format", choices=LOG_FORMATS, default="text", help="log for people or programs; default: text"
    )
    group.add_argument("--log-requests", action="store_true", help="log each request, without its text")


def _serve(options: argparse.Namespace) -> None:
    hangup.hold()
    if options.socket and options.http:
        raise UsageError("give either --socket or --http; start edgener serve twice for both")
    load_recognizer_class()
    import socket

    from edgener.systemd import inherited_listener

    inherited = inherited_listener()
    if bool(inherited) == bool(options.socket or options.http):
        if inherited:
            inherited.close()
        raise UsageError("give either --socket, --http or, through systemd, a socket unit")
    if options.http or (inherited and inherited.family != socket.AF_UNIX):
        _serve_http(options, inherited)
    else:
        _serve_lines(options, inherited)


def _serve_lines(options: argparse.Namespace, inherited: socket.socket | None) -> None:
    from edgener.service import Service, listening

    _refuse_http_options(options)
    rules, threads = rules_of(options), threads_of(options.threads)
    model = model_of(options.model)
    recognizer = load_recognizer_class().load(
        model, threads=threads, serial=True, provider=options.provider, rules=rules
    )
    with inherited or listening(options.socket) as listener:
        Service(recognizer, listener).run()


def _serve_http(options: argparse.Namespace, inherited: socket.socket | None) -> None:
    from edgener.serve.limits import Limits
    from edgener.serve.models import ModelSource
    from edgener.serve.open_files import allow_open_files
    from edgener.serve.proxies import Proxies
    from edgener.serve.run import Settings, bound, require_extra, run

    require_extra()
    _check_numbers(options)
    settings = Settings(
        source=ModelSource(options.model, options.threads or 1, options.provider, rules_of(options)),
        workers=options.workers or _default_workers(),
        processes=options.processes,
        queue_seconds=options.queue_seconds,
        queue_tokens=options.queue_tokens,
        batching=not options.no_batching,
        limits=Limits(
            most_bytes=options.most_bytes,
            most_unread_bytes=options.most_unread_bytes or max(Limits.most_unread_bytes, 2 * options.most_bytes),
            most_texts=options.most_texts,
            most_connections=options.most_connections,
            read_seconds=options.read_seconds,
            write_seconds=options.write_seconds,
            keep_alive_seconds=options.keep_alive_seconds,
            deadline_seconds=options.deadline,
            drain_seconds=options.drain_seconds,
        ),
        token_file=options.token_file,
        no_token=options.no_token,
        allowed_hosts=tuple(options.allowed_host),
        cors_origins=tuple(options.cors_origin),
        proxies=Proxies(options.trusted_proxy),
        has_page=not options.no_page,
        log_format=options.log_format,
        log_requests=options.log_requests,
    )
    allow_open_files(options.most_connections)
    with inherited or bound(options.http) as listener:
        run(settings, listener)


def _refuse_http_options(options: argparse.Namespace) -> None:
    """Raise UsageError where an option was given that a Unix socket has no use for, such as a file of tokens."""
    parser = argparse.ArgumentParser(add_help=False)
    _add_http(parser)
    defaults = vars(parser.parse_args([]))
    given = [name for name, default in defaults.items() if getattr(options, name) != default]
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UsageError(f"{names}: for --http alone; who may open the socket's path may ask")


def _check_numbers(options: argparse.Namespace) -> None:
    from edgener.recognizer import MOST_THREADS

    for name in (
        "workers",
        "threads",
        "processes",
        "queue_seconds",
        "queue_tokens",
        "deadline",
        "most_bytes",
        "most_unread_bytes",
        "most_texts",
        "most_connections",
        "read_seconds",
        "write_seconds",
        "keep_alive_seconds",
        "drain_seconds",
    ):
        value = getattr(options, name)
        if value is not None and not 0 < value < float("inf"):
            raise UsageError(f"--{name.replace('_', '-')} is {value}; it must be more than 0")
    if options.most_unread_bytes and options.most_unread_bytes < options.most_bytes:
        raise UsageError(
            f"--most-unread-bytes is {options.most_unread_bytes}, but a single request may have {options.most_bytes}; "
            "make it at least that, or lower --most-bytes"
        )
    if (options.workers or 0) > MOST_THREADS:
        raise UsageError(f"--workers is {options.workers}; it must be at most {MOST_THREADS}")
    if options.processes > 1 and options.provider != CPU:
        raise UsageError("--processes are copies of one process, which share no GPU; start several services instead")
    if options.processes > 1 and (options.threads or 1) > 1:
        raise UsageError("--processes and --threads do not go together; several processes compute with one thread each")


def _default_workers() -> int:
    if os.environ.get("EDGENER_THREADS"):
        return threads_of(None)
    return min(MOST_WORKERS, len(os.sched_getaffinity(0)))


SERVE = Command(
    name="serve",
    summary="answer on a Unix socket or over HTTP, with the model loaded once",
    description="Answer clients until SIGTERM or Ctrl-C: each line on a Unix socket with one line of JSON, or requests "
    "over HTTP. Over HTTP, SIGHUP and a new installed model change the model without a lost request.",
    examples="""\
edgener serve --socket /tmp/ner.sock &
echo 王小明在北京大学工作。 | nc -UN /tmp/ner.sock
edgener serve --http 127.0.0.1:8765 &
curl -s localhost:8765/v1/ner -H 'Content-Type: application/json' -d '{"inputs": "王小明在北京大学工作。"}'
edgener serve --http 0.0.0.0:8765 --token-file /etc/edgener/tokens""",
    add_arguments=_add_arguments,
    run=_serve,
)
