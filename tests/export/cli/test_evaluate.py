"""``edgener-export evaluate`` tells all bundles and all types apart, whatever they are called."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edgener import Recognizer
from edgener.bundle_rules import BundleRules
from edgener_export.cli.evaluate import named
from edgener_export.cli.main import main
from edgener_export.corpus.formats import jsonl
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.errors import CorpusError
from tests.support import TINY_BUNDLE, TINY_TEST, change_manifest

THREADS = ["--threads", "1"]


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A copy of the tiny bundle that has its name and finds people alone."""
    bundle = shutil.copytree(TINY_BUNDLE, tmp_path / "people")
    change_manifest(bundle, rules=BundleRules(types=("PER",)))
    return bundle


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory of one labelled set."""
    (tmp_path / "sets").mkdir()
    jsonl.write(read_corpus_file(TINY_TEST)[:20], tmp_path / "sets" / "test.jsonl")
    return tmp_path / "sets"


def test_bundles_of_one_name_are_told_apart_by_their_paths(
    people: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = [str(TINY_BUNDLE), str(people)]
    one_file = ["evaluate", *both, "--test", str(data / "test.jsonl"), *THREADS]
    assert main([*one_file, "--json"]) == 0
    recalls = {name: it["averages"]["micro avg"]["recall"] for name, it in json.loads(capsys.readouterr().out).items()}
    assert list(recalls) == both
    assert recalls[both[0]] > recalls[both[1]]
    assert main(one_file) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.partition(" on ")[0] for line in shown if " on " in line] == both
    plot = people.parent / "plot.svg"
    assert main(["evaluate", *both, "--suite", str(data), "--plot", str(plot), *THREADS]) == 0
    table, drawn = capsys.readouterr().out, plot.read_text(encoding="utf-8")
    assert all(path in table and path in drawn for path in both)
    assert main(["evaluate", *both, "--suite", str(data), "--json", *THREADS]) == 0
    assert list(json.loads(capsys.readouterr().out)["test"]) == both


def test_a_bundle_that_is_called_as_the_path_of_another_is_told_apart_too(bundle: Path) -> None:
    change_manifest(bundle, name="one")
    other = Recognizer.load(TINY_BUNDLE, threads=1)
    assert list(named(["a", "b"], [Recognizer.load(bundle, threads=1), other])) == ["one", "tiny-int8"]
    renamed = Recognizer.load(bundle, threads=1)
    assert list(named(["one", "two", "three"], [other, other, renamed])) == ["one", "two", "three"]


def test_a_bundle_that_is_given_twice_is_refused(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(TINY_BUNDLE), str(TINY_BUNDLE), "--suite", str(data)]) == 2
    assert f"{TINY_BUNDLE} is given 2 times; name each bundle once" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["evaluate", "BUNDLE", "--test", "DATA"], ["compare", "BUNDLE", "BUNDLE", "DATA"]])
def test_sentences_without_any_entity_are_no_test(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none.jsonl").write_text('{"text": "他来了", "entities": []}\n', encoding="utf-8")
    names = {"BUNDLE": str(TINY_BUNDLE), "DATA": str(tmp_path / "none.jsonl")}
    assert main([*(names.get(part, part) for part in command), *THREADS]) == CorpusError.exit_code
    assert "none.jsonl: no sentence has an entity, so that nothing can be scored" in capsys.readouterr().err


def test_types_that_a_bundle_does_not_know_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one.jsonl").write_text('{"text": "王明来了", "entities": [[0, 2, "person"]]}\n', encoding="utf-8")
    assert main(["evaluate", str(TINY_BUNDLE), "--test", str(tmp_path / "one.jsonl"), *THREADS]) == 0
    told = "does not know the types person, whose entities count as missed"
    assert f"tiny-int8 {told}" in capsys.readouterr().err
    assert main(["evaluate", str(TINY_BUNDLE), "--suite", str(tmp_path), *THREADS]) == 0
    assert f"tiny-int8 {told}" in capsys.readouterr().err
    assert main(["compare", str(TINY_BUNDLE), str(TINY_BUNDLE), str(tmp_path / "one.jsonl"), *THREADS]) == 0
    assert f"B {told}" in capsys.readouterr().err


def test_a_type_that_is_called_all_does_not_replace_the_total(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"text": "王小明在北京", "entities": [[4, 6, "all"]]}, {"text": "李娜来了", "entities": [[0, 2, "PER"]]}]
    data = tmp_path / "all.jsonl"
    data.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    assert main(["evaluate", str(TINY_BUNDLE), "--test", str(data), *THREADS]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["all", "PER", "all"]
    assert [line[line.rindex("(") :] for line in lines] == ["(2 spans)", "(1 spans)", "(1 spans)"]
