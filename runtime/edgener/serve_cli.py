"""``edgener serve``: the recognizer behind a Unix socket."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgener.command_line import Command
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


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--socket", type=Path, metavar="PATH", help="path of the socket to listen on, unless systemd passes a socket"
    )
    add_model(parser)
    add_threads(parser)
    add_rules(parser)
    add_provider(parser)


def _serve(options: argparse.Namespace) -> None:
    recognizer_class = load_recognizer_class()
    from edgener.service import Service, listening
    from edgener.systemd import inherited_listener

    rules, threads = rules_of(options), threads_of(options.threads)
    inherited = inherited_listener()
    if bool(inherited) == bool(options.socket):
        raise UsageError("give either --socket or, through systemd, a socket unit")
    model = model_of(options.model)
    recognizer = recognizer_class.load(model, threads=threads, serial=True, provider=options.provider, rules=rules)
    with inherited or listening(options.socket) as listener:
        Service(recognizer, listener).run()


SERVE = Command(
    name="serve",
    summary="answer on a Unix socket, with the model loaded once",
    description="Answer each line that clients send to a Unix socket with one line of JSON, until SIGTERM or Ctrl-C.",
    examples="edgener serve --socket /tmp/ner.sock &\necho 王小明在北京大学工作。 | nc -UN /tmp/ner.sock",
    add_arguments=_add_arguments,
    run=_serve,
)
