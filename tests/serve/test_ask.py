"""Bodies of requests: whatever they hold, they are understood or told what is wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener import Entity
from edgener.serve.ask import Wanted, parse_ask
from edgener.serve.json_text import from_json, to_json
from edgener.serve.problem import ProblemError
from tests.support import CHARACTERS, TEXTS

KEYS = st.sampled_from(["inputs", "parameters", "options", "min_score", "ignore_labels", "stride"]) | st.text(
    max_size=3
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES | st.fixed_dictionaries({"inputs": VALUES}, optional={"parameters": VALUES, "options": VALUES}))
def test_any_value_is_a_request_or_a_problem(value: object) -> None:
    body = json.dumps(value).encode()
    told: ProblemError | None = None
    try:
        ask = parse_ask(body, 256)
    except ProblemError as problem:
        told = problem
    if told:
        assert told.status in (400, 422)
        assert to_json(told.content)
    else:
        assert isinstance(value, dict)
        assert ask.texts == ([value["inputs"]] if isinstance(value["inputs"], str) else value["inputs"])


@given(st.binary(max_size=40))
def test_any_bytes_are_a_request_or_a_problem(body: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        parse_ask(body, 256)
    assert caught.value.status in (400, 422)


@given(st.text(CHARACTERS, max_size=20))
def test_any_string_survives_the_way_there_and_back(text: str) -> None:
    assert from_json(to_json([text, {text: text}])) == [text, {text: text}]


def test_a_byte_order_mark_is_skipped() -> None:
    assert from_json(b'\xef\xbb\xbf"a"') == "a"


def test_entities_of_the_lowest_score_are_wanted() -> None:
    entities = [Entity(0, 1, "PER", "王", 0.5), Entity(1, 2, "LOC", "京", 0.49)]
    assert Wanted(0.5)(entities) == entities[:1]
    assert Wanted(0.0, frozenset({"PER"}))(entities) == entities[1:]
