"""Token classification as the Hugging Face Hub has it, in Parquet. The only file that imports pyarrow.

pyarrow is what the Hub's own library reads and writes Parquet with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edgener.errors import how_to_install
from edgener.tags import OUTSIDE
from edgener_export.corpus.labelled_file import Format, Labelled, LabelledFile
from edgener_export.corpus.schemes import spans_to_tags
from edgener_export.corpus.sentence import Sentence, labels_of
from edgener_export.corpus.tag_rows import TAG_COLUMNS, TOKENS, TagRow, class_names, sentences_of, tag_column, tag_row
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
    yield from sentences_of(lambda: _rows(file), file)


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
    pq.write_table(pa.table(columns, schema=schema), path)


def _require(path: Path) -> None:
    if find_spec("pyarrow") is None:
        raise CorpusError(f"{path}: Parquet needs pyarrow: {how_to_install('export', EXTRA)}")


def _rows(file: LabelledFile) -> Iterator[TagRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pa.BufferReader(file.content())) as table:
            names = _names(table.schema_arrow.metadata or {})
            number = 0
            columns = [name for name in (TOKENS, *TAG_COLUMNS) if name in table.schema_arrow.names]
            if TOKENS not in columns or len(columns) < 2:
                raise CorpusError(
                    f"{file.path}: expected columns {TOKENS} and {TAG_COLUMNS[0]}; it has "
                    f"{', '.join(table.schema_arrow.names) or 'none'}"
                )
            for batch in table.iter_batches(ROWS_AT_ONCE, columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    yield _row(file, number, row, names)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CorpusError(f"{file.path}: cannot be read as Parquet: {error}") from error


def _row(file: LabelledFile, number: int, row: dict[str, Any], names: dict[str, Sequence[str]]) -> TagRow:
    try:
        column = tag_column(row)
        return tag_row(number, row[TOKENS], row[column], names.get(column, ()))
    except (KeyError, TypeError, ValueError) as error:
        raise file.error(number, f"expected columns {TOKENS} and {TAG_COLUMNS[0]}: {error}") from error


def _names(metadata: dict[bytes, bytes]) -> dict[str, Sequence[str]]:
    try:
        features = json.loads(metadata.get(METADATA, b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError):  # other programs write what they like there
        features = None
    return class_names(features)


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
