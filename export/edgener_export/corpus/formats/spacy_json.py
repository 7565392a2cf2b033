"""spaCy's training data as JSON: an array of pairs of a text and its entities, or version 2's paragraphs of tokens.

Offsets are code points.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from edgener.tags import Span
from edgener_export.corpus.json_rows import encode_json, first_row, json_array
from edgener_export.corpus.labelled_file import LEFT_OUT, Format, Labelled, LabelledFile, Trouble
from edgener_export.corpus.malformed import MALFORMED, ShapeError, reason
from edgener_export.corpus.offsets import Annotation, annotation_in_list
from edgener_export.corpus.overlaps import without_overlaps
from edgener_export.corpus.schemes import broken, is_tag, tags_to_spans
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.standoff import labelled
from edgener_export.corpus.tokens import tagged_sentence
from edgener_export.corpus.writing import TWO_HALVES, writable, write_pieces

NAME = "spacy-json"
OTHERS = {"spans": "spans", "links": "links", "cats": "categories of the text"}
"""Annotations that are not read, with what messages call them."""
UNKNOWN = "-"
"""The tag of a token of which nobody said whether it is in an entity."""
SHAPE = '[TEXT, {"entities": [[start, end, label]]}], or {"paragraphs": [...]} as in spaCy 2'


def recognizes(file: LabelledFile) -> bool:
    """Tell whether the first element is a pair of a text and an object, or has paragraphs."""
    row = file.once(first_row)
    if isinstance(row, list):
        return len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], dict)
    return isinstance(row, dict) and "paragraphs" in row


def read(file: LabelledFile) -> Iterator[Labelled]:
    """Yield the texts of an array of pairs, or the paragraphs of an array of documents."""
    for line, row in json_array(file):
        try:
            if isinstance(row, dict):
                yield from [_paragraph(file, line, paragraph) for paragraph in row["paragraphs"]]
                continue
            text, entities, left_out = _pair(row, line)
        except MALFORMED as error:
            raise file.error(line, f"expected {SHAPE}: {reason(error)}") from error
        yield labelled(file, line, text, entities, troubles=left_out)


def write(sentences: Iterable[Sentence], path: Path) -> None:
    """Write an array of pairs, one a line."""
    write_pieces(_pieces(writable(sentences, NAME, texts=(TWO_HALVES,), types=(TWO_HALVES,))), path)


def _pair(row: Any, line: int) -> tuple[str, list[Annotation], list[Trouble]]:
    text, annotations = row
    if not isinstance(text, str):
        raise ShapeError(f"text is {text!r:.40}")
    return text, _entities(annotations["entities"]), _left_out(annotations, line)


def _entities(entities: Any) -> list[Annotation]:
    return list(map(annotation_in_list, entities))


def _left_out(annotations: dict[str, Any], line: int) -> list[Trouble]:
    """Return one trouble for each kind of annotation besides entities."""
    counts = {kind: _count(annotations.get(name) or {}) for name, kind in OTHERS.items()}
    return [Trouble(line, f"{count} {kind} are left out", LEFT_OUT) for kind, count in counts.items() if count]


def _count(annotations: Any) -> int:
    """Return the number of the annotations of one kind: a list, or objects grouped by name or by place."""
    if not isinstance(annotations, dict):
        return len(annotations)
    return sum(1 if isinstance(found, (int, float)) else len(found) for found in annotations.values())


def _paragraph(file: LabelledFile, line: int, paragraph: Any) -> Labelled:
    """Return a paragraph of spaCy 2, whose entities are BILOU tags of its tokens; spaCy 3 also writes them as spans."""
    tokens = [token for sentence in paragraph["sentences"] for token in sentence["tokens"]]
    if paragraph.get("entities") and not any("ner" in token for token in tokens):
        left_out = _left_out(paragraph, line)
        return labelled(file, line, paragraph["raw"], _entities(paragraph["entities"]), troubles=left_out)
    words, tags = [token["orth"] for token in tokens], [token.get("ner", UNKNOWN) for token in tokens]
    if not all(words):
        raise ValueError(f"token {words.index('') + 1} of {len(words)} is empty")
    unknown = [tag for tag in tags if not is_tag(tag)]
    others = [tag for tag in unknown if tag != UNKNOWN]
    if others:
        raise ValueError(f"unknown tag {others[0]!r:.40}")
    troubles = [Trouble(line, f"{len(unknown)} tokens have no entity annotation; the paragraph is left out", LEFT_OUT)]
    if unknown:
        return Labelled(line, None, tuple(troubles))
    troubles = [Trouble(line, found.reason) for found in broken(tags, "bilou")] + _left_out(paragraph, line)
    raw = paragraph.get("raw")
    sentence = tagged_sentence(words, tags) if raw is None else _aligned(raw, words, tags)
    return Labelled(line, sentence, tuple(troubles))


def _aligned(raw: str, words: Sequence[str], tags: Sequence[str]) -> Sentence:
    """Return the raw text, with entities where its words stand in it. Raises ValueError where one does not."""
    places = []
    end = 0
    for word in words:
        start = raw.find(word, end)
        if start < 0 or raw[end:start].strip():
            raise ValueError(f"token {word!r:.40} does not come next in the raw text, at {end}")
        end = start + len(word)
        places.append((start, end))
    spans = [Span(places[span.start][0], places[span.end - 1][1], span.label) for span in tags_to_spans(tags)]
    kept, _, _ = without_overlaps(raw, spans, 0)
    return Sentence(raw, kept)


def _pieces(sentences: Iterable[Sentence]) -> Iterator[str]:
    separator = "[\n"
    for sentence in sentences:
        entities = {"entities": [list(span) for span in sentence.spans]}
        yield separator + encode_json([sentence.text, entities])
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


FORMATS = (
    Format(
        name=NAME,
        summary="spaCy's training data: [[text, {\"entities\": [[start, end, label]]}]], or spaCy 2's JSON",
        recognizes=recognizes,
        read=read,
        write=write,
        holds_empty_texts=True,
    ),
)
