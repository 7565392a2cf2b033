"""Compressed files are read as their content; a damaged one is told by its name."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pytest

from edgener.corpora.inputs import CSV, JSONL, LINES
from edgener.corpora.parts import Part, check_file, parts_of
from edgener.corpora.settings import Settings
from edgener.corpora.streams import BLOCK, ByteStream, DamagedError
from edgener.errors import InputError
from tests.runtime.corpora.support import input_file

CONTENT = b"".join(b"%d\n" % number for number in range(100_000))


def zstd(content: bytes) -> bytes:
    """Compress with zstd."""
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".txt": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstd,
}
every_kind = pytest.mark.parametrize("suffix", COMPRESS)


@every_kind
def test_content_is_read_in_blocks_and_the_position_is_that_on_the_disk(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"file{suffix}"
    path.write_bytes(COMPRESS[suffix](CONTENT))
    with ByteStream(path) as stream:
        blocks = []
        positions = [stream.position]
        for block in stream.blocks():
            blocks.append(block)
            positions.append(stream.position)
    assert b"".join(blocks) == CONTENT
    assert max(map(len, blocks)) <= BLOCK
    assert positions == sorted(positions)
    assert positions[-1] == path.stat().st_size


@every_kind
def test_an_empty_file_has_no_blocks(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"file{suffix}"
    path.write_bytes(COMPRESS[suffix](b""))
    with ByteStream(path) as stream:
        assert list(stream.blocks()) == []


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("damage", ["cut off", "overwritten", "something else"])
def test_a_damaged_file_is_told(tmp_path: Path, suffix: str, damage: str) -> None:
    content = COMPRESS[suffix](CONTENT)
    middle = len(content) // 2
    damaged = {
        "cut off": content[:middle],
        "overwritten": content[:middle] + bytes(64) + content[middle + 64 :],
        "something else": b"this is plain text\n" * 100,
    }
    path = tmp_path / f"file{suffix}"
    path.write_bytes(damaged[damage])
    with ByteStream(path) as stream, pytest.raises(InputError, match=rf"file{suffix}: cannot be read to its end"):
        list(stream.blocks())


ROW = b"%06d" + b"x" * 40 + b"\n"
ROWS = b"".join(ROW % number for number in range(100_000))


def rows_before_the_damage(path: Path) -> int:
    """Return the number of rows in the parts of a damaged file, all of which are as they were."""
    parts: list[Part] = []
    with pytest.raises(DamagedError, match=f"{path.name}: cannot be read to its end"):
        parts.extend(parts_of(input_file(path, LINES), Settings()))  # the list keeps what came before the error
    rows = [row.content + b"\n" for part in parts for row in part.content if not isinstance(row, int)]
    assert rows == [ROW % number for number in range(len(rows))]
    return len(rows)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("damage", ["cut off", "something else after it"])
def test_all_rows_before_a_damaged_place_are_done(tmp_path: Path, suffix: str, damage: str) -> None:
    path = tmp_path / f"file.txt{suffix}"
    content = b"".join(
        COMPRESS[suffix](ROWS[start : start + 100_000 * 47 // 4]) for start in range(0, 4_700_000, 1_175_000)
    )
    half = COMPRESS[suffix](ROWS[: 50_000 * 47])
    path.write_bytes(content[:-8] if damage == "cut off" else half + b"no member at all" * 100)
    found = rows_before_the_damage(path)
    assert found == 50_000 if damage != "cut off" else found >= 74_999


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_a_damaged_file_is_passed_over_before_the_work_and_told_after_it(tmp_path: Path, suffix: str) -> None:
    content = COMPRESS[suffix](b"text\n" + b"a\n" * 20)
    for cut in (1, len(content) // 2, len(content) - 1):
        for file_format in (LINES, CSV, JSONL):
            path = tmp_path / f"file{suffix}"
            path.write_bytes(content[:cut])
            assert check_file(input_file(path, file_format), Settings()) == ""
            with pytest.raises(DamagedError, match="cannot be read to its end"):
                list(parts_of(input_file(path, file_format), Settings()))


packed = pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])


@packed
@pytest.mark.parametrize("padding", [b"", bytes(8)])
def test_members_are_read_one_after_the_other(tmp_path: Path, suffix: str, padding: bytes) -> None:
    path = tmp_path / f"file{suffix}"
    pack = COMPRESS[suffix]
    end = b"" if suffix == ".zst" else padding
    path.write_bytes(pack(CONTENT) + end + pack(b"") + pack(b"b\n") + end)
    with ByteStream(path) as stream:
        assert b"".join(stream.blocks()) == CONTENT + b"b\n"


@packed
def test_anything_else_after_a_member_is_told(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"file{suffix}"
    path.write_bytes(COMPRESS[suffix](b"a\n") + b"this is plain text\n")
    with ByteStream(path) as stream, pytest.raises(InputError, match=rf"file{suffix}: cannot be read to its end"):
        list(stream.blocks())


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.txt: cannot be opened: No such file"):
        ByteStream(tmp_path / "no.txt")
