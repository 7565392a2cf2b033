"""The table of the quality page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgener_export.corpus.splits import read_corpus_file
from edgener_export.evaluation.suite import LabelledSet
from edgener_export.evaluation.suite_table import markdown_tables
from tests.support import TINY_BUNDLE, TINY_TEST
from tools.bench.contract import Options
from tools.bench.drivers import edgener
from tools.quality import Named, score_all


class Silent:
    """A recognizer that finds nothing."""

    def one(self, _text: str) -> list[tuple[int, int, str]]:
        """Return no entity."""
        return []

    def many(self, texts: Sequence[str]) -> list[list[tuple[int, int, str]]]:
        """Return no entity for each text."""
        return [[] for _ in texts]


def test_models_stand_side_by_side_with_their_mean_and_categories() -> None:
    sentences = [replace(sentence, category="invented") for sentence in read_corpus_file(TINY_TEST)[:20]]
    sets = [LabelledSet("one", sentences), LabelledSet("two", sentences)]
    scores = score_all(
        sets, [Named("ours", edgener.load(Options(1, str(TINY_BUNDLE), "", 0))), Named("silent", Silent())]
    )
    lines = markdown_tables(sets, scores).splitlines()
    assert lines[0] == "| exact F1 (overlap) | sentences | entities | ours | silent |"
    assert lines[2] == f"| one | 20 | {sum(len(each.spans) for each in sentences)} | 100.0 (100.0) | 0.0 (0.0) |"
    assert lines[4] == "| mean |  |  | 100.0 | 0.0 |"
    assert "| one: invented | 100.0 | 0.0 |" in lines
