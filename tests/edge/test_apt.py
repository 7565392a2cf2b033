"""The real apt on archives that are folders: which archive lacks which package is told, with the right remedy."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from edgener_edge import apt
from edgener_edge.apt import AptRoot, narrowed, not_offered, parse_sources, read_sources
from edgener_edge.devices import host_platform
from edgener_edge.errors import DownloadError, SourcesError, StaleLockError
from edgener_edge.lock import Deb
from edgener_edge.run_program import run_program
from tests.support import ROOT


def test_an_archive_that_cannot_be_reached_is_a_failed_download(tmp_path: Path) -> None:
    sources = tmp_path / "archives.list"
    sources.write_text(f"deb [trusted=yes] file:{tmp_path}/nothing bookworm main\n")
    with pytest.raises(DownloadError, match="check the network"):
        AptRoot(tmp_path / "apt", "bookworm", sources).resolve(["tool"], with_dependencies=False)


ALL = ("bookworm", "bookworm-updates", "bookworm-security")
ARCHITECTURE = host_platform().debian


def make_archive(directory: Path, suite: str, version: str) -> Deb:
    """Make a trusted archive of one suite with one package, ``tool``, in ``directory``."""
    root = directory / f"root-{suite}"
    (root / "DEBIAN").mkdir(parents=True)
    control = f"Package: tool\nVersion: {version}\nArchitecture: {ARCHITECTURE}\nMaintainer: x\nDescription: x\n"
    (root / "DEBIAN/control").write_text(control)
    package = directory / f"tool_{version}_{ARCHITECTURE}.deb"
    run_program(["dpkg-deb", "--root-owner-group", "--build", root, package], "install dpkg")
    content = package.read_bytes()
    deb = Deb("tool", version, ARCHITECTURE, len(content), hashlib.sha256(content).hexdigest())
    index = directory / "dists" / suite / "main" / f"binary-{ARCHITECTURE}"
    index.mkdir(parents=True)
    (index / "Packages").write_text(f"{control}Filename: {package.name}\nSize: {deb.size}\nSHA256: {deb.sha256}\n\n")
    return deb


def write_list(directory: Path, suites: tuple[str, ...]) -> Path:
    path = directory / "archives.list"
    path.write_text(
        "".join(f"deb [trusted=yes arch={ARCHITECTURE}] file:{directory} {suite} main\n" for suite in suites)
    )
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    directory = tmp_path / "archive"
    for suite, version in zip(ALL, ("1", "2", "3"), strict=True):
        make_archive(directory, suite, version)
    return directory


def fetch(archive: Path, suites: tuple[str, ...], version: str) -> None:
    (archive / "to").mkdir(exist_ok=True)
    apt = AptRoot(archive / "apt", "bookworm", write_list(archive, suites))
    apt.download([Deb("tool", version, ARCHITECTURE, 1, "")], archive / "to")


def test_a_package_of_each_archive_is_fetched(archive: Path) -> None:
    for version in ("1", "2", "3"):
        fetch(archive, ALL, version)
    names = sorted(path.name for path in (archive / "to").iterdir())
    assert names == [f"tool_{version}_{ARCHITECTURE}.deb" for version in ("1", "2", "3")]


def test_an_archive_that_is_missing_is_named_and_no_new_lock_advised(archive: Path) -> None:
    with pytest.raises(SourcesError) as raised:
        fetch(archive, ALL[:2], "3")
    assert str(raised.value) == (
        f"{archive}/archives.list (bookworm, bookworm-updates) does not offer tool 3, and does not name "
        "bookworm-security, which may; name the archive in a file for --apt-sources; docs/devices.md shows one"
    )


def test_a_replaced_package_is_named_and_a_new_lock_advised(archive: Path) -> None:
    with pytest.raises(StaleLockError, match=r"no longer offers tool 2\.9, .*'edgener-edge lock'"):
        fetch(archive, ALL, "2.9")


def test_a_package_that_no_archive_has_is_named_and_no_new_lock_advised(archive: Path) -> None:
    apt = AptRoot(archive / "apt", "bookworm", write_list(archive, ALL))
    assert [deb.version for deb in apt.resolve(["tool"], with_dependencies=False)] == ["3"]
    for with_dependencies in (False, True):
        with pytest.raises(DownloadError, match="does not offer none; name the archive"):
            apt.resolve(["none"], with_dependencies=with_dependencies)


def test_all_packages_that_apt_cannot_find_are_named() -> None:
    said = (
        "E: Version '1:2' for 'a:arm64' was not found\nW: else\nE: Unable to locate package b\n"
        "E: Can't find a source to download version '3' of 'c:amd64'\nE: Unable to fetch some archives"
    )
    assert not_offered(said) == "a:arm64 1:2, b, c:amd64 3"


def test_suites_of_other_releases_beside_ours_are_left_out() -> None:
    text = "Types: deb\nURIs: file:/a\nSuites: bookworm bookworm-backports\n trixie\nComponents: main"
    (source,) = parse_sources(text)
    assert narrowed(source, ALL).text == "Types: deb\nURIs: file:/a\nSuites: bookworm\nComponents: main"
    assert narrowed(source, ("sid",)).suites == ()


@pytest.mark.parametrize("word", ["no", "No", "false", "0", "off ", "\tno", "yes", "1", "none"])
def test_a_source_counts_unless_apt_takes_it_for_disabled(tmp_path: Path, word: str) -> None:
    text = f"Enabled:{word}\nTypes: deb\nURIs: http://x.invalid/x\nSuites: bookworm-security\nComponents: main\n"
    (tmp_path / "one.sources").write_text(text)
    assert bool(list(parse_sources(text))) == bool(places_that_apt_reads(tmp_path))


def places_that_apt_reads(parts: Path) -> set[str]:
    """The first directories of the archives that apt itself would ask with the sources in ``parts``."""
    options = ["-o", f"Dir::Etc::sourceparts={parts}", "-o", "Dir::Etc::sourcelist=/dev/null"]
    uris = run_program(["apt-get", "update", "--print-uris", *options], "install apt")
    return set(re.findall(r"^'http://x.invalid/([^/]*)/", uris, re.M))


def test_a_lock_file_needs_more_than_a_disabled_archive_of_security_updates(tmp_path: Path) -> None:
    paragraph = f"Types: deb\nURIs: file:{tmp_path}\nComponents: main\nSuites: "
    file = tmp_path / "bookworm.sources"
    file.write_text(f"{paragraph}bookworm\n\n{paragraph}bookworm-security\nEnabled: no\n")
    with pytest.raises(SourcesError, match="does not name bookworm-updates and bookworm-security"):
        AptRoot(tmp_path / "apt", "bookworm", file).require_suites()


def test_files_of_the_machine_that_apt_does_not_read_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    read = {"a.list", "b-1_x.y.list", "c:d.list", "E.list"}
    for name in (*read, "f.list.disabled", ".g.list", "h.list~", "i j.list", "k", "l.list.save", "ü.list"):
        (parts / name).write_text(f"deb http://x.invalid/{name.replace(' ', '-')} bookworm main\n")
    (parts / ".a.list.swp").write_bytes(b"\xff")
    monkeypatch.setattr(apt, "SYSTEM_SOURCES", tmp_path)
    used = {source.text.split()[1].rsplit("/", 1)[1] for source in read_sources("bookworm", None)}
    assert used == read == places_that_apt_reads(parts)


def test_the_page_shows_a_file_with_all_suites(tmp_path: Path) -> None:
    page = (ROOT / "docs/devices.md").read_text(encoding="utf-8")
    file = tmp_path / "bookworm.sources"
    file.write_text(page.split("```text\nTypes: deb")[1].split("```")[0].join(["Types: deb", ""]))
    assert tuple(suite for source in read_sources("bookworm", file) for suite in source.suites) == ALL
    assert AptRoot(tmp_path, "bookworm", file).missing_suites == ()
