"""The example for Ray Serve answers whatever comes; Ray itself, which takes a gigabyte, is left out."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest

from edgener import Recognizer
from tests.support import ROOT, TINY_BUNDLE, load_module

if TYPE_CHECKING:
    from starlette.testclient import TestClient

TEXT = "王小明在青山\udcff大学工作。"
"""A text with an entity in which half a surrogate pair stands."""


def deployment(**_options: object) -> Callable[[type], type]:
    """Leave a class as it is, but for the method that Ray gives it."""

    def deploy(kind: Any) -> type:
        kind.bind = Mock()
        return kind  # type: ignore[no-any-return]

    return deploy


def batch(**_options: object) -> Callable[[Any], Any]:
    """Let a method be called with one request, as a batch of its own."""

    def alone(method: Any) -> Any:
        async def call(self: object, request: object) -> object:
            (answer,) = await method(self, [request])
            return answer

        return call

    return alone


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other projects' packages warn of what they use
        from starlette.applications import Starlette
        from starlette.routing import Route
        from starlette.testclient import TestClient

        ray = ModuleType("ray")
        ray.serve = Mock(deployment=deployment, batch=batch)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "ray", ray)
        replica = load_module(ROOT / "examples/deploy/ray_serve.py").Ner(str(TINY_BUNDLE))
        route = Route("/", replica.__call__, methods=["POST"])
        with TestClient(Starlette(routes=[route])) as client:
            yield client


def test_texts_are_answered_in_their_places(client: TestClient, recognizer: Recognizer) -> None:
    answer = client.post("/", content=json.dumps({"inputs": ["", TEXT]}))
    assert answer.headers["content-type"] == "application/json"
    entities = recognizer(TEXT)
    assert answer.json() == [[], [entity.to_dict() for entity in entities]]
    assert any("\udcff" in entity.text for entity in entities)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000], ids=["empty", "cut", "not UTF-8", "nested"])
def test_a_body_that_is_no_json_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/", content=body)
    assert (answer.status_code, answer.json()) == (400, {"error": "the body is no JSON"})


@pytest.mark.parametrize("body", [[], {}, {"inputs": "text"}, {"inputs": ["text", 1]}])
def test_a_body_without_a_list_of_texts_is_refused(client: TestClient, body: object) -> None:
    answer = client.post("/", json=body)
    assert (answer.status_code, answer.json()) == (422, {"error": "inputs must be a list of texts"})
