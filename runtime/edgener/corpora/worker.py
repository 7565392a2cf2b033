"""The process that annotates parts: threads that share one recognizer, whose graph each of them runs on one core."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.bundle import manifest_digest
from edgener.corpora.annotate import Counts, annotate
from edgener.corpora.parts import Part
from edgener.corpora.settings import Settings
from edgener.errors import EdgenerError, MixedJobError
from edgener.rules import Rules

if TYPE_CHECKING:
    from edgener.recognizer import Recognizer


@dataclass(frozen=True)
class Start:
    """Everything that a worker needs to begin."""

    model: Path
    """Directory of the bundle."""
    model_digest: str
    """SHA-256 of the manifest of the bundle that the job was begun with."""
    threads: int
    """Parts that are annotated at the same time."""
    settings: Settings
    """Settings of the job."""
    rules: Rules
    """Rules of the recognizer; their files were read already, and have the digests that stand in the settings."""


@dataclass(frozen=True)
class Task:
    """A part to annotate."""

    part: Part
    """The rows."""
    drafts: Sequence[Path]
    """Paths to write the results to."""


@dataclass(frozen=True)
class Ready:
    """The model is loaded."""


@dataclass(frozen=True)
class Finished:
    """A part was annotated."""

    key: tuple[str, int]
    """Name of the file and number of the part."""
    counts: Counts
    """Numbers of the part."""


@dataclass(frozen=True)
class Failed:
    """A part could not be annotated, or, without a key, the model could not be loaded."""

    key: tuple[str, int] | None
    """Name of the file and number of the part."""
    error: OSError | EdgenerError | None
    """The error, if it is one that a user can act on."""
    details: str
    """The traceback."""


Message = Ready | Finished | Failed


def work(connection: Connection, start: Start) -> None:
    """Annotate the tasks that arrive on the connection, and send what became of them, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    turn = threading.Lock()

    def send(message: Message) -> None:
        try:
            with turn:
                connection.send(message)
        except OSError:  # the parent has ended: nobody wants what is being computed
            os._exit(0)

    try:
        settings = start.settings
        recognizer = load(start)
    except Exception as error:
        send(_failure(None, error))
        return
    send(Ready())

    def do(task: Task) -> None:
        key = task.part.key
        try:
            counts = annotate(task.part, recognizer, settings, task.drafts)
        except Exception as error:
            send(_failure(key, error))
        else:
            send(Finished(key, counts))

    with ThreadPoolExecutor(start.threads) as pool:
        try:
            while True:
                pool.submit(do, connection.recv())
        except (EOFError, OSError):  # the parent has ended
            os._exit(0)


def load(start: Start) -> Recognizer:
    """Return the recognizer of a job.

    Raises the errors of ``Recognizer.load``, and MixedJobError where the directory holds another model than at the
    start of the job, which a worker that replaces another one may find.
    """
    from edgener.recognizer import Recognizer

    _require_same_model(start)
    settings = start.settings
    recognizer = Recognizer.load(
        start.model,
        threads=1,
        batch_size=settings.batch_size,
        provider=settings.provider,
        rules=start.rules,
    )
    _require_same_model(start)  # it may have been changed while it was loaded
    return recognizer


def _require_same_model(start: Start) -> None:
    if manifest_digest(start.model) != start.model_digest:
        raise MixedJobError(
            f"{start.model}: holds another model than when the job was begun, and the results of both would mix; bring "
            "the old one back, or give another folder with --output"
        )


def _failure(key: tuple[str, int] | None, error: Exception) -> Failed:
    known = error if isinstance(error, (OSError, EdgenerError)) else None
    return Failed(key, known, traceback.format_exc())
