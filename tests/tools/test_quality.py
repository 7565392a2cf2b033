"""The table of the quality page."""

from __future__ import annotations

from collections.abc import Sequence

from edgener.tags import Span
from edgener_export.corpus.sentence import Sentence
from edgener_export.evaluation.suite import LabelledSet
from edgener_export.evaluation.suite_table import markdown_tables
from tests.support import TINY_BUNDLE, labelled_texts
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
    rows = labelled_texts()[:20]
    sentences = [Sentence(row.text, tuple(Span(*name) for name in row.names), category="invented") for row in rows]
    sets = [LabelledSet("one", sentences), LabelledSet("two", sentences)]
    scores = score_all(
        sets, [Named("ours", edgener.load(Options(1, str(TINY_BUNDLE), "", 0))), Named("silent", Silent())]
    )
    lines = markdown_tables(sets, scores).splitlines()
    assert lines[0] == "| exact F1 (overlap) | sentences | entities | ours | silent |"
    assert lines[2] == f"| one | 20 | {sum(len(row.names) for row in rows)} | 100.0 (100.0) | 0.0 (0.0) |"
    assert lines[4] == "| mean |  |  | 100.0 | 0.0 |"
    assert "| one: invented | 100.0 | 0.0 |" in lines
