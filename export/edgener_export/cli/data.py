"""``edgener-export convert`` and ``edgener-export data``: labelled files before anybody trains on them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TypeAlias

from edgener.dataclass_json import to_plain
from edgener.table import table

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

CONVERT_EXAMPLES = """\
examples:
  edgener-export convert msra.txt msra.jsonl                    the scheme of msra.txt is detected
  edgener-export convert weiboNER_2nd_conll.train weibo.txt --from weibo --to bioes
  edgener-export convert cluener/train.json train.txt --to bmes

MSRA and People's Daily come as bio or bmes, Resume as bmes, CoNLL-2003 as iob1. A name ending in .xz is packed.
"""
DATA_EXAMPLES = """\
examples:
  edgener-export data train.txt
  edgener-export data train.txt --against test.txt --json > report.json
"""


def add_convert(commands: Commands) -> None:
    """Add the command ``convert``."""
    from edgener_export.corpus.formats import AUTO, READABLE, WRITABLE

    parser = commands.add_parser(
        "convert",
        help="one format of labelled text into another",
        description="Write labelled text in another format, without loss, in one step or not at all.",
        epilog=CONVERT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("source", type=Path, metavar="IN")
    parser.add_argument("target", type=Path, metavar="OUT")
    parser.add_argument("--from", choices=(AUTO, *READABLE), default=AUTO, dest="source_format", help="default: auto")
    parser.add_argument(
        "--to", choices=WRITABLE, dest="target_format", help="default: jsonl if OUT is called so, else bio"
    )
    parser.set_defaults(command=_convert)


def add_data(commands: Commands) -> None:
    """Add the command ``data``."""
    from edgener_export.corpus.formats import AUTO, READABLE

    parser = commands.add_parser(
        "data",
        help="what there is to know about labelled text",
        description="Count a labelled file; list duplicates, broken tag sequences, and what it shares with another.",
        epilog=DATA_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--from", choices=(AUTO, *READABLE), default=AUTO, dest="source_format", help="of both; default: auto"
    )
    parser.add_argument("--against", type=Path, metavar="TEST", help="another file, whose sentences must not be here")
    parser.add_argument("--json", action="store_true", help="for programs; lists every line")
    parser.set_defaults(command=_data)


def _convert(options: argparse.Namespace) -> None:
    from edgener_export.corpus.convert import convert, format_by_name
    from edgener_export.corpus.formats import read_labelled

    source = read_labelled(options.source, options.source_format)
    target_format = options.target_format or format_by_name(options.target)
    left_out = convert(source, options.target, target_format)
    print(
        f"{options.target}: {len(source.sentences) - left_out} sentences, {source.format} to {target_format}",
        file=sys.stderr,
    )
    if left_out:
        print(f"{options.source}: {left_out} sentences without text were left out", file=sys.stderr)
    if source.troubles:
        first = source.troubles[0]
        print(
            f"{options.source}:{first.line}: {first.reason}; {len(source.troubles)} such places were mended, "
            "edgener-export data lists them",
            file=sys.stderr,
        )


def _data(options: argparse.Namespace) -> None:
    from edgener_export.corpus.formats import read_labelled
    from edgener_export.corpus.statistics import report_data

    against = read_labelled(options.against, options.source_format) if options.against else None
    report = report_data(read_labelled(options.file, options.source_format), against)
    if options.json:
        print(json.dumps(to_plain(report), ensure_ascii=False, indent=1))
    else:
        print(table(report.rows()), end="")
