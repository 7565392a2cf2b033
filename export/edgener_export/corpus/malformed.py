"""Rows that are not shaped as their format has them, and what is wrong with them in the words of their writers."""

from __future__ import annotations

MALFORMED = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
"""Errors that Python raises where a value is not shaped as expected."""


class ShapeError(ValueError):
    """A part of a row is not what its format has there; the message says what it is."""


def reason(error: Exception) -> str:
    """Return what is wrong with a row, given one of ``MALFORMED``."""
    if isinstance(error, KeyError):
        return f"the key {error.args[0]!r} is missing"
    if isinstance(error, (AttributeError, IndexError, TypeError)):
        return "something is not where it should be"
    return str(error)
