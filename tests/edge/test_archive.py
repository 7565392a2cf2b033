"""The self-extracting file: reproducible, atomic, safe to start twice, and it knows when it was changed."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from edgener.doctor import CHECKSUMS
from edgener_edge.archive import STUB_SIZE
from edgener_edge.errors import ArtifactError
from edgener_edge.unpack import unpack
from tests.edge.support import NAME, make_files, make_folder, start


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
        process = start(files[0], home, "北京", "a b")
        assert process.communicate() == ("answer: 北京 a b\n", "")
        assert process.returncode == 0
    (unpacked,) = home.iterdir()
    assert unpacked.name.startswith(f"{NAME}-")
    assert (unpacked.stat().st_mode & 0o777) == 0o755


def test_started_by_name_and_through_a_link(files: tuple[Path, Path], tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(files[0])
    process = start(link, tmp_path / "home", "x")
    assert process.communicate() == ("answer: x\n", "")


def test_many_first_starts_at_once(files: tuple[Path, Path], tmp_path: Path) -> None:
    processes = [start(files[0], tmp_path / "home", str(number)) for number in range(8)]
    for number, process in enumerate(processes):
        assert process.communicate() == (f"answer: {number}\n", "")
        assert process.returncode == 0
    assert len(list((tmp_path / "home").iterdir())) == 1


def test_killed_while_unpacking_it_works_at_the_next_start(files: tuple[Path, Path], tmp_path: Path) -> None:
    choose = random.Random(1)
    for number in range(20):
        home = tmp_path / str(number)
        process = start(files[0], home)
        time.sleep(choose.uniform(0, 0.08))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        process = start(files[0], home, "again")
        assert process.communicate() == ("answer: again\n", "")


@pytest.mark.parametrize("place", [STUB_SIZE, STUB_SIZE + 100, -1])
def test_a_changed_byte_is_refused(files: tuple[Path, Path], tmp_path: Path, place: int) -> None:
    content = bytearray(files[0].read_bytes())
    content[place] ^= 1
    changed = tmp_path / "changed.run"
    changed.write_bytes(content)
    changed.chmod(0o755)
    process = start(changed, tmp_path / "home")
    output, errors = process.communicate()
    assert (output, process.returncode) == ("", ArtifactError.exit_code)
    assert "damaged or was changed" in errors
    assert list((tmp_path / "home").iterdir()) == []
    with pytest.raises(ArtifactError, match="damaged or was changed"):
        unpack(changed, tmp_path)


def test_a_place_that_cannot_be_written_is_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    process = start(files[0], tmp_path / "file/home")
    output, errors = process.communicate()
    assert (output, process.returncode) == ("", 4)
    assert "EDGENER_DIR=" in errors


def test_unpack_reads_back_what_was_packed(files: tuple[Path, Path], tmp_path: Path) -> None:
    for number, file in enumerate(files):
        directory = tmp_path / str(number)
        directory.mkdir()
        artifact = unpack(file, directory)
        assert artifact.record.model == "tiny"
        assert artifact.python == "3.11"


@pytest.mark.parametrize("damage", ["change", "delete", "add", "empty"])
def test_unpack_checks_every_file(tmp_path: Path, damage: str) -> None:
    from edgener_edge.unpack import check_files

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


@pytest.mark.parametrize("name", ["a.run", "a.tar.gz"])
@pytest.mark.parametrize("content", [b"", b"x" * 10_000])
def test_another_file_is_no_build(tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    (tmp_path / "to").mkdir()
    with pytest.raises(ArtifactError, match="no device build"):
        unpack(file, tmp_path / "to")
