"""Debian packages without root: a private apt root with its own lists, which leaves the machine's own apt alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from edgener_edge.devices import PLATFORMS, host_platform
from edgener_edge.errors import DownloadError, StaleLockError, ToolError
from edgener_edge.lock import Deb
from edgener_edge.run_program import run_tool

SYSTEM_SOURCES = Path("/etc/apt")
MISSING = "install apt, or run this on Debian"
NOT_OFFERED = re.compile(
    r"^E: (?:Version '.*' for '.*' was not found|Unable to locate package .*|Can't find .*)$", re.M
)
PRINTED = re.compile(r"^'(?P<uri>[^']*)' (?P<file>\S+)\.deb (?P<size>\d+) SHA256:(?P<sha256>[0-9a-f]{64})$", re.M)
PLANNED = re.compile(r"^'[^']*' ([^_ ]+)_([^_ ]+)_([^_ ]+)\.deb ", re.M)
CONFIGURATION = """\
APT::Architecture "{native}";
APT::Architectures {{ {architectures} }};
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "{root}/state";
Dir::State::status "{root}/status";
Dir::Cache "{root}/cache";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{root}/sources.d";
"""


class Source(NamedTuple):
    """A piece of apt's list of sources."""

    suites: tuple[str, ...]
    """Names of the releases that it gives."""
    text: str
    """As it stands in the file."""
    suffix: str
    """``.list`` for one line, ``.sources`` for a paragraph."""


class AptRoot:
    """A private apt root for the packages of one Debian release. Its lists are fetched when something is asked for."""

    def __init__(self, root: Path, release: str, sources: Path | None = None) -> None:
        """In the directory ``root``, from the machine's own sources of ``release``, or those in the file ``sources``.

        Raises ToolError where neither names the release.
        """
        self._root, self._release = root.resolve(), release
        self._sources = sources
        self._is_fresh = False

    def resolve(self, names: Sequence[str], *, with_dependencies: bool) -> tuple[Deb, ...]:
        """The newest versions of packages, sorted by name, with all that they need to be installed if asked for."""
        if with_dependencies:
            planned = self._apt(["apt-get", "install", "-qq", "--print-uris", *names])
            names = [f"{name}:{arch}={unquote(version)}" for name, version, arch in PLANNED.findall(planned)]
        printed = self._apt(["apt-get", "download", "--print-uris", *names]) if names else ""
        debs = [_printed_deb(match) for match in PRINTED.finditer(printed)]
        if not debs:
            raise DownloadError(f"apt offers no {' '.join(names)} in Debian {self._release}")
        return tuple(sorted(debs, key=lambda deb: (deb.name, deb.architecture)))

    def dependency(self, name: str, pattern: str) -> str:
        """The first dependency of a package whose name fits ``pattern``."""
        shown = self._apt(["apt-cache", "depends", name])
        found = re.search(rf"Depends: ({pattern})", shown)
        if not found:
            raise DownloadError(f"{name} of Debian {self._release} depends on nothing like {pattern}")
        return found.group(1)

    def download(self, debs: Iterable[Deb], directory: Path) -> None:
        """Fetch packages into ``directory``; what an earlier, interrupted call has brought is not fetched again."""
        names = [f"{deb.name}:{deb.architecture}={deb.version}" for deb in debs]
        self._apt(["apt-get", "download", *names], cwd=directory)

    def _apt(self, command: Sequence[str], cwd: Path | None = None) -> str:
        env = {**os.environ, "APT_CONFIG": str(self._prepare()), "LC_ALL": "C"}
        if not self._is_fresh:
            run_tool(["apt-get", "update", "-qq", "--error-on=any"], "check the network, or " + MISSING, env=env)
            self._is_fresh = True
        try:
            return run_tool(command, "check the network and the free space", cwd=cwd, env=env)
        except ToolError as error:
            gone = NOT_OFFERED.search(str(error))
            if gone:
                raise StaleLockError(
                    f"the archive no longer offers what the lock file pins ({gone.group().removeprefix('E: ')}); "
                    "'edgener-edge lock' pins what it offers now"
                ) from error
            raise DownloadError(str(error)) from error

    def _prepare(self) -> Path:
        """Directories, sources and configuration of the root; the path of the latter."""
        for part in ("state/lists/partial", "cache/archives/partial", "sources.d"):
            (self._root / part).mkdir(parents=True, exist_ok=True)
        (self._root / "status").touch()
        write_sources(_sources_of(self._release, self._sources), self._root / "sources.d")
        configuration = self._root / "apt.conf"
        architectures = " ".join(f'"{known.debian}";' for known in PLATFORMS.values())
        configuration.write_text(
            CONFIGURATION.format(native=host_platform().debian, architectures=architectures, root=self._root),
            encoding="utf-8",
        )
        return configuration


def write_sources(sources: Iterable[Source], directory: Path) -> None:
    """One file each, and no others: what an earlier call was told to ask may be out of reach."""
    for earlier in directory.iterdir():
        earlier.unlink()
    for number, source in enumerate(sources):
        (directory / f"{number}{source.suffix}").write_text(source.text + "\n", encoding="utf-8")


def _sources_of(release: str, file: Path | None) -> list[Source]:
    system = [*sorted((SYSTEM_SOURCES / "sources.list.d").glob("*")), SYSTEM_SOURCES / "sources.list"]
    files = [file] if file else system
    wanted = {release, f"{release}-updates", f"{release}-security"}
    found = [
        source
        for path in files
        if path.is_file()
        for source in parse_sources(path.read_text(encoding="utf-8"))
        if source.suites and wanted.issuperset(source.suites)
    ]
    if not found:
        raise ToolError(
            f"{file or SYSTEM_SOURCES}: no source of Debian {release}; name a file that has one with --apt-sources"
        )
    return found


def parse_sources(text: str) -> Iterator[Source]:
    """Sources of a file in either of apt's formats, without comments."""
    lines = [line.rstrip() for line in text.splitlines() if not line.lstrip().startswith("#")]
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines)):
        suites = re.search(r"^Suites:((?:.*)(?:\n[ \t].*)*)", paragraph, re.M | re.I)
        if suites and re.search(r"^Types:(?:.*\s)?deb(?:\s|$)", paragraph, re.M | re.I):
            yield Source(tuple(suites.group(1).split()), paragraph.strip(), ".sources")
            continue
        for line in paragraph.splitlines():
            one = re.match(r"deb\s+(?:\[[^]]*\]\s+)?\S+\s+(\S+)\s+\S", line)
            if one:
                yield Source((one.group(1).rstrip("/"),), line, ".list")


def _printed_deb(match: re.Match[str]) -> Deb:
    name, version, architecture = match["file"].split("_")
    return Deb(name, unquote(version), architecture, int(match["size"]), match["sha256"])
