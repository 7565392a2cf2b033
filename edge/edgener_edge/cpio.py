"""Make an initramfs: a cpio archive in the "newc" format, which the Linux kernel unpacks at boot."""

from __future__ import annotations

from collections.abc import Mapping

DIRECTORY, FILE = 0o040755, 0o100755
TRAILER = "TRAILER!!!"


def initramfs(files: Mapping[str, bytes], directories: tuple[str, ...]) -> bytes:
    """The bytes of an archive of ``files`` by path, all executable, and of ``directories``, parents first."""
    entries = [(name, DIRECTORY, b"") for name in directories]
    entries += [(name, FILE, content) for name, content in sorted(files.items())]
    entries.append((TRAILER, 0, b""))
    return b"".join(_entry(number, *entry) for number, entry in enumerate(entries, start=1))


def _entry(number: int, name: str, mode: int, content: bytes) -> bytes:
    path = name.encode() + b"\0"
    numbers = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
    head = b"070701" + b"".join(b"%08X" % value for value in numbers) + path
    return _padded(head) + _padded(content)


def _padded(part: bytes) -> bytes:
    return part + bytes(-len(part) % 4)
