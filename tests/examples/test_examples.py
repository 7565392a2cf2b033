"""The examples run, and find what is in their input."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgener import Recognizer
from edgener.built_in import DEFAULT_BUNDLE
from edgener.bundle import load_bundle
from edgener_export.cli.main import main
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.evaluation.recognize import evaluate
from edgener_export.report.record import read_report
from tests.support import PACKAGES, ROOT, TINY_BUNDLE, labelled_texts, run_tiny

EXAMPLES = ROOT / "examples"
PHARMACY = EXAMPLES / "pharmacy"
DRUGS = EXAMPLES / "drugs" / "doccano.jsonl"
SENTENCES = [row.text for row in labelled_texts()[:40]]


def run_example(*arguments: str | Path, stdin: bytes = b"", cwd: Path = ROOT) -> bytes:
    """Run a program with this interpreter, whose streams are those of a desktop; return what it prints."""
    finished = subprocess.run(
        [sys.executable, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": PACKAGES, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8:strict"},
    )
    assert finished.returncode == 0, finished.stderr.decode()
    return finished.stdout


def test_every_example_is_listed() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in EXAMPLES.iterdir() if path.name not in ("README.md", "__pycache__")}
    assert sorted(name for name in files if f"[{name}" not in listed) == []


def test_batch_file_writes_the_entities_of_each_line(tmp_path: Path, recognizer: Recognizer) -> None:
    source, target = tmp_path / "lines.txt", tmp_path / "entities.jsonl"
    source.write_text("\n".join(SENTENCES) + "\n", encoding="utf-8")
    run_example(EXAMPLES / "batch_file.py", source, target, TINY_BUNDLE)
    rows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == SENTENCES
    assert [row["entities"] for row in rows] == [
        [entity.to_dict() for entity in entities] for entities in recognizer.batch(SENTENCES)
    ]


def test_batch_file_reads_lines_as_the_command_does(tmp_path: Path) -> None:
    source, target = tmp_path / "lines.txt", tmp_path / "entities.jsonl"
    source.write_bytes("\ufeff王小明在青山".encode() + b"\xff" + "大学\r工作。\r\n\n李娜来了。".encode())
    run_example(EXAMPLES / "batch_file.py", source, target, TINY_BUNDLE)
    rows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == ["王小明在青山\udcff大学\r工作。", "", "李娜来了。"]
    command = run_tiny("--file", str(source)).output.decode()
    expected = [json.loads(line)["entities"] for line in command.splitlines()]
    assert [[entity["text"] for entity in row["entities"]] for row in rows] == [
        [entity["text"] for entity in entities] for entities in expected
    ]
    assert any("\udcff" in entity["text"] for entity in rows[0]["entities"])


def test_stream_prints_places_in_the_whole_document(recognizer: Recognizer) -> None:
    document = "\n".join(SENTENCES * 10)
    printed = run_example(EXAMPLES / "stream.py", TINY_BUNDLE, stdin=document.encode()).decode().splitlines()
    places = [(int(start), int(end), text) for start, end, _, text in (line.split("\t") for line in printed)]
    assert all(document[start:end] == text for start, end, text in places)
    assert places == [(entity.start, entity.end, entity.text) for entity in recognizer(document)]


def test_stream_keeps_bytes_that_are_not_utf_8(recognizer: Recognizer) -> None:
    content = "\ufeff王小明\r\n在青山".encode() + b"\xff" + "大学工作。".encode()
    printed = run_example(EXAMPLES / "stream.py", TINY_BUNDLE, stdin=content).decode("utf-8", "surrogateescape")
    document = content.decode("utf-8-sig", "surrogateescape")
    entities = recognizer(document)
    assert printed == "".join(f"{it.start}\t{it.end}\t{it.label}\t{it.text}\n" for it in entities)
    assert any("\udcff" in entity.text for entity in entities)


@pytest.fixture(scope="module")
def pharmacy_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle that the pharmacy's recipe gives."""
    folder = tmp_path_factory.mktemp("pharmacy")
    arguments = ("build", PHARMACY / "recipe.toml", "--run", folder / "run", "--bundle", folder / "bundle")
    assert main(list(map(str, arguments))) == 0
    return folder / "bundle"


def test_the_pharmacy_learns_its_own_names(pharmacy_bundle: Path) -> None:
    test = read_corpus_file(PHARMACY / "test.jsonl")
    before = evaluate(DEFAULT_BUNDLE, test, "pharmacy", threads=1).quality.f1
    after = evaluate(pharmacy_bundle, test, "pharmacy", threads=1).quality.f1
    assert 100 - after < (100 - before) / 2  # half of the errors are gone


def test_the_pharmacy_is_tested_on_names_that_it_has_not_seen() -> None:
    seen, tested = (
        {
            sentence.text[span.start : span.end]
            for part in parts
            for sentence in read_corpus_file(PHARMACY / part)
            for span in sentence.spans
        }
        for parts in (("train.jsonl", "dev.jsonl"), ("test.jsonl",))
    )
    assert tested
    assert seen & tested == set()


@pytest.fixture(scope="module")
def drugs_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the run that the command of the example leaves."""
    folder = tmp_path_factory.mktemp("drugs")
    text = ("--text", PHARMACY / "golden.txt")
    options = ("--add", "--no-curve", *text, "--set", "distil.precision=fp32")
    with contextlib.chdir(folder):
        assert main(["train", str(DRUGS), *map(str, options), "--output", "drugs"]) == 0
    return folder / "runs" / "drugs"


def test_a_type_is_added_by_one_command_and_the_others_stay(drugs_run: Path) -> None:
    report = read_report(drugs_run)
    old = set(load_bundle(DEFAULT_BUNDLE).manifest.tag_set.labels)
    assert set(load_bundle(drugs_run.parent.parent / "drugs").manifest.tag_set.labels) == {*old, "DRUG"}
    found_before = sum(score.expected for score in report.kept.values())
    found_again = sum(score.recall * score.expected / 100 for score in report.kept.values())
    assert found_again >= 0.6 * found_before > 0
    assert report.int8.by_type["DRUG"].f1 > 20
