"""Converts JSON and TOML objects to frozen dataclasses and back, by the types of their fields."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Record = TypeVar("Record")


class RecordError(ValueError):
    """A value does not fit its field; the message says where it stands."""


def from_plain(cls: type[Record], value: object, where: str = "") -> Record:
    """Return an object of the dataclass ``cls`` made from parsed JSON or TOML.

    Fields may be str, int, float, bool, a dataclass, ``tuple[X, ...]``, ``dict[str, X]`` or ``X | None``. Unknown
    and missing fields, and values of another type, raise RecordError.
    """
    return _convert(cls, value, where)  # type: ignore[no-any-return]


def to_plain(record: object) -> Any:
    """Return a record as dicts, lists and scalars; ``from_plain`` is the inverse."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        return {field.name: to_plain(getattr(record, field.name)) for field in dataclasses.fields(record)}
    if isinstance(record, (list, tuple)):
        return [to_plain(item) for item in record]
    if isinstance(record, Mapping):
        return {key: to_plain(item) for key, item in record.items()}
    return record


def _convert(kind: Any, value: object, where: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        present = next(option for option in get_args(kind) if option is not type(None))
        return None if value is None else _convert(present, value, where)
    if dataclasses.is_dataclass(kind):
        return _convert_record(kind, value, where)
    if origin is tuple:
        items = _expect(list, value, where)
        return tuple(_convert(get_args(kind)[0], item, f"{where}[{index}]") for index, item in enumerate(items))
    if origin is dict:
        items = _expect(dict, value, where)
        return {key: _convert(get_args(kind)[1], item, _field(where, key)) for key, item in items.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return _float(value, where)
    if kind is int and isinstance(value, bool):
        raise RecordError(f"{where} is {value!r}, expected int")
    return _expect(kind, value, where)


def _float(value: int, where: str) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise RecordError(f"{where} has {len(str(value))} digits, too many for a float") from error


def _convert_record(cls: Any, value: object, where: str) -> Any:
    items = _expect(dict, value, where or "the top level")
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for key in items:
        if key not in fields:
            raise RecordError(f"{_field(where, key)} is unknown; known: {', '.join(fields)}")
    for name, field in fields.items():
        has_default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        if name not in items and not has_default:
            raise RecordError(f"{_field(where, name)} is missing")
    return cls(**{name: _convert(hints[name], item, _field(where, name)) for name, item in items.items()})


def _expect(kind: Any, value: object, where: str) -> Any:
    if not isinstance(value, kind):
        raise RecordError(f"{where} is {value!r:.80}, expected {kind.__name__}")
    return value


def _field(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
