"""The output folder of a job: what it was begun with, which parts are done, and how a part is committed.

    OUTPUT/_edgener/job.json               model, options and version that the results were made with
    OUTPUT/_edgener/done-0-of-1.jsonl      one line for each part and each file that is done, by shard
    OUTPUT/_edgener/lock-0-of-1            locked while the shard runs
    OUTPUT/_edgener/opening                locked while a run looks at the others and at the logs
    OUTPUT/news/a.jsonl/part-0000000.jsonl the results of the first part of the input file news/a.jsonl

A worker writes a part to drafts; ``commit`` gives them their names and then notes the part in the log. A part that is
not in the log is removed and done again, so that each row has exactly one answer whenever a run is killed.

A file that cannot be read to its end may be another one in the next run: copied again, or read without an error. This
is noted before the last part that could be read is handed out, and the runs after that are a new attempt at the file:
its size is learned anew, parts of earlier attempts with other rows are done again, and those that the file no longer
has are removed. Of the entries of several shards, those of the latest attempt hold.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from edgener import __version__
from edgener.corpora.annotate import Counts
from edgener.corpora.inputs import STATE, InputFile
from edgener.corpora.log import Log, read_log
from edgener.corpora.outputs import WRITERS
from edgener.corpora.parts import Part, parts_of
from edgener.corpora.settings import Settings
from edgener.corpora.shard import Shard, owners
from edgener.corpora.streams import DamagedError
from edgener.environment import library_version
from edgener.errors import InputError, MixedJobError, OutputError

JOB = "job.json"
DONE, LOCKS = "done-*.jsonl", "lock-*"
PART, REMOVED, FILE, BEGUN, DAMAGED = "part", "removed", "file", "begun", "damaged"
"""Kinds of entries of the log."""
LIBRARIES = ("onnxruntime", "tokenizers")
"""Libraries whose version may change answers."""
OF_FILES = "-of-files"
"""End of the name of a share of whole files, all parts of which are done when a file is finished."""
SUFFIXES = tuple(suffix for writer in WRITERS.values() for suffix in writer.suffixes)
"""Ends of the names of results, in all formats."""
_Order: TypeAlias = tuple[int, bool, bool]
"""Place of an entry among those of its file."""


@dataclass(frozen=True)
class Model:
    """The model of a job."""

    name: str
    """Name in its manifest."""
    digest: str
    """SHA-256 of the manifest, which holds those of all other files."""


class FileState(NamedTuple):
    """The state of an input file, which changes when somebody writes to it."""

    size: int
    """Bytes."""
    mtime_ns: int
    """Time of the last change, in nanoseconds."""
    inode: int
    """Number of the file in its file system."""


@dataclass
class _Done:
    """Everything that the logs say of one input file."""

    attempt: int = 0
    """Number of earlier attempts at the file, each of which has found it damaged."""
    size: int | None = None
    """Bytes of the file in this attempt; None if no run has met it."""
    format: str | None = None
    """None where a version of edgener noted it that did not write it down."""
    parts: dict[int, bytes] = field(default_factory=dict)
    """Line of the log for each part that is done, by its latest attempt; an entry takes four times the memory of it."""
    finished: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Entries of the shares that finished the file in this attempt, by their names."""
    is_damaged: bool = False
    """This run has noted that the file is damaged."""

    def part(self, number: int) -> dict[str, Any] | None:
        """Return the entry of a part, or None if it is not done."""
        line = self.parts.get(number)
        return None if line is None else _entry(line)


class Job:
    """A job whose output folder is locked; see ``opened``."""

    def __init__(self, output: Path, settings: Settings, shard: Shard, log: Log, done: dict[str, _Done]) -> None:
        self.settings, self.output, self._shard, self._log, self._done = settings, output, shard, log, done
        self._drafts: set[Path] = set()
        self._begun: dict[str, FileState] = {}
        self._owners: dict[str, int] | None = None

    def begin(self, files: Sequence[InputFile]) -> None:
        """Learn all files of the job, before anything else is done with them.

        Raises MixedJobError where a file has another size or another format than when the job met it first.
        """
        sizes = {}
        for file in files:
            sizes[file.name] = state_of(file).size
            known = self._known(file)
            if known.size is not None and known.size != sizes[file.name]:
                raise self._changed(file)
            if known.format is not None and known.format != file.format:
                raise MixedJobError(
                    f"{file.path}: is read as {file.format}, but {self.output} was begun with it as {known.format}; "
                    "give another folder with --output, or the same --input-format"
                )
        self._owners = owners(sizes, self._shard.count)
        if self._shard.count == 1:  # no other run may be writing parts of files that this one does not see
            for name in self._done.keys() - sizes.keys():
                self._remove_unnoted(name)

    def pending(self, file: InputFile) -> Iterator[Part]:
        """Yield the parts of a file that are still to be done by this shard.

        Raises MixedJobError where a part that is done had other rows, and InputError where the file cannot be read.
        """
        if not self._has_share(file):
            return
        known = self._known(file)
        state = self._begun[file.name] = state_of(file)
        if known.size is None:
            known.size, known.format = state.size, file.format
            self._note(BEGUN, file, size=state.size, format=file.format)
        if self._is_finished(file):
            return
        self._remove_old_drafts(file)
        self._remove_unnoted(file.name, file)
        count = 0
        try:
            for part in parts_of(file, self.settings):
                count += 1
                if part.is_cut:
                    self._note_damage(file)
                if self._is_missing(part):
                    self._forget_earlier(file, part.number)
                    yield part
        except DamagedError:
            self._note_damage(file)
            raise
        gone = [number for number in known.parts if number >= count and self._owns(file, number)]
        for number in gone:
            self._forget_earlier(file, number)
        if gone:
            self._remove_unnoted(file.name, file)

    def drafts(self, part: Part) -> list[Path]:
        """Return the paths that a worker writes a part to; their folder exists."""
        folder = self._folder(part.file)
        folder.mkdir(parents=True, exist_ok=True)
        drafts = [folder / f".{path.name}.{self._shard.name}.{os.getpid()}.draft" for path in self._targets(part)]
        self._drafts.update(drafts)
        return drafts

    def commit(self, part: Part, counts: Counts) -> None:
        """Make the drafts of a part its results. Raises OSError where they cannot be written."""
        outputs = {}
        targets = self._targets(part)
        for draft, target in zip(self.drafts(part), targets, strict=True):
            outputs[target.name] = draft.stat().st_size
            draft.replace(target)
            self._drafts.discard(draft)
        _sync(self._folder(part.file))
        self._known(part.file).parts[part.number] = self._note(
            PART,
            part.file,
            part=part.number,
            first_row=part.first_row,
            digest=part.digest,
            outputs=outputs,
            counts=asdict(counts),
        )

    def remove_drafts(self) -> None:
        """Remove the drafts that have not become results; no worker may write to them any more."""
        for draft in self._drafts:
            draft.unlink(missing_ok=True)
        self._drafts.clear()

    def finish(self, file: InputFile) -> None:
        """Note that all parts of a file that belong to this shard are done, so that it need not be read again.

        Raises InputError where the file is not what it was when ``pending`` began to read it.
        """
        if not self._has_share(file):
            return
        state = state_of(file)
        if state != self._begun[file.name]:
            raise InputError(
                f"{file.path}: was changed while it was read; begin anew with a copy of it that nobody writes to"
            )
        if not self._is_finished(file):
            line = self._note(FILE, file, shard=self._share, mtime_ns=state.mtime_ns)
            self._known(file).finished[self._share] = _entry(line)

    def counts(self, files: Sequence[InputFile]) -> list[Counts]:
        """Return the numbers of all parts of these files that are done and belong to this shard."""
        return [
            Counts(**_entry(line)["counts"])
            for file in files
            for number, line in self._known(file).parts.items()
            if self._owns(file, number)
        ]

    def other_inputs(self, files: Sequence[InputFile]) -> list[str]:
        """Return the names of inputs that have results here and are not among ``files``."""
        names = {file.name for file in files}
        return [
            name
            for name, known in self._done.items()
            if known.parts and name not in names and (self.output / name).exists()
        ]

    def _note(self, kind: str, file: InputFile, **values: Any) -> bytes:
        """Add an entry about a file to the log, and return its line."""
        return self._log.append({"kind": kind, "file": file.name, "attempt": self._known(file).attempt, **values})

    def _note_damage(self, file: InputFile) -> None:
        """Note once that the next run is a new attempt at a file."""
        known = self._known(file)
        if not known.is_damaged:
            self._note(DAMAGED, file)
            known.is_damaged = True

    def _is_missing(self, part: Part) -> bool:
        """Return True if a part is still to be done by this shard.

        Raises MixedJobError where a part that is done had other rows, unless they are those of an earlier attempt. A
        part that is cut does not replace one with as many rows.
        """
        known = self._known(part.file)
        is_own = self._owns(part.file, part.number)
        entry = known.part(part.number)
        if entry is None:
            return is_own
        has_same_rows = (entry["digest"], entry["first_row"]) == (part.digest, part.first_row)
        if not has_same_rows and not part.is_cut and _attempt(entry) == known.attempt:
            raise self._changed(part.file)
        is_as_good = has_same_rows or (part.is_cut and part.rows <= entry["counts"]["rows"])
        return is_own and not (is_as_good and self._has_outputs(part.file, entry))

    def _forget_earlier(self, file: InputFile, number: int) -> None:
        """Note that what an earlier attempt at a file wrote as this part is no result any more."""
        known = self._known(file)
        entry = known.part(number)
        if entry is not None and _attempt(entry) < known.attempt:
            self._note(REMOVED, file, part=number)
            del known.parts[number]

    def _is_finished(self, file: InputFile) -> bool:
        known = self._known(file)
        wholes = [name for name in known.finished if name in (self._share, Shard().name) or name.endswith(OF_FILES)]
        if all(known.finished[name]["mtime_ns"] != self._begun[file.name].mtime_ns for name in wholes):
            return False
        own = (line for number, line in known.parts.items() if self._owns(file, number))
        return all(self._has_outputs(file, _entry(line)) for line in own)

    def _has_outputs(self, file: InputFile, entry: dict[str, Any]) -> bool:
        folder = self._folder(file)
        return all(_size(folder / name) == size for name, size in entry["outputs"].items())

    @property
    def _share(self) -> str:
        """Name of the share in the log, which tells shares of whole files from those of parts."""
        return f"{self._shard.name}{OF_FILES}" if self._owners else self._shard.name

    def _has_share(self, file: InputFile) -> bool:
        """Return False if no part of a file belongs to this shard, so that the file need not be read."""
        return self._owners is None or self._owners[file.name] == self._shard.index

    def _owns(self, file: InputFile, number: int) -> bool:
        return self._has_share(file) if self._owners else self._shard.owns(file.name, number)

    def _known(self, file: InputFile) -> _Done:
        return self._done.setdefault(file.name, _Done())

    def _folder(self, file: InputFile) -> Path:
        return self.output / file.name

    def _targets(self, part: Part) -> list[Path]:
        suffixes = WRITERS[self.settings.output_format].suffixes
        return [self._folder(part.file) / f"part-{part.number:07d}{suffix}" for suffix in suffixes]

    def _remove_old_drafts(self, file: InputFile) -> None:
        """Remove drafts of runs that were killed: those of this shard, or of all where no other run can be working."""
        shards = "*" if self._shard.count == 1 else self._shard.name
        for draft in self._folder(file).glob(f".part-*.{shards}.*.draft"):
            draft.unlink(missing_ok=True)

    def _remove_unnoted(self, name: str, own: InputFile | None = None) -> None:
        """Remove parts that are not in the log: a run was killed before it noted them.

        Of the file ``own``, those of other shards are left to them.
        """
        noted = self._done[name].parts
        for number, path in _results(self.output / name):
            if number not in noted and (own is None or self._owns(own, number)):
                path.unlink()

    def _changed(self, file: InputFile) -> MixedJobError:
        return MixedJobError(
            f"{file.path}: was changed since {self.output} was begun, and old and new results would mix; "
            "give another folder with --output, or bring the old file back"
        )


def state_of(file: InputFile) -> FileState:
    """Return the state of a file now; raises InputError where it cannot be looked at."""
    try:
        status = file.path.stat()
    except OSError as error:
        raise InputError(f"{file.path}: cannot be read: {error.strerror}") from error
    return FileState(status.st_size, status.st_mtime_ns, status.st_ino)


@contextmanager
def opened(output: Path, model: Model, settings: Settings, shard: Shard) -> Iterator[Job]:
    """Open the output folder of a job, which is made if it does not exist, and lock it for this shard.

    Raises MixedJobError where it holds results of another model, of other options or of another version, and
    OutputError where it is no output folder or another run works on it.
    """
    with ExitStack() as stack:
        try:
            job = _open(output, model, settings, shard, stack)
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(f"{output}: cannot be written: {reason}; mend that, or give another --output") from error
        yield job


def _open(output: Path, model: Model, settings: Settings, shard: Shard, stack: ExitStack) -> Job:
    """Return the job of an output folder; ``stack`` closes and unlocks it."""
    state = output / STATE
    holds_something = output.exists() and (not output.is_dir() or any(output.iterdir()))
    if holds_something and not state.exists():  # in this order, since another shard may begin in between
        raise OutputError(f"{output}: exists and is no output folder of edgener; give another folder with --output")
    state.mkdir(parents=True, exist_ok=True)
    with _locked(state / "opening"):
        _lock_share(output, state, shard, stack)
        done = _read_logs(state)
        is_alone = len(list(state.glob(LOCKS))) == 1
        if is_alone and not any(known.parts for known in done.values()):
            _forget(output, state, done)
        _check_job(output, state / JOB, _fingerprint(model, settings))
        log = stack.enter_context(Log(state / f"done-{shard.name}.jsonl"))
    return Job(output, settings, shard, log, done)


def _lock_share(output: Path, state: Path, shard: Shard, stack: ExitStack) -> None:
    """Lock a share; raises OutputError where another run does it, or one of another number of shares."""
    others = [path for path in state.glob(LOCKS) if not path.name.endswith(f"-of-{shard.count}")]
    try:
        for path in others:
            with _locked(path, is_awaited=False):
                pass
        stack.enter_context(_locked(state / f"lock-{shard.name}", is_awaited=False))
    except BlockingIOError as error:
        raise OutputError(f"{output}: another run works on it; wait for it to end") from error


def _forget(output: Path, state: Path, done: dict[str, _Done]) -> None:
    """Remove what a run has left that has noted no part, so that it can be begun with other options."""
    for name in done:
        for _, path in _results(output / name):
            path.unlink()
    for path in state.glob(DONE):
        path.unlink()
    (state / JOB).unlink(missing_ok=True)
    done.clear()


def _read_logs(state: Path) -> dict[str, _Done]:
    """Return what the logs of all shards say of each input file."""
    entries: dict[str, list[tuple[_Order, bytes]]] = {}
    for path in sorted(state.glob(DONE)):
        for entry, line in read_log(path):
            entries.setdefault(entry["file"], []).append((_order(entry), line))
    return {name: _done(of_file) for name, of_file in entries.items()}


def _done(entries: Sequence[tuple[_Order, bytes]]) -> _Done:
    """Return what the lines about one file say, each behind its place, those of one log in their order."""
    known = _Done()
    for _, line in sorted(entries, key=itemgetter(0)):
        entry = _entry(line)
        kind = entry["kind"]
        if kind == PART:
            known.parts[entry["part"]] = line
        elif kind == REMOVED:
            known.parts.pop(entry["part"], None)
        elif kind == FILE:
            known.finished[entry["shard"]] = entry
        elif kind == BEGUN:
            known.size, known.format = entry["size"], entry.get("format")
        else:  # what is known of the file itself is that of an earlier attempt from here on
            known.attempt, known.size = _attempt(entry) + 1, None
            known.finished.clear()
    return known


def _entry(line: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(line)
    return entry


def _order(entry: dict[str, Any]) -> _Order:
    """Return the place of an entry: an attempt begins with what it removes, and ends with the damage that it finds."""
    return _attempt(entry), entry["kind"] == DAMAGED, entry["kind"] != REMOVED


def _attempt(entry: dict[str, Any]) -> int:
    number: int = entry.get("attempt", 0)
    return number


def _fingerprint(model: Model, settings: Settings) -> dict[str, Any]:
    libraries = {name: library_version(name) for name in LIBRARIES}
    return {"edgener": __version__, **libraries, "model": model.name, "model_digest": model.digest, **asdict(settings)}


def _check_job(output: Path, path: Path, wanted: dict[str, Any]) -> None:
    if not path.exists():
        _write_whole(path, json.dumps(wanted, indent=1) + "\n")
        return
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise MixedJobError(f"{path}: is not JSON; give another folder with --output") from error
    differences = [
        f"{name} {found.get(name)!r}, not {value!r}" for name, value in wanted.items() if found.get(name) != value
    ]
    if differences:
        raise MixedJobError(
            f"{output}: was begun with {'; '.join(differences)}; give another folder with --output, or what it was "
            "begun with"
        )


@contextmanager
def _locked(path: Path, *, is_awaited: bool = True) -> Iterator[None]:
    """Lock a file; unless the lock ``is_awaited``, raises BlockingIOError where another run has it."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX if is_awaited else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _write_whole(path: Path, text: str) -> None:
    """Write a file that is whole or does not exist, however many shards write it at once."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync(path.parent)


def _results(folder: Path) -> Iterator[tuple[int, Path]]:
    """Yield the results in the folder of an input file, each with the number of its part."""
    for path in folder.glob("part-*"):
        match = re.fullmatch(r"part-(\d{7,})(\..+)", path.name)
        if match and match[2] in SUFFIXES:
            yield int(match[1]), path


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
