"""JSON as the service reads and writes it: any Python string goes through, and anything but JSON is refused."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from typing import NoReturn

from edgener.lone_surrogates import JSON_ESCAPES

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def to_json(value: object) -> bytes:
    """Return a value as JSON in UTF-8; lone surrogates are escaped, so that none is lost."""
    text = _ENCODER.encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.translate(JSON_ESCAPES).encode()


def from_json(content: bytes) -> object:
    """Return the value of a JSON text in UTF-8; raise ValueError with a sentence for whoever sent it."""
    try:
        return _DECODER.decode(content.removeprefix(BOM_UTF8).decode())
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"the body is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except ValueError as error:
        raise ValueError(f"the body holds a number that is not taken: {error!s:.60}") from None
