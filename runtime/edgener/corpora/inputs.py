"""Input files of a corpus: those that are named, that a pattern matches, and those of a known kind in a folder."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from edgener.errors import InputError, UsageError

LINES, JSONL, CSV, TSV, PARQUET = "lines", "jsonl", "csv", "tsv", "parquet"
FORMATS = {
    ".txt": LINES,
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".csv": CSV,
    ".tsv": TSV,
    ".parquet": PARQUET,
}
"""Formats of files by the end of their name, before that of the compression."""
COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
"""Ends of the names of compressed files."""
STATE = "_edgener"
"""Folder in the output folder that holds what a job knows of itself."""


@dataclass(frozen=True)
class InputFile:
    """A file of a corpus."""

    path: Path
    """Path that opens the file."""
    name: str
    """Path from the input folder, with slashes; also the folder of its results in the output folder."""
    format: str
    """Format of the content, a value of FORMATS."""


@dataclass(frozen=True)
class Inputs:
    """The files of a corpus."""

    files: tuple[InputFile, ...]
    """Files in the order of their names, those of the first input first."""
    left_out: tuple[str, ...]
    """Names in folders of files whose format is not known, of pipes and the like, and of links to a folder above."""


def find_inputs(inputs: Sequence[str], output: Path, input_format: str | None = None) -> Inputs:
    """Return the files that ``inputs`` name: files, folders and patterns such as ``data/**/*.jsonl``.

    In folders and patterns, names that begin with a point are skipped, in folders those that begin with an underscore
    too, and everywhere what lies in the folder ``output``. With ``input_format``, every file has this format, whatever
    its name is. A pattern that matches a folder stands for what is in it. Raises InputError where an input does not
    exist or a link leads nowhere, and UsageError where two files would write the same results, two inputs hold one file
    under two names, or an input is a result itself or has an empty name.
    """
    files: dict[str, InputFile] = {}
    left_out = []
    inputs_by_place: dict[Path, int] = {}
    for number, given in enumerate(inputs):
        for path, name, is_named in _readable_paths(given, output.resolve()):
            found = input_format or format_of(path.name) or (LINES if is_named else None)
            if found is None or not path.is_file():
                left_out.append(str(path))
                continue
            if name in files and path.samefile(files[name].path):
                continue
            if name in files:
                raise UsageError(
                    f"{path}: its results would be those of {files[name].path}; give the folder that holds both"
                )
            if name.partition("/")[0] == STATE:
                raise UsageError(f"{path}: the name {STATE} is kept for edgener's own files; rename it")
            if inputs_by_place.setdefault(path.resolve(), number) != number:
                other = inputs[inputs_by_place[path.resolve()]]
                raise UsageError(f"{path}: is also a file of {other}, and would be done twice; leave out one of both")
            files[name] = InputFile(path, name, found)
    for name, file in files.items():
        above = next((str(folder) for folder in PurePosixPath(name).parents if str(folder) in files), None)
        if above is not None:
            raise UsageError(f"{file.path}: its results would lie among those of {files[above].path}; rename one")
    if not files:
        raise InputError(f"{', '.join(inputs)}: no file of a known kind ({', '.join(FORMATS)}); name files themselves")
    return Inputs(tuple(files.values()), tuple(left_out))


def format_of(name: str) -> str | None:
    """Return the format that the name of a file tells, or None."""
    lower = name.lower()
    for compression in COMPRESSIONS:
        lower = lower.removesuffix(compression)
    return next((found for ending, found in FORMATS.items() if lower.endswith(ending)), None)


def _readable_paths(given: str, output: Path) -> Iterator[tuple[Path, str, bool]]:
    try:
        yield from _paths(given, output)
    except OSError as error:
        raise InputError(f"{error.filename or given}: cannot be read: {error.strerror}") from error


def _paths(given: str, output: Path) -> Iterator[tuple[Path, str, bool]]:
    """Yield each file with its name in the results, and True if the user named the file itself."""
    if not given:
        raise UsageError("an input has an empty name; name a file or a folder, or . for this folder")
    if given == "-":
        raise InputError("-: standard input cannot be read again; a job that can be resumed needs files")
    path = Path(given)
    if path.exists() and path.resolve().is_relative_to(output):
        raise UsageError(f"{given}: lies in the output folder, so that it holds results; give other inputs")
    if path.is_dir():
        for file in _walk(path, output, ()):
            yield file, file.relative_to(path).as_posix(), False
    elif path.is_file():
        yield path, path.name, True
    elif glob.has_magic(given):
        base = _folder_before_pattern(path)
        names = path.relative_to(base).parts
        if any("**" in name and name != "**" for name in names):
            raise UsageError(
                f"{given}: is no pattern: ** is part of a name; write ** between slashes, as 'data/**/*.txt'"
            )
        matches: dict[Path, bool] = {}
        for match, is_named in _matches(base, names, output, ()) if base.is_dir() else ():
            if not match.resolve().is_relative_to(output):
                matches[match] = matches.get(match, False) or is_named
        if not matches:
            raise InputError(f"{given}: matches no file")
        for match, is_named in sorted(matches.items()):
            yield match, match.relative_to(base).as_posix(), is_named
    elif path.exists():
        raise InputError(f"{given}: is neither a file nor a folder; a job that can be resumed needs files")
    else:
        _require_existing(path)


def _matches(
    folder: Path, pattern: Sequence[str], output: Path, above: tuple[Path, ...]
) -> Iterator[tuple[Path, bool]]:
    """Yield the files below a folder that match a pattern, one name after the other, with True.

    What ``_walk`` finds in folders that match is yielded with False, as are links to one of the folders ``above``,
    which are resolved.
    """
    resolved = folder.resolve()
    if resolved in above:
        yield folder, False
        return
    wanted, *rest = pattern
    if wanted == "**" and not rest:
        yield from ((file, False) for file in _walk(folder, output, above))
        return
    if wanted == "**":
        yield from _matches(folder, rest, output, above)
    for path in _entries(folder):
        is_folder = path.is_dir()
        if path.resolve() == output or not (wanted == "**" or fnmatchcase(path.name, wanted)):
            continue
        if rest and is_folder:
            yield from _matches(path, pattern if wanted == "**" else rest, output, (*above, resolved))
        elif is_folder:
            yield from ((file, False) for file in _walk_into(path, output, (*above, resolved)))
        elif not rest:
            _require_existing(path)
            yield path, True


def _entries(folder: Path) -> list[Path]:
    """Return what is in a folder, in order, without names that begin with a point."""
    with os.scandir(folder) as entries:
        return sorted(Path(entry.path) for entry in entries if not entry.name.startswith("."))


def _walk(folder: Path, output: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """Yield what is in a folder and is no folder, and links to one of the folders ``above``, which are resolved."""
    resolved = folder.resolve()
    if resolved in above:
        yield folder
        return
    for path in _entries(folder):
        if path.name.startswith("_"):
            continue
        if path.is_dir():
            yield from _walk_into(path, output, (*above, resolved))
        else:
            _require_existing(path)
            yield path


def _walk_into(folder: Path, output: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """Yield what ``_walk`` finds in a folder; of the results of another job, which are no input, only their folder."""
    if folder.resolve() == output:
        return
    if (folder / STATE).is_dir():
        yield folder
    else:
        yield from _walk(folder, output, above)


def _require_existing(path: Path) -> None:
    """Raise InputError where a path does not exist, or is a link that leads nowhere."""
    if path.exists():
        return
    if path.is_symlink():
        raise InputError(f"{path}: is a link to {path.readlink()}, which does not exist; mend it, or remove it")
    raise InputError(f"{path}: does not exist")


def _folder_before_pattern(pattern: Path) -> Path:
    parts: Iterable[str] = pattern.parts
    base = Path()
    for part in parts:
        if glob.has_magic(part):
            break
        base /= part
    return base
