"""Entities and types lose the white space at their ends, and that is counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgener.tags import Span
from edgener_export.corpus.blank_ends import INVISIBLE, without_blank_ends
from edgener_export.corpus.sentence import Sentence


def test_white_space_at_the_ends_stays_outside_and_is_told() -> None:
    told: list[str] = []
    spans = (Span(0, 1, "X"), Span(1, 5, "DRUG "), Span(5, 7, "DRUG"))
    left_out = (Span(4, 6, "USE"),)
    (found,) = without_blank_ends([Sentence(" \u3000头孢\ufeff5g", spans, left_out=left_out)], "data", told.append)
    assert found.spans == (Span(2, 4, "DRUG"), Span(5, 7, "DRUG"))
    assert found.left_out == (Span(5, 6, "USE"),)
    assert told == [
        "data: 1 entities or their types begin or end with white space, which is left out",
        "data: 1 entities are left out, as they or their types are nothing but white space",
    ]
    (found,) = without_blank_ends([Sentence("张伟来", (Span(0, 2, " "),))], "data", told.append)
    assert found.spans == ()
    assert len(told) == 3


def test_entities_without_it_are_left_as_they_are_and_nothing_is_told() -> None:
    told: list[str] = []
    sentence = Sentence("张 伟来", (Span(0, 3, "PER"),))
    assert without_blank_ends([sentence], "data", told.append) == [sentence]
    assert told == []


@given(st.text(f"张伟 a\t\n\u3000{INVISIBLE}", min_size=1), st.data())
def test_what_is_left_is_the_stripped_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    (found,) = without_blank_ends([Sentence(text, (Span(start, end, "PER"),))], "data")
    wanted = text[start:end]
    while wanted != (wanted := wanted.strip().strip(INVISIBLE)):
        pass
    assert [text[span.start : span.end] for span in found.spans] == ([wanted] if wanted else [])
