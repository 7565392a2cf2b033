"""Labelled text in the field's file formats, read into sentences and written from them.

One character and tag a line, with an empty line between sentences: plain CoNLL in any scheme of ``tagging.SCHEMES``
(MSRA and People's Daily are BIO or BMES, Resume is BMES), and Weibo NER, where each character carries a digit that
says where in its word it stands. One JSON object a line: ours, with half-open spans, and CLUENER's, with closed ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from edgener.tags import Span
from edgener_export.corpus.schemes import (
    PREFIXES,
    SCHEMES,
    broken,
    detect_scheme,
    is_tag,
    spans_to_tags,
    split_tag,
    tags_to_spans,
)
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.text_file import read_lines
from edgener_export.errors import CorpusError

AUTO = "auto"
JSONL = "jsonl"
CLUENER = "cluener"
WEIBO = "weibo"
READABLE = (*SCHEMES, WEIBO, CLUENER, JSONL)
"""Formats that can be read, by the name that the command line uses."""
WRITABLE = (*SCHEMES, JSONL)
"""Formats that can be written."""
DOCUMENT_START = "-DOCSTART-"
"""First column of the lines with which CoNLL-2003 separates documents."""
WEIBO_TOKEN = re.compile(r"(.)[0-9]+", re.DOTALL)
BAD_BYTES = re.compile("\ufffd+")
LONE_SURROGATES = {code: f"\\u{code:04x}" for code in range(0xD800, 0xE000)}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something in a file that was read in spite of what is wrong with it."""

    line: int
    reason: str


@dataclass(frozen=True)
class Reading:
    """What a file says."""

    path: Path
    format: str
    """One of ``READABLE``."""
    sentences: list[Sentence]
    lines: list[int]
    """Where each sentence starts; the first line of the file is 1."""
    troubles: list[Trouble]
    """Broken tag sequences, and overlapping names of which one was left out; by line."""


class _Row(NamedTuple):
    """One token of a tagged file."""

    line: int
    token: str
    tag: str


class _Parsed(NamedTuple):
    line: int
    sentence: Sentence
    troubles: Sequence[Trouble] = ()


def read_labelled(path: Path, format_name: str = AUTO) -> Reading:
    """Sentences of a file in the named format, or in the one that its content looks like.

    Raises CorpusError, which names file and line, for a row that does not fit the format, for bytes that are not
    UTF-8 and for an empty file. Weibo NER is read in spite of bad bytes: its emoji were torn apart by those who made
    it, and each becomes one U+FFFD.
    """
    if format_name not in (AUTO, *READABLE):
        raise CorpusError(f"{path}: format {format_name!r} is unknown; known: {', '.join((AUTO, *READABLE))}")
    lines = read_lines(path, "replace" if format_name == WEIBO else "strict")
    if format_name == AUTO and (is_json_name(path) or _is_json(lines)):
        format_name = _detect_json(lines)
    if format_name in (JSONL, CLUENER):
        parsed = list(_parse_json(lines, path, _json_spans if format_name == JSONL else _cluener_spans))
    else:
        format_name, parsed = _parse_tagged(lines, path, format_name)
    if not parsed:
        raise CorpusError(f"{path}: holds no sentence")
    return Reading(
        path,
        format_name,
        [row.sentence for row in parsed],
        [row.line for row in parsed],
        [trouble for row in parsed for trouble in row.troubles],
    )


def write_labelled(sentences: Iterable[Sentence], format_name: str) -> Iterator[str]:
    """The file's text, piece by piece; what ``read_labelled`` makes of it is what was given.

    Raises CorpusError for a sentence that the format cannot hold: one without text, or with a line break or half a
    surrogate pair, where each character has a line; the message counts sentences from 1.
    """
    for number, sentence in enumerate(sentences, start=1):
        yield _json_row(sentence) if format_name == JSONL else _tagged_rows(sentence, format_name, number)


def is_json_name(path: Path) -> bool:
    """The file is called .jsonl or .json, packed or not."""
    return Path(path.name.removesuffix(".xz")).suffix in (".jsonl", ".json")


def _is_json(lines: Iterable[str]) -> bool:
    first = next((line for line in lines if line.strip()), "")
    try:
        return isinstance(json.loads(first), dict)
    except ValueError:
        return False


def _detect_json(lines: Iterable[str]) -> str:
    first = next((line for line in lines if line.strip()), "")
    try:
        row = json.loads(first)
    except ValueError:
        return JSONL
    return CLUENER if isinstance(row, dict) and "label" in row and "entities" not in row else JSONL


def _parse_json(lines: Iterable[str], path: Path, spans_of: Callable[[str, Any], Iterable[Span]]) -> Iterator[_Parsed]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text = row["text"]
            if not isinstance(text, str):
                raise TypeError(f"text is {text!r:.40}")  # noqa: TRY301
            spans = sorted(spans_of(text, row))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            expected = '"entities": [...]' if spans_of is _json_spans else '"label": {...}'
            raise CorpusError(f'{path}:{number}: expected {{"text": ..., {expected}}}: {error!r}') from error
        kept = spans if spans_of is _json_spans else _without_overlaps(spans)
        previous_end = 0
        for span in kept:
            if not previous_end <= span.start < span.end <= len(text):
                raise CorpusError(f"{path}:{number}: span {list(span)} overlaps another one or leaves the text")
            previous_end = span.end
        left_out = [
            Trouble(number, f"{span.label} {text[span.start : span.end]!r} overlaps a longer name and is left out")
            for span in spans
            if span not in kept
        ]
        yield _Parsed(number, Sentence(text, tuple(kept)), left_out)


def _json_spans(text: str, row: Any) -> Iterator[Span]:
    """``"entities": [{"start": 0, "end": 2, "label": "PER"}]``, with ``text`` or without."""
    for entity in row["entities"]:
        span = _span(entity["start"], entity["end"], entity["label"])
        if "text" in entity and entity["text"] != text[span.start : span.end]:
            raise ValueError(f"{entity['text']!r} does not stand at {span.start} to {span.end}")
        yield span


def _cluener_spans(text: str, row: Any) -> Iterator[Span]:
    """``"label": {"name": {"叶老桂": [[9, 11]]}}``: both ends belong to the name."""
    for label, names in row["label"].items():
        for name, places in names.items():
            for first, last in places:
                span = _span(first, last + 1, label)
                if text[span.start : span.end] != name:
                    raise ValueError(f"{name!r} does not stand at {first} to {last}")
                yield span


def _span(start: object, end: object, label: object) -> Span:
    if type(start) is not int or type(end) is not int:
        raise TypeError(f"{start!r} to {end!r} are not whole numbers")
    if not isinstance(label, str) or not label:
        raise ValueError(f"label {label!r} is no entity type")
    return Span(start, end, label)


def _without_overlaps(spans: Iterable[Span]) -> list[Span]:
    """The longest of the spans that overlap, and of equally long ones the first."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start - span.end, span)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept)


def _parse_tagged(lines: Sequence[str], path: Path, format_name: str) -> tuple[str, list[_Parsed]]:
    """The format, detected where it is ``AUTO``, and the sentences."""
    sentences = list(_row_groups(lines, path))
    if format_name == AUTO and all(WEIBO_TOKEN.fullmatch(row.token) for rows in sentences for row in rows):
        format_name = WEIBO
    scheme = "bio" if format_name == WEIBO else format_name
    if format_name == AUTO:
        detected = detect_scheme([row.tag for row in rows] for rows in sentences)
        if not detected:
            raise CorpusError(_mixed_schemes(sentences, path))
        format_name = scheme = detected
    allowed = SCHEMES[scheme].prefixes
    parsed: list[_Parsed] = []
    for rows in sentences:
        for row in rows:
            prefix, label = split_tag(row.tag)
            if label and prefix not in allowed:
                raise CorpusError(f"{path}:{row.line}: tag {row.tag} does not belong to the scheme {scheme}")
        parsed.append(_sentence(_weibo_rows(rows, path) if format_name == WEIBO else rows, scheme))
    return format_name, parsed


def _row_groups(lines: Iterable[str], path: Path) -> Iterator[list[_Row]]:
    """Rows of each sentence."""
    rows: list[_Row] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith(DOCUMENT_START):
            if rows:
                yield rows
                rows = []
            continue
        rows.append(_row(line, number, path))
    if rows:
        yield rows


def _row(line: str, number: int, path: Path) -> _Row:
    """Token in the first column, tag in the last; a token may be a space or a tab itself."""
    columns = [line[0], *line[2:].split()] if line[1:2] in (" ", "\t") else line.split()
    if columns[0].isspace() and len(columns) != 2:
        columns = line.split()
    if len(columns) < 2 or not is_tag(columns[-1]):
        why = "there is one column" if len(columns) < 2 else f"unknown tag {columns[-1]!r:.40}"
        raise CorpusError(
            f"{path}:{number}: expected a character, a space and a tag like B-PER, not {line!r:.60}: {why}; "
            f"a tag is O, or one of {', '.join(sorted(PREFIXES))}, a dash and a type"
        )
    return _Row(number, columns[0], columns[-1])


def _mixed_schemes(sentences: Iterable[Sequence[_Row]], path: Path) -> str:
    """What to say where no scheme has all letters of a file: the first row that shows it."""
    seen: list[str] = []
    for row in (row for rows in sentences for row in rows):
        prefix, label = split_tag(row.tag)
        if label and prefix not in seen:
            seen.append(prefix)
            if not any(scheme.prefixes >= set(seen) for scheme in SCHEMES.values()):
                break
    return (
        f"{path}:{row.line}: tag {row.tag} does not go with the letters before it ({', '.join(seen[:-1])}); "
        f"no scheme of {', '.join(SCHEMES)} has them all"
    )


def _weibo_rows(rows: Iterable[_Row], path: Path) -> list[_Row]:
    plain: list[_Row] = []
    for row in rows:
        match = WEIBO_TOKEN.fullmatch(BAD_BYTES.sub("\ufffd", row.token))
        if not match:
            raise CorpusError(f"{path}:{row.line}: expected a character and a digit like 科0, not {row.token!r:.40}")
        plain.append(row._replace(token=match[1]))
    return plain


def _sentence(rows: Sequence[_Row], scheme: str) -> _Parsed:
    tags = [row.tag for row in rows]
    starts = [0]
    for row in rows:
        starts.append(starts[-1] + len(row.token))
    spans = tuple(Span(starts[span.start], starts[span.end], span.label) for span in tags_to_spans(tags))
    troubles = [Trouble(rows[min(found.position, len(rows) - 1)].line, found.reason) for found in broken(tags, scheme)]
    return _Parsed(rows[0].line, Sentence("".join(row.token for row in rows), spans), troubles)


def _json_row(sentence: Sentence) -> str:
    entities = [{"start": span.start, "end": span.end, "label": span.label} for span in sentence.spans]
    row = json.dumps({"text": sentence.text, "entities": entities}, ensure_ascii=False)
    return row.translate(LONE_SURROGATES) + "\n"


def _tagged_rows(sentence: Sentence, scheme: str, number: int) -> str:
    text = sentence.text
    if not text or "\n" in text or any("\ud800" <= character <= "\udfff" for character in text):
        what = "half a surrogate pair" if text and "\n" not in text else "a line break" if text else "no text"
        raise CorpusError(f"sentence {number} has {what}, which a row of {scheme} cannot hold; convert to {JSONL}")
    for span in sentence.spans:
        if span.label.split() != [span.label]:
            raise CorpusError(f"sentence {number}: the type {span.label!r} has a space; convert to {JSONL}")
    tags = spans_to_tags(len(text), sentence.spans, scheme)
    return "".join(f"{character} {tag}\n" for character, tag in zip(text, tags, strict=True)) + "\n"
