"""The labelled sets of the repository are whole, were not learned, and are answered by the built-in model."""

from __future__ import annotations

import pytest

from edgener import Recognizer
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.evaluation.recognize import recognize_all
from edgener_export.evaluation.score import score_spans
from edgener_export.evaluation.suite import LabelledSet, read_suite
from edgener_export.training.unlabelled import read_texts
from tests.support import ROOT

RECIPES = ROOT / "export" / "recipes"
SETS = read_suite(ROOT / "export" / "sets")
LEAST_F1 = {"contrast": 80.0, "forms": 74.0, "real": 85.0, "today": 90.0, "today_dev": 92.0}

each_set = pytest.mark.parametrize("labelled", SETS, ids=[labelled.name for labelled in SETS])


def test_no_text_stands_in_two_sets_or_twice() -> None:
    texts = [sentence.text for labelled in SETS for sentence in labelled.sentences]
    assert len(set(texts)) == len(texts)


@each_set
def test_entities_do_not_overlap_and_have_no_blanks_at_their_ends(labelled: LabelledSet) -> None:
    for sentence in labelled.sentences:
        names = [sentence.text[span.start : span.end] for span in sentence.spans]
        assert names == [name.strip() for name in names]
        places = [place for span in sentence.spans for place in range(span.start, span.end)]
        assert len(set(places)) == len(places), sentence.text


@pytest.mark.slow
def test_no_text_of_a_set_is_among_those_that_the_recipes_learn() -> None:
    labelled = (RECIPES / f"{name}.jsonl.xz" for name in ("labelled", "real", "today", "contrast", "forms"))
    learned = {sentence.text for path in labelled for sentence in read_corpus_file(path)}
    learned.update(read_texts(RECIPES / "unlabelled.txt.xz", 0))
    assert not [sentence.text for labelled in SETS for sentence in labelled.sentences if sentence.text in learned]


@each_set
def test_the_built_in_model_knows_the_text_of_today(labelled: LabelledSet) -> None:
    pairs = recognize_all(Recognizer.load(), labelled.sentences)
    assert score_spans(pairs).f1 >= LEAST_F1[labelled.name]
