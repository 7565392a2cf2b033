"""Latin words, numbers, and the addresses of mail and web, of which no part is a name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgener.segmentation import INSIDE_WORD, LATIN, WORD_CHARACTERS
from edgener.tags import ScoredSpan, Span

WEB_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|(?:https?://|www\.)[A-Za-z0-9._~:/?#@!$&*+=%-]+"
)
"""An e-mail address or a URL."""
_BETWEEN_POINTS = "[:：∶比\\-－–—]"
NO_PART_OF_A_NAME = re.compile(
    f"(?<=[{LATIN}]{{2}})[0-9０-９]{{1,3}}(?={_BETWEEN_POINTS}[0-9０-９])"
    f"|(?<=[0-9０-９]{_BETWEEN_POINTS})[0-9０-９]{{1,3}}(?=[{LATIN}]{{2}})"
    f"|(?<=[{LATIN}]{{2}})(?:19|20)[0-9]{{2}}(?=年)|(?<=[Xx×])[0-9.]+(?=[%％万元])"
)
"""A number that touches a name: points of a match, as in EDG2:0RNG, a year, or a share or sum after a masked name."""


def whole_words(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans extended to the ends of the Latin words and numbers that they cut.

    Points of a match and years are no part of a name: EDG2:0RNG, WHO2014年. Where several spans meet in one word, the
    most certain of them stays.
    """
    if not INSIDE_WORD.search(text):
        return list(spans)
    result: list[ScoredSpan] = []
    for (start, end, label), score in spans:
        if start and INSIDE_WORD.match(text, start - 1):
            word_start = len(text[:start].rstrip(WORD_CHARACTERS))
            start = start if _is_other_number(text, word_start, start) else word_start
        if INSIDE_WORD.match(text, end - 1):
            word_end = len(text) - len(text[end:].lstrip(WORD_CHARACTERS))
            end = end if _is_other_number(text, end, word_end) else word_end
        if not result or result[-1].span.end <= start:
            result.append(ScoredSpan(Span(start, end, label), score))
        elif result[-1].score < score:
            result[-1] = ScoredSpan(Span(start, end, label), score)
    return result


def _is_other_number(text: str, start: int, end: int) -> bool:
    number = NO_PART_OF_A_NAME.match(text, start)
    return number is not None and number.end() == end


def no_web_addresses(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans without their parts in e-mail addresses and URLs, as in 李娜 lina@example.com.

    A span of nothing else is left out.
    """
    if not ("@" in text or "://" in text or "www." in text):
        return list(spans)
    result = list(spans)
    for address in WEB_ADDRESS.finditer(text):
        first, last = address.span()
        outside = []
        for found in result:
            (start, end, label), score = found
            if end <= first or last <= start:
                outside.append(found)
                continue
            before, after = text[start:first].rstrip(), text[last:end].lstrip()
            if before:
                outside.append(ScoredSpan(Span(start, start + len(before), label), score))
            if after:
                outside.append(ScoredSpan(Span(end - len(after), end, label), score))
        result = outside
    return result
