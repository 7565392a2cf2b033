"""Bodies of requests: whatever they hold, they are understood or told what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener import Entity
from edgener.serve.ask import Ask, Wanted, parse_ask
from edgener.serve.errors import Draining, Expired, Internal, Overloaded, RequestError
from edgener.serve.json_text import from_json, to_json
from edgener.serve.problem import ProblemError, problem_of
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


def test_all_that_a_request_may_say_is_taken() -> None:
    parameters = {"aggregation_strategy": "first", "ignore_labels": ["LOC", "ORG"], "min_score": 1, "stride": 0}
    whole = {"inputs": ["王", ""], "parameters": parameters, "options": {"use_cache": False}}
    assert parse_ask(to_json(whole), 2) == Ask(["王", ""], True, Wanted(1.0, frozenset({"LOC", "ORG"})))
    assert parse_ask(b'{"inputs": "a"}', 1) == Ask(["a"], False, Wanted())
    for nothing in (dict.fromkeys(parameters), None, {}, {"min_score": 0, "ignore_labels": []}):
        body = to_json({"inputs": [], "parameters": nothing, "options": None})
        assert parse_ask(body, 0) == Ask([], True, Wanted(0.0, frozenset()))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("null", "the body must be a JSON object"),
        ("[]", "the body must be a JSON object"),
        ("{}", "inputs is missing; it holds a text or a list of texts"),
        ('{"input": "a"}', "the body holds 'input', which is unknown; known: inputs, parameters, options"),
        (
            '{"' + "k" * 50 + '": 1}',
            f"the body holds '{'k' * 40}', which is unknown; known: inputs, parameters, options",
        ),
        ('{"inputs": null}', "inputs must be a text or a list of texts"),
        ('{"inputs": ["a", 1]}', "inputs must be a text or a list of texts"),
        ('{"inputs": ["a", "b", "c"]}', "inputs holds 3 texts; send at most 2 at once"),
        ('{"inputs": "a", "options": []}', "options must be a JSON object"),
        ('{"inputs": "a", "parameters": "b"}', "parameters must be a JSON object"),
    ],
)
def test_a_request_that_is_none_is_told_why(body: str, message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        parse_ask(body.encode(), 2)
    assert (caught.value.status, str(caught.value), caught.value.headers) == (422, message, {})
    assert caught.value.content == {"error": message, "error_type": "validation"}


STRATEGY = "aggregation_strategy"
STRIDE = "stride must be a whole number of at least 0; long texts are always cut with overlap"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("aggregation_strategy", "none", f"{STRATEGY} none is not offered: entities are found whole; leave it out"),
        ("aggregation_strategy", "mean", f"{STRATEGY} must be one of simple, first, average, max"),
        ("stride", -1, STRIDE),
        ("stride", 1.0, STRIDE),
        ("stride", True, STRIDE),
        ("ignore_labels", "LOC", "ignore_labels must be a list of entity types"),
        ("ignore_labels", ["LOC", None], "ignore_labels must be a list of entity types"),
        ("min_score", 1.01, "min_score must be a number between 0 and 1"),
        ("min_score", -0.01, "min_score must be a number between 0 and 1"),
        ("min_score", True, "min_score must be a number between 0 and 1"),
        ("min_score", "0.5", "min_score must be a number between 0 and 1"),
        (
            "top_k",
            1,
            "parameters holds 'top_k', which is unknown; "
            "known: aggregation_strategy, ignore_labels, min_score, stride",
        ),
    ],
)  # fmt: skip
def test_a_parameter_that_cannot_be_is_told(name: str, value: object, message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        parse_ask(to_json({"inputs": "a", "parameters": {name: value}}), 1)
    assert (caught.value.status, str(caught.value)) == (422, message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[" * 100_000, "the body is nested too deeply"),
        (b'{"a\xff', "the body is not UTF-8 at byte 3"),
        (b"{'a': 1}", "the body is not JSON: Expecting property name enclosed in double quotes at character 1"),
        (b"[1] 2", "the body is not JSON: Extra data at character 4"),
        (b"[-Infinity]", "the body holds a number that is not taken: -Infinity"),
        (
            b"1" * 5000,
            "the body holds a number that is not taken: Exceeds the limit (4300 digits) for integer string conversio",
        ),
    ],
    ids=["deep", "bytes", "json", "rest", "infinite", "long"],
)
def test_a_body_that_is_no_json_is_told_why(body: bytes, message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        parse_ask(body, 1)
    assert (caught.value.status, str(caught.value)) == (400, message)
    assert caught.value.content["error_type"] == "bad_request"


def test_an_answer_has_the_shape_of_the_question() -> None:
    entities = [Entity(0, 3, "PER", "王小明", 0.98765), Entity(4, 6, "LOC", "北京", 0.4)]
    person = {"entity_group": "PER", "score": 0.9877, "word": "王小明", "start": 0, "end": 3}
    place = {"entity_group": "LOC", "score": 0.4, "word": "北京", "start": 4, "end": 6}
    assert Ask(["…"], False, Wanted()).answer([entities]) == [person, place]
    assert Ask(["…", ""], True, Wanted(0.5)).answer([entities, []]) == [[person], []]


DRAINING = "the service ends and takes no more requests; ask another one, or again after its restart"


@pytest.mark.parametrize(
    ("error", "status", "error_type", "message", "headers"),
    [
        (
            lambda: Overloaded(2.25, "client"),
            429,
            "overloaded",
            "the service is overloaded; ask again in 2.2 seconds",
            {"Retry-After": "3"},
        ),
        (
            lambda: Overloaded(0.0, "overloaded"),
            429,
            "overloaded",
            "the service is overloaded; ask again in 0.0 seconds",
            {"Retry-After": "1"},
        ),
        (Draining, 503, "unavailable", DRAINING, {"Retry-After": "1"}),
        (
            lambda: Expired(1.23456),
            504,
            "deadline",
            "not answered within the 1.23 seconds that the request allows; allow more, or less text",
            {},
        ),
        (Internal, 500, "internal", "an error of the service itself; its log says more", {}),
    ],
    ids=["client", "overloaded", "draining", "expired", "internal"],
)
def test_an_error_of_the_engine_is_an_answer(
    error: Callable[[], RequestError], status: int, error_type: str, message: str, headers: dict[str, str]
) -> None:
    problem = problem_of(error())
    assert (problem.status, problem.headers) == (status, headers)
    assert problem.content == {"error": message, "error_type": error_type}
