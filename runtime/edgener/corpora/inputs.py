"""Input files of a corpus: those that are named, that a pattern matches, and those of a known kind in a folder."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    """Names of files in folders whose format is not known."""


def find_inputs(inputs: Sequence[str], output: Path, input_format: str | None = None) -> Inputs:
    """Return the files that ``inputs`` name: files, folders and patterns such as ``data/**/*.jsonl``.

    In folders, names that begin with a point or an underscore are skipped, and so is the folder ``output``. With
    ``input_format``, every file has this format, whatever its name is. Raises InputError where an input does not exist
    and UsageError where two files would write the same results.
    """
    files: dict[str, InputFile] = {}
    left_out = []
    for given in inputs:
        for path, name, is_named in _readable_paths(given, output):
            found = input_format or format_of(path.name) or (LINES if is_named else None)
            if found is None:
                left_out.append(str(path))
                continue
            if name in files:
                raise UsageError(
                    f"{path}: its results would be those of {files[name].path}; give the folder that holds both"
                )
            if name.partition("/")[0] == STATE:
                raise UsageError(f"{path}: the name {STATE} is kept for edgener's own files; rename it")
            files[name] = InputFile(path, name, found)
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
    path = Path(given)
    if path.is_dir():
        for file in _walk(path, output.resolve()):
            yield file, file.relative_to(path).as_posix(), False
    elif path.is_file():
        yield path, path.name, True
    elif glob.has_magic(given):
        base = _folder_before_pattern(path)
        matches = sorted(match for match in base.glob(str(path.relative_to(base))) if match.is_file())
        if not matches:
            raise InputError(f"{given}: matches no file")
        for match in matches:
            name = match.relative_to(base)
            if not any(part.startswith(".") for part in name.parts):
                yield match, name.as_posix(), True
    elif path.exists():
        raise InputError(f"{given}: is neither a file nor a folder; a job that can be resumed needs files")
    else:
        raise InputError(f"{given}: does not exist")


def _walk(folder: Path, output: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        path = Path(entry.path)
        if entry.name.startswith((".", "_")):
            continue
        if entry.is_dir():
            if path.resolve() != output:
                yield from _walk(path, output)
        elif entry.is_file():
            yield path


def _folder_before_pattern(pattern: Path) -> Path:
    parts: Iterable[str] = pattern.parts
    base = Path()
    for part in parts:
        if glob.has_magic(part):
            break
        base /= part
    return base
