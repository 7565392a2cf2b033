"""Fetch Debian packages without root: a private apt root with its own lists leaves the machine's own apt alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from edgener_edge.devices import PLATFORMS, host_platform
from edgener_edge.errors import DownloadError, SourcesError, StaleLockError, ToolError
from edgener_edge.lock import Deb
from edgener_edge.run_program import run_program

SYSTEM_SOURCES = Path("/etc/apt")
MISSING = "install apt, or run this on Debian"
HOW_TO_NAME = "name the archive in a file for --apt-sources; docs/devices.md shows one"
"""The remedy where apt is not told of an archive."""
NOT_OFFERED = re.compile(r"^E: (Version '.*' for '.*' was not found|Unable to locate package .*|Can't find .*)$", re.M)
SUITES = re.compile(r"^Suites:(.*(?:\n[ \t].*)*)", re.M | re.I)
TYPES = re.compile(r"^Types:", re.M | re.I)
DISABLED = re.compile(r"^Enabled:[ \t]*(no|false|without|off|disable|0+)[ \t]*$", re.M | re.I)
"""A paragraph of sources that apt passes over, in all words that it takes for no."""
SOURCES_FILE = re.compile(r"[a-z0-9_:-][a-z0-9_:.-]*\.(list|sources)", re.I | re.A)
"""The names of files in sources.list.d that apt reads."""
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


class AptSource(NamedTuple):
    """One entry of apt's list of sources."""

    suites: tuple[str, ...]
    """Suites of the archive that it names, such as ``bookworm-security``."""
    text: str
    """The entry as it stands in the file, without comments."""
    suffix: str
    """Ending of a file for it: ``.list`` for a line, ``.sources`` for a paragraph."""


class NotOfferedError(Exception):
    """Packages that apt's archives do not offer; the message names each, with the version where one was asked for."""


class AptRoot:
    """A private apt root for the packages of one Debian release. Its lists are fetched when something is asked for."""

    def __init__(self, root: Path, release: str, sources: Path | None = None) -> None:
        """Use the directory ``root``, and the sources of ``release`` in the file ``sources``, else the machine's."""
        self._root, self._release = root.resolve(), release
        self._sources_file = sources
        self._is_fresh = False

    @cached_property
    def sources(self) -> tuple[AptSource, ...]:
        """The sources of the release; raises SourcesError where there are none, or their file cannot be read."""
        return read_sources(self._release, self._sources_file)

    @property
    def missing_suites(self) -> tuple[str, ...]:
        """The suites that packages of the release come from but that no source names."""
        named = {suite for source in self.sources for suite in source.suites}
        needed = (self._release, f"{self._release}-updates", f"{self._release}-security")
        return tuple(suite for suite in needed if suite not in named)

    def require_suites(self) -> None:
        """Raise SourcesError where no source names the release itself, or a suite of its updates."""
        if self.missing_suites:
            raise SourcesError(
                f"{self.asked} does not name {' and '.join(self.missing_suites)}, without which the lock file "
                f"would pin packages that lack security updates; {HOW_TO_NAME}"
            )

    @property
    def asked(self) -> str:
        """The file with the sources, and the suites that they name, for messages."""
        suites = dict.fromkeys(suite for source in self.sources for suite in source.suites)
        return f"{self._sources_file or SYSTEM_SOURCES} ({', '.join(suites)})"

    def resolve(self, names: Sequence[str], *, with_dependencies: bool) -> tuple[Deb, ...]:
        """The newest versions of packages, sorted by name; ``with_dependencies``, with all that installing them needs.

        Raises DownloadError where the archives do not offer one of them.
        """
        if with_dependencies:
            planned = self._find(["apt-get", "install", "-qq", "--print-uris", *names])
            names = [f"{name}:{arch}={unquote(version)}" for name, version, arch in PLANNED.findall(planned)]
        printed = self._find(["apt-get", "download", "--print-uris", *names]) if names else ""
        debs = [_printed_deb(match) for match in PRINTED.finditer(printed)]
        if not debs:
            raise DownloadError(f"apt offers no {' '.join(names)} in Debian {self._release}")
        return tuple(sorted(debs, key=lambda deb: (deb.name, deb.architecture)))

    def dependency(self, name: str, pattern: str) -> str:
        """The first dependency of the package ``name`` that matches the regular expression ``pattern``."""
        shown = self._find(["apt-cache", "depends", name])
        found = re.search(rf"Depends: ({pattern})", shown)
        if not found:
            raise DownloadError(f"{name} of Debian {self._release} depends on nothing like {pattern}")
        return found.group(1)

    def download(self, debs: Iterable[Deb], directory: Path) -> None:
        """Fetch pinned packages into ``directory``; what an earlier, interrupted call has brought is not fetched again.

        Raises SourcesError where the sources lack an archive that may have them, StaleLockError where they do not.
        """
        names = [f"{deb.name}:{deb.architecture}={deb.version}" for deb in debs]
        try:
            self._apt(["apt-get", "download", *names], cwd=directory)
        except NotOfferedError as error:
            if self.missing_suites:
                raise SourcesError(
                    f"{self.asked} does not offer {error}, and does not name {' and '.join(self.missing_suites)}, "
                    f"which may; {HOW_TO_NAME}"
                ) from error
            raise StaleLockError(
                f"{self.asked} no longer offers {error}, which the lock file pins; 'edgener-edge lock' pins what it "
                "offers now"
            ) from error

    def _find(self, command: Sequence[str]) -> str:
        """The output of an apt command about packages of any version; raises DownloadError where there are none."""
        try:
            return self._apt(command)
        except NotOfferedError as error:
            raise DownloadError(f"{self.asked} does not offer {error}; {HOW_TO_NAME}") from error

    def _apt(self, command: Sequence[str], cwd: Path | None = None) -> str:
        env = {**os.environ, "APT_CONFIG": str(self._prepare()), "LC_ALL": "C"}
        if not self._is_fresh:
            try:
                run_program(["apt-get", "update", "-qq", "--error-on=any"], "check the network, or " + MISSING, env=env)
            except ToolError as error:
                if isinstance(error.__cause__, OSError):
                    raise
                raise DownloadError(str(error)) from error
            self._is_fresh = True
        try:
            return run_program(command, "check the network and the free space", cwd=cwd, env=env)
        except ToolError as error:
            missing = not_offered(str(error))
            if missing:
                raise NotOfferedError(missing) from error
            raise DownloadError(str(error)) from error

    def _prepare(self) -> Path:
        """Write directories, sources and configuration of the root; returns the path of the configuration."""
        for part in ("state/lists/partial", "cache/archives/partial", "sources.d"):
            (self._root / part).mkdir(parents=True, exist_ok=True)
        (self._root / "status").touch()
        write_sources(self.sources, self._root / "sources.d")
        configuration = self._root / "apt.conf"
        architectures = " ".join(f'"{known.debian}";' for known in PLATFORMS.values())
        configuration.write_text(
            CONFIGURATION.format(native=host_platform().debian, architectures=architectures, root=self._root),
            encoding="utf-8",
        )
        return configuration


def not_offered(said: str) -> str:
    """Name the packages that apt says it cannot find, each with its version if it was asked for one; empty for none."""
    found = []
    for words in NOT_OFFERED.findall(said):
        quoted = re.findall(r" '([^']*)'", words)
        found.append(" ".join(reversed(quoted)) or words.split()[-1])
    return ", ".join(found)


def write_sources(sources: Iterable[AptSource], directory: Path) -> None:
    """Write one file for each source, and delete those of an earlier call, whose archives may be out of reach."""
    for earlier in directory.iterdir():
        earlier.unlink()
    for number, source in enumerate(sources):
        (directory / f"{number}{source.suffix}").write_text(source.text + "\n", encoding="utf-8")


def read_sources(release: str, file: Path | None) -> tuple[AptSource, ...]:
    """The sources of a Debian release in ``file``, else in the machine's own lists, without the suites of others.

    Raises SourcesError where there are none, or the file cannot be read.
    """
    parts = sorted((SYSTEM_SOURCES / "sources.list.d").glob("*"))
    system = [*(path for path in parts if SOURCES_FILE.fullmatch(path.name)), SYSTEM_SOURCES / "sources.list"]
    wanted = (release, f"{release}-updates", f"{release}-security")
    found: list[AptSource] = []
    for path in [file] if file else filter(Path.is_file, system):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SourcesError(f"{path}: cannot be read ({error}); {HOW_TO_NAME}") from error
        found.extend(source for one in parse_sources(text) if (source := narrowed(one, wanted)).suites)
    if not found:
        raise SourcesError(f"{file or SYSTEM_SOURCES}: names no archive of Debian {release}; {HOW_TO_NAME}")
    return tuple(found)


def narrowed(source: AptSource, wanted: Sequence[str]) -> AptSource:
    """The part of a source that names suites among ``wanted``; its ``suites`` are empty where it names none."""
    suites = tuple(suite for suite in source.suites if suite in wanted)
    if suites == source.suites or not suites:
        return source._replace(suites=suites)
    return source._replace(suites=suites, text=SUITES.sub(f"Suites: {' '.join(suites)}", source.text))


def parse_sources(text: str) -> Iterator[AptSource]:
    """Yield the sources of binary packages in a file of either of apt's formats, but for those that are disabled."""
    lines = [line.rstrip() for line in text.splitlines() if not line.lstrip().startswith("#")]
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines)):
        if not TYPES.search(paragraph):
            yield from _parse_lines(paragraph.splitlines())
            continue
        suites = SUITES.search(paragraph)
        is_binary = re.search(r"^Types:(?:.*\s)?deb(?:\s|$)", paragraph, re.M | re.I)
        if suites and is_binary and not DISABLED.search(paragraph):
            yield AptSource(tuple(suites.group(1).split()), paragraph.strip(), ".sources")


def _parse_lines(lines: Iterable[str]) -> Iterator[AptSource]:
    for line in map(str.strip, lines):
        one = re.match(r"deb\s+(?:\[[^]]*\]\s+)?\S+\s+(\S+)\s+\S", line)
        if one:
            yield AptSource((one.group(1).rstrip("/"),), line, ".list")


def _printed_deb(match: re.Match[str]) -> Deb:
    name, version, architecture = match["file"].split("_")
    return Deb(name, unquote(version), architecture, int(match["size"]), match["sha256"])
