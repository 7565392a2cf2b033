"""``edgener map`` as a user runs it: processes that die, signals, a full disk, bad input, and the summary."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from edgener import Recognizer
from tests.runtime.corpora.support import json_rows, result_files, row_spans, spans
from tests.runtime.corpora.test_streams import zstd
from tests.support import TINY_BUNDLE, Finished, labelled_texts, run_main, run_measured, run_python
from tools.map_workers import is_worker, path_with_hook, workers

SENTENCES = [row.text for row in labelled_texts()]
OPTIONS = ("--model", str(TINY_BUNDLE), "--part-size", "0.001")
POISON = "毒药"
PATIENCE = 60.0
"""Seconds after which a test gives up."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 300 rows in about 50 parts of three files."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "a.txt").write_text("\n".join(SENTENCES), encoding="utf-8")
    rows = [json.dumps({"id": number, "text": text}) for number, text in enumerate(SENTENCES)]
    (folder / "b.jsonl.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    (folder / "c.csv").write_text("\n".join(["text", *SENTENCES[:60]]), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def whole(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a run that nothing happened to."""
    output = tmp_path_factory.mktemp("whole") / "out"
    assert run_map(corpus, output).code == 0
    return output


def with_defaults(options: tuple[str, ...]) -> tuple[str, ...]:
    """Return options after those of OPTIONS that they do not hold."""
    pairs = zip(OPTIONS[::2], OPTIONS[1::2], strict=True)
    return *(word for name, value in pairs if name not in options for word in (name, value)), *options


def run_map(*inputs: Path, options: tuple[str, ...] = OPTIONS) -> Finished:
    """Run the command in this process; the last path is the output folder."""
    *files, output = map(str, inputs)
    return run_main("map", *files, "--output", output, *options)


@contextmanager
def started(corpus: Path, output: Path, *options: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Start the command in a process of its own, which does not outlive the test."""
    command = [sys.executable, "-m", "edgener", "map", str(corpus), "--output", str(output), *with_defaults(options)]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env={**os.environ, **variables}, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a process; return its code and what it said on standard error."""
    _, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, errors


def until(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds, and return its value."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    return pytest.fail("it takes too long")


def until_parts(output: Path, parts: int) -> None:
    """Wait until the log holds so many parts."""
    log = output / "_edgener/done-0-of-1.jsonl"
    until(lambda: log.exists() and log.read_bytes().count(b'"kind": "part"') >= parts)


def drafts(output: Path) -> list[Path]:
    """Return the drafts in an output folder."""
    return list(output.rglob("*.draft"))


def test_every_row_has_the_answer_of_the_library(recognizer: Recognizer, whole: Path) -> None:
    for file, texts in (("a.txt", SENTENCES), ("b.jsonl.gz", SENTENCES), ("c.csv", SENTENCES[:60])):
        rows = json_rows(whole, file)
        assert [row["text"] for row in rows] == texts
        assert [row["row"] for row in rows] == list(range(1, len(texts) + 1))
        assert [row_spans(row) for row in rows] == [spans(entities) for entities in recognizer.batch(texts)]
    assert len(result_files(whole)) > 30


@pytest.mark.parametrize("options", [("--threads", "1"), ("--threads", "3", "--processes", "2")], ids=" ".join)
def test_threads_and_processes_change_no_byte(
    corpus: Path, whole: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    assert run_map(corpus, tmp_path / "out", options=(*OPTIONS, *options)).code == 0
    assert result_files(tmp_path / "out") == result_files(whole)


def test_a_worker_that_is_killed_is_replaced(corpus: Path, whole: Path, tmp_path: Path) -> None:
    with started(corpus, tmp_path / "out", "--threads", "2", "--processes", "2") as process:
        for parts in (1, 5):
            until_parts(tmp_path / "out", parts)
            os.kill(until(lambda: workers(process.pid))[0], signal.SIGKILL)
        assert ended(process) == (0, "")
    assert result_files(tmp_path / "out") == result_files(whole)


def test_a_run_that_is_killed_goes_on_where_it_stopped(corpus: Path, whole: Path, tmp_path: Path) -> None:
    with started(corpus, tmp_path / "out", "--threads", "3", "--processes", "1") as process:
        until_parts(tmp_path / "out", 10)
        (worker,) = workers(process.pid)
        process.kill()
        process.wait()
    until(lambda: not is_worker(worker))
    log = (tmp_path / "out/_edgener/done-0-of-1.jsonl").read_text(encoding="utf-8").splitlines()
    noted = [entry for entry in map(json.loads, log) if entry["kind"] == "part"]
    written = {
        path: path.stat().st_ino for entry in noted for path in (tmp_path / "out" / entry["file"]).glob("part-*")
    }
    assert 10 <= len(written) < len(result_files(whole))
    assert run_map(corpus, tmp_path / "out").code == 0
    again = [path for path, inode in written.items() if path.stat().st_ino != inode]
    assert len(again) <= len(written) - len(noted)
    assert result_files(tmp_path / "out") == result_files(whole)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_interrupted_leaves_a_state_that_resumes(
    corpus: Path, whole: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with started(corpus, tmp_path / "out", "--threads", "2", "--processes", "2") as process:
        until_parts(tmp_path / "out", 5)
        alive = workers(process.pid)
        for one in (*alive, process.pid):  # as a terminal sends Ctrl-C to all of them
            with suppress(ProcessLookupError):  # a worker may have ended by itself
                os.kill(one, number)
        message = "edgener: finished parts are kept; the same command goes on with the rest\n"
        assert ended(process) == (code, message)
    assert not any(map(is_worker, alive))
    assert drafts(tmp_path / "out") == []
    assert run_map(corpus, tmp_path / "out").code == 0
    assert result_files(tmp_path / "out") == result_files(whole)


DIE_OF_POISON = f"""
import os, signal, time
from pathlib import Path
import edgener.corpora.annotate as room
annotate, busy = room.annotate, []
def poisoned(part, *others):
    busy.append(part.number)
    try:
        time.sleep(0.4)  # so that a part is not alone unless it should be
        if any("{POISON}" in row.content.decode() for row in part.content):
            time.sleep(0.1)
            with Path(__file__).with_name("beside").open("a") as file:
                file.write(f"{{len(busy) - 1}} ")
            END
        return annotate(part, *others)
    finally:
        busy.remove(part.number)
room.annotate = poisoned
"""
DIE_IN_COMPANY = """
import os, signal
from pathlib import Path
import edgener.corpora.annotate as room
annotate = room.annotate
def crowded(*arguments):
    parent = os.getppid()
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    if sum(b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes() for child in children) > 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return annotate(*arguments)
room.annotate = crowded
"""
DIE_AT_THE_START = """
import os, signal
from edgener.recognizer import Recognizer
Recognizer.load = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
"""
FAIL_AT_THE_START = """
from edgener.errors import GraphError
from edgener.recognizer import Recognizer
def load(*_, **__):
    raise GraphError("no")
Recognizer.load = load
"""


def test_where_memory_has_room_for_one_process_alone_no_part_is_set_aside(
    corpus: Path, whole: Path, tmp_path: Path
) -> None:
    path = path_with_hook(tmp_path, DIE_IN_COMPANY)
    with started(corpus, tmp_path / "out", "--threads", "3", "--processes", "3", PYTHONPATH=path) as process:
        assert ended(process) == (0, "")
    assert result_files(tmp_path / "out") == result_files(whole)


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "worker processes died with code -9, as where memory is short"),
        ("raise MemoryError('no room')", "MemoryError: no room"),
    ],
)
def test_a_part_that_kills_three_workers_is_set_aside_and_all_others_are_done(
    tmp_path: Path, end: str, reason: str
) -> None:
    texts = [POISON, *SENTENCES]
    (tmp_path / "in.txt").write_text("\n".join(texts), encoding="utf-8")
    path = path_with_hook(tmp_path, DIE_OF_POISON.replace("END", end))
    options = ("--threads", "3", "--processes", "1", "--json")
    with started(tmp_path / "in.txt", tmp_path / "out", *options, PYTHONPATH=path) as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 24, errors
    (set_aside,) = json.loads(output)["set_aside"]
    first, last = set_aside["first_row"], set_aside["first_row"] + set_aside["rows"] - 1
    assert POISON in texts[first - 1 : last]
    assert (set_aside["reason"], set_aside["file"]) == (reason, str(tmp_path / "in.txt"))
    assert f"in.txt: rows {first} to {last} are set aside: {reason}" in errors
    assert errors.count("\n") == 1
    assert (tmp_path / "beside").read_text().split()[1:] == ["0", "0"]  # parts that might have been to blame instead
    rows = json_rows(tmp_path / "out", "in.txt")
    assert [row["text"] for row in rows] == texts[: first - 1] + texts[last:]
    assert drafts(tmp_path / "out") == []
    assert run_map(tmp_path / "in.txt", tmp_path / "out").code == 0
    assert [row["text"] for row in json_rows(tmp_path / "out", "in.txt")] == texts


def test_workers_that_die_before_they_are_ready_end_the_job(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("王小明", encoding="utf-8")
    path = path_with_hook(tmp_path, DIE_AT_THE_START)
    with started(tmp_path / "in.txt", tmp_path / "out", PYTHONPATH=path) as process:
        code, errors = ended(process)
    assert code == 5
    assert "worker processes end with code -9 while they load the model" in errors


END_THE_PARENT = """
import os, signal, time
from edgener.recognizer import Recognizer
def load(*_, **__):
    parent = os.getppid()
    os.kill(parent, signal.SIGKILL)
    while os.getppid() == parent:
        time.sleep(0.01)
Recognizer.load = load
"""


def test_a_worker_whose_parent_was_killed_while_it_started_ends_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("王小明", encoding="utf-8")
    path = path_with_hook(tmp_path, END_THE_PARENT)
    with started(tmp_path / "in.txt", tmp_path / "out", PYTHONPATH=path) as process:
        assert ended(process) == (-signal.SIGKILL, "")


def test_an_error_of_loading_is_that_of_the_model(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("王小明", encoding="utf-8")
    path = path_with_hook(tmp_path, FAIL_AT_THE_START)
    with started(tmp_path / "in.txt", tmp_path / "out", PYTHONPATH=path) as process:
        assert ended(process) == (17, "edgener: no\n")


CHANGE_THE_MODEL = """
from pathlib import Path
manifest = Path(MODEL) / "manifest.json"
manifest.write_bytes(manifest.read_bytes() + b"\\n")
"""


def test_a_job_whose_model_was_changed_ends_before_its_results_are_mixed(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("王小明", encoding="utf-8")
    copytree(TINY_BUNDLE, tmp_path / "model")
    path = path_with_hook(tmp_path, CHANGE_THE_MODEL.replace("MODEL", repr(str(tmp_path / "model"))))
    options = ("--model", str(tmp_path / "model"))
    with started(tmp_path / "in.txt", tmp_path / "out", *options, PYTHONPATH=path) as process:
        code, errors = ended(process)
    assert code == 9
    assert errors.startswith(f"edgener: {tmp_path}/model: holds another model than when the job was begun")
    assert result_files(tmp_path / "out") == {}


def test_a_full_disk_leaves_a_state_that_resumes(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("\n".join(SENTENCES), encoding="utf-8")
    command = f"ulimit -f 6; exec {sys.executable} -m edgener map {tmp_path}/in.txt --output {tmp_path}/out"
    limited = ["bash", "-c", f"{command} --model {TINY_BUNDLE} --part-size 0.002 --threads 1"]
    finished = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert finished.returncode == 4
    assert finished.stderr.startswith(f"edgener: {tmp_path}/out: cannot be written: File too large; ")
    assert finished.stderr.count("\n") == 1
    assert drafts(tmp_path / "out") == []
    assert run_map(tmp_path / "in.txt", tmp_path / "out", options=(*OPTIONS[:2], "--part-size", "0.002")).code == 0
    assert [row["text"] for row in json_rows(tmp_path / "out", "in.txt")] == SENTENCES


def test_a_damaged_file_is_done_as_far_as_it_can_be_read_and_others_are_done(tmp_path: Path) -> None:
    content = gzip.compress(os.urandom(100_000).hex().encode().replace(b"0", b"\n"))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.txt.gz").write_bytes(content[:-20_000])
    (tmp_path / "in/b.txt").write_text("王小明", encoding="utf-8")
    for suffix, whole in (
        (".bz2", bz2.compress(b"a\n" * 99)),
        (".xz", lzma.compress(b"a\n")),
        (".zst", zstd(b"a\n" * 99)),
    ):
        (tmp_path / f"in/c.txt{suffix}").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "in/d.parquet").write_bytes(b"PAR1" + bytes(16))
    (tmp_path / "in/e.jsonl").write_text("a" * 5000 + "\n", encoding="utf-8")
    for _ in range(2):
        finished = run_map(tmp_path / "in", tmp_path / "out", options=(*OPTIONS[:2], "--part-size", "0.05", "--json"))
        assert finished.code == 24
        assert "a.txt.gz: cannot be read to its end: Compressed file ended" in finished.errors
        damaged = [Path(one["file"]).name for one in json.loads(finished.output)["damaged"]]
        assert damaged == ["a.txt.gz", "c.txt.bz2", "c.txt.xz", "c.txt.zst", "d.parquet"]
    assert len(json_rows(tmp_path / "out", "b.txt")) == len(json_rows(tmp_path / "out", "e.jsonl")) == 1
    rows = json_rows(tmp_path / "out", "a.txt.gz")
    assert len(rows) > 1000
    assert [row["row"] for row in rows] == list(range(1, len(rows) + 1))


def test_parquet_that_cannot_be_read_is_named_and_others_are_done(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.parquet").symlink_to("/proc/self/mem")  # reading it fails
    (tmp_path / "in/b.txt").write_text("王小明", encoding="utf-8")
    finished = run_map(tmp_path / "in", tmp_path / "out")
    assert finished.code == 24
    assert "a.parquet: cannot be read to its end: [Errno 5] Input/output error" in finished.errors
    assert len(json_rows(tmp_path / "out", "b.txt")) == 1


def test_the_summary_does_not_say_that_nothing_was_left_where_something_is(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": 1}\n', encoding="utf-8")
    assert "this run            0 texts in " in run_map(tmp_path / "a.jsonl", tmp_path / "out").output.decode()
    assert "nothing was left to do" in run_map(tmp_path / "a.jsonl", tmp_path / "out").output.decode()
    (tmp_path / "b.txt.gz").write_bytes(b"no gzip")
    finished = run_map(tmp_path / "a.jsonl", tmp_path / "b.txt.gz", tmp_path / "out")
    assert finished.code == 24
    assert "nothing was left to do" not in finished.output.decode()


def test_the_summary_counts_everything(corpus: Path, whole: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.jsonl").write_text('{"text": "王小明在青山大学工作。"}\n{"text": 1}\n', encoding="utf-8")
    (tmp_path / "in/b.pdf").write_bytes(b"")
    finished = run_map(tmp_path / "in", tmp_path / "out", options=(*OPTIONS, "--json"))
    (summary,) = [json.loads(finished.output)]
    run = summary.pop("this_run")
    assert summary == {
        "files": 1,
        "rows": 2,
        "texts": 1,
        "code_points": 11,
        "errors": 1,
        "entities": {"ORG": 1, "PER": 1},
        "set_aside": [],
        "damaged": [],
        "left_out": [str(tmp_path / "in/b.pdf")],
    }
    assert (run["texts"], run["code_points"]) == (1, 11)
    assert run["texts_per_second"] == pytest.approx(1 / run["seconds"], rel=0.1, abs=0.1)
    text = run_map(tmp_path / "in", tmp_path / "out").output.decode()
    for line in ("texts               1 (11 characters)", "rows with an error  1", "entities PER        1", "b.pdf"):
        assert line in text
    assert "this run            nothing was left to do" in text
    assert "rows                300" in run_map(corpus, whole).output.decode()


def test_a_job_that_is_done_starts_no_process(corpus: Path, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgener.corpora.pool.Pool._start_one", lambda _pool: pytest.fail("a process is started"))
    assert run_map(corpus, whole).code == 0


def test_a_file_in_another_encoding_is_refused_or_read(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("王小明在青山大学工作。他说他叫李娜", encoding="gb18030")
    assert run_map(corpus / "a.txt", tmp_path / "in.txt", tmp_path / "out").code == 3
    assert not (tmp_path / "out").exists()
    finished = run_map(tmp_path / "in.txt", tmp_path / "out", options=(*OPTIONS, "--encoding", "gbk"))
    assert (finished.code, finished.errors) == (0, "")
    (row,) = json_rows(tmp_path / "out", "in.txt")
    assert [one["text"] for one in row["entities"]][:2] == ["王小明", "青山大学"]


def test_json_lines_that_are_read_as_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "in").write_text('{"text": "王小明"}', encoding="utf-8")
    finished = run_map(tmp_path / "in", tmp_path / "out")
    assert finished.code == 0
    assert "in: looks like JSON lines, but is read as text; see --input-format" in finished.errors


def test_an_empty_file_has_no_results(tmp_path: Path) -> None:
    for name in ("a.txt", "b.jsonl", "c.csv"):
        (tmp_path / name).write_bytes(b"")
    finished = run_map(*(tmp_path / name for name in ("a.txt", "b.jsonl", "c.csv")), tmp_path / "out")
    assert (finished.code, result_files(tmp_path / "out")) == (0, {})


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--text-field", "body"), 3, "c.csv: has no column 'body', but text; give another --text-field"),
        (("--id-field", "n"), 3, "c.csv: has no column 'n', but text; give another --id-field"),
        (("--id-field", "text"), 2, "--id-field and --text-field are both 'text'"),
        (("--min-score", "2"), 2, "must be between 0 and 1"),
        (("--threads", "0"), 2, "at least 1"),
        (("--processes", "-1"), 2, "at least 1"),
        (("--batch-size", "0"), 2, "at least 1"),
        (("--part-size", "0"), 2, "must be above 0"),
        (("--longest-row", "0"), 2, "must be above 0"),
        (("--encoding", "no"), 2, "--encoding is 'no'"),
        (("--shard", "2/2"), 2, "must be I/N"),
        (("--model", "/no"), 11, "/no/manifest.json: not found"),
    ],
)
def test_wrong_options_are_told_before_anything_is_written(
    corpus: Path, tmp_path: Path, options: tuple[str, ...], code: int, message: str
) -> None:
    finished = run_map(corpus / "c.csv", tmp_path / "out", options=with_defaults(options))
    assert (finished.code, finished.output) == (code, b"")
    assert message in finished.errors
    assert not (tmp_path / "out").exists()


def test_another_option_in_the_same_folder_has_an_exit_code_of_its_own(corpus: Path, whole: Path) -> None:
    finished = run_map(corpus, whole, options=(*OPTIONS, "--min-score", "0.5"))
    assert finished.code == 9
    assert "was begun with min_score 'null', not '0.5'; give another folder with --output" in finished.errors


def test_a_file_that_is_read_as_another_format_is_refused_and_others_are_not(tmp_path: Path) -> None:
    file, other, output = tmp_path / "a.csv", tmp_path / "b.dat", tmp_path / "out"
    file.write_text("text\n王小明在北京。\n", encoding="utf-8")
    other.write_text('{"text": "王小明在北京。"}\n', encoding="utf-8")
    assert run_map(file, output).code == 0
    before = result_files(output)
    finished = run_map(file, output, options=(*OPTIONS, "--input-format", "lines"))
    assert finished.code == 9
    assert f"a.csv: is read as lines, but {output} was begun with it as csv" in finished.errors
    assert result_files(output) == before
    assert run_map(other, output, options=(*OPTIONS, "--input-format", "jsonl")).code == 0


def test_rules_of_the_recognizer_apply_and_their_files_belong_to_the_job(tmp_path: Path) -> None:
    words, output = tmp_path / "words", tmp_path / "out"
    (tmp_path / "in.txt").write_text("王小明在青山大学吃豆腐。", encoding="utf-8")
    rules = ("--dictionary", str(words), "--types", "PER,ORG", "--min-score", "PER=1")
    assert run_map(tmp_path / "in.txt", output, options=(*OPTIONS, *rules)).code == 3
    words.write_text("豆腐\tMEAL", encoding="utf-8")
    assert run_map(tmp_path / "in.txt", output, options=(*OPTIONS, *rules)).code in (2, 3)
    words.write_text("豆腐\tORG\n", encoding="utf-8")
    assert run_map(tmp_path / "in.txt", output, options=(*OPTIONS, *rules)).code == 0
    (row,) = json_rows(output, "in.txt")
    assert [(one["text"], one["label"]) for one in row["entities"]] == [("青山大学", "ORG"), ("豆腐", "ORG")]
    words.write_text("豆腐\tPER\n", encoding="utf-8")
    assert run_map(tmp_path / "in.txt", output, options=(*OPTIONS, *rules)).code == 9


def test_an_output_folder_that_cannot_be_made_is_told(corpus: Path) -> None:
    finished = run_map(corpus, corpus / "a.txt/out")
    assert finished.code == 4
    assert "cannot be written: Not a directory" in finished.errors


WITHOUT_PYARROW = """
import sys
sys.modules["pyarrow"] = None
from edgener.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("name", "options"), [("a.txt", ["--format", "parquet"]), ("a.parquet", []), ("a.txt.zst", [])]
)
def test_a_missing_extra_is_named_with_the_command_that_installs_it(
    tmp_path: Path, name: str, options: list[str]
) -> None:
    (tmp_path / name).write_bytes(b"x")
    arguments = ["map", str(tmp_path / name), "--output", str(tmp_path / "out"), "--model", str(TINY_BUNDLE), *options]
    finished = run_python(WITHOUT_PYARROW, *arguments)
    assert finished.code == 7
    assert finished.errors == (
        "edgener: Arrow, Parquet and zstd need pyarrow: pip install '.[corpora]' in a clone of edgener\n"
    )


def test_text_needs_no_pyarrow(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("王小明", encoding="utf-8")
    arguments = ["map", str(tmp_path / "in.txt"), "--output", str(tmp_path / "out"), "--model", str(TINY_BUNDLE)]
    finished = run_python(WITHOUT_PYARROW, *arguments)
    assert finished.code == 0, finished.errors
    assert len(json_rows(tmp_path / "out", "in.txt")) == 1


def test_memory_does_not_grow_with_a_line(tmp_path: Path) -> None:
    peaks = []
    for megabytes in (2, 60):
        (tmp_path / "in.txt").write_bytes(b"x" * (megabytes << 20))
        output = tmp_path / str(megabytes)
        options = ["--model", str(TINY_BUNDLE), "--longest-row", "1"]
        _, peak = run_measured("map", str(tmp_path / "in.txt"), "--output", str(output), *options)
        peaks.append(peak)
        (row,) = json_rows(output, "in.txt")
        assert row["error"] == f"the row has {megabytes << 20} bytes, more than {1 << 20}; see --longest-row"
    assert peaks[1] < peaks[0] + 4 * 1024
