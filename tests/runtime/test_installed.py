"""Models on a device: a killed installation, at whatever step, leaves a working model."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edgener.built_in import DEFAULT_BUNDLE
from edgener.bundle import GOLDEN, GRAPH, MANIFEST, describe_file, load_bundle
from edgener.errors import BundleMissingError, BundleUnreadableError, ChecksumError, GoldenError, OutputError
from edgener.golden import Cases, read_cases, write_cases
from edgener.installed import CURRENT, DRAFT, check_golden, current_model, install, models_directory, rollback
from edgener.user_directories import cache_home
from tests.support import (
    TINY_BUNDLE,
    change_manifest,
    disk_full,
    largest_file,
    open_to_all,
    replace_file,
    without_rights,
)

STEPS = [
    (os, "fsync"),
    (Path, "replace"),
    (Path, "symlink_to"),
    (Path, "unlink"),
    (shutil, "copyfile"),
    (shutil, "rmtree"),
]
KILLS = int(os.environ.get("EDGENER_TEST_KILLS", "6"))
"""Real SIGKILLs; the steps are tried one by one in any case."""


class PowerLossError(BaseException):
    """Stands for the machine going off: nothing catches it."""


@pytest.fixture
def other_bundle(tmp_path: Path) -> Path:
    """The same model under another name."""
    bundle = tmp_path / "other"
    shutil.copytree(TINY_BUNDLE, bundle)
    manifest = json.loads((bundle / MANIFEST).read_text())
    (bundle / MANIFEST).write_text(json.dumps({**manifest, "name": "另一个/model"}, ensure_ascii=False))
    return bundle


def test_install_and_rollback(tmp_path: Path, other_bundle: Path) -> None:
    directory = tmp_path / "models"
    assert current_model(directory) == DEFAULT_BUNDLE
    first = install(TINY_BUNDLE, directory)
    assert current_model(directory) == first
    second = install(other_bundle, directory)
    assert current_model(directory) == second
    assert load_bundle(second).manifest.name == "另一个/model"
    assert rollback(directory) == first
    assert current_model(directory) == first
    assert rollback(directory) == second


def test_a_folder_is_called_by_the_models_name_and_its_manifest(tmp_path: Path, other_bundle: Path) -> None:
    change_manifest(other_bundle, name="..另一个/model v1_2-3")
    folder = install(other_bundle, tmp_path / "models")
    digest = hashlib.sha256((other_bundle / MANIFEST).read_bytes()).hexdigest()[:12]
    assert folder == tmp_path / "models" / f"另一个_model_v1_2-3-{digest}"
    assert {path.name for path in (tmp_path / "models").iterdir()} == {folder.name, "current", ".lock"}
    assert folder.stat().st_mode & 0o777 == 0o755
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"EDGENER_MODELS": "/m", "XDG_DATA_HOME": "/x", "HOME": "/h"}, "/m"),
        ({"XDG_DATA_HOME": "/x", "HOME": "/h"}, "/x/edgener/models"),
        ({"XDG_DATA_HOME": "not/absolute", "HOME": "/h"}, "/h/.local/share/edgener/models"),
        ({"HOME": "/h"}, "/h/.local/share/edgener/models"),
        ({"EDGENER_MODELS": "", "XDG_DATA_HOME": "", "HOME": ""}, "/root/.local/share/edgener/models"),
    ],
)
def test_models_lie_where_the_environment_says(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("EDGENER_MODELS", "XDG_DATA_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert models_directory() == Path(expected)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x"),
        ({"XDG_CACHE_HOME": "not/absolute", "HOME": "/h"}, "/h/.cache"),
        ({"HOME": "/h"}, "/h/.cache"),
    ],
)
def test_downloads_lie_where_the_environment_says(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_home() == Path(expected)


def test_a_wrong_answer_is_told_with_its_text(tmp_path: Path, other_bundle: Path) -> None:
    cases = read_cases(other_bundle / GOLDEN)
    text = cases[0].text
    write_cases(Cases((replace(cases[0], entities=()),)), tmp_path / GOLDEN)
    replace_file(other_bundle, GOLDEN, (tmp_path / GOLDEN).read_bytes())
    with pytest.raises(GoldenError) as caught:
        check_golden(other_bundle)
    message = f"gives another answer to {text!r} than it was packed with; not used"
    assert str(caught.value) == f"{other_bundle}: {message}"


def test_installing_again_changes_nothing(tmp_path: Path, other_bundle: Path) -> None:
    directory = tmp_path / "models"
    first = install(TINY_BUNDLE, directory)
    second = install(other_bundle, directory)
    assert install(other_bundle, directory) == second
    assert rollback(directory) == first


def test_only_two_models_are_kept_and_nothing_else_is_touched(tmp_path: Path, other_bundle: Path) -> None:
    directory = tmp_path / "models"
    install(TINY_BUNDLE, directory)
    (directory / "mine").mkdir()
    (directory / "notes-0123456789ab").write_text("mine")
    install(other_bundle, directory)
    manifest = json.loads((other_bundle / MANIFEST).read_text())
    (other_bundle / MANIFEST).write_text(json.dumps({**manifest, "name": "third"}))
    install(other_bundle, directory)
    names = {path.name for path in directory.iterdir()}
    assert {"mine", "notes-0123456789ab", "current", "previous"} < names
    assert sum((directory / name / MANIFEST).is_file() and name[0] not in "cp" for name in names) == 2


def test_a_folder_that_only_looks_like_an_installed_model_is_kept(tmp_path: Path) -> None:
    source = tmp_path / "models" / "news-202401011230"
    shutil.copytree(TINY_BUNDLE, source)
    install(source, tmp_path / "models")
    assert load_bundle(source)


def test_a_folder_in_the_place_of_the_link_is_told(tmp_path: Path) -> None:
    shutil.copytree(TINY_BUNDLE, tmp_path / CURRENT)
    with pytest.raises(BundleUnreadableError, match="current: is no link that can be read"):
        current_model(tmp_path)


def test_installing_where_the_link_is_a_folder_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / CURRENT).mkdir()
    for change in (partial(install, TINY_BUNDLE), rollback):
        with pytest.raises(OutputError, match=f"{CURRENT}: is no link that can be read: .*; remove it, and"):
            change(tmp_path)


def test_a_bad_model_is_refused_and_the_present_one_stays(tmp_path: Path, other_bundle: Path) -> None:
    directory = tmp_path / "models"
    first = install(TINY_BUNDLE, directory)
    golden = json.loads((other_bundle / GOLDEN).read_text())
    golden["cases"][0]["entities"] = [{"start": 0, "end": 1, "label": "PER", "text": "x", "score": 0.5}]
    (other_bundle / GOLDEN).write_text(json.dumps(golden))
    with pytest.raises(ChecksumError):
        install(other_bundle, directory)
    manifest = json.loads((other_bundle / MANIFEST).read_text())
    file = describe_file(other_bundle / GOLDEN)
    manifest["files"][GOLDEN] = {"size": file.size, "sha256": file.sha256}
    (other_bundle / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(GoldenError):
        install(other_bundle, directory)
    assert current_model(directory) == first


def test_installations_that_fail_leave_nothing_behind(
    tmp_path: Path, other_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "models"
    first = install(TINY_BUNDLE, directory)
    before = sorted(directory.iterdir())
    replace_file(other_bundle, GOLDEN, (other_bundle / GOLDEN).read_bytes().replace(b'"PER"', b'"LOC"'))
    with pytest.raises(GoldenError):
        install(other_bundle, directory)
    assert sorted(directory.iterdir()) == before
    monkeypatch.setattr(shutil, "copyfile", disk_full)
    with pytest.raises(OutputError, match="No space left"):
        install(other_bundle, directory)
    assert sorted(directory.iterdir()) == before
    assert current_model(directory) == first


def test_a_place_without_room_is_named_and_not_the_file_that_is_copied(tmp_path: Path) -> None:
    with largest_file(1000), pytest.raises(OutputError) as caught:
        install(TINY_BUNDLE, tmp_path / "models")
    assert str(caught.value).startswith(f"{tmp_path / 'models'}/")
    assert str(caught.value).endswith(": cannot be written: File too large")
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".lock"]


def test_a_damaged_model_is_mended_by_installing_it_again(tmp_path: Path) -> None:
    directory = tmp_path / "models"
    first = install(TINY_BUNDLE, directory)
    (first / GRAPH).write_bytes(b"")
    assert install(TINY_BUNDLE, directory) == first
    check_golden(current_model(directory))


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_service_without_rights_reads_what_root_installed(tmp_path: Path, mask: int) -> None:
    directory = tmp_path / "var/models"
    open_to_all(tmp_path)
    before = os.umask(mask)
    try:
        first = install(TINY_BUNDLE, directory)
    finally:
        os.umask(before)
    with without_rights():
        assert current_model(directory) == first
        check_golden(first)


def test_a_directory_that_may_not_be_looked_into_is_told_if_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(TINY_BUNDLE, tmp_path / "edgener/models")
    open_to_all(tmp_path)
    (tmp_path / "edgener").chmod(0)
    monkeypatch.delenv("EDGENER_MODELS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with without_rights():
        assert current_model() == DEFAULT_BUNDLE
        monkeypatch.setenv("EDGENER_MODELS", str(tmp_path / "edgener/models"))
        with pytest.raises(BundleUnreadableError, match="let all users look there"):
            current_model()
    (tmp_path / "edgener").chmod(0o755)


def test_nothing_to_go_back_to(tmp_path: Path) -> None:
    with pytest.raises(BundleMissingError) as caught:
        rollback(tmp_path / "models")
    assert str(caught.value) == f"{tmp_path / 'models'}: holds no older model to go back to"
    install(TINY_BUNDLE, tmp_path / "models")
    with pytest.raises(BundleMissingError, match="no older model to go back to; remove ") as caught:
        rollback(tmp_path / "models")
    Path(str(caught.value).partition("; remove ")[2].partition(" to use")[0]).unlink()
    assert current_model(tmp_path / "models") == DEFAULT_BUNDLE


@pytest.mark.parametrize("change", ["install", "rollback"])
def test_a_model_whose_link_was_removed_is_not_lost_but_used_again(
    tmp_path: Path, other_bundle: Path, change: str
) -> None:
    directory = tmp_path / "models"
    first = install(TINY_BUNDLE, directory)
    second = install(other_bundle, directory)
    (directory / CURRENT).unlink()
    if change == "install":
        shutil.rmtree(other_bundle)  # the only copy is the installed one
        assert install(second, directory) == second == current_model(directory)
        assert rollback(directory) == first
    else:
        assert rollback(directory) == first == current_model(directory)
        assert load_bundle(second)


def test_an_installation_that_fails_deletes_no_model_that_was_there(tmp_path: Path, other_bundle: Path) -> None:
    directory = tmp_path / "models"
    first = install(TINY_BUNDLE, directory)
    (directory / CURRENT).unlink()
    (other_bundle / GRAPH).write_bytes(b"damaged")
    with pytest.raises(ChecksumError):
        install(other_bundle, directory)
    assert load_bundle(first)


@pytest.mark.parametrize("command", ["install", "rollback"])
def test_power_loss_while_links_change_loses_no_way_back(
    tmp_path: Path, other_bundle: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    older = shutil.copytree(TINY_BUNDLE, tmp_path / "older")
    change_manifest(older, name="older")
    installed = tmp_path / "installed"
    folders = [install(bundle, installed).name for bundle in (older, TINY_BUNDLE)]
    change = partial(install, other_bundle) if command == "install" else rollback
    seen = set()
    for number in range(200):
        directory = shutil.copytree(installed, tmp_path / str(number), symlinks=True)
        with monkeypatch.context() as patch:
            lost = lose_power_at(number, patch)
            with contextlib.suppress(PowerLossError):
                change(directory)
            is_done = not lost
        before = current_model(directory).name
        check_golden(directory / before)
        expected = folders[0] if before == folders[1] else folders[1]  # what lay there before it
        assert rollback(directory).name == expected
        assert rollback(directory).name == before
        seen.add(before)
        if is_done:
            break
    assert 5 < number < 199
    assert len(seen) == 2


@pytest.mark.slow
def test_power_loss_at_every_step(tmp_path: Path, other_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(200):
        directory = tmp_path / str(number)
        first = install(TINY_BUNDLE, directory)
        with monkeypatch.context() as patch:
            lost = lose_power_at(number, patch)
            with contextlib.suppress(PowerLossError):
                install(other_bundle, directory)
            is_done = not lost
        assert_a_model_works(directory, first)
        install(other_bundle, directory)
        assert rollback(directory) == first
        if is_done:
            break
    assert 10 < number < 199


def test_killed_at_random_points(tmp_path: Path, other_bundle: Path) -> None:
    choose, halves = random.Random(7), 0
    command = [sys.executable, "-m", "edgener", "install", str(other_bundle)]
    for number in range(KILLS):
        directory = tmp_path / str(number)
        first = install(TINY_BUNDLE, directory)
        env = {**os.environ, "EDGENER_MODELS": str(directory)}
        with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and not list(directory.glob(f"{DRAFT}*")):
                time.sleep(0.0005)
            time.sleep(choose.uniform(0, 0.02))
            process.kill()
        halves += bool(list(directory.glob(f"{DRAFT}*")))
        assert_a_model_works(directory, first)
    assert halves


def assert_a_model_works(directory: Path, built_before: Path) -> None:
    """The current model is whole and gives its golden answers."""
    assert built_before.exists()
    assert (directory / CURRENT).is_symlink()
    check_golden(current_model(directory))


def lose_power_at(number: int, patch: pytest.MonkeyPatch) -> list[int]:
    """Let the operation ``number`` on the disk, and all later ones, raise PowerLossError, and note it in the list."""
    count = 0
    lost: list[int] = []

    def breaking(operation: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count > number:
                lost.append(count)
                raise PowerLossError
            return operation(*arguments, **options)

        return run

    for owner, name in STEPS:
        patch.setattr(owner, name, breaking(getattr(owner, name)))
    return lost
