"""Values that are no text, or no several texts, are refused with the right words; what is right passes unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edgener.text_arguments import checked_documents, checked_pieces, checked_texts, require_text


def refusal(take: Callable[[Any], object], value: object) -> str:
    """Return the message with which a value is refused."""
    with pytest.raises(TypeError) as caught:
        take(value)
    return str(caught.value)


def test_what_is_right_passes_unchanged() -> None:
    require_text("")
    assert list(checked_texts(iter(["a", ""]))) == list(checked_pieces(("a", ""))) == ["a", ""]
    assert [list(pieces) for pieces in checked_documents([["a"], []])] == [["a"], []]


@pytest.mark.parametrize(
    ("value", "kind"), [(None, "None"), (b"", "bytes"), (["a"], "list"), (1, "int"), (True, "bool")]
)
def test_what_is_no_text_is_refused(value: object, kind: str) -> None:
    assert refusal(require_text, value) == (
        f"expected one text as a str, got {kind}; use batch(texts) for several texts"
    )


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("a", "str"),
        (b"a", "bytes"),
        (bytearray(b"a"), "bytearray"),
        (memoryview(b"a"), "memoryview"),
        (None, "None"),
        (7, "int"),
    ],
)
def test_what_does_not_hold_texts_is_refused_before_it_is_read(value: object, kind: str) -> None:
    assert refusal(checked_texts, value) == (
        f"expected an iterable of texts, got {kind}; call the recognizer itself for one text"
    )
    assert refusal(checked_pieces, value) == (
        f"expected an iterable of pieces of a document, got {kind}; put a whole document into a list"
    )
    assert refusal(checked_documents, value) == (
        f"expected an iterable of documents, each of them in pieces, got {kind}; use batch(texts) for whole texts"
    )


@pytest.mark.parametrize(
    ("checked", "what"), [(checked_texts, "text"), (checked_pieces, "piece")], ids=["texts", "pieces"]
)
def test_the_first_item_that_is_no_text_is_named_after_those_before_it(
    checked: Callable[[Any], Iterator[str]], what: str
) -> None:
    items = checked(["a", "b", None, 3])
    assert [next(items), next(items)] == ["a", "b"]
    assert refusal(next, items) == f"expected each {what} to be a str, but number 2 (from 0) is None"


def test_a_document_that_is_one_text_is_refused_where_it_comes() -> None:
    documents = checked_documents([["a"], "b"])
    assert list(next(documents)) == ["a"]
    assert refusal(next, documents).startswith("expected an iterable of pieces of a document, got str")
