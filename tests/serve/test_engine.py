"""The engine of a service gives the answers of the recognizer, loses no request, and ends without a thread."""

from __future__ import annotations

import threading
from queue import SimpleQueue

import pytest

from edgener import Recognizer
from edgener.serve.engine import Answered, Engine, Failed
from edgener.serve.errors import Draining
from tests.support import labelled_texts

SENTENCES = [row.text for row in labelled_texts()]
PATIENCE = 60
"""Seconds, for machines that are busy with something else."""


def test_requests_are_answered_as_the_recognizer_answers_them(recognizer: Recognizer) -> None:
    engine = Engine(recognizer, workers=2)
    ends: SimpleQueue[tuple[int, Answered | Failed]] = SimpleQueue()
    for number in range(8):
        texts = SENTENCES[number * 4 : number * 4 + 4]
        engine.submit(texts, client="me", deadline=None, done=lambda end, number=number: ends.put((number, end)))  # type: ignore[misc]
    found = dict(ends.get(timeout=PATIENCE) for _ in range(8))
    engine.close()
    for number in range(8):
        end = found[number]
        assert isinstance(end, Answered)
        assert end.entities == list(recognizer.batch(SENTENCES[number * 4 : number * 4 + 4]))
        assert end.model == recognizer.manifest.name


def test_a_drained_engine_has_answered_all_and_takes_no_more(recognizer: Recognizer) -> None:
    before = threading.active_count()
    engine = Engine(recognizer, workers=2)
    ends: SimpleQueue[Answered | Failed] = SimpleQueue()
    for _ in range(5):
        engine.submit(SENTENCES[:3], client="me", deadline=None, done=ends.put)
    assert engine.drain(PATIENCE)
    assert ends.qsize() == 5
    with pytest.raises(Draining):
        engine.submit(SENTENCES[:3], client="me", deadline=None, done=ends.put)
    engine.close()
    assert threading.active_count() == before
