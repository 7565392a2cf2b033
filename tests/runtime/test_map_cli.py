"""``edgener map``: what its options stand for, seen in the job that they begin, without any worker."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from edgener import Recognizer, Rules, map_cli
from edgener.bundle import MANIFEST, load_bundle
from edgener.corpora import cores, pool
from edgener.corpora.worker import Start, load
from edgener.errors import IncompleteError, InputError, MixedJobError, OutputError, UsageError
from edgener.providers import PROVIDERS
from edgener.recognizer import open_recognizer
from tests.support import TINY_BUNDLE, Finished, run_main

DEFAULTS: dict[str, Any] = {
    "output_format": "jsonl",
    "encoding": "utf-8",
    "text_field": "text",
    "id_field": None,
    "types": None,
    "dictionary": None,
    "exclude": None,
    "join_lines": False,
    "batch_size": 8,
    "provider": "cpu",
    "part_bytes": 1 << 20,
    "longest_row": 16 << 20,
}


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A file without a row, for which no worker starts."""
    path = tmp_path / "empty.txt"
    path.touch()
    return path


@pytest.fixture
def firsts() -> list[int]:
    """The numbers of workers that start together."""
    return []


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch, firsts: list[int]) -> list[tuple[Start, int, int]]:
    """The arguments of the pool of workers: the start of each one, and the numbers of processes and threads."""
    made: list[tuple[Start, int, int]] = []

    class Noticed(pool.Pool):
        def __init__(self, start: Start, processes: int, threads: int, *, first: int) -> None:
            made.append((start, processes, threads))
            firsts.append(first)
            super().__init__(start, processes, threads, first=first)

    monkeypatch.setattr(pool, "Pool", Noticed)
    return made


def run_map(source: Path, *options: str | Path) -> Finished:
    """Run the command with the tiny model; the results lie in ``out`` beside the source."""
    output = source.parent / "out"
    model = () if "--model" in options else ("--model", str(TINY_BUNDLE))
    return run_main("map", str(source), "--output", str(output), *model, *map(str, options))


def job(source: Path) -> dict[str, Any]:
    """Return the record of the job that ``run_map`` began."""
    record: dict[str, Any] = json.loads((source.parent / "out/_edgener/job.json").read_bytes())
    return record


def test_a_job_without_options_has_the_defaults_and_names_the_model(empty: Path) -> None:
    assert run_map(empty).errors == ""
    record = job(empty)
    assert {name: record[name] for name in DEFAULTS} == DEFAULTS
    assert record["model"] == "tiny-int8"
    assert record["model_digest"] == hashlib.sha256((TINY_BUNDLE / MANIFEST).read_bytes()).hexdigest()


def test_each_option_stands_in_the_record_of_the_job(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROVIDERS, "cuda", PROVIDERS["cpu"])
    words, dropped = tmp_path / "words.tsv", tmp_path / "dropped.txt"
    words.write_text("豆腐\tORG\n", encoding="utf-8")
    dropped.write_text("电影\n", encoding="utf-8")
    finished = run_map(
        empty, "--format", "conll", "--encoding", "gbk", "--text-field", "body", "--id-field", "key",
        "--min-score", "PER=0.9,LOC=0.5", "--types", "PER,LOC", "--dictionary", words, "--exclude", dropped,
        "--join-lines", "--batch-size", "1", "--part-size", "0.5", "--longest-row", "2", "--provider", "cuda",
    )  # fmt: skip
    assert finished.code == 0, finished.errors
    record = job(empty)
    expected = {
        "output_format": "conll",
        "encoding": "gb18030",
        "text_field": "body",
        "id_field": "key",
        "types": "PER,LOC",
        "dictionary": hashlib.sha256(words.read_bytes()).hexdigest(),
        "exclude": hashlib.sha256(dropped.read_bytes()).hexdigest(),
        "join_lines": True,
        "batch_size": 1,
        "provider": "cuda",
        "part_bytes": 1 << 19,
        "longest_row": 2 << 20,
    }
    assert {name: record[name] for name in expected} == expected
    assert json.loads(record["min_score"]) == {"LOC": 0.5, "PER": 0.9}


def test_the_order_of_types_with_least_scores_makes_no_other_job(empty: Path) -> None:
    assert run_map(empty, "--min-score", "PER=0.9,LOC=0.5").code == 0
    assert run_map(empty, "--min-score", "LOC=0.5,PER=0.9").code == 0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (["--batch-size", "0"], UsageError, "--batch-size is 0; it must be at least 1"),
        (
            ["--part-size", "0"],
            UsageError,
            "--part-size and --longest-row must be above 0, and below a million MiB",
        ),
        (
            ["--part-size", "nan"],
            UsageError,
            "--part-size and --longest-row must be above 0, and below a million MiB",
        ),
        (
            ["--part-size", "1e308"],
            UsageError,
            "--part-size and --longest-row must be above 0, and below a million MiB",
        ),
        (
            ["--longest-row", "0"],
            UsageError,
            "--part-size and --longest-row must be above 0, and below a million MiB",
        ),
        (["--id-field", "text"], UsageError, "--id-field and --text-field are both 'text'; name two columns"),
        (["--threads", "0"], UsageError, "--threads is 0; it must be at least 1"),
        (["--processes", "0", "--threads", "2"], UsageError, "--processes is 0; it must be at least 1"),
        (["--processes", "-1", "--threads", "2"], UsageError, "--processes is -1; it must be at least 1"),
        (["--dictionary", "none.tsv"], InputError, "none.tsv: cannot be read: No such file or directory"),
    ],
    ids=[
        "batch",
        "part",
        "part-nan",
        "part-huge",
        "row",
        "columns",
        "threads",
        "no-processes",
        "processes",
        "dictionary",
    ],
)
def test_wrong_options_are_told_by_name_and_value(
    empty: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], error: type[UsageError], message: str
) -> None:
    monkeypatch.chdir(empty.parent)
    finished = run_map(empty, *options)
    assert (finished.code, finished.errors) == (error.exit_code, f"edgener: {message}\n")
    assert not (empty.parent / "out").exists()


@pytest.mark.parametrize(
    ("options", "variable", "memory", "expected"),
    [
        ([], None, 640, (1, 5, 5)),
        ([], "3", None, (1, 3, 3)),
        (["--threads", "8"], "3", 4096, (1, 8, 8)),
        ([], None, 639, (2, 4, 5)),
        ([], None, 90, (5, 1, 5)),
        (["--threads", "8", "--processes", "1"], None, 4096, (8, 1, 8)),
        (["--threads", "9", "--processes", "4"], None, 90, (3, 4, 9)),
    ],
    ids=["all-cores", "environment", "option", "less-memory", "little-memory", "one-process", "four-processes"],
)
def test_threads_are_spread_over_processes(
    empty: Path,
    workers: list[tuple[Start, int, int]],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    variable: str | None,
    memory: int | None,
    expected: tuple[int, int, int],
) -> None:
    monkeypatch.setattr(cores, "available_cores", lambda: 5)
    monkeypatch.setattr(map_cli, "available_memory", lambda: memory)
    monkeypatch.delenv("EDGENER_THREADS", raising=False)
    if variable:
        monkeypatch.setenv("EDGENER_THREADS", variable)
    assert run_map(empty, *options).code == 0
    ((start, processes, threads),) = workers
    assert (start.threads, processes, threads) == expected


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize(("lines", "expected"), [(1, 1), (2, 2)])
def test_two_workers_start_together_where_there_are_several_parts(
    tmp_path: Path, firsts: list[int], lines: int, expected: int
) -> None:
    source = tmp_path / "in.txt"
    source.write_bytes(b"a" * 1023 + b"\n" + b"b\n" * (lines - 1))
    assert run_map(source, "--part-size", str(1 / 1024), "--threads", "1").code == 0
    assert firsts == [expected]


def test_workers_have_the_model_and_the_rules(empty: Path, workers: list[tuple[Start, int, int]]) -> None:
    assert run_map(empty, "--types", "PER").code == 0
    ((start, *_),) = workers
    assert (start.model, start.rules, start.settings.types) == (TINY_BUNDLE, Rules(types=("PER",)), "PER")


def test_workers_have_the_words_that_were_read_at_the_start(
    empty: Path, tmp_path: Path, workers: list[tuple[Start, int, int]]
) -> None:
    words, dropped = tmp_path / "words.tsv", tmp_path / "dropped.tsv"
    words.write_text("豆腐\tORG\n", encoding="utf-8")
    dropped.write_text("王小明\n", encoding="utf-8")
    assert run_map(empty, "--dictionary", words, "--exclude", dropped).code == 0
    ((start, *_),) = workers
    words.unlink()
    dropped.unlink()
    recognizer = load(start)
    found = [(entity.text, entity.label) for entity in recognizer("王小明在青山大学吃豆腐。")]
    assert found == [("青山大学", "ORG"), ("豆腐", "ORG")]
    assert start.settings.dictionary == hashlib.sha256("豆腐\tORG\n".encode()).hexdigest()


@pytest.mark.parametrize("is_changed_while_it_is_loaded", [False, True])
def test_a_worker_does_not_load_another_model_than_that_of_the_job(
    empty: Path,
    tmp_path: Path,
    workers: list[tuple[Start, int, int]],
    monkeypatch: pytest.MonkeyPatch,
    is_changed_while_it_is_loaded: bool,
) -> None:
    model = tmp_path / "model"
    copytree(TINY_BUNDLE, model)
    assert run_map(empty, "--model", model).code == 0
    ((start, *_),) = workers
    assert load(start).manifest.name == "tiny-int8"

    def change() -> None:
        manifest = model / MANIFEST
        manifest.write_bytes(manifest.read_bytes().replace(b'"tiny-int8"', b'"tiny-int9"'))

    def load_and_change(*arguments: Any, **_options: Any) -> Recognizer:
        recognizer = open_recognizer(load_bundle(*arguments))
        change()
        return recognizer

    if is_changed_while_it_is_loaded:
        monkeypatch.setattr(Recognizer, "load", load_and_change)
    else:
        change()
    with pytest.raises(MixedJobError, match="model: holds another model than when the job was begun"):
        load(start)


def test_a_format_needs_to_hold_only_the_types_that_the_rules_of_bundle_and_operator_leave(
    empty: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    copytree(TINY_BUNDLE, model)
    manifest = json.loads((model / MANIFEST).read_bytes())
    manifest["tags"] = [tag.replace("ORG", "ORG NAME") for tag in manifest["tags"]]
    manifest["rules"] = {"types": ["PER", "LOC"]}
    (model / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    assert run_map(empty, "--model", model, "--format", "conll").code == 0
    for options in (["--types", "PER,ORG NAME"], ["--no-bundle-rules"]):
        finished = run_map(empty, "--model", model, "--format", "conll", *options)
        assert finished.code == UsageError.exit_code
        assert "conll cannot hold the entity type 'ORG NAME'" in finished.errors


def test_words_from_a_pipe_are_refused_before_it_is_read(empty: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "words")
    for option in ("--dictionary", "--exclude"):
        finished = run_map(empty, option, tmp_path / "words")
        message = "words: is no regular file; a job that can be resumed needs one with the same words again\n"
        assert (finished.code, finished.errors) == (InputError.exit_code, f"edgener: {tmp_path}/{message}")


@pytest.mark.parametrize("option", ["--text-field", "--id-field"])
def test_names_of_columns_that_are_not_utf_8_are_refused(empty: Path, option: str) -> None:
    finished = run_map(empty, option, "\udcff")
    assert finished.code == UsageError.exit_code
    assert finished.errors.startswith(f"edgener: {option} is '\\udcff', which is not UTF-8; ")
    assert not (empty.parent / "out").exists()


def test_the_summary_is_json_whatever_files_are_called(empty: Path) -> None:
    (empty.parent / "\udcff.bin").touch()
    finished = run_map(empty.parent, "--json")
    assert json.loads(finished.output.decode())["left_out"] == [str(empty.parent / "\udcff.bin")]


def test_a_part_and_a_row_may_be_as_small_as_a_byte(empty: Path) -> None:
    assert run_map(empty, "--part-size", "0.000001", "--longest-row", "0.000001").code == 0


def test_the_summary_is_a_table_or_json(empty: Path) -> None:
    assert run_map(empty).output.decode() == (
        "files               1\n"
        "rows                0\n"
        "texts               0 (0 characters)\n"
        "rows with an error  0\n"
        "this run            nothing was left to do\n"
    )
    (empty.parent / "王.bin").touch()
    printed = run_map(empty.parent, "--json").output.decode()
    summary = json.loads(printed)
    left_out = [str(empty.parent / name) for name in ("out", "王.bin")]
    assert (summary["files"], summary["rows"], summary["left_out"]) == (1, 0, left_out)
    assert '\n "rows": 0,\n' in printed
    assert "王.bin" in printed


def test_a_damaged_file_is_told_with_the_way_to_go_on(tmp_path: Path) -> None:
    damaged = tmp_path / "a.txt.gz"
    damaged.write_bytes(gzip.compress("王小明在青山大学工作。\n".encode())[:20])
    finished = run_map(damaged)
    assert finished.code == IncompleteError.exit_code
    assert "a.txt.gz" in finished.errors
    assert finished.errors.endswith("; run the same command again to try these once more\n")


def test_a_file_that_looks_like_another_format_is_told(tmp_path: Path) -> None:
    lines = tmp_path / "rows.txt"
    lines.write_text('{"text": "王"}\n', encoding="utf-8")
    finished = run_map(lines, "--input-format", "jsonl", "--shard", "1/2")
    assert (finished.code, finished.errors) == (0, "")


def test_an_output_folder_that_is_a_file_is_told(empty: Path) -> None:
    (empty.parent / "out").touch()
    assert run_map(empty).code == OutputError.exit_code
