"""The score of a bundle counts what its labelled sentences count, and nothing in their ignored ranges."""

from __future__ import annotations

from dataclasses import replace

from edgener import Recognizer
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.evaluation.compare import compare
from edgener_export.evaluation.recognize import evaluate, recognize_all
from edgener_export.evaluation.score import score_spans
from edgener_export.evaluation.suite import LabelledSet, score_set
from edgener_export.report.confusion import confuse
from tests.support import TINY_BUNDLE, TINY_TEST

ROWS = [row for row in read_corpus_file(TINY_TEST) if len(row.spans) > 1][:20]
OPEN = [replace(row, spans=row.spans[:1], ignored=tuple(span[:2] for span in row.spans[1:])) for row in ROWS]
"""Sentences of which one entity is labelled, and the others are ignored."""


def closed(sentences: list[Sentence]) -> list[Sentence]:
    return [replace(sentence, ignored=()) for sentence in sentences]


def test_what_is_found_in_an_ignored_range_counts_for_nothing() -> None:
    assert evaluate(TINY_BUNDLE, OPEN, "open", 1).quality.precision > 95
    assert evaluate(TINY_BUNDLE, closed(OPEN), "closed", 1).quality.precision < 60
    everything = [replace(row, ignored=((0, len(row.text)),)) for row in ROWS]
    assert evaluate(TINY_BUNDLE, everything, "ignored", 1).quality.recall > 95


def test_a_file_a_suite_a_comparison_and_the_confusions_count_the_same() -> None:
    recognizer, labelled = Recognizer.load(TINY_BUNDLE, threads=1), LabelledSet("open", OPEN)
    pairs = recognize_all(recognizer, OPEN, labelled.labels)
    found = [spans for _, spans in pairs]
    everything = [spans for _, spans in recognize_all(recognizer, closed(OPEN))]
    assert everything != found
    f1 = score_spans(pairs).f1
    assert score_set(labelled, everything).exact == score_set(labelled, found).exact == f1
    assert compare(labelled, everything, found).changes == ()
    assert sum(confuse(pairs)[-1].found.values()) == score_spans(pairs).predicted - score_spans(pairs).correct
