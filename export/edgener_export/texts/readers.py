"""The content of a file as texts: one function for each form that repositories keep text in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
CODE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
PICTURE_OR_LINK = re.compile(r"!\[[^\]]*\]\([^)]*\)|\[([^\]]*)\]\([^)]*\)")
MARKUP = re.compile(r"<[^>]*>|`[^`]*`|^\s*(?:#+|[-*+>]|\d+\.)\s+|[*_]{2,}|^\s*\|.*$", re.MULTILINE)

Reader = Callable[[str, Sequence[str]], Iterator[str]]
"""Yields the texts of a file's content; it is given the fields that are wanted."""


def read_lines(content: str, _fields: Sequence[str]) -> Iterator[str]:
    """Yield every line."""
    yield from content.splitlines()


def read_markdown(content: str, _fields: Sequence[str]) -> Iterator[str]:
    """Yield every line of prose, without front matter, code, tables, pictures, addresses and marks."""
    prose = CODE.sub("\n", FRONT_MATTER.sub("", content.replace("\r\n", "\n")))
    yield from MARKUP.sub("", PICTURE_OR_LINK.sub(r"\1", prose)).splitlines()


def read_json(content: str, fields: Sequence[str]) -> Iterator[str]:
    """Yield the texts under the keys ``fields``, at any depth, of a JSON value or of JSON lines.

    A field ``a.b`` is the text under the key b of an object under the key a.
    """
    try:
        values = [json.loads(content)]
    except ValueError:
        values = [json.loads(line) for line in content.splitlines() if line.strip()]
    wanted = [tuple(field.split(".")) for field in fields]
    for value in values:
        yield from _texts_under(value, (), wanted)


def read_xml(content: str, fields: Sequence[str]) -> Iterator[str]:
    """Yield the text of every element with one of the names ``fields``, whatever its namespace."""
    for element in ElementTree.fromstring(content).iter():
        if element.tag.rpartition("}")[2] in fields:
            yield "".join(element.itertext())


def _texts_under(value: Any, way: tuple[str, ...], wanted: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if isinstance(value, dict):
        for key, within in value.items():
            yield from _texts_under(within, (*way, key), wanted)
    elif isinstance(value, list):
        for within in value:
            yield from _texts_under(within, way, wanted)
    elif isinstance(value, str) and any(way[-len(field) :] == field for field in wanted):
        yield value


READERS: dict[str, Reader] = {
    "lines": read_lines,
    "markdown": read_markdown,
    "json": read_json,
    "xml": read_xml,
}
