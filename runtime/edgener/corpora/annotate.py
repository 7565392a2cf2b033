"""Annotation of a part: its rows are parsed, their texts recognized, and the answers written to drafts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from edgener.corpora.outputs import WRITERS
from edgener.corpora.parts import Part
from edgener.corpora.rows import Row, parse_rows
from edgener.corpora.settings import ROW, Settings

if TYPE_CHECKING:
    from edgener.entity import Entity
    from edgener.recognizer import Recognizer

Answer: TypeAlias = "Sequence[Entity] | None"
"""Entities of a row; None if it has no text."""


@dataclass(frozen=True)
class Counts:
    """Numbers of a part, or the sums of several."""

    rows: int
    """Rows of the input, each of which has one of the output."""
    texts: int
    """Rows with a text."""
    code_points: int
    """Length of the texts."""
    errors: int
    """Rows with an error."""
    entities: dict[str, int]
    """Number of entities by their type, in the order of the types' names."""


def annotate(part: Part, recognizer: Recognizer, settings: Settings, drafts: Sequence[Path]) -> Counts:
    """Write the rows of a part with their entities to ``drafts``, one path for each file of the output format.

    Returns the numbers. Raises OSError where a draft cannot be written.
    """
    table = None
    if isinstance(part.content, bytes):
        from edgener.corpora.parquet import read_table

        table, rows = read_table(part.content, part.first_row, settings)
    else:
        rows = parse_rows(part.content, part.file.format, part.header, settings)
        if settings.id_field is None:
            _number(rows, part.first_row)
    answers = recognize(rows, recognizer, join_lines=settings.join_lines)
    WRITERS[settings.output_format].write(drafts, part, rows, answers, table, settings)
    return _count(rows, answers)


def recognize(rows: Sequence[Row], recognizer: Recognizer, *, join_lines: bool) -> list[Answer]:
    """Return the entities of each row, left to right; ``join_lines`` is that of a call of the recognizer."""
    texts = (row.text for row in rows if row.text is not None)
    found = recognizer.batch(texts, join_lines=join_lines)
    return [None if row.text is None else next(found) for row in rows]


def total(counts: Iterable[Counts]) -> Counts:
    """Return the sums of the numbers of several parts."""
    counts = list(counts)
    entities: Counter[str] = Counter()
    for one in counts:
        entities.update(one.entities)
    return Counts(
        rows=sum(one.rows for one in counts),
        texts=sum(one.texts for one in counts),
        code_points=sum(one.code_points for one in counts),
        errors=sum(one.errors for one in counts),
        entities=dict(sorted(entities.items())),
    )


def _number(rows: Iterable[Row], first: int) -> None:
    for number, row in enumerate(rows, first):
        row.columns = {ROW: number, **row.columns}


def _count(rows: Sequence[Row], answers: Sequence[Answer]) -> Counts:
    entities = Counter(entity.label for answer in answers if answer for entity in answer)
    return Counts(
        rows=len(rows),
        texts=sum(row.text is not None for row in rows),
        code_points=sum(len(row.text) for row in rows if row.text is not None),
        errors=sum(row.error is not None for row in rows),
        entities=dict(sorted(entities.items())),
    )
