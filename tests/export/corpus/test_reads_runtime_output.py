"""The CoNLL output of the runtime is labelled data that the exporter can read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener import Entity, Segment
from edgener.output_formats import CONLL_STAND_INS, Conll, Place
from edgener_export.corpus.reading import read_labelled
from tests.support import TEXTS


@given(TEXTS.filter(lambda text: bool(text.strip())), st.data())
def test_rows_of_any_text_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    segment = Segment(0, text, [Entity(start, end, "PER", text[start:end], 1.0)], is_last=True)
    path = tmp_path_factory.getbasetemp() / "written.conll"
    path.write_text(Conll()(Place(None, 1), segment), encoding="utf-8", newline="")
    (sentence,) = read_labelled(path, "bio").sentences
    assert sentence.text == text.translate(CONLL_STAND_INS)
    assert [tuple(span) for span in sentence.spans] == [(start, end, "PER")]
