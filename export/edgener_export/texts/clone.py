"""Files of a repository at one commit, by git: from a clone that is there, or from one that is made for them alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from edgener_export.errors import DownloadError
from edgener_export.files.atomic import draft_of
from edgener_export.texts.sources import Source

REMEDY = "clone it where the network can be reached, and name the folder of the clones with --clones"


class File(NamedTuple):
    """A file of a commit."""

    path: str
    blob: str
    """Git's name of its content."""


def open_clone(source: Source, clones: Path | None, cache: Path) -> Path:
    """Return the directory of a repository that holds the commit of ``source``.

    It is ``clones``/OWNER/NAME where ``clones`` is given, and else one in ``cache`` that is made of that commit and of
    the files that are read, without history. Raises DownloadError where it is not to be had.
    """
    if clones:
        directory = clones / source.repository
        if not _has(directory, source.commit):
            raise DownloadError(f"{directory}: is no clone with the commit {source.commit} of {source.address}")
        return directory
    directory = cache / source.name
    if not _has(directory, source.commit):
        _make(source, directory)
    return directory


def files_of(source: Source, clone: Path) -> list[File]:
    """Return the files that the patterns of ``source`` match, by path. Raises DownloadError where there are none."""
    files = []
    for line in _git(clone, "ls-tree", "-r", "-z", source.commit).decode().split("\0"):
        about, _, path = line.partition("\t")
        if any(fnmatchcase(path, pattern) for pattern in source.paths):
            files.append(File(path, about.split()[2]))
    if not files:
        raise DownloadError(f"{source.address}: has no files {', '.join(source.paths)} at {source.commit}")
    return sorted(files)


def contents_of(clone: Path, files: Sequence[File]) -> Iterator[bytes]:
    """Yield the content of each file, in their order, out of one process of git.

    Raises DownloadError where the clone lacks one.
    """
    command = ["git", "-C", str(clone), "cat-file", "--batch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as git:
        try:
            for file in files:
                yield _content(git, file, clone)
        finally:
            git.kill()


def _content(git: subprocess.Popen[bytes], file: File, clone: Path) -> bytes:
    to_git, from_git = git.stdin, git.stdout
    if to_git and from_git:
        to_git.write(f"{file.blob}\n".encode())
        to_git.flush()
        match from_git.readline().split():
            case [_, b"blob", size]:
                content = from_git.read(int(size))
                from_git.read(1)
                return content
    raise DownloadError(f"{clone}: lacks the content of {file.path}; remove the clone, or clone it again")


def _has(directory: Path, commit: str) -> bool:
    command = ["git", "-C", str(directory), "cat-file", "-e", f"{commit}^{{tree}}"]
    return directory.is_dir() and subprocess.run(command, capture_output=True, check=False).returncode == 0


def _make(source: Source, directory: Path) -> None:
    with draft_of(directory) as draft:
        draft.mkdir()
        _git(draft, "init", "--quiet")
        _git(draft, "remote", "add", "origin", source.address)
        fetch = "fetch", "--quiet", "--depth=1", "--filter=blob:none", "--no-tags", "origin"
        _git(draft, *fetch, source.commit)
        blobs = {file.blob for file in files_of(source, draft)}
        _git(draft, *fetch, "--stdin", given="\n".join(sorted(blobs)))


def _git(directory: Path, *words: str, given: str = "") -> bytes:
    command = ["git", "-C", str(directory), *words]
    done = subprocess.run(command, input=given.encode(), capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise DownloadError(f"{directory}: git {words[0]} {words[-1]}: {said[-1]}; {REMEDY}")
    return done.stdout
