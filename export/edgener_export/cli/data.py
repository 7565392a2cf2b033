"""``edgener-export convert`` and ``edgener-export data``: labelled files before anybody trains on them."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.command_line import Command, add_json
from edgener.dataclass_json import to_plain
from edgener.standard_streams import log, write
from edgener.table import table
from edgener_export.cli.json_output import write_json
from edgener_export.cli.names import distinct_names

if TYPE_CHECKING:
    from edgener_export.corpus.reading import Reading
    from edgener_export.corpus.sentence import Sentence
    from edgener_export.evaluation.suite import LabelledSet


def _add_convert(parser: argparse.ArgumentParser) -> None:
    from edgener_export.corpus.formats import WRITABLE

    parser.add_argument("source", type=Path, metavar="IN", help="labelled file to read")
    parser.add_argument("target", type=Path, metavar="OUT", help="file to write; a name in .xz or .gz is compressed")
    add_reading(parser)
    parser.add_argument(
        "--to",
        choices=WRITABLE,
        dest="target_format",
        metavar="FORMAT",
        help=f"format of OUT: {', '.join(WRITABLE)}; default: what the name of OUT says (.jsonl, .json, .spacy, "
        ".parquet), else bio",
    )


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="labelled file to count")
    add_reading(parser)
    parser.add_argument(
        "--against", type=Path, metavar="TEST", help="test file whose sentences must not stand in FILE, of its format"
    )
    add_json(parser, "print JSON that lists every line")


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how labelled files are read: ``--from``, ``--encoding`` and ``--offsets``."""
    from edgener_export.corpus.formats import AUTO, READABLE
    from edgener_export.corpus.offsets import AUTO_UNIT, UNITS
    from edgener_export.corpus.text_file import UTF_8

    parser.add_argument(
        "--from",
        choices=(AUTO, *READABLE),
        default=AUTO,
        dest="source_format",
        metavar="FORMAT",
        help=f"format of the labelled file: {', '.join(READABLE)}; default: auto, which detects it",
    )
    parser.add_argument(
        "--encoding", default=UTF_8, help="encoding of the labelled file, such as gb18030; default: %(default)s"
    )
    parser.add_argument(
        "--offsets",
        choices=(AUTO_UNIT, *UNITS),
        default=AUTO_UNIT,
        help="unit that the offsets of entities count; default: auto, the one that the format is known for",
    )


def says_how_to_read(options: argparse.Namespace) -> bool:
    """Return whether an option of ``add_reading`` was given another value than its default."""
    from edgener_export.corpus.formats import AUTO
    from edgener_export.corpus.offsets import AUTO_UNIT
    from edgener_export.corpus.text_file import UTF_8

    return (options.source_format, options.encoding, options.offsets) != (AUTO, UTF_8, AUTO_UNIT)


def read_files(options: argparse.Namespace, path: Path) -> Reading:
    """Return what a labelled file says, read as the options of ``add_reading`` say."""
    from edgener_export.corpus.reading import read_labelled

    return read_labelled(path, options.source_format, options.encoding, options.offsets)


def read_sentences(options: argparse.Namespace, path: Path) -> list[Sentence]:
    """Return the sentences of a labelled file as ``read_files``, and tell what was left out, mended or assumed."""
    from edgener_export.corpus.blank_ends import without_blank_ends

    reading = read_files(options, path)
    _tell(reading)
    return without_blank_ends(reading.sentences, str(path), log)


def _tell(reading: Reading) -> None:
    for remark in reading.remarks():
        log(remark)


def read_directory(options: argparse.Namespace, path: Path) -> list[LabelledSet]:
    """Return the sets of a directory that can be scored, each read as ``read_sentences`` reads it.

    Raises CorpusError for a directory of sets without any entity.
    """
    from edgener_export.errors import CorpusError
    from edgener_export.evaluation.suite import read_suite

    sets = read_suite(path, lambda file: read_sentences(options, file))
    scored = [labelled for labelled in sets if labelled.labels]
    if not scored:
        raise CorpusError(f"{path}: no set has an entity, so that none can be scored")
    if len(scored) < len(sets):
        names = ", ".join(labelled.name for labelled in sets if not labelled.labels)
        log(f"{path}: not scored, as no sentence has an entity: {names}")
    return scored


def require_types(labels: Collection[str], path: Path) -> None:
    """Raise CorpusError for a labelled file whose sentences have no type of entities."""
    from edgener_export.errors import CorpusError

    if not labels:
        raise CorpusError(f"{path}: no sentence has an entity, so that nothing can be scored")


def read_sets(options: argparse.Namespace, paths: Sequence[Path]) -> list[LabelledSet]:
    """Return the sets of directories and files, in the order in which they are named.

    A set has the name of its file, or its path where another set has the same name. Raises CorpusError for a file
    without any entity.
    """
    from edgener_export.corpus.formats import FORMATS
    from edgener_export.evaluation.suite import LabelledSet, has_sets, set_name

    is_directory = options.source_format in FORMATS and FORMATS[options.source_format].is_directory
    sets: list[tuple[LabelledSet, Path]] = []
    for path in paths:
        if has_sets(path) and not is_directory:
            sets.extend((labelled, path / labelled.name) for labelled in read_directory(options, path))
        else:
            labelled = LabelledSet(set_name(path), read_sentences(options, path))
            require_types(labelled.labels, path)
            sets.append((labelled, path))
    names = distinct_names([labelled.name for labelled, _ in sets], [str(path) for _, path in sets])
    return [replace(labelled, name=name) for name, (labelled, _) in zip(names, sets, strict=True)]


def _convert(options: argparse.Namespace) -> None:
    from edgener_export.corpus.convert import convert, format_by_name

    source = read_files(options, options.source)
    target_format = options.target_format or format_by_name(options.target)
    empty = convert(source, options.target, target_format)
    log(f"{options.target}: {len(source.sentences) - empty} sentences, {source.format} to {target_format}")
    if empty:
        log(f"{options.source}: {empty} sentences without text were left out")
    for remark in source.remarks():
        log(remark)


def _data(options: argparse.Namespace) -> None:
    from edgener_export.corpus.blank_ends import without_blank_ends
    from edgener_export.corpus.statistics import report_data

    against = read_files(options, options.against) if options.against else None
    if against:
        _tell(against)
    reading = read_files(options, options.file)
    without_blank_ends(reading.sentences, str(options.file), log)
    report = report_data(reading, against)
    if options.json:
        write_json(to_plain(report))
    else:
        write(table(report.rows()))


CONVERT = Command(
    name="convert",
    summary="write labelled text in another format",
    description="""Write labelled text in another format, without loss, whole or not at all.
MSRA and People's Daily come as bio or bmes, Resume as bmes, CoNLL-2003 as iob1.
docs/data-formats.md shows an example of each format.""",
    examples="""\
edgener-export convert msra.txt msra.jsonl                    the scheme of msra.txt is detected
edgener-export convert weiboNER_2nd_conll.train weibo.txt --from weibo --to bioes
edgener-export convert cluener/train.json train.txt --to bmes
edgener-export convert old.txt train.jsonl --encoding gb18030
edgener-export convert train.jsonl for-brat --to brat         a directory of pairs of files""",
    add_arguments=_add_convert,
    run=_convert,
)
DATA = Command(
    name="data",
    summary="count a labelled file and list what is wrong in it",
    description="""Count a labelled file; list duplicates, broken tag sequences, what is left out of it,
and sentences it shares with another.""",
    examples="edgener-export data train.txt\nedgener-export data train.txt --against test.txt --json > report.json",
    add_arguments=_add_data,
    run=_data,
)
