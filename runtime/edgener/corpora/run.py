"""One run of a job: parts go to workers, and what workers have done is committed."""

from __future__ import annotations

import signal
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from edgener.corpora.annotate import Counts
from edgener.corpora.inputs import InputFile
from edgener.corpora.job import Job, state_of
from edgener.corpora.parts import Part
from edgener.corpora.pool import Died, Pool
from edgener.corpora.progress import JobProgress
from edgener.corpora.worker import Failed, Finished, Task
from edgener.errors import EdgenerError, InputError, OutputError

MOST_DEATHS = 3
"""Worker processes that a part may kill until it is set aside."""
WAIT = 0.5
"""Seconds after which the progress is shown again though no part is done."""


@dataclass(frozen=True)
class SetAside:
    """A part that could not be done."""

    file: str
    """Path of the input file."""
    first_row: int
    """Number of its first row, from 1."""
    rows: int
    """Number of rows."""
    reason: str
    """The last error, or the end of the last process."""


@dataclass(frozen=True)
class Damaged:
    """An input file that cannot be read to its end, or was changed meanwhile; the parts before that are done."""

    file: str
    """Path of the file."""
    reason: str
    """The error."""


@dataclass
class Outcome:
    """The result of a run."""

    counts: list[Counts] = field(default_factory=list)
    """Numbers of the parts that this run did."""
    set_aside: list[SetAside] = field(default_factory=list)
    """Parts that could not be done."""
    damaged: list[Damaged] = field(default_factory=list)
    """Files that could not be read to their end, or were changed meanwhile."""
    seconds: float = 0.0
    """Time that the run took."""


def run(job: Job, files: Sequence[InputFile], pool: Pool, progress: JobProgress) -> Outcome:
    """Do everything of a job that is not yet done, and return what was done.

    Raises OutputError where results cannot be written, MixedJobError where an input was changed, and the errors of
    ``Pool.events``. Whatever is raised, a later run goes on with what is missing.
    """
    started = time.monotonic()
    try:
        one_run = _Run(job, files, pool, progress)
        one_run.work()
    except OSError as error:
        raise _not_written(job, error) from error
    one_run.outcome.seconds = time.monotonic() - started
    return one_run.outcome


@dataclass
class _FileState:
    """Progress of an input file."""

    in_work: int = 0
    is_read: bool = False
    is_whole: bool = True


class _Run:
    def __init__(self, job: Job, files: Sequence[InputFile], pool: Pool, progress: JobProgress) -> None:
        self.outcome = Outcome()
        self._job, self._files, self._pool, self._progress = job, files, pool, progress
        self._states = {file.name: _FileState() for file in files}
        self._in_work: dict[tuple[str, int], Part] = {}
        self._suspects: deque[Part] = deque()
        """Parts that were being worked on when a worker died: they are done again, each alone in its process."""
        self._last_suspects: deque[Part] = deque()
        """Suspects that would be set aside after one death more: they are done while no other process lives."""
        self._deaths: Counter[tuple[str, int]] = Counter()
        self._killed: set[tuple[str, int]] = set()
        """Parts whose workers were killed, as the system does it where memory is short."""
        self._processes = pool.processes
        self._is_alone = False
        """A last suspect is being done, and nothing else."""
        self._parts = self._all_parts()
        self._next = next(self._parts, None)

    def work(self) -> None:
        while True:
            self._hand_out()
            self._progress.update()
            if not self._in_work:
                return
            for event in self._pool.events(WAIT):
                self._handle(event)

    def _all_parts(self) -> Iterator[Part]:
        for file in self._files:
            state, position = self._states[file.name], 0
            try:
                for part in self._job.pending(file):
                    self._progress.skip(part.start - position)
                    position = part.end
                    state.in_work += 1
                    self._in_work[part.key] = part
                    yield part
                self._progress.skip(state_of(file).size - position)
            except InputError as error:
                self._damage(file, error)
            state.is_read = True
            self._finish(file)

    def _hand_out(self) -> None:
        if self._is_alone:
            return
        if self._last_suspects:
            self._hand_out_alone()
            return
        self._pool.limit(self._processes)
        while self._suspects and self._pool.has_empty():
            part = self._suspects.popleft()
            self._pool.submit_alone(Task(part, self._job.drafts(part)))
        while self._next is not None and self._pool.has_room():
            self._pool.submit(Task(self._next, self._job.drafts(self._next)))
            self._next = next(self._parts, None)

    def _hand_out_alone(self) -> None:
        if self._pool.tasks:
            return
        self._pool.limit(1)
        if self._pool.has_empty():
            part = self._last_suspects.popleft()
            self._pool.submit_alone(Task(part, self._job.drafts(part)))
            self._is_alone = True

    def _handle(self, event: Finished | Failed | Died) -> None:
        was_alone, self._is_alone = self._is_alone, False
        if isinstance(event, Finished):
            part = self._in_work[event.key]
            if was_alone and part.key in self._killed:  # there was too little memory for more processes
                self._processes = max(1, self._processes - 1)
            self._job.commit(part, event.counts)
            self.outcome.counts.append(event.counts)
            self._progress.advance(part.end - part.start, event.counts)
            self._leave(part)
        elif isinstance(event, Died):
            self._progress.died()
            reason = f"worker processes died with code {event.exit_code}"
            if event.exit_code == -signal.SIGKILL:
                self._killed.add(event.task.part.key)
                reason += ", as where memory is short"
            self._try_again(event.task.part, reason)
        elif event.error is not None:
            raise event.error
        elif event.key is not None:
            self._try_again(self._in_work[event.key], event.details.strip().rpartition("\n")[2])

    def _try_again(self, part: Part, reason: str) -> None:
        self._deaths[part.key] += 1
        if self._deaths[part.key] < MOST_DEATHS:
            is_last = self._deaths[part.key] == MOST_DEATHS - 1
            (self._last_suspects if is_last else self._suspects).append(part)
            return
        self._states[part.file.name].is_whole = False
        self.outcome.set_aside.append(SetAside(str(part.file.path), part.first_row, part.rows, reason))
        self._leave(part)

    def _leave(self, part: Part) -> None:
        del self._in_work[part.key]
        self._states[part.file.name].in_work -= 1
        self._finish(part.file)

    def _finish(self, file: InputFile) -> None:
        state = self._states[file.name]
        if state.is_read and state.is_whole and not state.in_work:
            try:
                self._job.finish(file)
            except InputError as error:
                self._damage(file, error)

    def _damage(self, file: InputFile, error: InputError) -> None:
        self._states[file.name].is_whole = False
        self.outcome.damaged.append(Damaged(str(file.path), str(error)))


def _not_written(job: Job, error: OSError) -> EdgenerError:
    return OutputError(
        f"{job.output}: cannot be written: {error.strerror or error}; mend that, and run the same command again"
    )
