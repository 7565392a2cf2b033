"""Downloads are exactly what the lock file pins, whatever lies in the cache or in the index."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edgener_edge.apt import AptRoot
from edgener_edge.cache import Cache
from edgener_edge.devices import PLATFORMS
from edgener_edge.errors import DownloadError
from edgener_edge.lock import Wheel
from tests.package_index import offer, write_wheel

PLATFORM = PLATFORMS["aarch64"]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    offer(folder, monkeypatch)
    return folder


@pytest.fixture
def pinned(index: Path) -> Wheel:
    path = write_wheel(index, "somewheel", "1.0", "any", "somewheel.py", b"answer = 42")
    content = path.read_bytes()
    return Wheel("somewheel", "1.0", path.name, len(content), hashlib.sha256(content).hexdigest())


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", AptRoot(tmp_path / "apt", "bookworm", None), lambda _message: None)


def fetch(cache: Cache, wheel: Wheel) -> bytes:
    (path,) = cache.wheels([wheel], PLATFORM, "3.11")
    return path.read_bytes()


def test_a_wheel_is_fetched_once(cache: Cache, index: Path, pinned: Wheel) -> None:
    first = fetch(cache, pinned)
    (index / pinned.file_name).unlink()
    assert fetch(cache, pinned) == first


@pytest.mark.parametrize("keeps_size", [True, False])
def test_a_wheel_that_was_changed_in_the_cache_is_fetched_anew(cache: Cache, pinned: Wheel, keeps_size: bool) -> None:
    whole = fetch(cache, pinned)
    path = cache.directory / "wheels" / pinned.file_name
    path.write_bytes(whole[:-1] + b"!" if keeps_size else whole[:-1])
    assert fetch(cache, pinned) == whole


def test_a_wheel_that_was_changed_in_the_index_is_refused_by_name(cache: Cache, index: Path, pinned: Wheel) -> None:
    write_wheel(index, "somewheel", "1.0", "any", "somewheel.py", b"answer = 43")
    with pytest.raises(DownloadError, match="somewheel"):
        fetch(cache, pinned)
    assert not (cache.directory / "wheels" / pinned.file_name).exists()
