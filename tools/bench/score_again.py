"""The quality of this project's bundles in an earlier report, measured again after they were trained anew."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from edgener_export.corpus.sentence import Sentence
from tools.bench.agreement import quality
from tools.bench.contenders import OPTIMUM, ours
from tools.bench.contract import Model, Options
from tools.bench.drivers.edgener import EdgenerModel
from tools.bench.results import Quality, Report


class UnknownBundleError(Exception):
    """A report has no entry of that name."""


def with_scores(report: Report, bundles: Sequence[tuple[str, Path]], sentences: Sequence[Sentence]) -> Report:
    """Return the report with the present names and qualities of ``bundles``; speeds and memory stay those of its run.

    With the bundle that is the reference, the quality of its graph in optimum is measured again.
    Raises UnknownBundleError for a bundle whose name was not in the run.
    """
    entries = list(report.entries)
    for name, bundle in bundles:
        contender = ours(name, bundle, 1, bundle)
        if not any(entry.name == contender.name for entry in entries):
            raise UnknownBundleError(f"{contender.name} was not in the run; it has {_ours_in(report)}")
        found = {contender.name: _quality(EdgenerModel(contender.options), sentences)}
        if contender.name == report.reference and any(entry.name == OPTIMUM for entry in entries):
            with tempfile.TemporaryDirectory() as scratch:
                found[OPTIMUM] = _quality(_optimum(contender.options._replace(scratch=scratch)), sentences)
        for place, entry in enumerate(entries):
            if entry.name in found:
                about = contender.about if entry.is_ours else entry.about
                entries[place] = replace(entry, about=about, quality=entry.quality and found[entry.name])
    return replace(report, entries=tuple(entries), scored_again=datetime.now(UTC).date().isoformat())


def _quality(model: Model, sentences: Sequence[Sentence]) -> Quality:
    return quality(sentences, model.many([sentence.text for sentence in sentences]))


def _optimum(options: Options) -> Model:
    from tools.bench.drivers import optimum_ort

    optimum_ort.prepare(options)
    return optimum_ort.load(options)


def _ours_in(report: Report) -> str:
    return ", ".join(sorted({entry.name for entry in report.entries if entry.is_ours}))
