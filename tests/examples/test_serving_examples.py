"""The examples that bring edgener into other programs find what the recognizer finds."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from edgener import Recognizer
from edgener.client import Client
from tests.serve.servers import TEXT, Running, running
from tests.support import ROOT, TINY_BUNDLE, labelled_texts, load_module

TEXTS = [row.text for row in labelled_texts()[:20]]


def example(name: str) -> ModuleType:
    """Import an example as a module."""
    return load_module(ROOT / "examples" / f"{name}.py")


@contextmanager
def foreign_warnings() -> Iterator[None]:
    """Let other projects' packages warn of what they use."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def asked() -> Iterator[Running]:
    with running("--workers", "1", "--queue-seconds", "100") as service:
        yield service


def test_the_application_counts_people_and_says_when_it_cannot(asked: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    with foreign_warnings():
        from fastapi.testclient import TestClient

        monkeypatch.setenv("EDGENER_ADDRESS", asked.address)
        article = {"title": TEXT, "paragraphs": [TEXT, "今天天气很好。"]}
        with TestClient(example("fastapi_app").app) as client:
            assert client.post("/people", json=article).json() == {"王小明": 2}
            too_long = client.post("/people", json={"title": "长" * 2_000_000, "paragraphs": []})
        with socket.create_server(("127.0.0.1", 0)) as closed:
            nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
        answers = []
        for address in (f"{asked.address}/nothing-here", nobody):
            monkeypatch.setenv("EDGENER_ADDRESS", address)
            with TestClient(example("fastapi_app").app) as client:
                answers.append(client.post("/people", json=article))
        assert [too_long.status_code, *(answer.status_code for answer in answers)] == [413, 500, 503]
        assert [answer.headers.get("retry-after") for answer in answers] == [None, "5"]


def test_the_component_of_spacy_sets_entities_one_by_one_and_in_batches(asked: Running, recognizer: Recognizer) -> None:
    with foreign_warnings():
        import spacy

        example("spacy_component")
        for options in ({"model": str(TINY_BUNDLE)}, {"address": asked.address}):
            pipeline = spacy.blank("zh")
            pipeline.add_pipe("edgener", config=options)
            expected = [[(e.start, e.end, e.label, e.text) for e in recognizer(text)] for text in TEXTS]
            for docs in (map(pipeline, TEXTS), pipeline.pipe(TEXTS, batch_size=7)):
                found = [[(s.start_char, s.end_char, s.label_, s.text) for s in doc.ents] for doc in docs]
                assert found == expected
            component: Any = pipeline.get_pipe("edgener")
            if "address" in options:
                component.finder.close()


def test_the_recognizer_of_presidio_finds_names_of_the_wanted_types(asked: Running, recognizer: Recognizer) -> None:
    with foreign_warnings(), Client(asked.address) as client:
        module = example("presidio_recognizer")
        for finder in (recognizer, client):
            analyzer = module.analyzer(finder)
            found = sorted(analyzer.analyze(TEXT, language="zh"), key=lambda one: one.start)
            assert [(one.entity_type, TEXT[one.start : one.end]) for one in found] == [
                ("PERSON", "王小明"),
                ("ORGANIZATION", "青山大学"),
            ]
            (person,) = analyzer.analyze(TEXT, language="zh", entities=["PERSON"])
            assert TEXT[person.start : person.end] == "王小明"
