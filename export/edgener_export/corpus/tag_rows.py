"""Rows of tokens and tags, as the Hugging Face Hub's token classification sets have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from edgener_export.corpus.labelled_file import Labelled, LabelledFile, Trouble
from edgener_export.corpus.schemes import broken, detect_scheme, is_tag
from edgener_export.corpus.tokens import tagged_sentence

TOKENS = "tokens"
TAG_COLUMNS = ("ner_tags", "tags", "labels", "ner")
"""Names of the column that holds the tags; the first one is written."""


class TagRow(NamedTuple):
    """The tokens of a text and their tags."""

    line: int
    tokens: Sequence[str]
    tags: Sequence[str]


def tag_column(row: Mapping[str, Any]) -> str:
    """Return the name of the column that holds the tags. Raises KeyError if there is none."""
    for name in TAG_COLUMNS:
        if name in row:
            return name
    raise KeyError(TAG_COLUMNS[0])


def tag_row(line: int, tokens: Any, tags: Any, names: Sequence[str]) -> TagRow:
    """Return a row whose tags, if they are numbers, are looked up in ``names``.

    Raises TypeError or ValueError for tokens that are no strings, for tags that are none, and for another number of
    tags than of tokens.
    """
    if not (isinstance(tokens, list) and all(isinstance(token, str) and token for token in tokens)):
        raise TypeError(f"tokens are no list of strings that hold a character at least: {tokens!r:.60}")
    if not isinstance(tags, list) or len(tags) != len(tokens):
        raise ValueError(f"{len(tokens)} tokens, but the tags are {tags!r:.60}")
    named = [_name(tag, names) for tag in tags]
    unknown = next((tag for tag in named if not is_tag(tag)), None)
    if unknown is not None:
        raise ValueError(f"unknown tag {unknown!r:.40}; a tag is O, or a letter like B or I, a dash and a type")
    return TagRow(line, tokens, named)


def class_names(features: Any) -> dict[str, Sequence[str]]:
    """Return the names of the tags by column, from the description of a dataset's columns."""
    found: dict[str, Sequence[str]] = {}
    for column in TAG_COLUMNS:
        feature = features.get(column) if isinstance(features, dict) else None
        if isinstance(feature, dict):
            names = feature.get("feature", feature).get("names")
            found[column] = names if isinstance(names, list) else ()
    return found


def sentences_of(rows: Callable[[], Iterator[TagRow]], file: LabelledFile) -> Iterator[Labelled]:
    """Yield the sentences of rows, which are gone through twice: the scheme shows only in all of their tags.

    Raises CorpusError where the tags have the letters of no one scheme.
    """
    scheme = detect_scheme(row.tags for row in rows())
    if not scheme:
        raise file.error(1, "the letters of the tags are those of no one scheme (BIO, BIOES, BMES, BILOU)")
    for row in rows():
        troubles = (Trouble(row.line, found.reason) for found in broken(row.tags, scheme))
        yield Labelled(row.line, tagged_sentence(row.tokens, row.tags), tuple(troubles))


def _name(tag: object, names: Sequence[str]) -> str:
    if isinstance(tag, str):
        return tag
    if type(tag) is int and 0 <= tag < len(names):
        return str(names[tag])
    if type(tag) is int and not names:
        raise ValueError(
            f"the tags are numbers without names; put the dataset's dataset_info.json, whose features name them, "
            f"beside the file (found {tag})"
        )
    raise ValueError(f"tag {tag!r:.40} is none of the {len(names)} that the dataset names")
