"""A comparison finds real differences significant, chance not, and shows what changed."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.bundle_rules import BundleRules
from edgener.tags import Span
from edgener_export.cli.main import main
from edgener_export.corpus.formats import jsonl
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.evaluation import bootstrap
from edgener_export.evaluation.bootstrap import exact_counts, f1_interval, significance
from edgener_export.evaluation.compare import compare
from edgener_export.evaluation.suite import LabelledSet, score_set
from edgener_export.evaluation.suite_table import text_tables
from edgener_export.report.suite_plot import suite_plot
from tests.support import TINY_TEST, change_manifest

NAME = Span(0, 3, "PER")
SENTENCE = Sentence("王小明在北京", (NAME, Span(4, 6, "LOC")))


def counts_of(rights: list[bool]) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Return the counts of sentences of one entity each, which is found or not."""
    return np.array([(int(right), int(right), 1) for right in rights], dtype=np.int64)


def test_the_same_answers_are_no_difference_and_many_better_ones_are() -> None:
    same = counts_of([number % 2 == 0 for number in range(200)])
    better = counts_of([number % 2 == 0 or number < 60 for number in range(200)])
    assert significance(same, same) == 1
    assert significance(same, better) < 0.001
    assert significance(better, same) == pytest.approx(significance(same, better), abs=0.001)


def test_one_changed_sentence_is_chance_and_the_probability_is_exact_where_it_is_known() -> None:
    before = counts_of([False, True, True, True])
    one = counts_of([True, True, True, True])
    assert significance(before, one) == 1
    three, none = counts_of([True] * 3 + [False] * 5), counts_of([False] * 8)
    assert significance(none, three) == pytest.approx(2 / 8, abs=0.02)  # all three on one side or on the other


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=20))
def test_a_significance_is_a_probability_and_the_same_each_time(rows: list[tuple[bool, bool]]) -> None:
    one, other = counts_of([row[0] for row in rows]), counts_of([row[1] for row in rows])
    found = significance(one, other)
    assert 0 < found <= 1
    assert significance(one, other) == found
    assert f1_interval(one).low <= f1_interval(one).high


def test_few_samples_at_once_give_the_same_figures_and_take_less_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = counts_of([number % 3 == 0 for number in range(1000)]), counts_of([False] * 1000)
    expected = f1_interval(one), significance(one[:50], other[:50])
    monkeypatch.setattr(bootstrap, "MOST_DRAWN", 70_001)
    tracemalloc.start()
    try:
        interval = f1_interval(one)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (interval, significance(one[:50], other[:50])) == expected
    assert peak < 8 * one.size * bootstrap.RESAMPLES / 10


def test_changes_are_the_sentences_that_became_better_or_worse_the_largest_first() -> None:
    place = SENTENCE.spans[1]
    before = [[NAME], [NAME, place], [NAME, place], []]
    after = [[NAME, place], [NAME, place], [NAME, Span(3, 6, "LOC")], [NAME, place]]
    found = compare(LabelledSet("four", [SENTENCE] * 4), before, after)
    assert [change.gain for change in found.changes] == [-2, 2, 1]
    assert (found.won, found.lost, found.sentences) == (2, 1, 4)
    assert found.after > found.before
    assert exact_counts([(SENTENCE.spans, after[2])]).tolist() == [[1, 2, 2]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file of sentences that the tiny model knows."""
    jsonl.write(read_corpus_file(TINY_TEST)[:30], tmp_path / "test.jsonl")
    return tmp_path / "test.jsonl"


def test_the_command_tells_which_bundle_is_better_and_where(
    bundle: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worse = bundle.parent / "worse"
    worse.mkdir()
    for path in bundle.iterdir():
        (worse / path.name).write_bytes(path.read_bytes())
    change_manifest(worse, rules=BundleRules(types=("PER",)))
    arguments = ["compare", str(bundle), str(worse), str(data), "--threads", "1"]
    assert main([*arguments, "--show", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[0] == "test"
    assert lines[1].endswith("A is better")
    assert lines[3].startswith("test, worse by ")
    assert "/LOC]" in lines[5] or "/ORG]" in lines[5]
    assert "/LOC]" not in lines[6]
    assert main([*arguments, "--json"]) == 0
    (plain,) = json.loads(capsys.readouterr().out)
    assert plain["significance"] < 0.05
    assert len(plain["changes"]) > 5
    assert main(["compare", str(bundle), str(bundle), str(data), "--threads", "1"]) == 0
    assert "no significant difference" in capsys.readouterr().out


def test_half_a_surrogate_pair_in_a_text_or_type_is_printed(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    half = Sentence(f"{SENTENCE.text}\ud83d", SENTENCE.spans)
    path = tmp_path / "half.jsonl"
    rows = [{"text": half.text, "entities": [[*span] for span in half.spans]}]
    rows.append({"text": "好", "entities": [[0, 1, "T\ud83d"]]})
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    worse = Path(shutil.copytree(bundle, tmp_path / "worse"))
    change_manifest(worse, rules=BundleRules(types=("ORG",)))
    compared = ["compare", str(bundle), str(worse), str(path), "--threads", "1"]
    assert main(compared) == 0
    assert "\ufffd" in capsys.readouterr().out
    assert main([*compared, "--json"]) == 0
    (plain,) = json.loads(capsys.readouterr().out)
    assert half.text in [change["text"] for change in plain["changes"]]
    assert main(["data", str(path), "--against", str(path)]) == 0
    assert "T\ufffd" in capsys.readouterr().out
    assert main(["data", str(path), "--json"]) == 0
    assert "T\ud83d" in json.loads(capsys.readouterr().out)["entities"]
    scored = ["evaluate", str(bundle), "--test", str(path), "--threads", "1"]
    assert main([*scored, "--details"]) == 0
    assert "T\ufffd" in capsys.readouterr().out
    assert main([*scored, "--json"]) == 0
    assert "\\ud83d" in capsys.readouterr().out


def test_the_plot_shows_every_model_and_set_and_is_the_same_each_time(
    bundle: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "quality.svg"
    assert main(["evaluate", str(bundle), "--suite", str(data.parent), "--plot", str(plot), "--threads", "1"]) == 0
    svg = plot.read_text(encoding="utf-8")
    assert svg.startswith("<svg")
    assert ">test<" in svg
    sets = [LabelledSet("一套", [SENTENCE]), LabelledSet("other", [SENTENCE])]
    scores = {it.name: {"ours": score_set(it, [SENTENCE.spans]), "theirs": score_set(it, [[NAME]])} for it in sets}
    drawn = suite_plot(sets, scores)
    assert drawn == suite_plot(sets, scores)
    assert all(f">{name}<" in drawn for name in ("一套", "other", "ours", "theirs"))
    assert "一套" in text_tables(sets, scores)
    assert capsys.readouterr().out
