"""Settings of a job that change its output; a folder of results holds those of one set of settings only."""

from __future__ import annotations

from dataclasses import dataclass

from edgener.errors import how_to_install
from edgener.line_reader import UTF_8
from edgener.providers import CPU

MIB = 1 << 20
ENTITIES = "entities"
ERROR = "error"
ROW = "row"
REST = "rest"
"""Columns that are added to those of the input."""
QUOTED, UNQUOTED = "csv", "none"
"""Quotes stand around fields, and are doubled within them, as RFC 4180 says; or they are text."""
NEEDS_PYARROW = f"Arrow, Parquet and zstd need pyarrow: {how_to_install('corpora')}"


@dataclass(frozen=True)
class Settings:
    """Options of ``edgener map`` that change what is written."""

    output_format: str = "jsonl"
    """Name of the output format, a key of outputs.WRITERS."""
    encoding: str = UTF_8
    """Encoding of text files."""
    text_field: str = "text"
    """Column, or key of JSON objects, that holds the text."""
    id_field: str | None = None
    """Column that identifies a row; without one, rows are numbered in a column ROW."""
    quotes: str | None = None
    """QUOTED or UNQUOTED fields of CSV and TSV; None: as the format of a file has them."""
    min_score: str = "null"
    """Lowest scores that entities may have, as JSON; null keeps those of the bundle's rules."""
    types: str | None = None
    """Types of the entities that are kept; None for all."""
    dictionary: str | None = None
    """SHA-256 of the file of words that are always entities; None if there is none."""
    exclude: str | None = None
    """SHA-256 of the file of texts that are no entities; None if there is none."""
    bundle_rules: bool = True
    """The rules of the bundle hold, too."""
    join_lines: bool = False
    """Texts are wrapped: names go on in the next line."""
    batch_size: int = 8
    """Windows per batch; the last digits of scores may depend on it."""
    provider: str = CPU
    """Execution provider."""
    part_bytes: int = MIB
    """Bytes of input after which a part ends, if it holds at least one row."""
    longest_row: int = 16 * MIB
    """Bytes; a longer row is not annotated, so that memory is bounded."""
