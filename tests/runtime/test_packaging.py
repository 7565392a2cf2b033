"""The public names and the files of the package are those that were decided, and no others."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

import edgener
from tests.support import ROOT, run_python

LARGEST_WHEEL = 8_000_000
IN_WHEEL = (
    "edgener/*.py",
    "edgener/aliases.txt",
    "edgener/py.typed",
    "edgener/serve/page/index.html",
    "edgener/serve/page/page.css",
    "edgener/serve/page/page.js",
    "edgener/default/manifest.json",
    "edgener/default/model.onnx",
    "edgener/default/model.onnx.data",
    "edgener/default/tokenizer.json",
    "edgener/default/golden.json",
    "edgener/default/README.md",
    "edgener_export/*.py",
    "edgener_export/py.typed",
    "edgener_export/report/template.html.jinja",
    "edgener_edge/*.py",
    "edgener_edge/on_device/*.sh",
    "edgener_edge/on_device/edgener.service",
    "edgener_edge/on_device/edgener.socket",
    "edgener_edge/on_device/edgener-http.service",
    "edgener_edge/on_device/edgener-http.socket",
    "edgener_edge/py.typed",
    "edgener_edge/lock.json",
    "edgener_edge/sentences.txt",
    "edgener-*.dist-info/METADATA",
    "edgener-*.dist-info/RECORD",
    "edgener-*.dist-info/WHEEL",
    "edgener-*.dist-info/entry_points.txt",
    "edgener-*.dist-info/licenses/LICENSE",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel, built as pip would build it."""
    directory = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    (path,) = directory.iterdir()
    assert path.name == f"edgener-{edgener.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_public_names() -> None:
    assert edgener.__all__ == ["BundleError", "EdgenerError", "Entity", "Recognizer", "Rules", "Segment", "__version__"]
    assert all(getattr(edgener, name) is not None for name in edgener.__all__)
    with pytest.raises(AttributeError, match="Recogniser"):
        edgener.Recogniser  # noqa: B018


def test_public_fields_and_methods() -> None:
    assert edgener.Entity.__match_args__ == ("start", "end", "label", "text", "score")
    assert edgener.Segment._fields == ("start", "text", "entities", "is_last")
    public = [name for name in vars(edgener.Recognizer) if not name.startswith("_")]
    assert public == [
        *("load", "labels", "with_rules", "batch", "stream", "segments"),
        *("parts", "rows", "spans", "join", "logits", "abandon"),
    ]


def test_the_wheel_holds_these_files_and_no_others(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert [name for name in names if not any(fnmatch(name, pattern) for pattern in IN_WHEEL)] == []
    assert [pattern for pattern in IN_WHEEL if not any(fnmatch(name, pattern) for name in names)] == []
    sources = {
        path.relative_to(ROOT / folder).as_posix()
        for folder in ("runtime", "export", "edge")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert sources == {name for name in names if name.endswith(".py")}


def test_the_wheel_is_small(wheel: zipfile.ZipFile) -> None:
    assert Path(str(wheel.filename)).stat().st_size <= LARGEST_WHEEL


def test_the_wheel_asks_for_three_packages(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("METADATA"))
    required = re.findall(r"^Requires-Dist: ([\w-]+)([^;\n]*)(.*)$", wheel.read(name).decode(), re.MULTILINE)
    assert {package for package, _, marker in required if not marker} == {"onnxruntime", "numpy", "tokenizers"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {f"; extra == '{name}'" for name in project["optional-dependencies"]}
    assert {marker for _, _, marker in required} == {"", *extras}


def test_the_unpacked_wheel_finds_entities(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = """
import edgener, json, sys
assert edgener.__file__.startswith(sys.argv[1]), edgener.__file__
print(json.dumps([(e.text, e.label) for e in edgener.Recognizer.load()("王小明在北京大学工作。")]))
"""
    finished = run_python(code, str(tmp_path), env={"PYTHONPATH": str(tmp_path)})
    assert finished.code == 0, finished.errors
    assert finished.rows == [[["王小明", "PER"], ["北京大学", "ORG"]]]


def test_the_project_names_its_version_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dynamic"] == ["version"]
    assert "version" not in project
    assert {re.split("[<>=]", name)[0] for name in project["dependencies"]} == {"onnxruntime", "numpy", "tokenizers"}
