"""The requests of a client of a service: texts as JSON, as many together as one request may hold."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from numbers import Real
from typing import NamedTuple

from edgener.lone_surrogates import FIRST_OF_PAIR, JSON_ESCAPES
from edgener.text_arguments import checked_texts


class Limits(NamedTuple):
    """Sizes of one request of ``batch``; a text that is larger alone is sent nevertheless."""

    bytes: int = 1 << 18
    texts: int = 64


GROUP = Limits()
"""Limits by which an answer comes soon; those of a service may be lower."""


class Group(NamedTuple):
    """Texts that one request asks for."""

    texts: list[str]
    json: list[bytes]
    """Each of them as JSON."""


def client_texts(texts: Iterable[str]) -> Iterator[str]:
    """Return an iterator over texts; raise TypeError for a single str, and, where it stands, for anything else."""
    if isinstance(texts, str):
        raise TypeError("expected an iterable of texts, got str; call the client itself for one text")
    return checked_texts(texts)


def groups(texts: Iterable[str], parameters: bytes, limits: Limits) -> Iterator[Group]:
    """Yield texts, as many together as one request may hold."""
    empty = len(body_of([], parameters)) - 1  # a comma is before each text but the first
    group = Group([], [])
    size = empty
    for text in texts:
        encoded = text_json(text)
        if group.texts and size + 1 + len(encoded) > limits.bytes:
            yield group
            group, size = Group([], []), empty
        group.texts.append(text)
        group.json.append(encoded)
        size += 1 + len(encoded)
        if len(group.texts) >= limits.texts:
            yield group
            group, size = Group([], []), empty
    if group.texts:
        yield group


def body_of(texts: list[bytes], parameters: bytes) -> bytes:
    """Return the body of a request for texts and with parameters that are JSON already."""
    return b'{"inputs": [%b], "parameters": %b}' % (b",".join(texts), parameters)


def parameters_of(min_score: float, ignore_labels: Collection[str]) -> bytes:
    """Return the parameters of a request as JSON; raise TypeError for values of another type."""
    parameters: dict[str, float | list[str]] = {}
    lowest = number(min_score, "min_score")
    if lowest:
        parameters["min_score"] = lowest
    if isinstance(ignore_labels, str | bytes) or not isinstance(ignore_labels, Iterable):
        raise TypeError(f"expected ignore_labels to be a list of entity types, got {type(ignore_labels).__name__}")
    labels = list(ignore_labels)
    if not all(isinstance(label, str) for label in labels):
        raise TypeError("expected each of ignore_labels to be a str")
    if labels:
        parameters["ignore_labels"] = labels
    return to_json(parameters)


def number(value: object, name: str) -> float:
    """Return the value of an argument that must be a number; raise TypeError where it is none."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"expected {name} to be a number, got {type(value).__name__}")
    return float(value)


def text_json(text: str) -> bytes:
    """Return a text as JSON that is read as so many code points; the model sees U+FFFD for half a pair, either way."""
    return to_json(FIRST_OF_PAIR.sub("\ufffd", text))


def to_json(value: object) -> bytes:
    """Return a value as JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False).translate(JSON_ESCAPES).encode()
