"""Values of options come from the command line, else from the environment, else they are the default."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edgener.built_in import DEFAULT_BUNDLE, bundle_directory
from edgener.bundle import SIGNATURE
from edgener.errors import UsageError
from edgener.options import model_of, threads_of
from tests.support import DATA, TINY_BUNDLE, read_manifest, run_main


@pytest.mark.parametrize(("variable", "threads"), [(None, 1), ("1", 1), ("4", 4)])
def test_threads_are_those_of_the_option_or_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, threads: int
) -> None:
    monkeypatch.delenv("EDGENER_THREADS", raising=False)
    if variable is not None:
        monkeypatch.setenv("EDGENER_THREADS", variable)
    assert threads_of(None) == threads
    assert threads_of(7) == 7
    assert threads_of(0) == 0  # the recognizer refuses it


@pytest.mark.parametrize("variable", ["0", "-1", "many", "1.5"])
def test_threads_of_the_environment_are_a_number_of_at_least_one(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("EDGENER_THREADS", variable)
    with pytest.raises(UsageError) as caught:
        threads_of(None)
    assert str(caught.value) == f"EDGENER_THREADS is {variable!r}; it must be a number of at least 1"


def test_the_model_is_that_of_the_option_or_the_installed_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGENER_MODELS", str(tmp_path))
    assert model_of(tmp_path / "mine") == tmp_path / "mine"
    assert model_of(None) == DEFAULT_BUNDLE


def test_default_is_the_built_in_model_and_a_directory_of_that_name_is_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGENER_MODELS", str(tmp_path / "models"))
    shutil.copytree(TINY_BUNDLE, "default")
    assert bundle_directory("default") == DEFAULT_BUNDLE
    assert bundle_directory("./default") == Path("default")
    tiny, built_in = read_manifest(TINY_BUNDLE).name, read_manifest(DEFAULT_BUNDLE).name
    assert json.loads(run_main("inspect", "./default", "--json").output)["name"] == tiny
    assert json.loads(run_main("inspect", "default", "--json").output)["name"] == built_in
    installed = json.loads(run_main("install", "./default", "--json").output)["model"]
    assert read_manifest(Path(installed)).name == tiny
    arguments = ("--min-score", "0", "--format", "jsonl", "王小明在云州市。")
    of_built_in = run_main("--model", str(DEFAULT_BUNDLE), *arguments)
    assert of_built_in.rows[0]["entities"]
    assert run_main("--model", "default", *arguments) == of_built_in
    assert run_main("--model", "./default", *arguments) == run_main("--model", str(TINY_BUNDLE), *arguments)


def test_a_damaged_directory_called_default_is_not_signed_for_the_built_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(TINY_BUNDLE, "default")
    Path("default/model.onnx").write_bytes(b"")
    refused = run_main("sign", "./default", "--key", str(DATA / "minisign" / "test.key"))
    assert (refused.code, refused.errors[:36]) == (16, "edgener: default/model.onnx: has 0 b")
    assert not Path("default", SIGNATURE).exists()


def test_an_empty_variable_is_no_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGENER_THREADS", "")
    assert threads_of(None) == 1
