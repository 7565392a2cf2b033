"""Checks of what callers give to the recognizer: a str is one text, and everything that holds texts is not a str."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def require_text(text: object) -> None:
    """Raise TypeError unless ``text`` is a str."""
    if not isinstance(text, str):
        raise TypeError(f"expected one text as a str, got {_kind(text)}; use batch(texts) for several texts")


def checked_texts(texts: Iterable[str]) -> Iterator[str]:
    """Return an iterator over ``texts`` that raises TypeError where one of them is not a str.

    Raises TypeError at once if ``texts`` is itself a str, or cannot be iterated over.
    """
    _require_several(texts, "texts", "call the recognizer itself for one text")
    return _checked(texts, "text")


def checked_pieces(pieces: Iterable[str]) -> Iterator[str]:
    """Return an iterator over the pieces of one document, with the checks of ``checked_texts``."""
    _require_several(pieces, "pieces of a document", "put a whole document into a list")
    return _checked(pieces, "piece")


def checked_documents(documents: Iterable[Iterable[str]]) -> Iterator[Iterable[str]]:
    """Return an iterator over documents in pieces, each of them with the checks of ``checked_pieces``."""
    _require_several(documents, "documents, each of them in pieces", "use batch(texts) for whole texts")
    return map(checked_pieces, documents)


def _require_several(values: object, what: str, remedy: str) -> None:
    if isinstance(values, (str, bytes, bytearray, memoryview)) or not isinstance(values, Iterable):
        raise TypeError(f"expected an iterable of {what}, got {_kind(values)}; {remedy}")


def _checked(values: Iterable[object], what: str) -> Iterator[str]:
    for number, value in enumerate(values):
        if not isinstance(value, str):
            raise TypeError(f"expected each {what} to be a str, but number {number} (from 0) is {_kind(value)}")
        yield value


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__
