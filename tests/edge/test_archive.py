"""The self-extracting file: reproducible, atomic, safe to start twice, and it knows when it was changed."""

from __future__ import annotations

import os
import platform
import random
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from edgener.doctor import CHECKSUMS
from edgener.errors import OutputError
from edgener_edge import device_folder
from edgener_edge.archive import STUB_SIZE, write_run, write_tar, write_tar_gz
from edgener_edge.build import BUILD_FILE
from edgener_edge.build import DEVICE as DEVICE_S_OWN
from edgener_edge.device_folder import ON_DEVICE, fill
from edgener_edge.errors import ArtifactError
from edgener_edge.unpack import check_files, unpack
from tests.edge.support import DEVICE, NAME, TIME, TOOLS, Finished, make_files, make_folder, start, starting
from tests.support import NOBODY, ROOT, largest_file


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_files(tmp_path_factory.mktemp("made"))


def test_same_folder_same_bytes(files: tuple[Path, Path], tmp_path: Path) -> None:
    again = make_files(tmp_path)
    for first, second in zip(files, again, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_unpacks_once_and_answers(files: tuple[Path, Path], tmp_path: Path) -> None:
    home = tmp_path / "with a space"
    for _ in range(2):
        assert start(files[0], home, "北京", "a b") == (0, "answer: 北京 a b\n", "")
    (unpacked,) = home.iterdir()
    assert unpacked.name.startswith(f"{NAME}-")
    assert (unpacked.stat().st_mode & 0o777) == 0o755


def test_started_by_name_and_through_a_link(files: tuple[Path, Path], tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(files[0])
    assert start(link, tmp_path / "home", "x") == (0, "answer: x\n", "")


def test_many_first_starts_at_once(files: tuple[Path, Path], tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        finished = list(pool.map(lambda number: start(files[0], tmp_path / "home", str(number)), range(8)))
    assert finished == [(0, f"answer: {number}\n", "") for number in range(8)]
    assert len(list((tmp_path / "home").iterdir())) == 1


def test_killed_while_unpacking_it_works_at_the_next_start(files: tuple[Path, Path], tmp_path: Path) -> None:
    choose, halves = random.Random(1), 0
    for number in range(20):
        home = tmp_path / str(number)
        with starting(files[0], home) as process:
            while process.poll() is None and not list(home.glob(".unpack-*")):
                time.sleep(0.0005)
            time.sleep(choose.uniform(0, 0.1))
        halves += bool(list(home.glob(".unpack-*")))
        assert start(files[0], home, "again") == (0, "answer: again\n", "")
        assert len(list(home.iterdir())) == 1
    assert halves


def test_drafts_of_starts_that_were_cut_off_are_deleted_before_the_free_space_is_looked_at(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    home, boot = tmp_path / "home", Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    ended = subprocess.Popen(["true"])
    ended.wait()
    alive = make_drafts(home, boot, ended.pid)
    write_run(files[1], DEVICE, NAME, 10**18, tmp_path / "huge.run")
    assert start(tmp_path / "huge.run", home).code == OutputError.exit_code
    assert set(home.iterdir()) == alive
    assert start(files[0], home).code == 0
    unpacked = set(home.iterdir()) - alive
    make_drafts(home, boot, ended.pid)
    assert start(files[0], home).code == 0
    assert set(home.iterdir()) == alive | unpacked


def make_drafts(home: Path, boot: str, ended: int) -> set[Path]:
    """Make drafts of starts that were cut off, and of some that may be under way; returns the paths of the latter."""
    node, other_boot = os.uname().nodename, "00000000-0000-4000-8000-000000000000"
    dead = {f"{node},{other_boot},{os.getpid()},aaaaaa", f"{node},{boot},{ended},bbbbbb"}
    alive = {f"{node},{boot},{os.getpid()},cccccc", f"another-{node},{other_boot},{ended},dddddd"}
    for name in dead | alive:
        (home / f".unpack-{name}/half").mkdir(parents=True, exist_ok=True)
    return {home / f".unpack-{name}" for name in alive}


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_unpacking_gives_its_own_exit_code_and_leaves_nothing(
    files: tuple[Path, Path], tmp_path: Path, number: signal.Signals
) -> None:
    home = tmp_path / "home"
    before = signal.signal(number, signal.SIG_DFL)  # a shell cannot trap one that it was started to ignore
    try:
        with starting(files[0], home) as process:
            while not list(home.glob(".unpack-*")):
                assert process.poll() is None
            process.send_signal(number)
            assert process.wait(timeout=60) == 128 + number
    finally:
        signal.signal(number, before)
    assert not home.exists()


@pytest.mark.parametrize("place", [STUB_SIZE, STUB_SIZE + 100, -1])
def test_a_changed_byte_is_refused(files: tuple[Path, Path], tmp_path: Path, place: int) -> None:
    content = bytearray(files[0].read_bytes())
    content[place] ^= 1
    changed = tmp_path / "changed.run"
    changed.write_bytes(content)
    changed.chmod(0o755)
    finished = start(changed, tmp_path / "home")
    assert (finished.output, finished.code) == ("", ArtifactError.exit_code)
    assert "damaged or was changed" in finished.errors
    assert not (tmp_path / "home").exists()
    with pytest.raises(ArtifactError, match="damaged or was changed"):
        unpack(changed, tmp_path)


def assert_refused(finished: Finished, place: Path, reason: str) -> None:
    """A first start that cannot unpack says so in one line with the remedy, and leaves nothing."""
    assert (finished.code, finished.output) == (OutputError.exit_code, "")
    remedy = r"name another place: EDGENER_DIR=/some/where \S+"
    assert re.fullmatch(rf"{NAME}\.run: {re.escape(str(place))}: {reason}; {remedy}\n", finished.errors)
    assert not place.exists()


def test_a_place_that_cannot_be_written_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert_refused(start(files[0], tmp_path / "file/home"), tmp_path / "file/home", "cannot be written")


@pytest.mark.parametrize("character", ":;$")
def test_a_place_that_the_loader_cannot_name_is_refused(
    files: tuple[Path, Path], tmp_path: Path, character: str
) -> None:
    place = tmp_path / f"a{character}b"
    assert_refused(start(files[0], place), place, r"a path with ':', ';' or '\$' cannot be used")


def test_a_place_without_room_is_refused_before_anything_is_unpacked(files: tuple[Path, Path], tmp_path: Path) -> None:
    write_run(files[1], DEVICE, NAME, 10**18, tmp_path / "huge.run")
    reason = r"needs 953674316406 MB, but \d+ MB are free"
    assert_refused(start(tmp_path / "huge.run", tmp_path / "home"), tmp_path / "home", reason)


def test_builds_of_before_that_take_room_are_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    old = tmp_path / "home" / f"{NAME}-0123456789ab"
    old.mkdir(parents=True)
    write_run(files[1], DEVICE, NAME, 10**18, tmp_path / "huge.run")
    told = start(tmp_path / "huge.run", tmp_path / "home").errors
    assert f"delete older builds that are not running ({old.parent}/{NAME}-*), or name another place" in told
    assert old.is_dir()


def test_a_busybox_that_does_not_know_all_of_mv_will_do(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    mv = tmp_path / "bin/mv"
    mv.write_text('#!/bin/sh\n[ "$1" != -T ] || exit 1\nexec /bin/mv "$@"\n', encoding="utf-8")
    mv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{mv.parent}:{os.environ['PATH']}")
    for _ in range(2):
        assert start(files[0], tmp_path / "home", "x") == (0, "answer: x\n", "")
    (unpacked,) = (tmp_path / "home").iterdir()
    assert not (unpacked / NAME).exists()


def test_a_disk_that_fills_while_unpacking_is_cleaned(files: tuple[Path, Path], tmp_path: Path) -> None:
    with largest_file(100_000):
        finished = start(files[0], tmp_path / "home")
    assert_refused(finished, tmp_path / "home", r"cannot be unpacked into \(is the disk full\?\)")


MOUNTED_NOEXEC = """\
mkdir "$2" && mount -t tmpfs -o noexec none "$2" && EDGENER_DIR="$2/home" "$1"
code=$?
ls -A "$2"
umount "$2"
exit $code
"""
MOUNT_NAMESPACES = (
    ["unshare", "--map-root-user", "--mount"],
    ["unshare", "--mount", "--propagation", "unchanged"],  # root in a chroot may not do more
)


def test_a_place_where_no_program_starts_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    """The place is on a mount of the test's own where this user may make one, else on one that the system has."""
    for enter in MOUNT_NAMESPACES:
        if subprocess.run([*enter, "true"], capture_output=True, check=False).returncode == 0:
            command = [*enter, "sh", "-c", MOUNTED_NOEXEC, "sh", str(files[0]), str(tmp_path / "mount")]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            finished, place = Finished(done.returncode, done.stdout, done.stderr), tmp_path / "mount/home"
            break
    else:
        place = next(noexec_mounts()) / f"edgener-{os.getpid()}"
        finished = start(files[0], place)
    assert_refused(finished, place, r"no program can be started there \(is it mounted with noexec\?\)")


def noexec_mounts() -> Iterator[Path]:
    """Yield the directories of the system that can be written but from which no program can be started."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, _, options, *_ = line.split()
        if {"rw", "noexec"} <= set(options.split(",")):
            with suppress(OSError), tempfile.TemporaryDirectory(dir=place):
                yield Path(place)


def test_the_page_names_every_program_that_the_device_needs() -> None:
    page = (ROOT / "docs/devices.md").read_text(encoding="utf-8")
    (sentence,) = re.findall(r"The device must have ([^.]*)\.", page)
    assert set(re.findall(r"`(\w+)`", sentence)) == set(TOOLS)


def test_the_run_is_its_script_and_the_tar_gz(files: tuple[Path, Path]) -> None:
    assert files[0].read_bytes()[STUB_SIZE:] == files[1].read_bytes()


def test_the_place_follows_from_the_environment(tmp_path: Path) -> None:
    home = tmp_path / "user"
    home.mkdir()
    nobody_s = "/var/cache/edgener" if os.geteuid() == 0 else None
    for env, place in (
        ({"EDGENER_DIR": "/a b", "XDG_CACHE_HOME": "/cache", "HOME": str(home)}, "/a b"),
        ({"XDG_CACHE_HOME": "/cache", "HOME": str(home)}, "/cache/edgener"),
        ({"XDG_CACHE_HOME": "not/absolute", "HOME": str(home)}, f"{home}/.cache/edgener"),
        ({"EDGENER_DIR": "", "XDG_CACHE_HOME": "", "HOME": str(home)}, f"{home}/.cache/edgener"),
        ({"HOME": "/nonexistent"}, nobody_s),
        ({"HOME": "/"}, nobody_s),
        ({}, nobody_s),
    ):
        assert chosen_place(env, os.geteuid()) == place


def test_a_user_without_a_home_is_told_to_name_a_place() -> None:
    user = os.geteuid() or NOBODY
    assert chosen_place({"HOME": "/nonexistent"}, user) is None


def chosen_place(env: dict[str, str], user: int) -> str | None:
    """The directory that the script of a .run chooses; None where it asks for one."""
    script = (ON_DEVICE / "unpacker.sh").read_text(encoding="utf-8")
    script = fill(script, {"MACHINE": platform.machine(), "OUTPUT_ERROR": str(OutputError.exit_code)})
    head, _, _ = script.partition("\nhome=")
    finished = subprocess.run(
        ["sh", "-c", f'{head}\necho "$base"'],
        env={"PATH": os.defpath, **env}, user=user if os.geteuid() == 0 else None,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if finished.returncode == 0:
        return finished.stdout.removesuffix("\n")
    assert (finished.returncode, finished.stdout) == (OutputError.exit_code, "")
    assert "no home directory to unpack into; name another place: EDGENER_DIR=" in finished.stderr
    return None


def test_unpacking_on_the_host_without_room_names_the_place_and_a_remedy(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    told = f"{tmp_path}: cannot be unpacked into: File too large; name a roomier place: TMPDIR=/some/where"
    with largest_file(1_000), pytest.raises(OutputError, match=re.escape(told)):
        unpack(files[0], tmp_path)


def test_unpack_reads_back_what_was_packed(files: tuple[Path, Path], tmp_path: Path) -> None:
    for number, file in enumerate(files):
        directory = tmp_path / str(number)
        directory.mkdir()
        artifact = unpack(file, directory)
        assert artifact.record.model == "tiny"
        assert artifact.python == "3.11"


@pytest.mark.parametrize("damage", ["change", "delete", "add", "empty"])
def test_unpack_checks_every_file(tmp_path: Path, damage: str) -> None:
    folder = make_folder(tmp_path)
    data = folder / "syslib/data"
    match damage:
        case "change":
            data.write_bytes(data.read_bytes()[::-1])
        case "delete":
            data.unlink()
        case "add":
            (folder / "syslib/more").touch()
        case "empty":
            (folder / CHECKSUMS).unlink()
    with pytest.raises(ArtifactError, match=r"data|more|files\.sha256"):
        check_files(folder, tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (CHECKSUMS, b"garbage\n", "line 1 is no checksum and name"),
        (CHECKSUMS, b"\xff\xfe\n", "is not UTF-8"),
        (BUILD_FILE, b"[" * 200_000, "recursion"),
        (BUILD_FILE, b"\xff", "build.json: 'utf-8' codec"),
    ],
)
def test_a_file_of_a_build_that_says_nothing_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    folder = make_folder(tmp_path)
    (folder / name).write_bytes(content)
    if name != CHECKSUMS:
        (folder / CHECKSUMS).unlink()
        device_folder.write_checksums(folder)
    write_tar(folder, NAME, tmp_path / "folder.tar", TIME)
    write_tar_gz(tmp_path / "folder.tar", tmp_path / "made.tar.gz")
    (tmp_path / "to").mkdir()
    with pytest.raises(ArtifactError, match=rf"made\.tar\.gz: .*{message}.*build it again"):
        unpack(tmp_path / "made.tar.gz", tmp_path / "to")


@pytest.mark.parametrize(
    "changes", [{"lock_date": "soon"}, {"python": "3"}, {"python": "3.11\nProvides: x"}, {"format_version": 2}]
)
def test_a_record_that_no_build_has_is_named(tmp_path: Path, changes: dict[str, str | int]) -> None:
    run, _ = make_files(tmp_path, interpreter=DEVICE_S_OWN, **changes)
    (tmp_path / "to").mkdir()
    with pytest.raises(ArtifactError, match=r"build\.json: (.* is .*no (date|version)|has format version 2)"):
        unpack(run, tmp_path / "to")


@pytest.mark.parametrize("name", ["a.run", "a.tar.gz"])
@pytest.mark.parametrize("content", [b"", b"x" * 10_000])
def test_another_file_is_no_build(tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    (tmp_path / "to").mkdir()
    with pytest.raises(ArtifactError, match="no device build"):
        unpack(file, tmp_path / "to")
