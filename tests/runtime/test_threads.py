"""One recognizer serves many threads at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from edgener import Entity, Recognizer
from tests.support import labelled_texts

TEXTS = [row.text for row in labelled_texts()][:40]


def test_threads_share_one_recognizer(recognizer: Recognizer) -> None:
    expected = [recognizer(text) for text in TEXTS]

    def one_by_one(shift: int) -> list[list[Entity]]:
        return [recognizer(text) for text in TEXTS[shift:] + TEXTS[:shift]]

    with ThreadPoolExecutor(8) as pool:
        for shift, found in enumerate(pool.map(one_by_one, range(16))):
            assert found == expected[shift:] + expected[:shift]


def test_iterators_of_one_recognizer_may_alternate(recognizer: Recognizer) -> None:
    expected = list(recognizer.batch(TEXTS))
    first, second = recognizer.batch(TEXTS * 3), recognizer.batch(reversed(TEXTS))
    for number in range(len(TEXTS)):
        assert next(first) == expected[number]
        assert next(second) == expected[-1 - number]
