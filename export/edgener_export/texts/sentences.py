"""Texts as they are found to sentences to learn from: cleaned, cut at sentence ends, of a good length, and Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgener.segmentation import SENTENCE_END

SHORTEST, LONGEST = 4, 180
"""Code points of a sentence that is kept."""
LEAST_CHINESE = 0.3
"""Least share of ideographs."""
ADDRESS = re.compile(r"(?:https?://|www\.)[^\s\u3400-\u9fff，。；、）】]*|[\w.+-]+@[\w-]+\.[\w.-]+", re.ASCII)
LONG_NUMBER = re.compile(r"\+?\d[\d -]{7,}\d")
"""Telephone, identity and account numbers; years and amounts are shorter."""
MENTION = re.compile(r"@[\w\u3400-\u9fff-]{2,20}")
BLANKS = re.compile(r"[\s\u200b\ufeff\xa0\u3000]+")
IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")
TOGETHER = 60
"""Sentences of a text that are shorter together stay together, as users write them."""


def sentences_of(text: str) -> Iterator[str]:
    """Yield the sentences of a text, without addresses, long numbers and users' names; short neighbours together."""
    text = MENTION.sub("@用户", LONG_NUMBER.sub("", ADDRESS.sub("", text)))
    waiting = ""
    for sentence in _cut(text):
        if waiting and len(waiting) + len(sentence) > TOGETHER:
            yield from _kept(waiting)
            waiting = ""
        waiting += sentence
    yield from _kept(waiting)


def _cut(text: str) -> Iterator[str]:
    start = 0
    for found in SENTENCE_END.finditer(text):
        yield text[start : found.end()]
        start = found.end()
    yield text[start:]


def _kept(sentence: str) -> Iterator[str]:
    sentence = BLANKS.sub(" ", sentence).strip()
    is_chinese = len(IDEOGRAPH.findall(sentence)) >= LEAST_CHINESE * len(sentence)
    if SHORTEST <= len(sentence) <= LONGEST and is_chinese and sentence.isprintable():
        yield sentence
