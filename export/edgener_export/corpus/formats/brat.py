"""brat's standoff: a text file and an .ann file of the same name with entities, or a directory of such pairs.

Each line of the text is a sentence; lines that an entity reaches over are one. Offsets are code points of the file,
whatever ends its lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from edgener.tags import Span
from edgener_export.corpus.labelled_file import LEFT_OUT, NOTE, Format, Labelled, LabelledFile, Trouble
from edgener_export.corpus.offsets import (
    AUTO_UNIT,
    CHARACTERS,
    UNITS,
    Annotation,
    annotation,
    to_code_points,
)
from edgener_export.corpus.overlaps import without_overlaps
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.standoff import depend_on_unit, unit_remark
from edgener_export.corpus.text_file import BYTE_ORDER_MARK
from edgener_export.corpus.writing import ANY_LINE_END, BLANK, HALF_PAIR, LEADING_MARK, NUL, writable
from edgener_export.errors import CorpusError

NAME = "brat"
ENTITY = re.compile(r"(T\S*)\t(\S+) ([0-9]{1,18} [0-9]{1,18}(?:;[0-9]{1,18} [0-9]{1,18})*)(?:\t(.*))?", re.DOTALL)
"""Identifier, type, offsets of the fragments, and the text, which old files lack."""
EVENT = re.compile(r"E\S*\t\S+?:(\S+)")
"""An event, with the identifier of its trigger: the words that say that it happens."""
OTHER = re.compile(r"[REAMN]\S*\t|[#*]")
"""The start of a relation, an event, an attribute (A or M), a normalization, a note or an equivalence."""
SHAPE = "T1, a tab, a type, the first offset and the one behind the last, a tab and the text"
REMEDY = "correct the line, or delete it; what is no entity begins with R, E, A, M or N and a number, with # or with *"
LINE_END = re.compile("[\n\r]")
SENTENCES_PER_DOCUMENT = 100
"""Sentences of a text file that is written; brat shows a whole file at once."""
CONFIGURATION = "annotation.conf"


class Entity(NamedTuple):
    """One line of an .ann file."""

    line: int
    fragments: list[Annotation]


def recognizes(file: LabelledFile) -> bool:
    """Tell whether a path is an .ann file, a text beside one, or a directory that holds one."""
    if file.path.is_dir():
        return next(file.path.rglob("*.ann"), None) is not None
    return file.suffix == ".ann" or (file.suffix == ".txt" and file.path.with_suffix(".ann").exists())


def read(file: LabelledFile) -> Iterator[Labelled]:
    """Yield the sentences of all documents, by their names; what else brat annotates is left out, and told."""
    if not file.path.is_dir():
        yield from _read_document(file, file.path.with_suffix(".txt"), "")
        return
    documents = sorted(file.path.rglob("*.ann"))
    if not documents:
        raise CorpusError(f"{file.path}: holds no .ann file; a brat directory has one beside each .txt file")
    for alone in sorted(file.path.rglob("*.txt")):
        if not alone.with_suffix(".ann").exists():
            name = str(alone.relative_to(file.path))
            yield Labelled(
                1, None, (Trouble(1, "there is no .ann file beside it; it is left out", LEFT_OUT, name),), name
            )
    for path in documents:
        text_path = path.with_suffix(".txt")
        yield from _read_document(file, text_path, str(text_path.relative_to(file.path)))


def write(sentences: Iterable[Sentence], path: Path) -> None:
    """Write a directory of pairs of files, with a configuration that names the types."""
    path.mkdir(exist_ok=True)
    refused = (ANY_LINE_END, HALF_PAIR, LEADING_MARK, NUL)
    checked = writable(sentences, NAME, texts=refused, types=(BLANK, HALF_PAIR), empty=False)
    types: dict[str, None] = {}
    for number, first in enumerate(checked, start=1):
        document = [first, *islice(checked, SENTENCES_PER_DOCUMENT - 1)]
        types |= dict.fromkeys(span.label for sentence in document for span in sentence.spans)
        text, entities = _document(document)
        (path / f"{number:05}.txt").write_bytes(text.encode())
        (path / f"{number:05}.ann").write_bytes(entities.encode())
    configuration = "\n".join(["[entities]", *types, "", "[relations]", "", "[events]", "", "[attributes]", ""])
    (path / CONFIGURATION).write_bytes(configuration.encode())


def _document(sentences: Iterable[Sentence]) -> tuple[str, str]:
    """Return the text of some sentences, a line each, and the lines of their .ann file."""
    lines: list[str] = []
    entities: list[str] = []
    start = 0
    for sentence in sentences:
        for span in sentence.spans:
            name = sentence.text[span.start : span.end]
            entities.append(f"T{len(entities) + 1}\t{span.label} {start + span.start} {start + span.end}\t{name}\n")
        lines.append(sentence.text + "\n")
        start += len(sentence.text) + 1
    return "".join(lines), "".join(entities)


def _read_document(file: LabelledFile, text_path: Path, name: str) -> Iterator[Labelled]:
    texts = replace(file, path=text_path, _measures={})
    annotations = replace(file, path=text_path.with_suffix(".ann"), _measures={})
    document = texts.text()
    entities, others = _entities(annotations)
    notes: list[Trouble] = []
    if others:
        reason = f"{others} relations, events and their triggers, attributes or notes are left out"
        notes.append(Trouble(1, reason, LEFT_OUT, name))
    document, places, unit = _placed(document, annotations, entities)
    fragments = [fragment for entity in entities for fragment in entity.fragments]
    if file.offsets == AUTO_UNIT and (unit != CHARACTERS or depend_on_unit(document, fragments)):
        notes.append(Trouble(1, unit_remark(unit), NOTE, name))
    whole: list[Span] = []
    for parts in places:
        if _is_in_pieces(document, parts):
            line = 1 + document.count("\n", 0, parts[0].start)
            pieces = " … ".join(document[part.start : part.end] for part in parts)
            reason = f"{parts[0].label} {pieces!r:.60} is in pieces and is left out"
            notes.append(Trouble(line, reason, LEFT_OUT, name))
            continue
        found = parts[0]._replace(end=parts[-1].end)
        span = _without_line_ends(document, found)
        if span == found:
            whole.append(span)
            continue
        line = 1 + document.count("\n", 0, found.start)
        name_of_entity = f"{found.label} {document[found.start : found.end]!r:.60}"
        if span.start < span.end:
            whole.append(span)
            reason = f"{name_of_entity} begins or ends with a line end or byte order mark, which is left out"
            notes.append(Trouble(line, reason, NOTE, name))
        else:
            notes.append(Trouble(line, f"{name_of_entity} is blank and is left out", LEFT_OUT, name))
    yield from _sentences(document, sorted(whole), notes, name)


def _without_line_ends(document: str, span: Span) -> Span:
    """Return a span that neither begins nor ends with white space in which a line ends, nor with the first mark."""
    start, end, _ = span
    start = max(start, _text_start(document))
    text = document[start:end]
    inner = text.lstrip()
    blank_before = text[: len(text) - len(inner)]
    if LINE_END.search(blank_before):
        start += len(blank_before)
    blank_after = inner[len(inner.rstrip()) :]
    if LINE_END.search(blank_after):
        end -= len(blank_after)
    return span._replace(start=start, end=max(start, end))


def _is_in_pieces(document: str, fragments: Sequence[Span]) -> bool:
    """Tell whether there is more than white space between the fragments of an entity."""
    return any(
        before.end > after.start or bool(document[before.end : after.start].strip())
        for before, after in pairwise(fragments)
    )


def _entities(file: LabelledFile) -> tuple[list[Entity], int]:
    """Return the entities of an .ann file, and the number of its other annotations, triggers of events included."""
    entities: list[tuple[str, Entity]] = []
    triggers, others = set[str](), 0
    for number, line in file.numbered_lines():
        if OTHER.match(line):
            others += 1
            event = EVENT.match(line)
            if event:
                triggers.add(event[1])
            continue
        match = ENTITY.fullmatch(line)
        if not match:
            raise file.error(number, f"expected {SHAPE}, not {line!r:.60}; {REMEDY}")
        identifier, label, offsets, text = match.groups()
        bounds = [tuple(map(int, fragment.split(" "))) for fragment in offsets.split(";")]
        stated = text if len(bounds) == 1 else None
        entity = Entity(number, [annotation(start, end, label, stated) for start, end in bounds])
        entities.append((identifier, entity))
    kept = [entity for identifier, entity in entities if identifier not in triggers]
    return kept, others + len(entities) - len(kept)


def _placed(document: str, file: LabelledFile, entities: Sequence[Entity]) -> tuple[str, list[list[Span]], str]:
    """Return the document, the fragments of each entity in code points, and the unit that their offsets count.

    A byte order mark counts in brat itself, and does not in other programs: where the entities' texts say so, the
    document is returned without it. Raises CorpusError, which names file and line, for an entity that does not fit.
    """
    units = UNITS if file.offsets == AUTO_UNIT else (file.offsets,)
    fragments = [fragment for entity in entities for fragment in entity.fragments]
    for text in dict.fromkeys((document, document.removeprefix(BYTE_ORDER_MARK))):
        on_one_line = LINE_END.sub(" ", text)  # as brat writes an entity's text
        try:
            spans, unit = to_code_points(on_one_line, fragments, units)
        except ValueError:
            continue
        remaining = iter(spans)
        return text, [list(islice(remaining, len(entity.fragments))) for entity in entities], unit
    for entity in entities:
        try:
            to_code_points(LINE_END.sub(" ", document), entity.fragments, units[:1])
        except ValueError as error:
            raise file.error(entity.line, f"{error}; correct it, or name what offsets count: --offsets") from error
    raise file.error(1, "the entities do not stand in the text beside it")


def _sentences(document: str, spans: Sequence[Span], notes: Sequence[Trouble], name: str) -> Iterator[Labelled]:
    """Yield the lines that hold text; lines that an entity reaches over are one sentence."""
    remaining = list(reversed(spans))
    pending = list(notes)
    start = _text_start(document)
    line = 1
    while start < len(document):
        end = _line_end(document, start)
        inside: list[Span] = []
        while remaining and remaining[-1].start < max(end, start + 1):
            span = remaining.pop()
            inside.append(span)
            if span.end > end:
                end = _line_end(document, span.end)
        text = document[start:end].removesuffix("\r")
        if text:
            kept, left_out, overlaps = without_overlaps(
                text, (Span(span.start - start, span.end - start, span.label) for span in inside), line, name
            )
            yield Labelled(line, Sentence(text, kept, left_out=left_out), (*pending, *overlaps), name)
            pending = []
        line += 1 + document.count("\n", start, end)
        start = end + 1
    if pending:
        yield Labelled(1, None, tuple(pending), name)


def _text_start(document: str) -> int:
    """Return the place behind the byte order mark, if there is one."""
    return len(document) - len(document.removeprefix(BYTE_ORDER_MARK))


def _line_end(document: str, start: int) -> int:
    end = document.find("\n", start)
    return len(document) if end < 0 else end


FORMATS = (
    Format(
        name=NAME,
        summary="brat: a .txt and an .ann file of the same name, or a directory of such pairs",
        recognizes=recognizes,
        read=read,
        write=write,
        is_directory=True,
    ),
)
