"""``edgener-export convert`` and ``edgener-export data``: labelled files before anybody trains on them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from edgener.command_line import Command, add_json
from edgener.dataclass_json import to_plain
from edgener.output import log, write
from edgener.table import table


def _add_convert(parser: argparse.ArgumentParser) -> None:
    from edgener_export.corpus.formats import WRITABLE

    parser.add_argument("source", type=Path, metavar="IN", help="labelled file to read")
    parser.add_argument("target", type=Path, metavar="OUT", help="file to write; a name that ends in .xz is compressed")
    add_format(parser)
    parser.add_argument(
        "--to",
        choices=WRITABLE,
        dest="target_format",
        help="format of OUT; default: jsonl for a name that says so, else bio",
    )


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="labelled file to count")
    add_format(parser)
    parser.add_argument(
        "--against", type=Path, metavar="TEST", help="test file whose sentences must not stand in FILE, of its format"
    )
    add_json(parser, "print JSON that lists every line")


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--from``."""
    from edgener_export.corpus.formats import AUTO, READABLE

    help_text = "format of the labelled file; default: auto, which detects it"
    parser.add_argument("--from", choices=(AUTO, *READABLE), default=AUTO, dest="source_format", help=help_text)


def _convert(options: argparse.Namespace) -> None:
    from edgener_export.corpus.convert import convert, format_by_name
    from edgener_export.corpus.formats import read_labelled

    source = read_labelled(options.source, options.source_format)
    target_format = options.target_format or format_by_name(options.target)
    left_out = convert(source, options.target, target_format)
    log(f"{options.target}: {len(source.sentences) - left_out} sentences, {source.format} to {target_format}")
    if left_out:
        log(f"{options.source}: {left_out} sentences without text were left out")
    if source.troubles:
        first = source.troubles[0]
        log(
            f"{options.source}:{first.line}: {first.reason}; {len(source.troubles)} such places were mended, "
            "edgener-export data lists them"
        )


def _data(options: argparse.Namespace) -> None:
    from edgener_export.corpus.formats import read_labelled
    from edgener_export.corpus.statistics import report_data

    against = read_labelled(options.against, options.source_format) if options.against else None
    report = report_data(read_labelled(options.file, options.source_format), against)
    if options.json:
        write(json.dumps(to_plain(report), ensure_ascii=False, indent=1) + "\n")
    else:
        write(table(report.rows()))


CONVERT = Command(
    name="convert",
    summary="write labelled text in another format",
    description="""Write labelled text in another format, without loss, whole or not at all.
MSRA and People's Daily come as bio or bmes, Resume as bmes, CoNLL-2003 as iob1.""",
    examples="""\
edgener-export convert msra.txt msra.jsonl                    the scheme of msra.txt is detected
edgener-export convert weiboNER_2nd_conll.train weibo.txt --from weibo --to bioes
edgener-export convert cluener/train.json train.txt --to bmes""",
    add_arguments=_add_convert,
    run=_convert,
)
DATA = Command(
    name="data",
    summary="count a labelled file and list what is wrong in it",
    description="Count a labelled file; list duplicates, broken tag sequences, and sentences it shares with another.",
    examples="edgener-export data train.txt\nedgener-export data train.txt --against test.txt --json > report.json",
    add_arguments=_add_data,
    run=_data,
)
