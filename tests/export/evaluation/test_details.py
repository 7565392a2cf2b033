"""Scores in detail agree with seqeval, count each error once, and tell seen entities from others."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from edgener.tags import Span
from edgener_export.cli.main import main
from edgener_export.corpus.formats import jsonl
from edgener_export.corpus.schemes import spans_to_tags
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.evaluation.details import (
    MICRO,
    SEEN,
    UNSEEN,
    Errors,
    count_errors,
    figures_by_acquaintance,
    figures_by_type,
)
from tests.support import TINY_TEST

LENGTH = 8


@st.composite
def span_lists(draw: st.DrawFn) -> list[Span]:
    """Spans in a text of LENGTH characters that never overlap."""
    cuts = sorted(draw(st.sets(st.integers(0, LENGTH), max_size=6)))
    spans = pairwise(cuts)
    return [Span(*span, draw(st.sampled_from(("PER", "LOC")))) for span in spans if draw(st.booleans())]


PAIRS = st.lists(st.tuples(span_lists(), span_lists()), min_size=1, max_size=6).filter(
    lambda pairs: any(expected for expected, _ in pairs) and any(found for _, found in pairs)
)


@settings(max_examples=50)
@given(PAIRS)
@pytest.mark.filterwarnings("ignore")
def test_figures_are_those_of_seqeval(pairs: list[tuple[list[Span], list[Span]]]) -> None:
    expected, found = ([spans_to_tags(LENGTH, pair[side], "bio") for pair in pairs] for side in (0, 1))
    report = classification_report(expected, found, output_dict=True, mode="strict", scheme=IOB2, zero_division=0)
    by_type = figures_by_type(pairs)
    figures = {**by_type.types, **by_type.averages}
    assert set(figures) == set(report)
    for name, row in report.items():
        ours = (figures[name].precision, figures[name].recall, figures[name].f1)
        theirs = (100 * row["precision"], 100 * row["recall"], 100 * row["f1-score"])
        assert ours == pytest.approx(theirs)
        assert figures[name].support == row["support"]


@given(PAIRS)
def test_each_expected_entity_is_right_or_one_kind_of_error(pairs: list[tuple[list[Span], list[Span]]]) -> None:
    errors = count_errors(pairs)
    expected = sum(len(expected) for expected, _ in pairs)
    assert errors.right + errors.boundary + errors.type + errors.both + errors.missed == expected
    assert errors.right == sum(len(set(expected) & set(found)) for expected, found in pairs)
    interval = figures_by_type(pairs).averages[MICRO].interval
    assert interval is not None
    assert 0 <= interval.low <= interval.high <= 100


def test_a_type_may_have_the_name_of_an_average() -> None:
    figures = figures_by_type([([Span(0, 3, MICRO), Span(4, 6, "PER")], [Span(4, 6, "PER")])])
    assert (figures.types[MICRO].recall, figures.types[MICRO].support) == (0, 1)
    assert (figures.averages[MICRO].recall, figures.averages[MICRO].support) == (50, 2)


@pytest.mark.parametrize(
    ("found", "errors"),
    [
        ([Span(0, 3, "PER")], Errors(1, 0, 0, 0, 0, 0)),
        ([Span(0, 2, "PER")], Errors(0, 1, 0, 0, 0, 0)),
        ([Span(0, 3, "LOC")], Errors(0, 0, 1, 0, 0, 0)),
        ([Span(0, 2, "LOC")], Errors(0, 0, 0, 1, 0, 0)),
        ([Span(0, 1, "LOC"), Span(1, 3, "PER")], Errors(0, 1, 0, 0, 0, 0)),
        ([], Errors(0, 0, 0, 0, 1, 0)),
        ([Span(3, 5, "PER")], Errors(0, 0, 0, 0, 1, 1)),
    ],
)
def test_kinds_of_errors(found: list[Span], errors: Errors) -> None:
    assert count_errors([([Span(0, 3, "PER")], found)]) == errors


def test_an_entity_is_seen_if_the_training_data_has_its_text_with_its_type() -> None:
    sentence = Sentence("李娜在北京", (Span(0, 2, "PER"), Span(3, 5, "LOC")))
    training = [Sentence("北京人", (Span(0, 2, "LOC"),)), Sentence("李娜镇", (Span(0, 2, "LOC"),))]
    figures = figures_by_acquaintance([sentence], [(sentence.spans, [Span(3, 5, "LOC"), Span(2, 3, "PER")])], training)
    assert (figures[SEEN].recall, figures[SEEN].support) == (100, 1)
    assert (figures[UNSEEN].recall, figures[UNSEEN].precision, figures[UNSEEN].support) == (0, 0, 1)


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """A file of sentences that the tiny model knows, with one label that is wrong."""
    rows = read_corpus_file(TINY_TEST)[:12]
    rows[0] = Sentence(rows[0].text, ())
    path = tmp_path / "test.jsonl"
    jsonl.write(rows, path)
    return path


def test_the_command_prints_details_and_the_same_as_json(
    bundle: Path, labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", str(bundle), "--test", str(labelled), "--train", str(labelled), "--threads", "1"]
    assert main([*arguments, "--details"]) == 0
    shown = capsys.readouterr().out
    assert "weighted avg" in shown
    assert "95 % interval" in shown
    assert "invented: found where no entity is" in shown
    assert "seen in training" in shown
    assert main([*arguments, "--json"]) == 0
    (plain,) = json.loads(capsys.readouterr().out).values()
    assert list(plain["types"]) == ["LOC", "ORG", "PER"]
    assert list(plain["averages"]) == ["micro avg", "macro avg", "weighted avg"]
    assert plain["errors"]["invented"] > 0
    assert plain["acquaintance"][UNSEEN]["support"] == 0
    assert main(["evaluate", str(bundle), "--suite", str(labelled.parent), "--details"]) == 2
    assert main(["evaluate", str(bundle), "--test", str(labelled), "--plot", "x.svg"]) == 2
