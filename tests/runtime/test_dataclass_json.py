"""Plain JSON and TOML values become records by the types of their fields, and errors say where."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.bundle import Manifest
from edgener.dataclass_json import RecordError, from_plain, to_plain
from tests.support import TINY_BUNDLE, read_manifest


@dataclass(frozen=True)
class Inner:
    """A table."""

    number: float
    flag: bool = False


@dataclass(frozen=True)
class Outer:
    """A document."""

    name: str
    count: int
    inner: Inner
    items: tuple[Inner, ...] = ()
    table: dict[str, int] = field(default_factory=dict)
    maybe: str | None = None


INNER = st.builds(Inner, st.floats(allow_nan=False), st.booleans())
OUTER = st.builds(
    Outer,
    st.text(),
    st.integers(),
    INNER,
    st.lists(INNER, max_size=3).map(tuple),
    st.dictionaries(st.text(), st.integers(), max_size=3),
    st.none() | st.text(),
)


@given(OUTER)
def test_records_survive_the_way_there_and_back(record: Outer) -> None:
    assert from_plain(Outer, to_plain(record)) == record


def test_missing_fields_take_their_defaults_and_whole_numbers_are_floats() -> None:
    record = from_plain(Outer, {"name": "n", "count": 1, "inner": {"number": 2}})
    assert record == Outer("n", 1, Inner(2.0))
    assert isinstance(record.inner.number, float)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": "1"}, "count is '1', expected int"),
        ({"count": True}, "count is True, expected int"),
        ({"count": 1.5}, "count is 1.5, expected int"),
        ({"name": None}, "name is None, expected str"),
        ({"inner": 3}, "inner is 3, expected dict"),
        ({"inner": {}}, "inner.number is missing"),
        ({"inner": {"number": "x"}}, "inner.number is 'x', expected float"),
        ({"inner": {"number": 10**400}}, "inner.number has 401 digits, too many for a float"),
        ({"inner": {"number": 1, "colour": 2}}, "inner.colour is unknown; known: number, flag"),
        ({"items": {}}, "items is {}, expected list"),
        ({"items": [{"number": 1}, {}]}, "items[1].number is missing"),
        ({"table": {"a": "b"}}, "table.a is 'b', expected int"),
        ({"maybe": 5}, "maybe is 5, expected str"),
    ],
)
def test_errors_say_where(change: dict[str, object], message: str) -> None:
    with pytest.raises(RecordError) as caught:
        from_plain(Outer, {"name": "n", "count": 1, "inner": {"number": 2}, **change})
    assert message in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.data())
def test_a_manifest_with_any_field_replaced_is_read_or_refused(data: st.DataObject) -> None:
    plain = to_plain(read_manifest(TINY_BUNDLE))
    plain[data.draw(st.sampled_from(sorted(plain)))] = data.draw(JSON)
    try:
        manifest = from_plain(Manifest, plain)
    except RecordError:
        return
    assert to_plain(from_plain(Manifest, to_plain(manifest))) == to_plain(manifest)
