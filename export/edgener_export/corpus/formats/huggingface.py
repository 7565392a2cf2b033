"""Token classification as the Hugging Face Hub has it: tokens and their tags a row, as JSON lines or a JSON array.

Tags are names, or numbers whose names stand in the ``dataset_info.json`` beside the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from edgener_export.corpus.json_rows import first_row, json_rows, write_json_lines
from edgener_export.corpus.labelled_file import Format, Labelled, LabelledFile
from edgener_export.corpus.schemes import spans_to_tags
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.tag_rows import (
    TAG_COLUMNS,
    TOKENS,
    TagNames,
    TagRow,
    names_beside,
    sentences_of,
    tag_column,
    tag_row,
    unread_remark,
)
from edgener_export.corpus.writing import TWO_HALVES, writable

NAME = "hf"
SHAPE = f'{{"{TOKENS}": [...], "{TAG_COLUMNS[0]}": [...]}} with as many tags as tokens'


def recognizes(file: LabelledFile) -> bool:
    """Tell whether the first row has tokens and tags."""
    row = file.once(first_row)
    return isinstance(row, dict) and TOKENS in row and any(name in row for name in TAG_COLUMNS)


def read(file: LabelledFile) -> Iterator[Labelled]:
    """Yield the rows, joined to texts; other columns of lists are not read, and told."""
    first = file.once(first_row)
    lists = [name for name, value in first.items() if isinstance(value, list)] if isinstance(first, dict) else []
    column = tag_column(lists)

    @cache
    def names() -> Sequence[str]:
        return names_beside(file.path).get(column, ())

    yield from sentences_of(lambda: _rows(file, column, names), file, unread_remark(lists, column))


def write(sentences: Iterable[Sentence], path: Path) -> None:
    """Write one row a line: the characters, and their BIO tags by name."""
    checked = writable(sentences, NAME, texts=(TWO_HALVES,), types=(TWO_HALVES,))
    write_json_lines(
        (
            {
                TOKENS: list(sentence.text),
                TAG_COLUMNS[0]: spans_to_tags(len(sentence.text), sentence.spans, "bio"),
            }
            for sentence in checked
        ),
        path,
    )


def _rows(file: LabelledFile, column: str, names: TagNames) -> Iterator[TagRow]:
    def parse(row: Any) -> TagRow:
        return tag_row(0, row[TOKENS], row[column], names)

    return (row._replace(line=line) for line, row in json_rows(file, parse, SHAPE))


FORMATS = (
    Format(
        name=NAME,
        summary=f'Hugging Face token classification: {{"{TOKENS}", "{TAG_COLUMNS[0]}"}}, JSON lines or an array',
        recognizes=recognizes,
        read=read,
        write=write,
        holds_empty_texts=True,
    ),
)
