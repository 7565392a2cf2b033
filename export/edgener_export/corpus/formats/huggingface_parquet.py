"""Token classification as the Hugging Face Hub has it, in Parquet. The only file that imports pyarrow.

pyarrow is what the Hub's own library reads and writes Parquet with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

from edgener.errors import how_to_install
from edgener.tags import OUTSIDE
from edgener_export.corpus.labelled_file import Format, Labelled, LabelledFile
from edgener_export.corpus.schemes import spans_to_tags
from edgener_export.corpus.sentence import Sentence, labels_of
from edgener_export.corpus.tag_rows import (
    TAG_COLUMNS,
    TOKENS,
    TagNames,
    TagRow,
    class_names,
    names_beside,
    sentences_of,
    tag_column,
    tag_row,
    unread_remark,
)
from edgener_export.corpus.text_file import open_packed
from edgener_export.corpus.writing import HALF_PAIR, writable
from edgener_export.errors import CorpusError

NAME = "hf-parquet"
EXTRA = "formats"
MAGIC = b"PAR1"
METADATA = b"huggingface"
"""Key of the schema's metadata under which the Hub's library describes the columns."""
ROWS_AT_ONCE = 1000


def recognizes(file: LabelledFile) -> bool:
    """Tell whether a file is called .parquet, or begins as Parquet does."""
    return file.suffix == ".parquet" or file.head.startswith(MAGIC)


def read(file: LabelledFile) -> Iterator[Labelled]:
    """Yield the rows, joined to texts; the line of each is its number."""
    _require(file.path)
    lists, named = _lists(file)
    column = tag_column(lists)

    @cache
    def names() -> Sequence[str]:
        return named.get(column) or names_beside(file.path).get(column, ())

    yield from sentences_of(lambda: _rows(file, column, names), file, unread_remark(lists, column))


def write(sentences: Iterable[Sentence], path: Path) -> None:
    """Write the characters and their BIO tags, numbered, with the names in the schema as the Hub's library has them."""
    _require(path)
    import pyarrow as pa
    import pyarrow.parquet as pq

    checked = list(writable(sentences, NAME, texts=(HALF_PAIR,), types=(HALF_PAIR,)))
    names = [OUTSIDE, *(f"{prefix}-{label}" for label in labels_of(checked) for prefix in "BI")]
    index = {name: number for number, name in enumerate(names)}
    tags = [[index[tag] for tag in spans_to_tags(len(sentence.text), sentence.spans, "bio")] for sentence in checked]
    features = {
        TOKENS: {"feature": {"dtype": "string", "_type": "Value"}, "_type": "Sequence"},
        TAG_COLUMNS[0]: {"feature": {"names": names, "_type": "ClassLabel"}, "_type": "Sequence"},
    }
    schema = pa.schema(
        [(TOKENS, pa.list_(pa.string())), (TAG_COLUMNS[0], pa.list_(pa.int64()))],
        metadata={METADATA: json.dumps({"info": {"features": features}})},
    )
    columns = {TOKENS: [list(sentence.text) for sentence in checked], TAG_COLUMNS[0]: tags}
    with open_packed(path, "wb") as file:
        pq.write_table(pa.table(columns, schema=schema), file)


def _require(path: Path) -> None:
    if find_spec("pyarrow") is None:
        raise CorpusError(f"{path}: Parquet needs pyarrow: {how_to_install('export', EXTRA)}")


@contextmanager
def _table(file: LabelledFile) -> Iterator[Any]:
    """Open the file. Raises CorpusError for one that is no Parquet, within the block, too."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pa.BufferReader(file.content())) as table:
            yield table
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CorpusError(f"{file.path}: cannot be read as Parquet: {error}") from error


def _lists(file: LabelledFile) -> tuple[list[str], dict[str, Sequence[str]]]:
    """Return the columns of lists, and the names of tags by column.

    Raises CorpusError where the tokens or the tags are missing, or are no lists.
    """
    import pyarrow as pa

    with _table(file) as table:
        schema = table.schema_arrow
    is_list = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    lists = [field.name for field in schema if any(is_of(field.type) for is_of in is_list)]
    if TOKENS not in lists or tag_column(lists) not in lists:
        have = ", ".join(f"{field.name} ({field.type})" for field in schema) or "none"
        raise CorpusError(f"{file.path}: expected columns {TOKENS} and {TAG_COLUMNS[0]}, both of lists; it has {have}")
    return lists, _names(schema.metadata or {})


def _rows(file: LabelledFile, column: str, names: TagNames) -> Iterator[TagRow]:
    with _table(file) as table:
        batches = table.iter_batches(ROWS_AT_ONCE, columns=[TOKENS, column])
        rows = chain.from_iterable(batch.to_pylist() for batch in batches)
        for number, row in enumerate(rows, start=1):
            yield _row(file, number, row, column, names)


def _row(file: LabelledFile, number: int, row: dict[str, Any], column: str, names: TagNames) -> TagRow:
    try:
        return tag_row(number, row[TOKENS], row[column], names)
    except (KeyError, TypeError, ValueError) as error:
        raise file.error(number, f"expected columns {TOKENS} and {TAG_COLUMNS[0]}: {error}") from error


def _names(metadata: dict[bytes, bytes]) -> dict[str, Sequence[str]]:
    try:
        return class_names(json.loads(metadata.get(METADATA, b"{}"))["info"]["features"])
    except (ValueError, KeyError, TypeError):  # other programs write what they like there
        return {}


FORMATS = (
    Format(
        name=NAME,
        summary=f"the same in Parquet; needs the extra {EXTRA}",
        recognizes=recognizes,
        read=read,
        write=write,
        suffixes=(".parquet",),
        holds_empty_texts=True,
        is_binary=True,
    ),
)
