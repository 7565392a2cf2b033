"""Calibration: its error, and the temperature and offset that make scores the share of right answers."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener import Recognizer
from edgener.bundle import MANIFEST, load_bundle
from edgener.bundle_rules import BundleRules
from edgener.score_calibration import Calibration
from edgener.tags import Span
from edgener_export.cli.main import main
from edgener_export.corpus.formats import jsonl
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.errors import CorpusError
from edgener_export.evaluation.answers import Answers, answers_to, halves, uncalibrated
from edgener_export.evaluation.min_score import (
    best_f1,
    lowest_for_precision,
    min_scores,
    moved_min_score,
    outcome,
    why_none,
)
from edgener_export.evaluation.score_calibration import (
    ALL,
    BY_TYPE,
    OFFSET,
    OWN,
    TEMPERATURE,
    calibration_error,
    fitted_line,
    measure,
)
from edgener_export.evaluation.suite import LabelledSet
from tests.support import TINY_BUNDLE, TINY_TEST, change_manifest, labelled_texts, names, read_manifest


def answers(data: str, number: int, temperature: float, offset: float, label: str = "PER") -> Answers:
    """Return answers whose scores are right with the probability of this temperature and offset."""
    generator = np.random.default_rng(list(data.encode()))
    scores = generator.uniform(0.4, 0.999, number)
    truth = Calibration(temperature, offset, ())
    right = np.array([truth.calibrated(score) for score in scores]) > generator.uniform(size=number)
    return Answers(data, (label,) * number, scores, right, Counter({label: number}))


def test_the_error_is_the_mean_gap_between_score_and_share_of_right_answers() -> None:
    right = np.array([True, True, True, False])
    assert calibration_error(np.full(4, 0.75), right) == pytest.approx(0)
    assert calibration_error(np.full(4, 0.95), right) == pytest.approx(20)
    assert calibration_error(np.array([1.0, 1.0, 0.5, 0.5]), right) == pytest.approx(0)
    assert calibration_error(np.array([0.9, 0.1]), np.array([False, False])) == pytest.approx(50)
    assert calibration_error(np.array([0.9, 0.1]), np.array([False, False]), np.array([3.0, 1.0])) == pytest.approx(70)


@pytest.mark.parametrize(("temperature", "offset"), [(1.0, 0.0), (2.5, 0.0), (1.3, -1.2), (0.7, 0.5)])
def test_the_numbers_that_made_the_answers_are_found_again(temperature: float, offset: float) -> None:
    given = answers("many", 40_000, temperature, offset)
    slope, found = fitted_line(given.scores, given.right, given.weights, has_offset=True)
    assert 1 / slope == pytest.approx(temperature, rel=0.1)
    assert found == pytest.approx(offset, abs=0.1)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=30))
def test_any_scores_give_finite_numbers_or_an_error(rows: list[tuple[float, bool]]) -> None:
    scores, right = np.array([score for score, _ in rows]), np.array([is_right for _, is_right in rows])
    try:
        slope, offset = fitted_line(scores, right, np.ones(len(rows)), has_offset=True)
    except CorpusError:
        return
    assert np.isfinite([slope, offset]).all()
    assert slope > 0


def test_the_simplest_way_that_helps_is_the_best() -> None:
    for temperature, offset, best in ((1.0, 0.0, OWN), (2.5, 0.0, TEMPERATURE), (1.2, -1.5, OFFSET)):
        chosen_on, measured_on = ([answers("one", 20_000, temperature, offset)] for _ in range(2))
        assert measure(chosen_on, measured_on).best == best


def test_errors_are_those_of_answers_that_chose_nothing() -> None:
    chosen_on = [answers("news", 5000, 1.0, 0.0), answers("posts", 500, 1.5, -1.0)]
    measured_on = [answers("news", 3000, 1.0, 0.0), answers("posts", 300, 1.5, -1.0), answers("none", 0, 1, 0)]
    measured = measure(chosen_on, measured_on)
    assert measured.sets == ("news", "posts", ALL)
    assert measured.entities == (3000, 300, 3300)
    assert measured.errors[OWN][0] < 3 < measured.errors[OWN][1]
    assert measured.errors[OFFSET][-1] < measured.errors[OWN][-1]
    assert set(measured.errors) == {OWN, TEMPERATURE, OFFSET, BY_TYPE}
    stored = measured.calibration(OFFSET)
    assert stored.sets[-1].data == ALL
    assert stored.sets[-1].error_after == pytest.approx(measured.errors[OFFSET][-1], abs=0.01)
    by_hand = np.array([stored.calibrated(score) for score in measured_on[1].scores])
    assert stored.sets[1].error_after == pytest.approx(calibration_error(by_hand, measured_on[1].right), abs=0.5)


def test_sets_have_the_same_weight_however_large() -> None:
    few, many = answers("few", 200, 2.0, -2.0), answers("many", 20_000, 1.0, 0.0)
    (slope, offset) = measure([few, many], [few, many]).lines[OFFSET]
    (alone_slope, alone_offset) = measure([many], [many]).lines[OFFSET]
    assert offset < alone_offset - 0.3
    assert slope < alone_slope


def test_answers_that_are_all_right_are_refused() -> None:
    for right in (np.ones(5, dtype=bool), np.zeros(5, dtype=bool)):
        with pytest.raises(CorpusError, match="needs right and wrong ones"):
            fitted_line(np.linspace(0.5, 0.9, 5), right, np.ones(5), has_offset=True)
    with pytest.raises(CorpusError, match="a higher score does not mean more right answers"):
        fitted_line(np.array([0.1, 0.2, 0.8, 0.9]), np.array([True, True, False, False]), np.ones(4), has_offset=False)


def test_a_lowest_score_reaches_the_precision_that_was_asked_for() -> None:
    given = [answers("one", 5000, 1.0, 0.0), answers("two", 500, 1.0, -0.5)]
    precision = min_scores(given, lowest_for_precision(0.85))["PER"]
    assert precision is not None
    assert 84.9 <= outcome(given, "PER", precision)[0] < 87
    assert outcome(given, "PER", 0.0)[0] < 80
    half_right = Answers("half", ("PER",) * 60, np.linspace(0.5, 0.9, 60), np.arange(60) % 2 == 1, Counter({"PER": 60}))
    assert min_scores([half_right], lowest_for_precision(0.9)) == {"PER": None}
    assert min_scores(given, lowest_for_precision(0.1))["PER"] == 0.0


def test_why_no_score_is_chosen_is_told() -> None:
    few = Answers("few", ("PER",) * 29, np.linspace(0.5, 0.9, 29), np.ones(29, dtype=bool), Counter({"PER": 29}))
    assert min_scores([few], lowest_for_precision(0.9)) == {"PER": None}
    assert why_none([few], "PER", 0.9) == "a precision needs 30 answers, and the sentences that choose have 29"
    assert why_none([few, few], "PER", 0.9) == "no score reaches a precision of 0.9 on at least 30 answers"


CALIBRATIONS = st.one_of(
    st.none(), st.builds(Calibration, st.floats(0.5, 3).map(lambda it: round(it, 4)), st.floats(-2, 2), st.just(()))
)


@given(st.floats(0, 1), st.floats(0, 1), CALIBRATIONS, CALIBRATIONS)
def test_a_moved_lowest_score_keeps_the_same_entities(
    own: float, lowest: float, before: Calibration | None, after: Calibration | None
) -> None:
    shown = before.calibrated(own) if before else own
    again = after.calibrated(own) if after else own
    moved = moved_min_score(lowest, before, after)
    assert 0 <= moved <= 1
    if abs(shown - lowest) > 1e-5:  # as near as this, rounding decides
        assert (again >= moved) == (shown >= lowest)


def test_a_lowest_score_out_of_reach_stays_so_and_one_below_all_scores_keeps_them_all() -> None:
    narrow, wide = Calibration(2.0, 0.0, ()), Calibration(0.5, 0.0, ())
    assert narrow.calibrated(1.0) < 0.9995
    assert moved_min_score(0.9995, narrow, wide) == 1.0
    assert moved_min_score(0.0005, narrow, wide) == moved_min_score(0.0, None, wide) == 0.0


def test_the_best_f1_is_above_that_of_its_neighbours() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.5])
    given = Answers(
        "one", ("PER",) * 6, scores, np.array([1, 1, 0, 1, 0, 0], dtype=bool), Counter({"PER": 3, "LOC": 2})
    )
    assert min_scores([given], best_f1) == {"PER": 0.6}
    assert outcome([given], "PER", 0.6) == pytest.approx((75, 100, 600 / 7))
    assert outcome([given], "PER", 0.95) == (0, 0, 0)


def test_a_set_in_which_little_is_found_has_no_more_weight_than_others() -> None:
    right = np.ones(100, dtype=bool)
    found = Answers("found", ("PER",) * 100, np.linspace(0.5, 0.9, 100), right, Counter({"PER": 100}))
    missed = Answers("missed", ("PER",) * 5, np.linspace(0.5, 0.9, 5), right[:5], Counter({"PER": 100}))
    assert outcome([found, missed], "PER", 0.0)[:2] == pytest.approx((100, 52.5))
    silent = Answers("silent", (), np.empty(0), np.empty(0, dtype=bool), Counter({"PER": 7}))
    assert outcome([found, silent], "PER", 0.0)[:2] == pytest.approx((100, 50))
    wrong = Answers("wrong", ("PER",) * 5, np.linspace(0.5, 0.9, 5), ~right[:5], Counter())
    assert outcome([found, wrong], "PER", 0.0)[:2] == pytest.approx((50, 100))


def write_sets(folder: Path) -> None:
    """Write two labelled sets for the tiny model; in one of them many of its answers are wrong."""
    rows = read_corpus_file(TINY_TEST)
    hard = [Sentence(row.text, row.spans[: number % 2]) for number, row in enumerate(rows)]
    folder.mkdir()
    for name, sentences in (("easy", rows[:40]), ("hard", [row for row in hard if row.spans] + hard[:20])):
        jsonl.write(sentences, folder / f"{name}.jsonl")


def test_the_command_calibrates_a_bundle_whose_entities_stay(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sets(tmp_path / "sets")
    target = tmp_path / "calibrated"
    before = {name: file.sha256 for name, file in read_manifest(bundle).files.items()}
    arguments = ["calibrate", str(bundle), str(tmp_path / "sets"), "--output", str(target), "--threads", "1"]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0].split("  ")[0] == "expected calibration error, %"
    assert [line.split()[0] for line in shown.out.splitlines()[1:]] == ["easy", "hard", "all"]
    manifest = load_bundle(target).manifest
    assert manifest.calibration
    assert manifest.calibration.sets[-1].error_after < manifest.calibration.sets[-1].error_before
    changed = {name for name, file in manifest.files.items() if file.sha256 != before[name]}
    assert changed == {"golden.json", "README.md"}
    text = labelled_texts()[0].text
    assert names(Recognizer.load(target)(text)) == names(Recognizer.load(bundle)(text))
    assert "A score is a calibrated probability. Over 2 labelled sets" in (target / "README.md").read_text("utf-8")
    first = (target / MANIFEST).read_bytes()
    assert main(["calibrate", str(target), str(tmp_path / "sets"), "--threads", "1"]) == 0
    assert (target / MANIFEST).read_bytes() == first  # a calibration is not calibrated again
    assert not list(tmp_path.glob(".calibrated*"))


def test_a_bundle_with_lowest_scores_keeps_its_entities(bundle: Path, tmp_path: Path) -> None:
    write_sets(tmp_path / "sets")
    texts = [row.text for row in labelled_texts()]
    change_manifest(bundle, rules=BundleRules(min_score={"PER": 0.99, "LOC": 0.98}))
    before = [names(found) for found in Recognizer.load(bundle).batch(texts)]
    assert before != [names(found) for found in Recognizer.load(TINY_BUNDLE).batch(texts)]
    rows = read_corpus_file(TINY_TEST)
    dev = [Sentence(row.text, row.spans if number % 5 else row.spans[:1]) for number, row in enumerate(rows)]
    jsonl.write(dev, tmp_path / "dev")
    for data in ("sets", "dev", "sets"):
        assert main(["calibrate", str(bundle), str(tmp_path / data), "--from", "jsonl", "--threads", "1"]) == 0
        assert [names(found) for found in Recognizer.load(bundle).batch(texts)] == before
    first = (bundle / MANIFEST).read_bytes()
    assert main(["calibrate", str(bundle), str(tmp_path / "sets"), "--threads", "1"]) == 0
    assert (bundle / MANIFEST).read_bytes() == first


def test_sentences_in_which_nothing_can_be_measured_are_refused_by_name(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sets(tmp_path / "sets")
    (tmp_path / "none.jsonl").write_text('{"text": "他来了", "entities": [[0, 1, "PER"]]}\n', encoding="utf-8")
    others = ["--held-out", str(tmp_path / "none.jsonl"), "--dry-run", "--threads", "1"]
    assert main(["calibrate", str(bundle), str(tmp_path / "sets"), *others]) == CorpusError.exit_code
    assert "none: the model found no entity that counts there" in capsys.readouterr().err


def test_a_dry_run_writes_nothing_and_other_data_can_measure(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sets(tmp_path / "sets")
    before = (bundle / MANIFEST).read_bytes()
    sets = tmp_path / "sets"
    others = ["--held-out", str(sets / "easy.jsonl"), "--dry-run", "--best-f1", "--threads", "1"]
    assert main(["calibrate", str(bundle), str(sets), *others]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:3]] == ["easy", "all"]
    assert (bundle / MANIFEST).read_bytes() == before


def test_lowest_scores_go_into_the_rules_of_the_bundle(bundle: Path, tmp_path: Path) -> None:
    rows = []
    for number, row in enumerate(read_corpus_file(TINY_TEST)):
        rows.append(Sentence(row.text, row.spans if number % 3 else row.spans[:1]))
    jsonl.write(rows, tmp_path / "dev.jsonl")
    assert main(["calibrate", str(bundle), str(tmp_path / "dev.jsonl"), "--best-f1", "--threads", "1"]) == 0
    rules = read_manifest(bundle).rules
    assert rules is not None
    assert set(rules.min_score or {}) <= {"LOC", "ORG", "PER"}
    assert all(0 < score < 1 for score in (rules.min_score or {}).values())
    load_bundle(bundle)


def test_a_precision_that_no_score_reaches_leaves_the_rules_as_they_were_and_what_is_replaced_is_told(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sets(tmp_path / "sets")
    command = ["calibrate", str(bundle), str(tmp_path / "sets"), "--threads", "1"]
    assert main([*command, "--precision", "1"]) == 0
    assert read_manifest(bundle).rules is None
    change_manifest(bundle, rules=BundleRules(min_score={"PER": 0.99}, types=("PER", "LOC")))
    assert main([*command, "--precision", "1"]) == 0
    rules = read_manifest(bundle).rules
    assert rules is not None
    assert (list(rules.min_score or {}), rules.types) == (["PER"], ("PER", "LOC"))
    assert "PER: keeps its lowest score of 0.9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["default", "x.jsonl"], 2, "the built-in bundle is not changed; name a directory with --output"),
        (["BUNDLE", "x.jsonl", "--precision", "90"], 2, "--precision is 90.0; it must be a share above 0"),
        (["BUNDLE", "x.jsonl"], 32, "x.jsonl: cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_code(
    bundle: Path, arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(bundle) if argument == "BUNDLE" else argument for argument in arguments]
    assert main(["calibrate", *given]) == code
    assert message in capsys.readouterr().err


def test_halves_hold_every_sentence_once_and_equal_texts_together() -> None:
    sentences = [Sentence(f"第{number % 50}句\ud800", ()) for number in range(100)]
    one, other = halves(LabelledSet("set", sentences))
    assert len(one.sentences) + len(other.sentences) == 100
    assert {it.text for it in one.sentences}.isdisjoint(it.text for it in other.sentences)
    assert 20 <= len(one.sentences) <= 80
    assert halves(LabelledSet("set", sentences)) == (one, other)


def test_answers_are_those_of_the_plain_model(bundle: Path) -> None:
    row = labelled_texts()[0]
    labelled = LabelledSet("one", [Sentence(row.text, (Span(*row.names[0]),))])
    found = answers_to(uncalibrated(load_bundle(bundle), 1), labelled)
    expected = [it for it in Recognizer.load(TINY_BUNDLE)(row.text) if it.label == row.names[0][2]]
    assert found.scores.tolist() == [it.score for it in expected]
    assert found.expected == Counter({row.names[0][2]: 1})
    assert json.dumps(found.right.tolist()) == json.dumps([names([it])[0] == row.names[0] for it in expected])
