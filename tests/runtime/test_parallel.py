"""Threads answer the lines of a file with the same bytes as one thread, in order, and end when nobody reads them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgener.errors import MachineError
from edgener.line_reader import BLOCK, Document
from edgener.parallel import Run, answers_in_threads, runs
from edgener.parts import parts, pools
from edgener.segmentation import CHUNK
from tests.support import TEXTS, labelled_texts, run_tiny, start_tiny

SENTENCES = [row.text for row in labelled_texts()]
NEVER = lambda: pytest.fail("it is abandoned")  # noqa: E731


def lines_of(run: Run) -> Iterator[str]:
    """Answer each document with its number."""
    for number, document in enumerate(run.documents, run.first_line):
        yield f"{number}:{''.join(document)[:9]} "


@given(st.lists(st.sampled_from([0, 1, 70, 4000, CHUNK, CHUNK + 1]), min_size=1, max_size=600))
@settings(max_examples=60)
def test_a_run_is_a_pool_of_the_recognizer(lengths: list[int]) -> None:
    group = [("字" * length,) for length in lengths]
    found = list(runs([group, group]))
    assert [document for run in found for document in run.documents] == group * 2
    assert [run.first_line for run in found] == [
        1 + sum(len(run.documents) for run in found[:number]) for number in range(len(found))
    ]
    if max(lengths) <= CHUNK:
        looked_at = [[(part.chunk.text,) for part in pool] for pool in pools(parts(group))]
        assert [list(run.documents) for run in found] == looked_at * 2
    else:
        assert len(found) == 2


@given(st.lists(TEXTS.map(lambda text: text.encode("utf-8", "replace").decode()), max_size=6), st.integers(2, 4))
@settings(max_examples=10)
def test_any_file_gives_the_same_bytes_with_more_threads(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], threads: int
) -> None:
    file = tmp_path_factory.mktemp("parallel") / "file"
    file.write_text("\n".join(texts * 3), encoding="utf-8")
    arguments = ("--file", str(file), "--file", str(file), "--format", "text")
    assert run_tiny(*arguments, "--threads", str(threads)) == run_tiny(*arguments, "--threads", "1")


@pytest.mark.parametrize("output_format", ["jsonl", "conll", "text", "html"])
def test_long_files_and_long_lines_give_the_same_bytes_with_more_threads(tmp_path: Path, output_format: str) -> None:
    file = tmp_path / "file"
    file.write_text("\n".join([*SENTENCES, "".join(SENTENCES) * 12, *SENTENCES * 3]), encoding="utf-8")
    assert file.stat().st_size > 2 * BLOCK
    one, two = (run_tiny("--file", str(file), "--format", output_format, "--threads", n) for n in "13")
    assert one.code == 0
    assert two == one


def test_several_runs_are_answered_at_the_same_time() -> None:
    both = threading.Barrier(2)

    def answer(run: Run) -> Iterator[str]:
        both.wait(timeout=30)
        yield from lines_of(run)

    groups = [[(f"{number}",)] for number in range(4)]
    assert "".join(answers_in_threads(groups, answer, 2, NEVER)) == "1:0 2:1 3:2 4:3 "


def test_a_line_that_is_still_to_be_read_is_answered_in_its_turn() -> None:
    read: list[str] = []

    def long_line() -> Iterator[str]:
        for piece in ("long", " line"):
            read.append(piece)
            yield piece

    def groups() -> Iterator[Sequence[Document]]:
        yield [("a",), ("b",)]
        yield [long_line()]
        assert read == ["long", " line"]
        yield [("c",)]

    assert "".join(answers_in_threads(groups(), lines_of, 3, NEVER)) == "1:a 2:b 3:long line 4:c "


def test_everything_before_an_unreadable_place_is_answered() -> None:
    def groups() -> Iterator[Sequence[Document]]:
        yield from ([(f"{number}",)] for number in range(3))
        raise OSError("unreadable")

    answers = answers_in_threads(groups(), lines_of, 2, NEVER)
    assert [next(answers) for _ in range(3)] == ["1:0 ", "2:1 ", "3:2 "]
    with pytest.raises(OSError, match="unreadable"):
        next(answers)


def test_an_error_of_an_answer_is_raised_and_the_rest_is_abandoned() -> None:
    abandoned = []

    def answer(run: Run) -> Iterator[str]:
        if run.first_line == 2:
            raise ValueError("the second")
        yield from lines_of(run)

    answers = answers_in_threads([[(f"{n}",)] for n in range(9)], answer, 2, lambda: abandoned.append(True))
    assert next(answers) == "1:0 "
    with pytest.raises(ValueError, match="the second"):
        next(answers)
    assert abandoned == [True]


def test_the_last_run_is_abandoned_too_when_the_program_is_interrupted() -> None:
    abandoned = threading.Event()

    def answer(run: Run) -> Iterator[str]:
        yield from lines_of(run)
        signal.raise_signal(signal.SIGINT)
        assert abandoned.wait(timeout=30)

    with pytest.raises(KeyboardInterrupt):
        list(answers_in_threads([[("a",)]], answer, 2, abandoned.set))


def test_a_thread_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(MachineError, match=r"no further thread .*can't start new thread.*; take fewer --threads"):
        list(answers_in_threads([[("a",)]], lines_of, 2, lambda: None))


def test_few_runs_are_read_ahead_and_none_is_computed_when_nobody_wants_them() -> None:
    abandoned, taken = threading.Event(), []

    def groups() -> Iterable[Sequence[Document]]:
        for number in range(1000):
            taken.append(number)
            yield [(f"{number}",)]

    answers = answers_in_threads(groups(), lines_of, 2, abandoned.set)
    assert next(answers) == "1:0 "
    answers.close()  # type: ignore[attr-defined]
    assert abandoned.is_set()
    assert len(taken) <= 5


def test_pipes_are_still_answered_line_by_line() -> None:
    with start_tiny("--threads", "2") as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("王小明\n".encode())
        process.stdin.flush()
        assert process.stdout.readline().startswith(b'{"line": 1, "entities": [')
        process.stdin.close()


def test_ctrl_c_ends_all_threads_quietly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("\n".join(SENTENCES * 200), encoding="utf-8")
    with start_tiny("--file", str(tmp_path / "file"), "--threads", "2") as process:
        assert process.stdout
        assert process.stderr
        process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.stderr.read() == b""
    assert process.returncode == 130
