"""Rows of tagged files: what separates their columns, which of them is the token, and which the tag.

If a line holds a tab, only tabs separate its columns; otherwise blanks do. The token is the first column, or the
second if the first one counts up; the tag is the last one. A token of one character may be a blank or a tab itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from edgener_export.corpus.json_rows import is_json
from edgener_export.corpus.labelled_file import NOTE, Labelled, LabelledFile, Trouble
from edgener_export.corpus.schemes import (
    FILE_SCHEMES,
    PREFIXES,
    broken,
    detect_scheme,
    is_tag,
    split_tag,
)
from edgener_export.corpus.tokens import tagged_sentence
from edgener_export.errors import CorpusError

DOCUMENT_START = "-DOCSTART-"
"""First column of the lines with which CoNLL-2003 separates documents."""
COMMENT = "#"
SHORT_ROW = re.compile(r"(.)[ \t](\S+)", re.DOTALL)
"""A token of one character, whatever it is, one separator and a tag."""
WORD_PLACE = re.compile(r"(.)([0-9]{1,9})", re.DOTALL)
"""A character and its place in its word."""
INDEX = re.compile("[0-9]{1,9}")
"""A number that may count rows."""
BLANK = re.compile(r"[\s\x02]")
BLANKS = re.compile(" +")
LEAST_IN_ORDER = 0.7
"""Least share of the numbers behind characters that begin a word, or go on counting in one, in Weibo NER."""
LEAST_INDEXED = 3
"""Columns that a file has at least if the first one is an index: there must be a token besides."""
TAG_SHAPE = f"a tag is O, or one of {', '.join(sorted(PREFIXES))}, a dash and a type"


class Row(NamedTuple):
    """One token of a tagged file."""

    line: int
    columns: Sequence[str]

    @property
    def tag(self) -> str:
        """The last column."""
        return self.columns[-1]


@dataclass(frozen=True)
class Layout:
    """The columns that all rows of a file have."""

    width: int
    """Number of columns of each row; 0 in a file without rows."""
    first_line: int
    """The line of the first row that has this width."""
    token: int
    """Index of the column that holds the token."""
    comments: Sequence[int]
    """Lines that are comments."""
    scheme: str | None
    """The scheme that has all prefixes of the tags; None if there is none."""
    has_tag_lists: bool
    """Some row has several tags in its last column: a sentence a line."""
    begins_with_ids: bool
    """The first column is the same throughout each sentence, and the second one counts up: neither is a token."""

    def notes(self) -> Iterator[Trouble]:
        """Yield what is to be told of how the file is read."""
        if self.comments:
            count = len(self.comments)
            yield Trouble(self.comments[0], f"{count} comment line{'s' * (count > 1)} not read", NOTE)
        if self.token:
            yield Trouble(self.first_line, "column 1 counts up and is taken for an index; the token is column 2", NOTE)
        unread = range(self.token + 2, self.width)
        if unread:
            names = f"column {unread[0]}" if len(unread) == 1 else f"columns {unread[0]} to {unread[-1]}"
            yield Trouble(self.first_line, f"{names} of {self.width} not read", NOTE)


def looks_tagged(file: LabelledFile) -> bool:
    """Tell whether the first row of a file ends in a tag."""
    if file.path.is_dir() or is_json(file):
        return False
    for _, line in file.numbered_lines():
        columns = split_columns(line)
        if len(columns) > 1 and is_column_tag(columns[-1]):
            return True
        if not (line.startswith((COMMENT, DOCUMENT_START))):
            return False
    return False


def word_places(file: LabelledFile) -> Literal["none", "perhaps", "surely"]:
    """Tell whether each token is a character and the number of its place in its word, as Weibo NER has them.

    Tokens that are all ASCII only may be that: ``A0`` is a token of its own in other files.
    """
    layout = file.once(layout_of)
    tokens = in_order = 0
    is_ascii = True
    for lines in _line_groups(file):
        expected = {"0"}
        for _, line in lines:
            match = WORD_PLACE.fullmatch(split_columns(line, layout.width)[0])
            if not match:
                return "none"
            tokens += 1
            in_order += match[2] in expected
            is_ascii &= match[1].isascii()
            expected = {"0", str(int(match[2]) + 1)}
    if in_order < LEAST_IN_ORDER * tokens:
        return "none"
    return "perhaps" if is_ascii else "surely"


def read_tagged(file: LabelledFile, scheme: str) -> Iterator[Labelled]:
    """Yield the sentences of a file with one token and its tag a line, in this scheme.

    Raises CorpusError, which names file and line, for a row with another number of columns than the others, without
    a tag, or with a tag that is not of the scheme.
    """
    layout = file.once(layout_of)
    allowed = FILE_SCHEMES[scheme].prefixes
    known: set[str] = set()
    notes = tuple(layout.notes())
    for rows in rows_of_sentences(file, layout):
        for row in rows:
            if row.tag not in known:
                prefix, label = split_tag(row.tag)
                if label and prefix not in allowed:
                    raise file.error(
                        row.line,
                        f"tag {row.tag} does not belong to the scheme {scheme}; name another one, or none: --from auto",
                    )
                known.add(row.tag)
        yield sentence_of(rows, [row.columns[layout.token] for row in rows], scheme, notes)
        notes = ()


def sentence_of(rows: Sequence[Row], tokens: Sequence[str], scheme: str, notes: Sequence[Trouble] = ()) -> Labelled:
    """Return the sentence of some rows, with the places where its tags break the scheme."""
    tags = [row.tag for row in rows]
    troubles = [Trouble(rows[min(found.position, len(rows) - 1)].line, found.reason) for found in broken(tags, scheme)]
    return Labelled(rows[0].line, tagged_sentence(tokens, tags), (*notes, *troubles))


def rows_of_sentences(file: LabelledFile, layout: Layout) -> Iterator[list[Row]]:
    """Yield the verified rows of each sentence. Raises CorpusError, which names file and line, for one that is none."""
    if layout.begins_with_ids:
        raise file.error(
            layout.first_line,
            "column 1 is the same in all rows of a sentence and column 2 counts up, so that neither is a token; "
            "remove both columns",
        )
    for lines in _line_groups(file):
        rows = []
        for number, line in lines:
            columns = split_columns(line, layout.width)
            if _is_comment(line, columns, layout.width):
                continue
            _verify_row(file, number, line, columns, layout)
            rows.append(Row(number, columns))
        if rows:
            _verify_index(file, rows, layout)
            yield rows


def layout_of(file: LabelledFile) -> Layout:
    """Return what the columns of a file are, after one look at all of its rows."""
    survey = _Survey()
    scheme = detect_scheme(map(survey.tags, _line_groups(file)))
    return Layout(
        survey.width,
        survey.first_line,
        survey.token(),
        survey.comments,
        scheme,
        survey.has_tag_lists,
        survey.begins_with_ids,
    )


def complaint(file: LabelledFile) -> CorpusError:
    """Return the error that says why a file is tagged text of no scheme: the first row that shows it."""
    seen: list[str] = []
    layout = file.once(layout_of)
    if not layout.width:
        line, text = next(file.numbered_lines())
        columns = split_columns(text)
        why = "there is one column" if len(columns) < 2 else f"unknown tag {columns[-1]!r:.40}"
        return _row_error(file, line, text, columns, why)
    try:
        for row in (row for rows in rows_of_sentences(file, layout) for row in rows):
            prefix, label = split_tag(row.tag)
            if label and prefix not in seen:
                seen.append(prefix)
                if not any(scheme.prefixes >= set(seen) for scheme in FILE_SCHEMES.values()):
                    return file.error(
                        row.line,
                        f"tag {row.tag} does not go with the letters before it ({', '.join(seen[:-1])}); "
                        f"no scheme of {', '.join(FILE_SCHEMES)} has them all",
                    )
    except CorpusError as error:
        return error
    return CorpusError(f"{file.path}: holds no sentence")


def split_columns(line: str, width: int = 0) -> Sequence[str]:
    """Return the columns of a line; ``width`` is how many there should be, if that is known."""
    short = SHORT_ROW.fullmatch(line)
    if short and is_column_tag(short[2]):
        return short.groups()
    if "\t" in line:
        return line.rstrip("\t ").split("\t")
    stripped = BLANKS.split(line.strip(" "))
    if line[:1] == " " and line[1:2] == " ":
        with_blank_token = [" ", *BLANKS.split(line[2:].strip(" "))]
        if len(with_blank_token) == width:
            return with_blank_token
    return stripped


class _Survey:
    """Counts that are complete only after all rows have been seen."""

    def __init__(self) -> None:
        self.width = 0
        self.first_line = 0
        self.comments: list[int] = []
        self.has_tag_lists = False
        self._long = self._counting = self._with_ids = 0
        self._short_starts: set[str] = set()

    def tags(self, lines: Sequence[tuple[int, str]]) -> list[str]:
        """Return the tags of a sentence's rows, and note what its columns look like."""
        tags, firsts, seconds = [], [], []
        for number, line in lines:
            columns = split_columns(line, self.width)
            if _is_comment(line, columns, self.width):
                self.comments.append(number)
                continue
            if not self.width and len(columns) > 1 and is_column_tag(columns[-1]):
                self.width, self.first_line = len(columns), number
            firsts.append(columns[0])
            seconds.append(columns[1] if len(columns) > 1 else "")
            if is_column_tag(columns[-1]):
                tags.append(columns[-1])
            elif "\t" in line and are_tags(columns[-1]):
                self.has_tag_lists = True
        if self.width >= LEAST_INDEXED and firsts:
            self._note_index(firsts, seconds)
        return tags

    @property
    def begins_with_ids(self) -> bool:
        """Return True if each sentence of several rows has one value in column 1, and column 2 counts up."""
        return 0 < self._with_ids == self._long

    def token(self) -> int:
        """Return 1 if the first column is an index, else 0."""
        if not self._long:
            return int(bool(self._short_starts) and self._short_starts <= {"0", "1"})
        return int(self._counting * 2 >= self._long)

    def _note_index(self, firsts: Sequence[str], seconds: Sequence[str]) -> None:
        if len(firsts) > 1:
            self._long += 1
            self._counting += counts_up(firsts)
            self._with_ids += len(set(firsts)) == 1 and counts_up(seconds)
        else:
            self._short_starts.add(firsts[0])


@lru_cache(maxsize=1024)
def is_column_tag(column: str) -> bool:
    """Tell whether a column is a tag; a type with a blank would be a list of tags misread."""
    return is_tag(column) and not BLANK.search(column)


def are_tags(column: str) -> bool:
    """Tell whether a column holds tags alone, with blanks (or the control character 2) between them."""
    return all(map(is_column_tag, split_list(column)))


def split_list(column: str) -> list[str]:
    """Return the parts of a column that holds a sentence's tokens, or its tags."""
    return re.split(" +|\x02", column.strip(" "))


def counts_up(column: Sequence[str]) -> bool:
    """Tell whether these are whole numbers of which each is one more than the one before."""
    if not all(map(INDEX.fullmatch, column)):
        return False
    numbers = [int(value) for value in column]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _line_groups(file: LabelledFile) -> Iterator[list[tuple[int, str]]]:
    """Yield the numbered lines between two blank lines, or lines that start a document."""
    group: list[tuple[int, str]] = []
    for number, line in enumerate(file.lines(), start=1):
        if line.strip() and not line.startswith(DOCUMENT_START):
            group.append((number, line))
        elif group:
            yield group
            group = []
    if group:
        yield group


def _is_comment(line: str, columns: Sequence[str], width: int) -> bool:
    if not line.startswith(COMMENT):
        return False
    is_row = len(columns) > 1 and is_column_tag(columns[-1]) and len(columns) == (width or len(columns))
    return not (is_row or _is_sentence(line)) and (line[1:2] in ("", " ", "\t", COMMENT) or len(columns) == 1)


def _is_sentence(line: str) -> bool:
    """Tell whether a line is a whole sentence: tokens, a tab, and as many tags."""
    tokens, tab, tags = line.partition("\t")
    return bool(tab) and are_tags(tags) and len(split_list(tokens)) == len(split_list(tags))


def _verify_row(file: LabelledFile, number: int, line: str, columns: Sequence[str], layout: Layout) -> None:
    if len(columns) < 2:
        raise _row_error(file, number, line, columns, "there is one column")
    if len(columns) != layout.width and layout.width:
        raise _row_error(
            file,
            number,
            line,
            columns,
            f"there are {len(columns)} columns, but {layout.width} in line {layout.first_line}",
        )
    if not is_column_tag(columns[-1]):
        raise _row_error(file, number, line, columns, f"unknown tag {columns[-1]!r:.40}")
    if not columns[layout.token]:
        raise _row_error(file, number, line, columns, "the token is empty")


def _verify_index(file: LabelledFile, rows: Sequence[Row], layout: Layout) -> None:
    if layout.token and not counts_up([row.columns[0] for row in rows]):
        raise file.error(
            rows[0].line,
            "the first column counts up in most sentences, but not in this one; remove the column if it is an index",
        )


def _row_error(file: LabelledFile, number: int, line: str, columns: Sequence[str], why: str) -> CorpusError:
    is_list = len(split_list(columns[-1])) > 1 and are_tags(columns[-1])
    hint = "; if each line is a sentence, its format is tagged-lines" if is_list else ""
    return file.error(
        number, f"expected a token, a blank or a tab, and a tag like B-PER, not {line!r:.60}: {why}; {TAG_SHAPE}{hint}"
    )
