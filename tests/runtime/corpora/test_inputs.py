"""The files of a corpus: named, matched by a pattern, and found in folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgener.corpora.inputs import CSV, JSONL, LINES, PARQUET, TSV, find_inputs, format_of
from edgener.errors import InputError, UsageError
from tests.support import open_to_all, without_rights


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder with files of several kinds."""
    for name in ("b.txt", "a/c.jsonl.gz", "a/d.CSV", "a/e.xlsx", ".hidden.txt", "_logs/f.txt", "a/.git/g.txt"):
        (tmp_path / "corpus" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "corpus" / name).write_bytes(b"")
    return tmp_path / "corpus"


def names(*inputs: str | Path, output: Path = Path("out"), input_format: str | None = None) -> list[tuple[str, str]]:
    """Return names and formats of the files that are found."""
    return [(file.name, file.format) for file in find_inputs(list(map(str, inputs)), output, input_format).files]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.txt", LINES),
        ("a.jsonl", JSONL),
        ("a.ndjson.zst", JSONL),
        ("a.CSV.GZ", CSV),
        ("a.tsv.bz2", TSV),
        ("a.parquet", PARQUET),
        ("a.gz", None),
        ("jsonl", None),
    ],
)
def test_the_end_of_a_name_tells_the_format(name: str, found: str | None) -> None:
    assert format_of(name) == found


def test_a_folder_holds_the_files_of_known_kinds_and_the_others_are_named(corpus: Path) -> None:
    assert names(corpus) == [("a/c.jsonl.gz", JSONL), ("a/d.CSV", CSV), ("b.txt", LINES)]
    assert find_inputs([str(corpus)], Path("out")).left_out == (str(corpus / "a/e.xlsx"),)


def test_a_format_that_is_given_holds_for_every_file(corpus: Path) -> None:
    assert [found for _, found in names(corpus, input_format=TSV)] == [TSV] * 4


def test_a_file_that_is_named_twice_is_taken_once(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(corpus)
    files = find_inputs(["b.txt", "./b.txt", str(corpus)], Path("out")).files
    assert [file.name for file in files] == ["b.txt", "a/c.jsonl.gz", "a/d.CSV"]


def test_standard_input_is_no_input() -> None:
    with pytest.raises(InputError, match="-: standard input cannot be read again; a job that can be resumed needs"):
        find_inputs(["-"], Path("out"))


def test_the_output_folder_is_no_input(corpus: Path) -> None:
    assert names(corpus, output=corpus / "a") == [("b.txt", LINES)]
    assert names(corpus / "**/*.???", output=corpus / "a") == [("_logs/f.txt", LINES), ("b.txt", LINES)]
    (corpus / "link").symlink_to(corpus / "a")
    for given in (corpus / "a", corpus / "a/d.CSV", corpus / "link"):
        with pytest.raises(UsageError, match="lies in the output folder, so that it holds results"):
            names(given, output=corpus / "a")


def test_the_results_of_another_job_are_left_out_and_named(corpus: Path) -> None:
    (corpus / "results/_edgener").mkdir(parents=True)
    (corpus / "results/part-0000000.jsonl").write_bytes(b"")
    assert names(corpus) == [("a/c.jsonl.gz", JSONL), ("a/d.CSV", CSV), ("b.txt", LINES)]
    assert str(corpus / "results") in find_inputs([str(corpus)], Path("out")).left_out


def test_a_link_to_a_folder_above_is_left_out_and_named(corpus: Path) -> None:
    (corpus / "a/up").symlink_to(corpus)
    (corpus / "beside").symlink_to(corpus / "a")
    found = find_inputs([str(corpus)], Path("out"))
    assert [file.name for file in found.files] == [
        "a/c.jsonl.gz",
        "a/d.CSV",
        "b.txt",
        "beside/c.jsonl.gz",
        "beside/d.CSV",
    ]
    assert found.left_out == tuple(str(corpus / name) for name in ("a/e.xlsx", "a/up", "beside/e.xlsx", "beside/up"))


@pytest.mark.parametrize("given", ["", "*.txt", "lost.txt"])
def test_a_link_that_leads_nowhere_is_an_error(corpus: Path, given: str) -> None:
    (corpus / "lost.txt").symlink_to("was-here.txt")
    with pytest.raises(InputError, match=r"lost\.txt: is a link to was-here\.txt, which does not exist"):
        names(corpus / given)


def test_a_pipe_in_a_folder_is_left_out_and_named(corpus: Path) -> None:
    os.mkfifo(corpus / "pipe.txt")
    for given in (corpus, corpus / "*.txt"):
        assert find_inputs([str(given)], Path("out")).left_out[-1] == str(corpus / "pipe.txt")


def test_two_files_one_of_which_would_lie_among_the_results_of_the_other_are_refused(corpus: Path) -> None:
    (corpus / "c/b.txt").mkdir(parents=True)
    (corpus / "c/b.txt/part-0000000.jsonl").write_bytes(b"")
    with pytest.raises(UsageError, match=r"its results would lie among those of .*b\.txt; rename one"):
        names(corpus / "b.txt", corpus / "c")


def test_a_file_that_is_named_is_lines_if_its_name_tells_nothing(corpus: Path) -> None:
    assert names(corpus / "a/e.xlsx") == [("e.xlsx", LINES)]


def test_a_pattern_names_files_from_the_folder_before_it(corpus: Path) -> None:
    assert names(corpus / "**/*.???") == [("_logs/f.txt", LINES), ("a/d.CSV", CSV), ("b.txt", LINES)]
    assert names(corpus / "*/*.jsonl.gz") == [("a/c.jsonl.gz", JSONL)]


@pytest.mark.parametrize("pattern", ["**.txt", "a/b**/*.txt"])
def test_a_pattern_that_is_none_is_a_wrong_argument(corpus: Path, pattern: str) -> None:
    with pytest.raises(UsageError, match=r"is no pattern: .*; write \*\* between slashes, as 'data/\*\*/\*\.txt'$"):
        names(corpus / pattern)


def test_a_name_with_characters_of_patterns_is_a_file_if_it_exists(corpus: Path) -> None:
    (corpus / "[b].txt").write_bytes(b"")
    assert names(corpus / "[b].txt") == [("[b].txt", LINES)]


@pytest.mark.parametrize("missing", ["no.txt", "*.no", "no/*.txt"])
def test_an_input_that_does_not_exist_is_an_error(corpus: Path, missing: str) -> None:
    with pytest.raises(InputError, match=r"does not exist|matches no file"):
        names(corpus / "b.txt", corpus / missing)


def test_an_input_that_cannot_be_looked_at_is_an_error(corpus: Path) -> None:
    long = corpus / ("x" * 300)
    with pytest.raises(InputError, match=f"^{long}: cannot be read: File name too long$"):
        names(long)
    (corpus / "a").chmod(0)
    with without_rights(), pytest.raises(InputError, match=f"^{corpus}(/a)?: cannot be read: Permission denied$"):
        names(corpus)
    (corpus / "a").chmod(0o755)


def test_a_folder_without_known_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file of a known kind"):
        names(tmp_path)


def test_a_pipe_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        names(tmp_path / "pipe")


def test_two_files_with_the_same_results_are_refused(corpus: Path) -> None:
    (corpus / "other").mkdir()
    (corpus / "other/b.txt").write_bytes(b"")
    for second in (corpus / "other/b.txt", corpus / "other"):
        with pytest.raises(UsageError, match=r"b\.txt: its results would be those of .*b\.txt"):
            names(corpus / "b.txt", second)


def test_the_name_of_the_folder_of_state_is_kept(tmp_path: Path) -> None:
    (tmp_path / "_edgener").write_bytes(b"")
    with pytest.raises(UsageError, match="_edgener"):
        names(tmp_path / "_edgener")
    (tmp_path / "in/_edgener").mkdir(parents=True)
    (tmp_path / "in/_edgener/a.txt").write_bytes(b"")
    with pytest.raises(UsageError, match=r"_edgener/a\.txt: the name _edgener is kept"):
        names(tmp_path / "in/*/*.txt")


def test_a_pattern_enters_linked_folders_but_those_above(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/g.txt").write_bytes(b"")
    (corpus / "a/linked").symlink_to(tmp_path / "elsewhere")
    (corpus / "a/up").symlink_to(corpus)
    found = find_inputs([str(corpus / "**/*.txt")], Path("out"))
    assert [file.name for file in found.files] == ["_logs/f.txt", "a/linked/g.txt", "b.txt"]
    assert found.left_out == (str(corpus / "a/up"),)


def test_a_pattern_that_meets_a_folder_that_cannot_be_read_is_an_error(corpus: Path) -> None:
    (corpus / "a").chmod(0)
    open_to_all(corpus.parent)
    with without_rights(), pytest.raises(InputError, match=f"^{corpus}/a: cannot be read: Permission denied$"):
        names(corpus / "**/*.txt")
    (corpus / "a").chmod(0o755)


def test_a_folder_that_a_pattern_matches_stands_for_the_files_in_it(corpus: Path) -> None:
    (corpus / "results/_edgener").mkdir(parents=True)
    (corpus / "results/part-0000000.jsonl").write_bytes(b"")
    for pattern in ("*", "**"):
        found = find_inputs([str(corpus / pattern)], Path("out"))
        assert [file.name for file in found.files if file.name[0] != "_"] == ["a/c.jsonl.gz", "a/d.CSV", "b.txt"]
        assert found.left_out == (str(corpus / "a/e.xlsx"), str(corpus / "results"))


def test_a_file_that_two_inputs_hold_under_two_names_is_refused(corpus: Path) -> None:
    for inputs in ((corpus, corpus / "a"), (corpus / "a", corpus), (corpus / "a/d.CSV", corpus / "*/*.CSV")):
        with pytest.raises(UsageError, match=r"is also a file of .*corpus.*, and would be done twice; leave out one"):
            names(*inputs)
