"""Token classification as the Hugging Face Hub has it: tokens and their tags a row, as JSON lines or a JSON array.

Tags are names, or numbers whose names stand in the ``dataset_info.json`` beside the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from edgener_export.corpus.json_rows import first_row, json_rows, write_json_lines
from edgener_export.corpus.labelled_file import Format, Labelled, LabelledFile
from edgener_export.corpus.schemes import spans_to_tags
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.tag_rows import TAG_COLUMNS, TOKENS, TagRow, class_names, sentences_of, tag_column, tag_row
from edgener_export.corpus.writing import TWO_HALVES, writable
from edgener_export.errors import CorpusError

NAME = "hf"
DATASET_INFO = "dataset_info.json"
SHAPE = f'{{"{TOKENS}": [...], "{TAG_COLUMNS[0]}": [...]}} with as many tags as tokens'


def recognizes(file: LabelledFile) -> bool:
    """Tell whether the first row has tokens and tags."""
    row = file.once(first_row)
    return isinstance(row, dict) and TOKENS in row and any(name in row for name in TAG_COLUMNS)


def read(file: LabelledFile) -> Iterator[Labelled]:
    """Yield the rows, joined to texts."""
    names = _names_beside(file.path)
    yield from sentences_of(lambda: _rows(file, names), file)


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


def _rows(file: LabelledFile, names: dict[str, Sequence[str]]) -> Iterator[TagRow]:
    def parse(row: Any) -> TagRow:
        column = tag_column(row)
        return tag_row(0, row[TOKENS], row[column], names.get(column, ()))

    return (row._replace(line=line) for line, row in json_rows(file, parse, SHAPE))


def _names_beside(path: Path) -> dict[str, Sequence[str]]:
    """Return the names of the tags by column, as a dataset's description beside the file has them."""
    description = path.with_name(DATASET_INFO)
    try:
        return class_names(json.loads(description.read_text(encoding="utf-8")).get("features"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise CorpusError(f"{description}: is no description of a dataset: {error}") from error


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
