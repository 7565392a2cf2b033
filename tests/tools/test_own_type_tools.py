"""The tools that measure the settings of `edgener-export train` vary one setting at a time and show every result."""

from __future__ import annotations

from dataclasses import asdict

from edgener.tags import Span
from edgener_export.corpus.retype import of_types
from edgener_export.corpus.sentence import Sentence, labels_of
from edgener_export.plan.choices import Choices
from tools import measure_choices, own_type_scores
from tools.measure_choices import variants

BASE = Choices(epochs=10, tokens_per_batch=256, learning_rate=5e-4)


def test_each_variant_differs_in_one_setting() -> None:
    first, *others = variants(BASE)
    assert first == BASE
    assert len(set(others)) == len(others) > 4
    for other in others:
        assert sum(value != asdict(BASE)[name] for name, value in asdict(other).items()) == 1


def test_the_table_of_choices_has_the_best_of_each_size_first() -> None:
    results = [
        measure_choices.Result(data, "small", 50, choices, f1, 10.0)
        for choices, scores in ((BASE, (60.0, 70.0)), (Choices(20, 256, 5e-4), (80.0, 90.0)))
        for data, f1 in zip(("a", "b"), scores, strict=True)
    ]
    head, best, other = measure_choices.rows(results)
    assert head[-4:] == ("a", "b", "mean", "CPU s")
    assert (best[2], best[-4:]) == ("20", ("80.00", "90.00", "85.00", "10"))
    assert (other[2], other[-2]) == ("10", "65.00")


def test_entities_of_types_that_a_small_part_lacks_are_not_expected() -> None:
    train = [Sentence("ab", (Span(0, 1, "A"),))]
    dev = [Sentence("ab", (Span(0, 1, "A"), Span(1, 2, "RARE")))]
    assert of_types(dev, labels_of(train)) == train


def test_the_table_of_scores_has_a_row_for_each_model() -> None:
    results = [own_type_scores.Result("resume", 200, base, 80.0, 1.5, 1.0, 2) for base in ("small", "random small")]
    head, *rows = own_type_scores.rows(results)
    assert [row[2] for row in rows] == ["random small", "small"]
    assert len(head) == len(rows[0])
