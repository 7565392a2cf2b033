"""Sentences from a text and entities with offsets, which every format but the tagged ones has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgener_export.corpus.labelled_file import NOTE, Labelled, LabelledFile, Trouble
from edgener_export.corpus.malformed import ShapeError
from edgener_export.corpus.offsets import AUTO_UNIT, NAMES, UNITS, Annotation, to_code_points
from edgener_export.corpus.overlaps import without_overlaps
from edgener_export.corpus.sentence import Sentence
from edgener_export.errors import CorpusError


def verify_unit(name: str) -> None:
    """Raise CorpusError if there is no unit of offsets with this name."""
    if name not in (AUTO_UNIT, *UNITS):
        raise CorpusError(f"offsets {name!r} are unknown; known: {', '.join((AUTO_UNIT, *UNITS))}")


def text_of(row: Any) -> str:
    """Return the text of a JSON row. Raises KeyError or ValueError where it has none."""
    text = row["text"]
    if not isinstance(text, str):
        raise ShapeError(f"text is {text!r:.40}")
    return text


def unit_remark(unit: str) -> str:
    """Return the remark on the unit that offsets are read in."""
    return f"offsets are read as {NAMES[unit]}; --offsets names another unit"


def depend_on_unit(text: str, annotations: Sequence[Annotation]) -> bool:
    """Tell whether offsets, read as code points, would mark other texts if they counted UTF-16 code units."""
    if any(found.text is not None for found in annotations):
        return False
    return any(character > "\uffff" for character in text[: max((found.end for found in annotations), default=0)])


def labelled(
    file: LabelledFile,
    line: int,
    text: str,
    annotations: Sequence[Annotation],
    units: Sequence[str] = UNITS,
    troubles: Sequence[Trouble] = (),
    *,
    is_unit_certain: bool = False,
) -> Labelled:
    """Return a sentence with its entities, whose offsets count the first of ``units`` that fits.

    A unit that the user names goes before ``units``. Where it makes a difference, the unit is told, unless it
    ``is_unit_certain`` that these offsets count ``units[0]``. Raises CorpusError, which names file and line, for an
    entity that leaves the text, or whose text stands elsewhere.
    """
    try:
        spans, unit = to_code_points(text, annotations, units if file.offsets == AUTO_UNIT else (file.offsets,))
    except ValueError as error:
        raise file.error(
            line, f"{error}; if offsets count another unit, name it: --offsets {'|'.join(UNITS)}"
        ) from error
    notes = list(troubles)
    are_moved = [(span.start, span.end) for span in spans] != [found[:2] for found in annotations]
    if file.offsets == AUTO_UNIT and (are_moved or (not is_unit_certain and depend_on_unit(text, annotations))):
        notes.append(Trouble(line, unit_remark(unit), NOTE))
    kept, left_out, overlaps = without_overlaps(text, spans, line)
    return Labelled(line, Sentence(text, kept, left_out=left_out), (*notes, *overlaps))
