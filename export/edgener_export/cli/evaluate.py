"""``edgener-export evaluate``: exact-span scores of bundles, on one labelled file or on a directory of them."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgener.command_line import Command, add_json
from edgener.dataclass_json import to_plain
from edgener.errors import UsageError
from edgener.lone_surrogates import STAND_INS
from edgener.options import add_provider
from edgener.standard_streams import log, write
from edgener.table import table
from edgener_export.cli.data import add_reading, read_directory, read_sentences, require_types, says_how_to_read
from edgener_export.cli.json_output import write_json
from edgener_export.cli.names import distinct_names
from edgener_export.cli.recipe import add_cache, cache_of
from edgener_export.cli.threads import add_threads, threads_of

if TYPE_CHECKING:
    from edgener import Recognizer
    from edgener_export.evaluation.details import Errors, Figures


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    help_text = (
        "directories of bundles, which are called by their names, and by their paths where names repeat; default: the "
        "built-in one"
    )
    parser.add_argument("bundles", nargs="*", default=["default"], metavar="BUNDLE", help=help_text)
    parser.add_argument("--test", type=Path, metavar="FILE", help="labelled file; default: the MSRA test sentences")
    add_reading(parser)
    help_text = "directory of labelled sets (*.jsonl); prints a table of F1 for each set and bundle"
    parser.add_argument("--suite", type=Path, metavar="DIR", help=help_text)
    help_text = "with --suite: SVG to write, of F1 with its interval for each set and bundle"
    parser.add_argument("--plot", type=Path, metavar="FILE", help=help_text)
    help_text = (
        "print intervals, averages of types as seqeval has them, and kinds of errors: wrong ends, wrong type, both, "
        "missed, invented"
    )
    parser.add_argument("--details", action="store_true", help=help_text)
    help_text = "labelled file that the bundles were trained on; prints scores of entities that are in it and of others"
    parser.add_argument("--train", type=Path, metavar="FILE", help=help_text)
    add_json(parser, "print JSON that has everything; with --suite also intervals, types and categories")
    add_threads(parser)
    add_provider(parser)
    add_cache(parser)


def _evaluate(options: argparse.Namespace) -> None:
    from edgener import Recognizer

    if options.suite and options.test:
        raise UsageError("give either --test or --suite, not both")
    if options.plot and not options.suite:
        raise UsageError("--plot needs --suite")
    if options.suite and (options.details or options.train):
        raise UsageError("--details and --train need one labelled file, not --suite")
    if not (options.suite or options.test or options.train) and says_how_to_read(options):
        raise UsageError("--from, --encoding and --offsets tell how a labelled file is read; name it with --test")
    for bundle, times in Counter(options.bundles).items():
        if times > 1:
            raise UsageError(f"{bundle} is given {times} times; name each bundle once")
    threads = threads_of(options.threads)
    recognizers = [Recognizer.load(bundle, threads=threads, provider=options.provider) for bundle in options.bundles]
    by_name = named(options.bundles, recognizers)
    if options.suite:
        _score_suite(by_name, options)
    else:
        _score_file(by_name, options)


def named(bundles: Sequence[str], recognizers: Sequence[Recognizer]) -> dict[str, Recognizer]:
    """Return the recognizer of each bundle by the bundle's name, or by its path where another has the same name."""
    names = distinct_names([recognizer.manifest.name for recognizer in recognizers], bundles)
    return dict(zip(names, recognizers, strict=True))


def tell_unknown_types(recognizers: Mapping[str, Recognizer], labels: Iterable[str]) -> None:
    """Tell which types of the labelled sentences each model does not have."""
    expected = set(labels)
    for name, recognizer in recognizers.items():
        unknown = sorted(expected - set(recognizer.manifest.tag_set.labels))
        if unknown:
            log(f"{name} does not know the types {', '.join(unknown)}, whose entities count as missed")


def _score_file(recognizers: Mapping[str, Recognizer], options: argparse.Namespace) -> None:
    from edgener_export.corpus.msra import read_msra
    from edgener_export.corpus.sentence import labels_of
    from edgener_export.evaluation.details import count_errors, figures_by_acquaintance, figures_by_type
    from edgener_export.evaluation.recognize import recognize_all, scores_by_label
    from edgener_export.evaluation.score import score_spans

    sentences = read_sentences(options, options.test) if options.test else read_msra(cache_of(options)).test
    training = read_sentences(options, options.train) if options.train else None
    labels = labels_of(sentences)
    require_types(labels, options.test)
    tell_unknown_types(recognizers, labels)
    plain: dict[str, Any] = {}
    for name, recognizer in recognizers.items():
        others = [label for label in recognizer.manifest.tag_set.labels if label not in labels]
        if others:
            log(f"not scored, as no sentence has them: {', '.join(others)}")
        pairs = recognize_all(recognizer, sentences, labels)
        figures = figures_by_type(pairs) if options.json or options.details else None
        acquaintance = None if training is None else figures_by_acquaintance(sentences, pairs, training)
        if options.json:
            more = {} if acquaintance is None else {"acquaintance": to_plain(acquaintance)}
            plain[name] = {**to_plain(figures), **more, "errors": to_plain(count_errors(pairs))}
            continue
        write(f"{name} on {options.test or 'the MSRA test set'}, {len(sentences)} sentences\n")
        for label, score in (("all", score_spans(pairs)), *scores_by_label(pairs).items()):
            write(f"{label:<4} {score}\n".translate(STAND_INS))
        if figures is not None:
            write(figures_table((*figures.types.items(), *figures.averages.items())))
            write(errors_table(count_errors(pairs)))
        if acquaintance is not None:
            write(figures_table(acquaintance.items()))
    if options.json:
        write_json(plain)


def figures_table(named_figures: Iterable[tuple[str, Figures]]) -> str:
    """Return a table of precision, recall, F1 and its interval, one row for each name."""
    rows = [("", "precision", "recall", "F1", "95 % interval", "entities")]
    for name, it in named_figures:
        interval = f"{it.interval.low:.1f} to {it.interval.high:.1f}" if it.interval else ""
        rows.append((name, f"{it.precision:.2f}", f"{it.recall:.2f}", f"{it.f1:.2f}", interval, str(it.support)))
    return "\n" + table(rows).translate(STAND_INS)


def errors_table(errors: Errors) -> str:
    """Return a table of the numbers of right entities and of each kind of error."""
    texts = {
        "right": "both ends and the type",
        "boundary": "wrong ends",
        "type": "wrong type",
        "both": "wrong ends and wrong type",
        "missed": "nothing found there",
        "invented": "found where no entity is",
    }
    return "\n" + table([(str(count), f"{kind}: {texts[kind]}") for kind, count in to_plain(errors).items()])


def _score_suite(recognizers: Mapping[str, Recognizer], options: argparse.Namespace) -> None:
    from edgener_export.evaluation.recognize import found_in
    from edgener_export.evaluation.suite import score_set
    from edgener_export.evaluation.suite_table import text_tables
    from edgener_export.files.atomic import write_text

    sets = read_directory(options, options.suite)
    tell_unknown_types(recognizers, chain.from_iterable(labelled.labels for labelled in sets))
    scores = {
        labelled.name: {
            name: score_set(labelled, list(found_in(recognizer, labelled.sentences)))
            for name, recognizer in recognizers.items()
        }
        for labelled in sets
    }
    if options.json:
        write_json(to_plain(scores))
    else:
        write(text_tables(sets, scores))
    if options.plot:
        from edgener_export.report.suite_plot import suite_plot

        write_text(options.plot, suite_plot(sets, scores))


EVALUATE = Command(
    name="evaluate",
    summary="score bundles on labelled sentences",
    description=(
        "Print precision, recall and F1 of exact spans of bundles, computed by the runtime itself; or, over a "
        "directory of labelled sets, a table of F1. Types that a set does not have are not scored on it."
    ),
    examples="""\
edgener-export evaluate                      the built-in bundle on the MSRA test sentences
edgener-export evaluate ./my-bundle --test my-test.jsonl
edgener-export evaluate ./my-bundle --test my-test.jsonl --details --train my-train.jsonl
edgener-export evaluate default ./my-bundle --suite ./labelled-sets --plot quality.svg""",
    add_arguments=_add_arguments,
    run=_evaluate,
)
