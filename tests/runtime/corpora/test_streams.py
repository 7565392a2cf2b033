"""Compressed files are read as their content; a damaged one is told by its name."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pytest

from edgener.corpora.streams import BLOCK, ByteStream
from edgener.errors import InputError

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
