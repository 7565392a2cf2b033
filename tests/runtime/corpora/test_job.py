"""A job that is ended anywhere goes on to the same results; what does not belong together is never mixed."""

from __future__ import annotations

import gzip
import json
import os
import re
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from edgener import Recognizer
from edgener.corpora.annotate import annotate, total
from edgener.corpora.inputs import InputFile, find_inputs
from edgener.corpora.job import Model, opened
from edgener.corpora.parts import Part, parts_of
from edgener.corpora.settings import Settings
from edgener.corpora.shard import Shard, owners, parse_shard
from edgener.corpora.streams import DamagedError
from edgener.errors import InputError, MixedJobError, OutputError, UsageError
from tests.runtime.corpora.support import MODEL, SMALL, do_job, json_rows, result_files, row_spans, spans
from tests.support import TEXTS, disk_full, labelled_texts

SETTINGS = Settings(part_bytes=SMALL)
SENTENCES = [row.text for row in labelled_texts()][:12]
ROWS = [f"{number:02} 王小明在青山大学工作。" for number in range(20)]
FOUR_ROWS = Settings(part_bytes=450)
"""Settings with which a part holds four of ROWS."""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder of two files with twelve and with four parts."""
    folder = tmp_path / "corpus"
    (folder / "b").mkdir(parents=True)
    (folder / "a.txt").write_text("\n".join(SENTENCES), encoding="utf-8")
    rows = [json.dumps({"text": text, "n": number}) for number, text in enumerate(SENTENCES[:5])]
    (folder / "b/c.jsonl.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    return folder


@given(st.lists(TEXTS, max_size=8), st.integers(1, 400), st.data())
@settings(max_examples=25)
def test_a_job_that_is_ended_after_any_part_goes_on_to_the_same_bytes(
    recognizer: Recognizer, texts: list[str], part_bytes: int, data: st.DataObject
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        (folder / "in.jsonl").write_text(lines, encoding="utf-8")
        options = Settings(part_bytes=part_bytes)
        inputs, whole, resumed = [folder / "in.jsonl"], folder / "whole", folder / "resumed"
        done = do_job(recognizer, inputs, whole, options)
        first = do_job(
            recognizer,
            inputs,
            resumed,
            options,
            most_parts=data.draw(st.integers(0, len(done)), "parts before the end"),
        )
        second = do_job(recognizer, inputs, resumed, options)
        assert first + second == done
        assert result_files(resumed) == result_files(whole)
        rows = json_rows(resumed, "in.jsonl")
        assert [row["row"] for row in rows] == list(range(1, len(texts) + 1))
        for row, text in zip(rows, texts, strict=True):
            assert row_spans(row) == spans(recognizer(row["text"]))
            assert len(row["text"]) == len(text)


def cut_last_line(output: Path) -> None:
    """Leave of the log what a killed run may leave."""
    log = output / "_edgener/done-0-of-1.jsonl"
    log.write_bytes(log.read_bytes()[:-20])


def lose_last_line(output: Path) -> None:
    """Leave a part that is written, but not noted."""
    log = output / "_edgener/done-0-of-1.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))


def leave_draft(output: Path) -> None:
    """Leave a draft of a part."""
    (output / "a.txt/.part-0000003.jsonl.0-of-1.1.draft").write_bytes(b"half of it")


def lose_results(output: Path) -> None:
    """Remove the results of a part."""
    (output / "a.txt/part-0000001.jsonl").unlink()


def shorten_results(output: Path) -> None:
    """Leave results that a disk has lost half of."""
    (output / "a.txt/part-0000001.jsonl").write_bytes(b"half of it")


@pytest.mark.parametrize("accident", [cut_last_line, lose_last_line, leave_draft, lose_results, shorten_results])
@pytest.mark.parametrize("most_parts", [3, None])
def test_whatever_a_killed_run_leaves_the_next_one_mends(
    recognizer: Recognizer, corpus: Path, tmp_path: Path, accident: Callable[[Path], None], most_parts: int | None
) -> None:
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    do_job(recognizer, [corpus], whole, SETTINGS)
    do_job(recognizer, [corpus], resumed, SETTINGS, most_parts=most_parts)
    accident(resumed)
    if most_parts is None and accident is leave_draft:
        os.utime(corpus / "a.txt")  # else the file is known to be finished, and nothing is looked at
    do_job(recognizer, [corpus], resumed, SETTINGS)
    assert result_files(resumed) == result_files(whole)
    assert do_job(recognizer, [corpus], resumed, SETTINGS) == []


def leave_unnoted_part(output: Path) -> None:
    """Leave a folder in which the first part of a run that was killed has its name, but no line in the log."""
    log = output / "_edgener/done-0-of-1.jsonl"
    log.write_bytes(b"".join(line for line in log.read_bytes().splitlines(keepends=True) if b'"part"' not in line))
    assert result_files(output)


@pytest.mark.parametrize(
    "options", [Settings(part_bytes=1 << 20), Settings(part_bytes=SMALL, output_format="conll"), SETTINGS]
)
def test_parts_that_were_not_noted_are_no_results_of_a_job_with_other_options(
    recognizer: Recognizer, corpus: Path, tmp_path: Path, options: Settings
) -> None:
    do_job(recognizer, [corpus], tmp_path / "out", SETTINGS, most_parts=2)
    leave_unnoted_part(tmp_path / "out")
    do_job(recognizer, [corpus], tmp_path / "out", options)
    do_job(recognizer, [corpus], tmp_path / "whole", options)
    assert result_files(tmp_path / "out") == result_files(tmp_path / "whole")
    assert do_job(recognizer, [corpus], tmp_path / "out", options) == []


def test_what_another_job_has_noted_of_a_file_without_parts_is_forgotten(
    recognizer: Recognizer, tmp_path: Path
) -> None:
    (tmp_path / "in.jsonl").write_bytes(b"\n")
    for options in (SETTINGS, Settings(part_bytes=SMALL, types="PER")):
        do_job(recognizer, [tmp_path / "in.jsonl"], tmp_path / "out", options)
        assert (tmp_path / "out/_edgener/done-0-of-1.jsonl").read_bytes().count(b"\n") == 2


def test_parts_that_were_not_noted_are_removed_where_their_file_has_become_shorter_or_was_renamed(
    recognizer: Recognizer, corpus: Path, tmp_path: Path
) -> None:
    do_job(recognizer, [corpus], tmp_path / "out", SETTINGS, most_parts=3)
    lines = (tmp_path / "out/_edgener/done-0-of-1.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "out/_edgener/done-0-of-1.jsonl").write_bytes(b"".join(lines[:2]))
    (tmp_path / "out/a.txt/part-0000099.jsonl").write_bytes(b"{}\n")
    (tmp_path / "out/a.txt/part-of-mine.jsonl").write_bytes(b"")
    with opened(tmp_path / "out", MODEL, SETTINGS, Shard()) as job:
        job.begin(find_inputs([str(corpus)], tmp_path / "out").files)
        next(job.pending(find_inputs([str(corpus)], tmp_path / "out").files[0]))
    assert list(result_files(tmp_path / "out")) == ["a.txt/part-0000000.jsonl", "a.txt/part-of-mine.jsonl"]
    (tmp_path / "out/a.txt/part-0000001.jsonl").write_bytes(b"{}\n")
    (corpus / "a.txt").rename(corpus / "new.txt")
    with opened(tmp_path / "out", MODEL, SETTINGS, Shard()) as job:
        job.begin(find_inputs([str(corpus)], tmp_path / "out").files)
    assert list(result_files(tmp_path / "out")) == ["a.txt/part-0000000.jsonl", "a.txt/part-of-mine.jsonl"]


def test_a_shard_leaves_the_parts_of_other_shards_to_them(recognizer: Recognizer, corpus: Path, tmp_path: Path) -> None:
    (corpus / "b/c.jsonl.gz").unlink()
    whole = do_job(recognizer, [corpus], tmp_path / "whole", SETTINGS)
    do_job(recognizer, [corpus], tmp_path / "out", SETTINGS, shard=Shard(0, 2))
    theirs = [number for name, number in whole if Shard(1, 2).owns(name, number)]
    for number in theirs:  # as if the other shard had just given it its name
        (tmp_path / f"out/a.txt/part-{number:07d}.jsonl").write_bytes(b"")
    (tmp_path / "out/_edgener/done-0-of-2.jsonl").write_bytes(b"")
    assert len(do_job(recognizer, [corpus], tmp_path / "out", SETTINGS, shard=Shard(0, 2))) == len(whole) - len(theirs)
    assert all((tmp_path / f"out/a.txt/part-{number:07d}.jsonl").exists() for number in theirs)


def test_drafts_are_removed_whether_anything_was_written_or_not(
    recognizer: Recognizer, corpus: Path, tmp_path: Path
) -> None:
    files = find_inputs([str(corpus)], tmp_path / "out").files
    with opened(tmp_path / "out", MODEL, SETTINGS, Shard()) as job:
        job.begin(files)
        first, second, *_ = job.pending(files[0])
        annotate(first, recognizer, SETTINGS, job.drafts(first))
        job.drafts(second)
        assert list((tmp_path / "out/a.txt").iterdir()) == job.drafts(first)
        job.remove_drafts()
        assert list((tmp_path / "out/a.txt").iterdir()) == []


def test_a_file_that_is_finished_is_not_read_again(
    recognizer: Recognizer, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    do_job(recognizer, [corpus], tmp_path / "out", SETTINGS)

    def parts_of(*_arguments: object) -> None:
        pytest.fail("a file is read")

    monkeypatch.setattr("edgener.corpora.job.parts_of", parts_of)
    assert do_job(recognizer, [corpus], tmp_path / "out", SETTINGS) == []


def test_a_file_that_was_touched_and_one_that_was_added_are_read(
    recognizer: Recognizer, corpus: Path, tmp_path: Path
) -> None:
    do_job(recognizer, [corpus], tmp_path / "out", SETTINGS)
    os.utime(corpus / "a.txt", (1, 1))
    (corpus / "b/a.txt").write_text("王小明", encoding="utf-8")
    assert do_job(recognizer, [corpus], tmp_path / "out", SETTINGS) == [("b/a.txt", 0)]


def change_size(path: Path) -> None:
    """Append to a file."""
    path.write_bytes(path.read_bytes() + b"\n")


def change_content(path: Path) -> None:
    """Change one byte of a file, and no more."""
    content = path.read_bytes()
    path.write_bytes(content[:1] + bytes([content[1] ^ 1]) + content[2:])


@pytest.mark.parametrize("most_parts", [1, None])
@pytest.mark.parametrize("change", [change_size, change_content])
def test_an_input_that_changed_is_refused_and_nothing_is_written(
    recognizer: Recognizer, corpus: Path, tmp_path: Path, change: Callable[[Path], None], most_parts: int | None
) -> None:
    output = tmp_path / "out"
    do_job(recognizer, [corpus], output, SETTINGS, most_parts=most_parts)
    before = result_files(output)
    change(corpus / "a.txt")
    with pytest.raises(MixedJobError, match=r"a\.txt: was changed since .* was begun"):
        do_job(recognizer, [corpus], output, SETTINGS)
    assert result_files(output) == before


def packed(texts: Sequence[str]) -> bytes:
    """Return a compressed file of texts, each in a member of its own."""
    return b"".join(gzip.compress(f"{text}\n".encode(), mtime=0) for text in texts)


def eleventh_member(content: bytes) -> int:
    """Return the place of the third row of the third part."""
    return [match.start() for match in re.finditer(b"\x1f\x8b\x08", content)][10]


def cut_off(content: bytes) -> bytes:
    """Return a file that lost its end, as a copy that was broken off."""
    return content[: eleventh_member(content) + 5]


def overwritten(content: bytes) -> bytes:
    """Return a file of the same size that is good up to the same place, as after an error of reading."""
    place = eleventh_member(content)
    return content[:place] + b"no" + content[place + 2 :]


def nothing(content: bytes) -> bytes:
    """Return a file that cannot be read at all."""
    return content[:3]


damages = pytest.mark.parametrize("damage", [cut_off, overwritten, nothing])


@damages
@pytest.mark.parametrize("repaired", [ROWS, ROWS[:1], ROWS[2:], []], ids=["same", "shorter", "other", "empty"])
def test_a_damaged_file_that_is_copied_again_is_done_as_if_it_had_been_whole(
    recognizer: Recognizer, tmp_path: Path, damage: Callable[[bytes], bytes], repaired: list[str]
) -> None:
    path, output = tmp_path / "in.txt.gz", tmp_path / "out"
    path.write_bytes(packed(repaired))
    do_job(recognizer, [path], tmp_path / "whole", FOUR_ROWS)
    path.write_bytes(damage(packed(ROWS)))
    for _ in range(2):
        with pytest.raises(DamagedError, match="cannot be read to its end"):
            do_job(recognizer, [path], output, FOUR_ROWS)
    kept = {name: (output / name).stat().st_ino for name in result_files(output)}
    assert bool(kept) == (damage is not nothing)
    path.write_bytes(packed(repaired))
    do_job(recognizer, [path], output, FOUR_ROWS)
    assert result_files(output) == result_files(tmp_path / "whole")
    if repaired is ROWS:
        again = [name for name, inode in kept.items() if (output / name).stat().st_ino != inode]
        assert again == (["in.txt.gz/part-0000002.jsonl"] if kept else [])
    assert do_job(recognizer, [path], output, FOUR_ROWS) == []
    if repaired:
        path.write_bytes(packed([*repaired, "王小明"]))
        with pytest.raises(MixedJobError, match="was changed since"):
            do_job(recognizer, [path], output, FOUR_ROWS)


@damages
def test_a_damaged_file_is_repaired_whenever_runs_before_were_killed(
    recognizer: Recognizer, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "in.txt.gz"
    whole = packed(ROWS)
    path.write_bytes(whole)
    count = len(do_job(recognizer, [path], tmp_path / "whole", FOUR_ROWS))
    for killed in range(1, count):
        output = tmp_path / f"out{killed}"
        path.write_bytes(damage(whole))
        with suppress(DamagedError):
            do_job(recognizer, [path], output, FOUR_ROWS)
        path.write_bytes(whole)
        do_job(recognizer, [path], output, FOUR_ROWS, most_parts=killed)
        log = output / "_edgener/done-0-of-1.jsonl"
        lines = log.read_bytes().splitlines(keepends=True)
        if b'"kind": "part"' in lines[-1]:  # a part has its name, but the run was killed before it was noted
            log.write_bytes(b"".join(lines[:-1]) + lines[-1][:9])
        do_job(recognizer, [path], output, FOUR_ROWS)
        assert result_files(output) == result_files(tmp_path / "whole")
        assert do_job(recognizer, [path], output, FOUR_ROWS) == []


@damages
def test_shards_that_met_a_damaged_file_leave_one_that_is_repaired_whole(
    recognizer: Recognizer, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path, output = tmp_path / "in.txt.gz", tmp_path / "out"
    path.write_bytes(packed(ROWS))
    do_job(recognizer, [path], tmp_path / "whole", FOUR_ROWS)
    path.write_bytes(damage(packed(ROWS)))
    for index in range(3):
        with suppress(DamagedError):
            do_job(recognizer, [path], output, FOUR_ROWS, shard=Shard(index, 3))
    path.write_bytes(packed(ROWS))
    do_job(recognizer, [path], output, FOUR_ROWS, shard=Shard(1, 3))
    for _ in range(2):
        done = do_job(recognizer, [path], output, FOUR_ROWS)
        assert result_files(output) == result_files(tmp_path / "whole")
    assert done == []
    files = find_inputs([str(path)], output).files
    with opened(output, MODEL, FOUR_ROWS, Shard()) as job:
        assert total(job.counts(files)).rows == len(ROWS)


def test_a_file_that_is_damaged_after_it_was_done_loses_no_results(recognizer: Recognizer, tmp_path: Path) -> None:
    path, output = tmp_path / "in.txt.gz", tmp_path / "out"
    path.write_bytes(packed(ROWS))
    do_job(recognizer, [path], output, FOUR_ROWS)
    before = result_files(output)
    path.write_bytes(overwritten(packed(ROWS)))
    with pytest.raises(DamagedError):
        do_job(recognizer, [path], output, FOUR_ROWS)
    path.write_bytes(packed(ROWS))
    assert do_job(recognizer, [path], output, FOUR_ROWS) == []
    assert result_files(output) == before


def test_damaged_parquet_that_is_copied_again_is_done_as_if_it_had_been_whole(
    recognizer: Recognizer, tmp_path: Path
) -> None:
    path, output = tmp_path / "in.parquet", tmp_path / "out"
    parquet.write_table(pa.table({"text": SENTENCES * 9}), path, row_group_size=12, compression=None)
    whole = path.read_bytes()
    do_job(recognizer, [path], tmp_path / "whole", FOUR_ROWS)
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes(3000) + whole[middle + 3000 :])
    with pytest.raises(DamagedError, match="cannot be read to its end"):
        do_job(recognizer, [path], output, FOUR_ROWS)
    assert result_files(output)
    path.write_bytes(whole)
    do_job(recognizer, [path], output, FOUR_ROWS)
    assert result_files(output) == result_files(tmp_path / "whole")
    assert do_job(recognizer, [path], output, FOUR_ROWS) == []


def grow(path: Path) -> None:
    """Append to a file, as a program that logs does."""
    with path.open("ab") as file:
        file.write(b"\n")


def replace_by_another(path: Path) -> None:
    """Put another file in the place of a file, with the same size and the same time."""
    status = path.stat()
    path.rename(path.with_suffix(".old"))
    path.write_bytes(path.with_suffix(".old").read_bytes())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("change", [grow, replace_by_another, change_content])
def test_a_file_that_changes_while_it_is_read_is_not_finished(
    recognizer: Recognizer, corpus: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    files = find_inputs([str(corpus / "a.txt")], tmp_path / "out").files
    with opened(tmp_path / "out", MODEL, SETTINGS, Shard()) as job:
        for part in job.pending(files[0]):
            job.commit(part, annotate(part, recognizer, SETTINGS, job.drafts(part)))
        change(corpus / "a.txt")
        with pytest.raises(InputError, match=r"a\.txt: was changed while it was read; begin anew with a copy"):
            job.finish(files[0])
    if change is not replace_by_another:
        with pytest.raises(MixedJobError):
            do_job(recognizer, [corpus / "a.txt"], tmp_path / "out", SETTINGS)


def test_a_file_that_vanishes_is_told_by_its_name(recognizer: Recognizer, corpus: Path, tmp_path: Path) -> None:
    files = find_inputs([str(corpus)], tmp_path / "out").files
    do_job(recognizer, [corpus], tmp_path / "out", SETTINGS, most_parts=1)
    (corpus / "a.txt").unlink()
    with opened(tmp_path / "out", MODEL, SETTINGS, Shard()) as job:
        for refused in (lambda: job.begin(files), lambda: next(job.pending(files[0]))):
            with pytest.raises(InputError, match=r"a\.txt: cannot be read: No such file or directory"):
                refused()


def test_results_of_inputs_that_are_no_longer_there_are_named(
    recognizer: Recognizer, corpus: Path, tmp_path: Path
) -> None:
    do_job(recognizer, [corpus], tmp_path / "out", SETTINGS)
    (corpus / "a.txt").rename(corpus / "renamed.txt")
    files = find_inputs([str(corpus)], tmp_path / "out").files
    with opened(tmp_path / "out", MODEL, SETTINGS, Shard()) as job:
        assert job.other_inputs(files) == ["a.txt"]
        assert [part.number for part in job.pending(files[1])] == list(range(12))


@pytest.mark.parametrize(
    ("options", "model", "message"),
    [
        (Settings(part_bytes=SMALL, min_score="0.5"), MODEL, "min_score 'null', not '0.5'"),
        (Settings(part_bytes=SMALL + 1), MODEL, "part_bytes 200, not 201"),
        (Settings(part_bytes=SMALL, output_format="conll"), MODEL, "output_format 'jsonl', not 'conll'"),
        (SETTINGS, Model("tiny", "1" * 64), "model_digest '000"),
        (SETTINGS, Model("other", "0" * 64), "model 'tiny', not 'other'"),
    ],
)
def test_another_model_and_other_options_are_refused(
    recognizer: Recognizer, corpus: Path, tmp_path: Path, options: Settings, model: Model, message: str
) -> None:
    do_job(recognizer, [corpus], tmp_path / "out", SETTINGS, most_parts=1)
    before = result_files(tmp_path / "out")
    with pytest.raises(MixedJobError, match=message):
        do_job(recognizer, [corpus], tmp_path / "out", options, model=model)
    assert result_files(tmp_path / "out") == before


def test_a_folder_in_which_nothing_is_done_can_be_begun_with_other_options(
    recognizer: Recognizer, corpus: Path, tmp_path: Path
) -> None:
    do_job(recognizer, [corpus], tmp_path / "out", SETTINGS, most_parts=0)
    assert do_job(recognizer, [corpus], tmp_path / "out", Settings(part_bytes=SMALL, types="PER"), most_parts=1)
    with pytest.raises(MixedJobError, match="types 'PER', not None"):
        do_job(recognizer, [corpus], tmp_path / "out", SETTINGS)


def test_another_version_of_edgener_is_refused(
    recognizer: Recognizer, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    do_job(recognizer, [corpus], tmp_path / "out", SETTINGS, most_parts=1)
    monkeypatch.setattr("edgener.corpora.job.__version__", "99")
    with pytest.raises(MixedJobError, match=r"edgener .*, not '99'"):
        do_job(recognizer, [corpus], tmp_path / "out", SETTINGS)


@pytest.mark.parametrize(
    ("file", "content", "where"),
    [
        ("job.json", b"{", ""),
        ("done-0-of-1.jsonl", b"{\n", ": line 1 is no entry"),
        ("done-0-of-1.jsonl", b"[]\n", ": line 1 is no entry"),
    ],
)
def test_a_damaged_state_is_told_by_its_file(
    recognizer: Recognizer, corpus: Path, tmp_path: Path, file: str, content: bytes, where: str
) -> None:
    do_job(recognizer, [corpus], tmp_path / "out", SETTINGS, most_parts=1)
    (tmp_path / "out/_edgener" / file).write_bytes(content)
    with pytest.raises(MixedJobError, match=file + where):
        do_job(recognizer, [corpus], tmp_path / "out", SETTINGS)


def test_a_folder_that_holds_something_else_is_refused(recognizer: Recognizer, corpus: Path, tmp_path: Path) -> None:
    for output in (corpus / "b", corpus / "a.txt"):
        with pytest.raises(OutputError, match="exists and is no output folder of edgener"):
            do_job(recognizer, [corpus / "b/c.jsonl.gz" if output.is_file() else corpus / "a.txt"], output, SETTINGS)
    (tmp_path / "empty").mkdir()
    assert do_job(recognizer, [corpus], tmp_path / "empty", SETTINGS, most_parts=1)


def test_two_runs_at_once_are_refused(recognizer: Recognizer, corpus: Path, tmp_path: Path) -> None:
    with (
        opened(tmp_path / "out", MODEL, SETTINGS, Shard()),
        pytest.raises(OutputError, match="out: another run works on it"),
    ):
        do_job(recognizer, [corpus], tmp_path / "out", SETTINGS)
    with opened(tmp_path / "out", MODEL, SETTINGS, Shard(0, 2)):
        assert do_job(recognizer, [corpus], tmp_path / "out", SETTINGS, shard=Shard(1, 2))
        for other in (Shard(), Shard(1, 3)):
            with pytest.raises(OutputError, match="out: another run works on it"):
                do_job(recognizer, [corpus], tmp_path / "out", SETTINGS, shard=other)
    assert do_job(recognizer, [corpus], tmp_path / "out", SETTINGS)


def test_shards_that_begin_at_the_same_moment_do_not_refuse_the_folder_of_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    iterdir = Path.iterdir

    def other_begins_first(folder: Path) -> Iterator[Path]:
        monkeypatch.undo()
        with opened(tmp_path / "out", MODEL, SETTINGS, Shard(0, 2)):
            return iterdir(folder)

    monkeypatch.setattr(Path, "iterdir", other_begins_first)
    with opened(tmp_path / "out", MODEL, SETTINGS, Shard(1, 2)) as job:
        assert job.output == tmp_path / "out"


def test_the_run_of_all_removes_drafts_of_a_shard_that_is_lost(
    recognizer: Recognizer, corpus: Path, tmp_path: Path
) -> None:
    do_job(recognizer, [corpus], tmp_path / "out", SETTINGS, most_parts=1)
    for shard in ("0-of-1", "3-of-4"):
        (tmp_path / f"out/a.txt/.part-0000007.jsonl.{shard}.1.draft").write_bytes(b"half of it")
    do_job(recognizer, [corpus], tmp_path / "out", SETTINGS)
    assert list((tmp_path / "out").rglob("*.draft")) == []


@pytest.mark.parametrize("library", ["onnxruntime", "tokenizers"])
def test_another_version_of_a_library_that_computes_is_refused(
    recognizer: Recognizer, corpus: Path, tmp_path: Path, library: str
) -> None:
    do_job(recognizer, [corpus], tmp_path / "out", SETTINGS, most_parts=1)
    path = tmp_path / "out/_edgener/job.json"
    job = json.loads(path.read_bytes())
    path.write_text(json.dumps({**job, library: "0.1"}), encoding="utf-8")
    with pytest.raises(MixedJobError, match=f"{library} '0.1', not '{job[library]}'"):
        do_job(recognizer, [corpus], tmp_path / "out", SETTINGS)


@pytest.mark.parametrize("step", ["_write_whole", "_locked", "Log"])
def test_a_state_that_cannot_be_written_is_told_before_any_work(
    recognizer: Recognizer, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(f"edgener.corpora.job.{step}", disk_full)
    with pytest.raises(OutputError, match=r"out: cannot be written: No space left on device; mend that, or give anoth"):
        do_job(recognizer, [corpus], tmp_path / "out", SETTINGS)


@given(st.integers(1, 12))
@settings(max_examples=6)
def test_shards_together_do_every_part_once(recognizer: Recognizer, count: int) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in.txt").write_text("\n".join(SENTENCES), encoding="utf-8")
        whole = do_job(recognizer, [folder / "in.txt"], folder / "whole", SETTINGS)
        done = [
            key
            for index in range(count)
            for key in do_job(recognizer, [folder / "in.txt"], folder / "out", SETTINGS, shard=Shard(index, count))
        ]
        assert sorted(done) == whole
        assert result_files(folder / "out") == result_files(folder / "whole")
        assert do_job(recognizer, [folder / "in.txt"], folder / "out", SETTINGS) == []
        files = find_inputs([str(folder / "in.txt")], folder / "out").files
        with opened(folder / "out", MODEL, SETTINGS, Shard()) as job:
            assert total(job.counts(files)).rows == len(SENTENCES)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A folder of eight files of the same size, with three parts each."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}.txt").write_text("\n".join(SENTENCES[:3]), encoding="utf-8")
    return folder


def test_a_shard_reads_only_its_own_files_where_there_are_enough(
    recognizer: Recognizer, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noted(file: InputFile, options: Settings) -> Iterator[Part]:
        read.append(file.name)
        return parts_of(file, options)

    whole = do_job(recognizer, [many], tmp_path / "whole", SETTINGS)
    monkeypatch.setattr("edgener.corpora.job.parts_of", noted)
    done = [
        do_job(recognizer, [many], tmp_path / "out", SETTINGS, shard=Shard(index, count))
        for count in (4, 2)
        for index in range(count)
    ]
    assert sorted(read) == sorted(file.name for file in many.iterdir())
    assert sorted(key for keys in done for key in keys) == whole
    assert [len({name for name, _ in keys}) for keys in done] == [2, 2, 2, 2, 0, 0]
    assert result_files(tmp_path / "out") == result_files(tmp_path / "whole")
    assert do_job(recognizer, [many], tmp_path / "out", SETTINGS) == []
    assert len(read) == 8, "nothing is read again where all shares were finished"


def test_shards_of_parts_that_become_shards_of_files_do_every_part_once(
    recognizer: Recognizer, many: Path, tmp_path: Path
) -> None:
    (many / "large.txt").write_text("\n".join(SENTENCES * 6), encoding="utf-8")
    output = tmp_path / "out"
    done = do_job(recognizer, [many], output, SETTINGS, shard=Shard(0, 2))
    assert {name for name, _ in done} > {"0.txt", "1.txt"}
    (many / "other.txt").write_bytes((many / "large.txt").read_bytes())
    for index in range(2):
        done += do_job(recognizer, [many], output, SETTINGS, shard=Shard(index, 2))
    assert do_job(recognizer, [many], output, SETTINGS) == []
    assert sorted(done) == do_job(recognizer, [many], tmp_path / "whole", SETTINGS)


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 1000), max_size=40), st.integers(1, 9))
def test_files_are_given_to_shards_as_a_whole_only_if_the_shares_are_even(sizes: dict[str, int], count: int) -> None:
    found = owners(sizes, count)
    if found is None:
        assert count == 1 or max(sizes.values()) > 0
        return
    assert set(found) == set(sizes)
    shares = [sum(size for name, size in sizes.items() if found[name] == index) for index in range(count)]
    assert max(shares) * count <= sum(sizes.values()) * 1.05


def test_files_of_like_sizes_are_given_as_a_whole_and_few_or_uneven_ones_are_not() -> None:
    assert owners({f"{number}": 100 + number % 3 for number in range(160)}, 16) is not None
    assert owners({"a": 100, "b": 100}, 2) == {"a": 0, "b": 1}
    assert owners({"a": 100, "b": 50}, 2) is None
    assert owners({"a": 100}, 1) is None
    assert owners({"a": 100, "b": 0}, 10**18) is None
    assert owners({"a": 0, "b": 0}, 10**18) == {"a": 0, "b": 0}


def test_what_is_known_of_a_part_that_is_done_takes_little_memory(recognizer: Recognizer, tmp_path: Path) -> None:
    """A corpus of terabytes has hundreds of thousands of parts."""
    parts = 2_000
    (tmp_path / "in.txt").write_text("王小明在青山大学工作。\n", encoding="utf-8")
    do_job(recognizer, [tmp_path / "in.txt"], tmp_path / "out", Settings())
    log = tmp_path / "out/_edgener/done-0-of-1.jsonl"
    entries = [json.loads(line) for line in log.read_bytes().splitlines()]
    (done,) = (entry for entry in entries if entry["kind"] == "part")
    many = [json.dumps({**done, "part": number}) for number in range(parts)]
    log.write_text("\n".join([*(json.dumps(entry) for entry in entries), *many, ""]), encoding="utf-8")
    files = find_inputs([str(tmp_path / "in.txt")], tmp_path / "out").files
    tracemalloc.start()
    try:
        with opened(tmp_path / "out", MODEL, Settings(), Shard()) as job:
            kept, most = tracemalloc.get_traced_memory()
            assert len(job.counts(files)) == parts
    finally:
        tracemalloc.stop()
    assert kept < 700 * parts
    assert most < 1_200 * parts


def test_a_shard_counts_its_own_parts_only(recognizer: Recognizer, corpus: Path, tmp_path: Path) -> None:
    files = find_inputs([str(corpus)], tmp_path / "out").files
    do_job(recognizer, [corpus], tmp_path / "out", SETTINGS)
    rows = []
    for index in range(3):
        with opened(tmp_path / "out", MODEL, SETTINGS, Shard(index, 3)) as job:
            rows.append(total(job.counts(files)).rows)
            assert all(list(job.pending(file)) == [] for file in files)
    assert sum(rows) == len(SENTENCES) + 5
    assert all(rows)


def test_shards_are_balanced_whether_files_are_many_or_few() -> None:
    for names, parts in (("abcdefgh" * 50, 1), ("a", 400)):
        keys = {(f"{name}{number}", part) for number, name in enumerate(names) for part in range(parts)}
        sizes = [sum(Shard(index, 4).owns(*key) for key in keys) for index in range(4)]
        assert sum(sizes) == 400
        assert min(sizes) > 70


@pytest.mark.parametrize("text", ["", "1", "4/4", "-1/4", "1/0", "1/4/", "a/b", " 1/4", "١/٤", "0/" + "1" * 5000])
def test_a_shard_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="it must be I/N"):
        parse_shard(text)


def test_a_shard_is_counted_from_zero() -> None:
    assert parse_shard("3/4") == Shard(3, 4)
