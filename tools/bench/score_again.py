"""The quality of this project's bundles in an earlier report, measured again after they were trained anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from edgener_export.corpus.sentence import Sentence
from tools.bench.agreement import quality
from tools.bench.contenders import ours
from tools.bench.drivers.edgener import EdgenerModel
from tools.bench.results import Report


class UnknownBundleError(Exception):
    """A report has no entry of that name."""


def with_scores(report: Report, bundles: Sequence[tuple[str, Path]], sentences: Sequence[Sentence]) -> Report:
    """Return the report with the present names and qualities of ``bundles``; speeds and memory stay those of its run.

    Raises UnknownBundleError for a bundle whose name was not in the run.
    """
    texts = [sentence.text for sentence in sentences]
    entries = list(report.entries)
    for name, bundle in bundles:
        contender = ours(name, bundle, 1, bundle)
        places = [place for place, entry in enumerate(entries) if entry.name == contender.name]
        if not places:
            raise UnknownBundleError(f"{contender.name} was not in the run; it has {_ours_in(report)}")
        found = quality(sentences, EdgenerModel(contender.options).many(texts))
        for place in places:
            known = entries[place].quality
            entries[place] = replace(entries[place], about=contender.about, quality=known and found)
    return replace(report, entries=tuple(entries), scored_again=datetime.now(UTC).date().isoformat())


def _ours_in(report: Report) -> str:
    return ", ".join(sorted({entry.name for entry in report.entries if entry.is_ours}))
