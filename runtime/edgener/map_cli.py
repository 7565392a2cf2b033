"""``edgener map``: entities of a corpus of any size, on all cores, in a folder of results that can be resumed."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.command_line import Command, add_json, refuse_repeated_options
from edgener.errors import IncompleteError, InputError, UsageError
from edgener.lone_surrogates import JSON_ESCAPES, LONE_SURROGATE
from edgener.memory import available_memory
from edgener.options import add_model, add_provider, add_rules, model_of, rules_of, threads_of
from edgener.standard_streams import say, write

if TYPE_CHECKING:
    from edgener.corpora.job import Model
    from edgener.corpora.settings import Settings
    from edgener.rules import Rules
    from edgener.word_files import WordFile

PROCESS_MIB = 116
"""Memory that a worker process may need with any model of ours, but for its part; the built-in model takes a third."""
PART_FACTOR = 12
"""Memory that a part with its answers may need, as a ratio to its size."""
MOST_BYTES = 1 << 40
"""Bytes above which neither a part nor a row makes sense."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    from edgener.corpora.inputs import CSV, JSONL, LINES, PARQUET, TSV
    from edgener.corpora.settings import QUOTED, UNQUOTED

    refuse_repeated_options(parser)
    parser.add_argument("input", nargs="+", metavar="INPUT", help="files, folders, or patterns such as 'data/**/*.csv'")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder of the results; the same command resumes it"
    )
    parser.add_argument(
        "--format",
        choices=("jsonl", "parquet", "conll"),
        default="jsonl",
        help="format of the results; parquet needs the extra corpora; default: %(default)s",
    )
    parser.add_argument(
        "--input-format",
        choices=(LINES, JSONL, CSV, TSV, PARQUET),
        help="format of all input files; default: by the ends of their names, else lines",
    )
    parser.add_argument(
        "--encoding",
        default="utf-8",
        metavar="NAME",
        help="encoding of text files, as gb18030 or utf-16; results are always UTF-8; default: %(default)s",
    )
    parser.add_argument(
        "--quotes",
        choices=(QUOTED, UNQUOTED),
        help="quotes in CSV and TSV stand around fields, as RFC 4180 says (csv), or are text (none); "
        "default: csv for CSV, none for TSV",
    )
    parser.add_argument("--text-field", default="text", metavar="NAME", help="column of the text; default: %(default)s")
    parser.add_argument(
        "--id-field", metavar="NAME", help="column that identifies a row; default: a column with the row's number"
    )
    parser.add_argument(
        "--shard", default="0/1", metavar="I/N", help="do one of N shares, from 0 to N-1, of a job array; default: 0/1"
    )
    add_model(parser)
    parser.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help="parts that are annotated at the same time; default: EDGENER_THREADS, else all cores",
    )
    parser.add_argument(
        "--processes",
        type=int,
        metavar="N",
        help="worker processes, which the threads are spread over; fewer take less memory; "
        "default: one a thread, or as many as fit into the memory that is left",
    )
    parser.add_argument(
        "--batch-size", type=int, default=8, metavar="N", help="windows per batch, fewer of long ones; default: 8"
    )
    add_rules(parser)
    parser.add_argument(
        "--join-lines",
        action="store_true",
        help="texts are wrapped: names go on in the next line",
    )
    add_provider(parser)
    parser.add_argument(
        "--part-size", type=float, default=1.0, metavar="MIB", help="input of one file of results; default: 1"
    )
    parser.add_argument(
        "--longest-row",
        type=float,
        default=16.0,
        metavar="MIB",
        help="longer rows are not annotated, but counted as errors; default: 16",
    )
    add_json(parser, "print the summary as JSON")


def _map(options: argparse.Namespace) -> None:
    from edgener.corpora.annotate import total
    from edgener.corpora.inputs import find_inputs
    from edgener.corpora.job import opened
    from edgener.corpora.parts import check_file
    from edgener.corpora.pool import Pool
    from edgener.corpora.progress import JobProgress
    from edgener.corpora.run import run
    from edgener.corpora.shard import parse_shard
    from edgener.corpora.summary import Summary, shortened
    from edgener.corpora.worker import Start

    rules = _rules(options)
    settings, shard = _settings(options, rules), parse_shard(options.shard)
    threads = _threads(options.threads)
    for name, given in (("--threads", threads), ("--processes", options.processes)):
        if given is not None and given < 1:
            raise UsageError(f"{name} is {given}; it must be at least 1")
    processes = options.processes or min(threads, _fitting_processes(settings.part_bytes))
    if settings.output_format == "parquet":
        import edgener.corpora.parquet  # noqa: F401  # says before any work that pyarrow is missing
    directory = model_of(options.model)
    inputs = find_inputs(options.input, options.output, options.input_format)
    for file in inputs.files:
        warning = check_file(file, settings)
        if warning:
            say(warning)
    model = _model(directory, settings, rules)
    start = Start(directory, model.digest, -(-threads // processes), settings, rules)
    with opened(options.output, model, settings, shard) as job:
        job.begin(inputs.files)
        others = job.other_inputs(inputs.files)
        if others:
            say(
                f"{options.output}: also holds results of {', '.join(shortened(others, 3))}, no input of this command; "
                "if a file was renamed or removed, remove its folder of results"
            )
        try:
            size = sum(file.path.stat().st_size for file in inputs.files)
            first = 2 if size > settings.part_bytes else 1  # there are several parts, and two cores begin at once
            with Pool(start, processes, threads, first=first) as pool, JobProgress(size) as progress:
                outcome = run(job, inputs.files, pool, progress)
        finally:
            job.remove_drafts()
        summary = Summary(inputs, total(job.counts(inputs.files)), outcome)
    plain = json.dumps(summary.to_plain(), ensure_ascii=False, indent=1).translate(JSON_ESCAPES) + "\n"
    write(plain if options.json else summary.to_text())
    if summary.trouble:
        raise IncompleteError(f"{summary.trouble}; run the same command again to try these once more")


def _rules(options: argparse.Namespace) -> Rules:
    """Return the rules with the content of their files, which is read once for all workers."""
    rules = rules_of(options)
    return replace(rules, dictionary=_word_file(options.dictionary), exclude=_word_file(options.exclude))


def _settings(options: argparse.Namespace, rules: Rules) -> Settings:
    from edgener.corpora.settings import MIB, Settings
    from edgener.encodings import known_encoding

    if options.batch_size < 1:
        raise UsageError(f"--batch-size is {options.batch_size}; it must be at least 1")
    sizes = (options.part_size, options.longest_row)
    if not all(1 <= size * MIB < MOST_BYTES for size in sizes):
        raise UsageError("--part-size and --longest-row must be above 0, and below a million MiB")
    part_bytes, longest_row = (round(size * MIB) for size in sizes)
    if options.id_field == options.text_field:
        raise UsageError(f"--id-field and --text-field are both {options.id_field!r}; name two columns")
    for option, name in (("--text-field", options.text_field), ("--id-field", options.id_field or "")):
        if LONE_SURROGATE.search(name):
            raise UsageError(f"{option} is {name!r}, which is not UTF-8; results could not hold a column of this name")
    return Settings(
        output_format=options.format,
        encoding=known_encoding(options.encoding),
        text_field=options.text_field,
        id_field=options.id_field,
        quotes=options.quotes,
        min_score=json.dumps(rules.min_score, sort_keys=True),
        types=options.types,
        dictionary=_digest(rules.dictionary),
        exclude=_digest(rules.exclude),
        bundle_rules=rules.of_bundle,
        join_lines=options.join_lines,
        batch_size=options.batch_size,
        provider=options.provider,
        part_bytes=part_bytes,
        longest_row=longest_row,
    )


def _fitting_processes(part_bytes: int) -> int:
    """Return the most processes that fit into the memory that is left, at least one."""
    memory = available_memory()
    needed = PROCESS_MIB + PART_FACTOR * (part_bytes >> 20)
    return sys.maxsize if memory is None else max(1, memory // needed)


def _threads(given: int | None) -> int:
    from edgener.corpora.cores import available_cores

    return available_cores() if given is None and not os.environ.get("EDGENER_THREADS") else threads_of(given)


def _word_file(path: Path | None) -> WordFile | None:
    """Return a file of rules with its content, if there is one; raise InputError where it cannot be read."""
    from edgener.word_files import WordFile

    if path is None:
        return None
    try:
        if path.exists() and not path.is_file():
            raise InputError(
                f"{path}: is no regular file; a job that can be resumed needs one with the same words again"
            )
        return WordFile(path, path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _digest(words: object) -> str | None:
    """Return the SHA-256 of a file of rules, if there is one."""
    from edgener.word_files import WordFile

    return hashlib.sha256(words.content).hexdigest() if isinstance(words, WordFile) else None


def _model(directory: Path, settings: Settings, rules: Rules) -> Model:
    """Verify a bundle and return its identity.

    Raises a BundleError where it is not whole, and UsageError where the format cannot hold its types.
    """
    from edgener.bundle import load_bundle, manifest_digest
    from edgener.corpora.job import Model
    from edgener.operator_rules import layers_of, types_found
    from edgener.output_formats import FORMATS, require_format

    bundle = load_bundle(directory, settings.provider)
    if settings.output_format in FORMATS:
        types = types_found(bundle.manifest.tag_set.labels, layers_of(bundle.rules, rules))
        require_format(settings.output_format, sorted(types))
    return Model(bundle.manifest.name, manifest_digest(directory))


MAP = Command(
    name="map",
    summary="find entities in a corpus of any size",
    description="""\
Find the entities of every row of many files, on all cores, and write them to a folder of results. Each row has exactly
one answer: a run that is ended goes on where it stopped when the same command is typed again. Input is plain text of a
line a text, JSON lines, CSV, TSV or Parquet, also compressed (gz, bz2, xz, zst).""",
    examples="""\
edgener map corpus/ --output results                        a folder with files of any kind
edgener map 'news/*.csv.gz' --text-field body --output r    the text is in the column body
edgener map corpus/ --format parquet --output results       needs the extra corpora
edgener map corpus/ --output results --shard 3/16           the fourth of 16 computers""",
    add_arguments=_add_arguments,
    run=_map,
    when_interrupted="finished parts are kept; the same command goes on with the rest",
)
