"""Worker processes: started when they are needed, replaced when they die."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from multiprocessing.process import BaseProcess

from edgener.corpora.worker import Failed, Finished, Message, Ready, Start, Task, work
from edgener.errors import MachineError
from edgener.standard_streams import held_signals

MOST_FAILED_STARTS = 3
"""Workers that die, one after the other, before their model is loaded, until the job ends."""


@dataclass(frozen=True)
class Died:
    """A worker process died while it worked on a part."""

    task: Task
    """The part."""
    exit_code: int | None
    """Exit code of the process; negative: the number of the signal that killed it."""


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    connection: Connection
    is_ready: bool = False
    is_reserved: bool = False
    """It works on one part alone."""
    tasks: dict[tuple[str, int], Task] = field(default_factory=dict)


class Pool:
    """At most ``processes`` worker processes with ``threads`` threads in all; a context manager that ends them at once.

    A process that dies is replaced as soon as there is work for it.
    """

    def __init__(self, start: Start, processes: int, threads: int, *, first: int) -> None:
        """Take the number of processes that are started together before any has shown that it can, ``first``, too."""
        self._start, self._processes, self._threads, self._first = start, processes, threads, first
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._failed_starts = 0

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_error: object) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            _end(worker)
        self._workers = []

    @property
    def processes(self) -> int:
        """Number of worker processes, at most."""
        return self._processes

    def limit(self, processes: int) -> None:
        """Have at most so many worker processes from now on; of more, those that work on nothing are ended now."""
        self._processes = processes
        idle = [worker for worker in self._workers if not worker.tasks]
        for worker in idle[: max(0, len(self._workers) - processes)]:
            self._workers.remove(worker)
            _end(worker)

    @property
    def tasks(self) -> int:
        """Number of parts that are being worked on."""
        return sum(len(worker.tasks) for worker in self._workers)

    def has_room(self) -> bool:
        """Return True if a worker would begin another part at once; a process is started where one is missing."""
        return self._roomy() is not None

    def has_empty(self) -> bool:
        """Return True if a worker process works on nothing; a process is started where one is missing."""
        return self._empty() is not None

    def submit(self, task: Task) -> None:
        """Give a part to a worker; ``has_room`` must be true."""
        self._send(self._roomy(), task)

    def submit_alone(self, task: Task) -> None:
        """Give a part to a worker that gets no other part until it is done; ``has_empty`` must be true."""
        worker = self._empty()
        if worker:
            worker.is_reserved = True
        self._send(worker, task)

    def events(self, seconds: float) -> Iterator[Finished | Failed | Died]:
        """Wait for at most so many seconds, and yield what became of parts.

        Raises the error with which a model could not be loaded, and MachineError where workers die while they load it.
        """
        by_connection = {worker.connection: worker for worker in self._workers}
        for connection in wait(list(by_connection), seconds):
            worker = by_connection[connection]  # type: ignore[index]
            try:
                message: Message = worker.connection.recv()
            except (EOFError, OSError):
                yield from self._bury(worker)
                continue
            if isinstance(message, Ready):
                worker.is_ready = True
                self._failed_starts = 0
            elif message.key is None:
                assert isinstance(message, Failed)
                raise message.error or MachineError(f"a worker process failed to start: {message.details}")
            else:
                del worker.tasks[message.key]
                worker.is_reserved = False
                yield message

    def _roomy(self) -> _Worker | None:
        if self.tasks >= self._threads:
            return None
        room = [one for one in self._workers if one.is_ready and not one.is_reserved]
        room = [one for one in room if len(one.tasks) < self._start.threads]
        if not room:
            self._start_more()
        return min(room, key=lambda one: len(one.tasks), default=None)

    def _empty(self) -> _Worker | None:
        empty = next((one for one in self._workers if one.is_ready and not one.tasks), None)
        if empty is None:
            self._start_more()
        return empty

    def _start_more(self) -> None:
        """Start processes until there are enough, or as many are being started as have shown that they can."""
        ready = sum(one.is_ready for one in self._workers)
        together = max(1 if self._failed_starts else self._first, ready)
        while len(self._workers) < min(self._processes, ready + together):
            self._start_one()

    def _start_one(self) -> None:
        ours, theirs = Pipe()
        process = self._context.Process(target=work, args=(theirs, self._start), daemon=True)
        with held_signals():  # a process inherits that they are held, so that Ctrl-C cannot end it with a traceback
            process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours))

    def _send(self, worker: _Worker | None, task: Task) -> None:
        assert worker is not None, "there is no room"
        worker.tasks[task.part.key] = task
        with suppress(OSError):  # it has died; events tells
            worker.connection.send(task)

    def _bury(self, worker: _Worker) -> Iterator[Died]:
        self._workers.remove(worker)
        worker.process.join()
        exit_code = worker.process.exitcode
        worker.connection.close()
        worker.process.close()
        if not worker.is_ready:
            self._failed_starts += 1
            if self._failed_starts == MOST_FAILED_STARTS:
                raise MachineError(
                    f"worker processes end with code {exit_code} while they load the model; is there enough memory? "
                    "Fewer --processes take less, and 'edgener doctor' checks this machine"
                )
        for task in worker.tasks.values():
            yield Died(task, exit_code)


def _end(worker: _Worker) -> None:
    worker.process.kill()
    worker.process.join()
    worker.connection.close()
    worker.process.close()
