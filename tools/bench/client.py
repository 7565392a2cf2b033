"""The measuring side of ``tools.bench.worker``."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from tools.bench.contenders import ROOT, Contender
from tools.bench.contract import Span
from tools.bench.environments import Environment, process_environment
from tools.bench.worker import PREPARE

FIRST_TEXT = "王小明在北京大学工作。"


class WorkerError(Exception):
    """A contender that ended instead of answering."""


@dataclass(frozen=True)
class Answer:
    """The response to one request."""

    seconds: list[float]
    """Seconds of every call, in order."""
    entities: list[list[Span]]
    """Entities of every text; empty where the request did not ask for them."""
    rss_mb: float
    """Resident memory of the process after the request."""
    peak_mb: float
    """Peak resident memory of the process up to then."""


class Worker:
    """A contender in a process of its own, which has answered one sentence."""

    def __init__(self, contender: Contender, environment: Environment, log: Path) -> None:
        self._name, self._log = contender.name, log
        began = time.perf_counter()
        with log.open("w") as errors:
            self._process: subprocess.Popen[str] = subprocess.Popen(
                _command(contender, environment, FIRST_TEXT),
                cwd=ROOT,
                env=process_environment(contender),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        started = self._read()
        self.first_answer_s = time.perf_counter() - began
        self.import_s: float = started["import_s"]
        self.load_s: float = started["load_s"]
        self.peak_mb: float = started["peak_mb"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def run(self, texts: Sequence[str], *, batched: bool, passes: int = 1, wants_entities: bool = False) -> Answer:
        """All texts, ``passes`` times, together or one by one."""
        request = {"texts": list(texts), "batched": batched, "passes": passes, "wants_entities": wants_entities}
        pipe = self._pipe(self._process.stdin)
        try:
            pipe.write(json.dumps(request) + "\n")
            pipe.flush()
        except BrokenPipeError as error:
            raise self._ended() from error
        answer = self._read()
        entities = [[(start, end, label) for start, end, label in found] for found in answer["entities"]]
        return Answer(answer["seconds"], entities, answer["rss_mb"], answer["peak_mb"])

    def _read(self) -> dict[str, Any]:
        line = self._pipe(self._process.stdout).readline()
        if not line:
            raise self._ended()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _end(self) -> int:
        """The end of its input ends the process; its exit code."""
        with suppress(BrokenPipeError):
            self._pipe(self._process.stdin).close()
        code = self._process.wait()
        self._pipe(self._process.stdout).close()
        return code

    def _ended(self) -> WorkerError:
        code = self._end()
        return WorkerError(f"{self._name} ended with exit code {code}: {_tail(self._log)}")

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        if pipe is None:
            raise WorkerError("the process has no pipes")
        return pipe


def prepare(contender: Contender, environment: Environment, log: Path) -> None:
    """Let the driver write what it needs."""
    with log.open("w") as errors:
        finished = subprocess.run(
            _command(contender, environment, PREPARE),
            cwd=ROOT,
            env=process_environment(contender),
            stderr=errors,
            check=False,
        )
    if finished.returncode:
        raise WorkerError(f"{contender.name} could not be prepared: {_tail(log)}")


def _command(contender: Contender, environment: Environment, text: str) -> list[str]:
    options = json.dumps(contender.options._asdict())
    return [str(environment.python), "-m", "tools.bench.worker", contender.driver, options, text]


def _tail(log: Path) -> str:
    return " ".join(log.read_text(errors="replace").split())[-300:]
