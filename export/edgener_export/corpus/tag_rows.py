"""Rows of tokens and tags, as the Hugging Face Hub's token classification sets have them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgener_export.corpus.labelled_file import NOTE, Labelled, LabelledFile, Trouble
from edgener_export.corpus.malformed import ShapeError
from edgener_export.corpus.schemes import broken, detect_scheme, is_tag
from edgener_export.corpus.tokens import tagged_sentence
from edgener_export.errors import CorpusError

TOKENS = "tokens"
TAG_COLUMNS = ("ner_tags", "ner", "tags", "labels")
"""Names of the column that holds the tags; the first one that a file has is read, and the first one is written."""
DATASET_INFO = "dataset_info.json"
TagNames = Callable[[], Sequence[str]]
"""A function that returns the names of the tags by their numbers; it is called where tags are numbers."""


class TagRow(NamedTuple):
    """The tokens of a text and their tags."""

    line: int
    tokens: Sequence[str]
    tags: Sequence[str]


def tag_column(columns: Collection[str]) -> str:
    """Return the name of the column that holds the tags; where a file has none, the name that is written."""
    return next((name for name in TAG_COLUMNS if name in columns), TAG_COLUMNS[0])


def unread_remark(lists: Iterable[str], column: str) -> str:
    """Return the remark on the columns of lists besides the tokens and ``column``; an empty string for none."""
    others = [name for name in lists if name not in (TOKENS, column)]
    return f"the tags are those of {column}; {', '.join(others)} not read" if others else ""


def tag_row(line: int, tokens: Any, tags: Any, names: TagNames) -> TagRow:
    """Return a row whose tags, if they are numbers, are looked up in ``names``.

    Raises ValueError for tokens that are no strings, for tags that are none, and for another number of tags than of
    tokens.
    """
    if not (isinstance(tokens, list) and all(isinstance(token, str) and token for token in tokens)):
        raise ShapeError(f"tokens are no list of strings that hold a character at least: {tokens!r:.60}")
    if not isinstance(tags, list) or len(tags) != len(tokens):
        raise ValueError(f"{len(tokens)} tokens, but the tags are {tags!r:.60}")
    named = [_name(tag, names) for tag in tags]
    unknown = next((tag for tag in named if not is_tag(tag)), None)
    if unknown is not None:
        raise ValueError(f"unknown tag {unknown!r:.40}; a tag is O, or a letter like B or I, a dash and a type")
    return TagRow(line, tokens, named)


def class_names(features: Any) -> dict[str, Sequence[str]]:
    """Return the names of the tags by column, from the description of a dataset's columns, by name or in a list."""
    found: dict[str, Sequence[str]] = {}
    if isinstance(features, list):
        features = {feature.get("name"): feature for feature in features}
    for column in TAG_COLUMNS:
        names = _class_names(features.get(column)) if isinstance(features, dict) else ()
        if names:
            found[column] = names
    return found


def _class_names(feature: Any) -> Sequence[str]:
    """Return the names of a column's classes; ``[...]`` and ``{"feature": ...}`` describe lists of what they hold.

    A dataset's card on the hub writes ``{"sequence": {"class_label": {"names": {"0": "O"}}}}`` instead.
    """
    while isinstance(feature, (list, dict)):
        if isinstance(feature, list):
            feature = next(iter(feature), None)
        elif "names" in feature:
            names = feature["names"]  # by number in a dataset's card, as {"0": "O"}
            if isinstance(names, dict):
                return _by_number(names)
            return names if isinstance(names, list) else ()
        else:
            feature = next((feature[key] for key in ("feature", "sequence", "class_label") if key in feature), None)
    return ()


def _by_number(names: Mapping[str, str]) -> list[str]:
    """Return names in the order of their numbers, whatever that of the keys. Raises ValueError where one is missing."""
    missing = next((number for number in range(len(names)) if str(number) not in names), None)
    if missing is not None:
        raise ValueError(f"the names of its {len(names)} tags have no number {missing}")
    return [names[str(number)] for number in range(len(names))]


def names_beside(path: Path) -> dict[str, Sequence[str]]:
    """Return the names of the tags by column, as a dataset's description beside the file has them."""
    description = path.with_name(DATASET_INFO)
    try:
        found = json.loads(description.read_text(encoding="utf-8-sig"))
        if "features" not in found and len(found) == 1:  # of the only configuration of a dataset
            (found,) = found.values()
        return class_names(found.get("features"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise CorpusError(f"{description}: is no description of a dataset: {error}") from error


def sentences_of(rows: Callable[[], Iterator[TagRow]], file: LabelledFile, remark: str = "") -> Iterator[Labelled]:
    """Yield the sentences of rows, which are gone through twice: the scheme shows only in all of their tags.

    The first one has the remark on how the file is read. Raises CorpusError where the tags have the letters of no one
    scheme.
    """
    scheme = detect_scheme(row.tags for row in rows())
    if not scheme:
        raise file.error(1, "the letters of the tags are those of no one scheme (BIO, BIOES, BMES, BILOU)")
    for row in rows():
        troubles = [Trouble(row.line, remark, NOTE)] if remark else []
        troubles += (Trouble(row.line, found.reason) for found in broken(row.tags, scheme))
        yield Labelled(row.line, tagged_sentence(row.tokens, row.tags), tuple(troubles))
        remark = ""


def _name(tag: object, names_of_numbers: TagNames) -> str:
    if isinstance(tag, str):
        return tag
    names = names_of_numbers()
    if type(tag) is int and 0 <= tag < len(names):
        return str(names[tag])
    if type(tag) is int and not names:
        raise ValueError(
            f"the tags are numbers without names; put the dataset's {DATASET_INFO}, whose features name them, "
            f"beside the file (found {tag})"
        )
    raise ValueError(f"tag {tag!r:.40} is none of the {len(names)} that the dataset names")
