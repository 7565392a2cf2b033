"""Every format that can be written gives back any sentence, or its writer refuses it with a clear error."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edgener.tags import Span
from edgener_export.corpus.formats import FORMATS, WRITABLE
from edgener_export.corpus.offsets import offsets_in
from edgener_export.corpus.reading import read_labelled
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.text_file import PACKED
from edgener_export.errors import CorpusError

ANY_CHARACTER = st.characters()
PLAIN_CHARACTER = st.characters(codec="utf-8", exclude_characters="\n\r\t \x00\x02\ufeff")
SPECIAL = st.sampled_from('\n\r\t \u3000\x00\x02\x85\u2028\ufeff\ud83d\ude00😀é{[#-O0"\\')
PLAIN_TYPES = ["PER", "PER.NAM", "公司", "B-x"]
ANY_TYPES = [*PLAIN_TYPES, "a b", "\ud800", ";", " "]


def sentences(characters: st.SearchStrategy[str], types: list[str], least: int) -> st.SearchStrategy[Sentence]:
    """Sentences of these characters and entity types, with names that may touch."""

    @st.composite
    def draw_sentence(draw: st.DrawFn) -> Sentence:
        text = draw(st.text(characters, min_size=least, max_size=12))
        ends = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
        spans = [
            Span(start, end, label)
            for start, end in itertools.pairwise(ends)
            if (label := draw(st.sampled_from(["", *types])))
        ]
        return Sentence(text, tuple(spans))

    return draw_sentence()


def write(given_sentences: list[Sentence], name: str, directory: Path) -> Path:
    path = directory / f"written{next(iter(FORMATS[name].suffixes), '')}"
    writer = FORMATS[name].write
    assert writer is not None
    writer(given_sentences, path)
    return path


SHORTEST = [Sentence("好的", ())]
"""A sentence of two tokens stands before the others: without any, lines of tokens and tags are rows of tokens."""
by_format = pytest.mark.parametrize("name", WRITABLE)
few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@by_format
@few
@given(given_sentences=st.lists(sentences(PLAIN_CHARACTER, PLAIN_TYPES, 1), min_size=1, max_size=4))
def test_sentences_on_one_line_are_held_by_every_format_and_recognized(
    tmp_path_factory: pytest.TempPathFactory, name: str, given_sentences: list[Sentence]
) -> None:
    given_sentences = [*SHORTEST, *given_sentences]
    path = write(given_sentences, name, tmp_path_factory.mktemp("plain"))
    for reading in (read_labelled(path, name), read_labelled(path)):
        assert reading.sentences == given_sentences
        assert [trouble for trouble in reading.troubles if trouble.kind != "note"] == []


MARKS = st.sampled_from("#[]{}\"'\\:,-/0123truefalsenull春O")
"""Characters with which comments, JSON, tags and lines between documents begin."""


@settings(few, max_examples=200)
@given(given_sentences=st.lists(sentences(MARKS, PLAIN_TYPES, 1), min_size=1, max_size=3))
def test_tagged_lines_are_recognized_whatever_they_begin_with(
    tmp_path_factory: pytest.TempPathFactory, given_sentences: list[Sentence]
) -> None:
    assume(any(len(sentence.text) > 1 for sentence in given_sentences))
    path = write(given_sentences, "tagged-lines", tmp_path_factory.mktemp("marks"))
    reading = read_labelled(path)
    assert (reading.format, reading.sentences) == ("tagged-lines", given_sentences)
    assert [trouble for trouble in reading.troubles if trouble.kind != "note"] == []


@by_format
@few
@given(given_sentences=st.lists(sentences(ANY_CHARACTER | SPECIAL, ANY_TYPES, 0), min_size=1, max_size=3))
def test_any_sentence_comes_back_or_is_refused_by_its_number(
    tmp_path_factory: pytest.TempPathFactory, name: str, given_sentences: list[Sentence]
) -> None:
    refusal = ""
    try:
        path = write([*SHORTEST, *given_sentences], name, tmp_path_factory.mktemp("any"))
    except CorpusError as error:
        refusal = str(error)
    if refusal:
        assert refusal.startswith("sentence ")
        assert refusal.endswith(f"which {name} cannot hold; convert to jsonl")
        return
    for reading in (read_labelled(path, name), read_labelled(path)):
        assert reading.sentences == [*SHORTEST, *given_sentences]


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("bio", "", "no text"),
        ("bmes", "a\nb", "a line break"),
        ("iob1", "\ud800", "half a surrogate pair"),
        ("tagged-lines", "a b", "a blank or a tab"),
        ("tagged-lines", "a\rb", "a line end"),
        ("brat", "\ufeffa", "a byte order mark at its start"),
        ("brat", "a\x00", "a NUL character"),
        ("spacy", "a\udc00", "half a surrogate pair"),
        ("hf-parquet", "a\udc00", "half a surrogate pair"),
        ("label-studio", "\ud83d", "half a surrogate pair"),
        ("jsonl", "\ud83d\ude00", "two halves of a surrogate pair side by side"),
        ("cluener", "\ud83d\ude00", "two halves of a surrogate pair side by side"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_with_the_reason(tmp_path: Path, name: str, text: str, what: str) -> None:
    with pytest.raises(CorpusError) as caught:
        write([Sentence("好", ()), Sentence(text, ())], name, tmp_path)
    assert str(caught.value) == f"sentence 2 has {what}, which {name} cannot hold; convert to jsonl"


@pytest.mark.parametrize("name", ["bio", "brat", "tagged-lines"])
def test_a_type_with_a_blank_is_refused_where_blanks_separate(tmp_path: Path, name: str) -> None:
    with pytest.raises(CorpusError, match=r"sentence 1: the type 'a b' has a blank, which .* cannot hold"):
        write([Sentence("a", (Span(0, 1, "a b"),))], name, tmp_path)


def test_json_lines_hold_what_no_line_of_text_can(tmp_path: Path) -> None:
    texts = ["", "a\nb", "\ud800", "\ufeff"]
    path = write([Sentence(text, ()) for text in texts], "jsonl", tmp_path)
    assert [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()] == texts


@pytest.mark.parametrize("suffix", PACKED)
def test_text_is_packed_where_the_name_says_so(tmp_path: Path, suffix: str) -> None:
    sentence = Sentence("京城", (Span(0, 1, "LOC"),))
    for name in ("bio", "jsonl", "label-studio", "spacy", "hf-parquet"):
        writer = FORMATS[name].write
        assert writer is not None
        path = tmp_path / f"{name}{next(iter(FORMATS[name].suffixes), '')}{suffix}"
        writer([sentence], path)
        assert path.read_bytes()[:2] in (b"\xfd7", b"\x1f\x8b")
        assert read_labelled(path).sentences == [sentence]


@given(text=st.text(st.characters()), data=st.data())
def test_offsets_in_any_unit_mark_the_same_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    for unit, encoding, width in (("utf-16", "utf-16-le", 2), ("bytes", "utf-8", 1), ("characters", "utf-32-le", 4)):
        places = offsets_in(text, unit)
        encoded = text.encode(encoding, "surrogatepass")
        marked = encoded[places[start] * width : places[end] * width]
        assert marked == text[start:end].encode(encoding, "surrogatepass")
