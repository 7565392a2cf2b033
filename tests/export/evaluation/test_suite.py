"""The scores over a directory of labelled sets."""

from __future__ import annotations

import gzip
import lzma
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.tags import Span
from edgener_export.corpus.sentence import Sentence
from edgener_export.errors import CorpusError
from edgener_export.evaluation.suite import LabelledSet, read_suite, score_set, set_name

PERSON, PLACE = Span(0, 3, "PER"), Span(4, 6, "LOC")
SENTENCE = Sentence("王小明在北京工作", (PERSON, PLACE))


def test_right_spans_score_100_and_a_wrong_end_counts_as_overlap_alone() -> None:
    both = LabelledSet("both", [SENTENCE])
    assert score_set(both, [[PERSON, PLACE]]).exact == 100
    score = score_set(both, [[Span(0, 2, "PER"), PLACE]])
    assert score.exact == 50
    assert score.overlap == 100
    assert score.by_label == {"LOC": 100, "PER": 0}


def test_types_that_the_set_does_not_have_are_not_scored() -> None:
    people = LabelledSet("people", [Sentence(SENTENCE.text, (PERSON,))])
    assert score_set(people, [[PERSON, PLACE]]).exact == 100


def test_an_ignored_range_excuses_what_is_found_there_but_not_an_expected_span_that_is_missed() -> None:
    ignoring = LabelledSet("ignoring", [Sentence(SENTENCE.text, (PERSON, PLACE), ignored=((6, 8), (0, 3)))])
    assert score_set(ignoring, [[PERSON, PLACE, Span(6, 8, "LOC")]]).exact == 100
    assert score_set(ignoring, [[PLACE, Span(6, 8, "LOC")]]).exact == pytest.approx(200 / 3)
    assert score_set(ignoring, [[PERSON, PLACE, Span(3, 4, "LOC")]]).exact == 80


def test_a_category_counts_sentences_in_which_all_expected_spans_were_found() -> None:
    sentences = [Sentence("在北京", (Span(1, 3, "LOC"),), category="cities") for _ in range(4)]
    found = [[Span(1, 3, "LOC")], [Span(1, 3, "LOC"), Span(0, 1, "LOC")], [], [Span(1, 2, "LOC")]]
    assert score_set(LabelledSet("places", sentences), found).by_category == {"cities": 50}


@given(st.lists(st.sampled_from([[PERSON], [PLACE], [PERSON, PLACE], [Span(0, 2, "PER")], []]), min_size=1))
def test_the_interval_holds_the_score_between_0_and_100(found: list[list[Span]]) -> None:
    score = score_set(LabelledSet("many", [SENTENCE] * len(found)), found)
    assert 0 <= score.interval.low <= score.exact + 1e-9
    assert score.exact - 1e-9 <= score.interval.high <= 100


def test_the_interval_is_wide_for_few_sentences_and_narrow_for_many() -> None:
    def width(number: int) -> float:
        found = [[PERSON, PLACE] if row % 2 else [] for row in range(number)]
        interval = score_set(LabelledSet("many", [SENTENCE] * number), found).interval
        return interval.high - interval.low

    assert width(10) > 2 * width(200) > 0


def test_a_directory_is_read_by_name_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    line = '{"text": "在北京", "entities": [[1, 3, "LOC"]], "ignore": [[0, 1]], "cat": "cities"}\n'
    for name in ("b.jsonl", "a.jsonl"):
        (tmp_path / name).write_text(line, encoding="utf-8")
    (tmp_path / "README.md").write_text("no set", encoding="utf-8")
    sets = read_suite(tmp_path)
    assert [labelled.name for labelled in sets] == ["a", "b"]
    assert sets[0].sentences == [Sentence("在北京", (Span(1, 3, "LOC"),), ((0, 1),), "cities")]
    with pytest.raises(CorpusError, match="no labelled sets"):
        read_suite(tmp_path / "missing")


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("news.jsonl", "news"),
        ("news.2023.jsonl.xz", "news.2023"),
        ("news.2024.json.gz", "news.2024"),
        ("test.char.bmes", "test.char"),
        ("test.txt", "test"),
        ("weiboNER_2nd_conll.train", "weiboNER_2nd_conll.train"),
        ("v1.2", "v1.2"),
    ],
)
def test_a_set_is_called_as_its_file_without_the_suffixes_of_format_and_packing(file: str, name: str) -> None:
    assert set_name(Path("sets.1", file)) == name


def test_sets_with_dots_in_their_names_stay_apart_and_two_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("news.2023.jsonl", "news.2024.jsonl"):
        (tmp_path / name).write_text('{"text": "在北京", "entities": [[1, 3, "LOC"]]}\n', encoding="utf-8")
    assert [labelled.name for labelled in read_suite(tmp_path)] == ["news.2023", "news.2024"]
    (tmp_path / "posts.jsonl.gz").write_bytes(gzip.compress((tmp_path / "news.2023.jsonl").read_bytes()))
    assert [labelled.name for labelled in read_suite(tmp_path)] == ["news.2023", "news.2024", "posts"]
    plain, packed = tmp_path / "news.2023.jsonl", tmp_path / "news.2023.jsonl.xz"
    packed.write_bytes(lzma.compress(plain.read_bytes()))
    with pytest.raises(CorpusError, match=re.escape(f"{packed}: is the set news.2023, and so is {plain}; rename")):
        read_suite(tmp_path)
