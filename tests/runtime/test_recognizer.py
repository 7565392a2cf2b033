"""The recognizer finds the names, in text of any length and kind, in any company, at the caller's own offsets."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgener import Entity, Recognizer
from edgener.bundle import GRAPH, TOKENIZER, Manifest, load_bundle
from edgener.errors import UsageError
from edgener.output_formats import Marked
from edgener.parts import POOL_DOCUMENTS, FoundPart, Part
from edgener.recognizer import TOKENS_PER_ROW
from edgener.segmentation import CHUNK, Chunk
from edgener.session import Session
from edgener.tags import ScoredSpan, Span
from edgener.tokenizer import Encoder
from edgener.writers import Place
from tests.support import (
    TEXTS,
    TINY_BUNDLE,
    assert_consistent,
    change_manifest,
    in_pieces,
    labelled_texts,
    names,
)

ROWS = labelled_texts()
UNBROKEN = "，".join(row.text.translate(dict.fromkeys(map(ord, "。！？…”"))) for row in ROWS)
"""Several thousand characters without the end of a sentence."""
LONG_TEXTS = st.lists(st.sampled_from([row.text for row in ROWS]) | TEXTS, max_size=30).map("".join)


class ObservedSession(Session):
    """Notes the shapes of what it is given."""

    def __init__(self, graph: Path, manifest: Manifest, threads: int) -> None:
        super().__init__(graph, manifest, threads)
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Compute logits as Session does, and note the shape."""
        self.shapes.append(ids.shape)
        return super().__call__(ids, attention_mask)


def same(left: list[Entity], right: list[Entity]) -> bool:
    """Equal but for the last bits of the scores, which depend on the kernel that a batch's size selects."""
    return names(left) == names(right) and [e.score for e in left] == pytest.approx([e.score for e in right], abs=1e-3)


def test_three_lines(recognizer: Recognizer) -> None:
    text = "王小明在青山大学工作。"
    person, organization = recognizer(text)
    assert (person.start, person.end, person.label, person.text) == (0, 3, "PER", "王小明")
    assert (organization.start, organization.end, organization.label, organization.text) == (4, 8, "ORG", "青山大学")
    assert person.score > 0.9


def test_the_names_of_its_kind_of_sentence_are_found(recognizer: Recognizer) -> None:
    found = list(recognizer.batch(row.text for row in ROWS))
    right = sum(names(entities) == row.names for entities, row in zip(found, ROWS, strict=True))
    assert right >= 0.99 * len(ROWS)


def test_touching_names_stay_apart(recognizer: Recognizer) -> None:
    assert [entity.text for entity in recognizer("张伟刘洋两人去了白水镇金川。")] == ["张伟", "刘洋", "白水镇", "金川"]


def test_full_width_text_keeps_its_offsets(recognizer: Recognizer) -> None:
    text = "２０２６年５月，\0陈静和ＡＩ小组到过\ufeff西平。"
    assert [(entity.text, entity.start) for entity in recognizer(text)] == [("陈静", 9), ("西平", 19)]


@given(TEXTS)
def test_any_text(recognizer: Recognizer, text: str) -> None:
    assert_consistent(text, recognizer(text))


@given(in_pieces(LONG_TEXTS))
def test_pieces_give_what_the_whole_text_gives(recognizer: Recognizer, pieces: list[str]) -> None:
    segments = list(recognizer.segments([pieces]))
    text = "".join(pieces)
    entities = [entity for segment in segments for entity in segment.entities]
    assert "".join(segment.text for segment in segments) == text
    assert [segment.is_last for segment in segments] == [False] * (len(segments) - 1) + [True]
    assert same(entities, recognizer(text))
    assert_consistent(text, entities)


@pytest.mark.parametrize("batch_size", [1, 3, 8, 100])
def test_a_batch_gives_what_its_texts_give_one_by_one(recognizer: Recognizer, batch_size: int) -> None:
    other = Recognizer.load(TINY_BUNDLE, batch_size=batch_size)

    @settings(max_examples=25)
    @given(st.lists(TEXTS | LONG_TEXTS, max_size=12))
    def check(texts: list[str]) -> None:
        for text, entities in zip(texts, other.batch(texts), strict=True):
            assert same(entities, recognizer(text))

    check()


def test_a_batch_of_long_texts_is_no_larger_than_one_of_short_texts() -> None:
    bundle = load_bundle(TINY_BUNDLE)
    session = ObservedSession(bundle.path(GRAPH), bundle.manifest, threads=1)
    batches = Recognizer(bundle.manifest, Encoder(bundle.path(TOKENIZER)), session, batch_size=8)
    texts = ["王" * length for length in (5, 30, 31, 62, 63, bundle.manifest.max_tokens - 2) for _ in range(8)]
    assert len(list(batches.batch(texts))) == len(texts)
    assert max(rows for rows, _ in session.shapes) == 8
    assert all(rows == 1 or rows * tokens <= 8 * TOKENS_PER_ROW for rows, tokens in session.shapes)


def test_segments_follow_each_other_and_own_their_entities(recognizer: Recognizer) -> None:
    text = UNBROKEN * 8
    assert len(text) > 2 * CHUNK
    position = 0
    for segment in recognizer.segments([[text]]):
        assert segment.start == position
        assert all(position <= entity.start < position + len(segment.text) for entity in segment.entities)
        position += len(segment.text)
    assert position == len(text)


def test_an_entity_that_a_rule_moves_past_its_segment_is_in_the_next_one(recognizer: Recognizer) -> None:
    first = Part(Chunk(0, "我爱\u0301王明和", 0, 3), is_last=False)
    second = Part(Chunk(3, "王明和北京", 0, 5), is_last=True)
    found = [
        FoundPart(first, [ScoredSpan(Span(2, 5, "PER"), 0.9)]),
        FoundPart(second, [ScoredSpan(Span(0, 2, "LOC"), 0.8), ScoredSpan(Span(3, 5, "LOC"), 0.9)]),
    ]
    segments = list(recognizer.join(found))
    assert [[entity.text for entity in segment.entities] for segment in segments] == [[], ["王明", "北京"]]
    write = Marked(colour=False)
    assert "".join(write(Place(None, 1), segment) for segment in segments) == "我爱\u0301[王明/PER]和[北京/LOC]\n"


def test_a_text_longer_than_any_window_loses_nothing(recognizer: Recognizer) -> None:
    expected = Counter(row.text[start:end] for row in ROWS for start, end, _ in row.names)
    entities = recognizer(UNBROKEN)
    assert_consistent(UNBROKEN, entities)
    found = Counter(entity.text for entity in entities)
    assert (found & expected).total() >= 0.98 * expected.total()


@pytest.mark.parametrize("shift", range(0, 480, 37))
def test_a_name_is_found_wherever_the_text_is_cut(recognizer: Recognizer, shift: int) -> None:
    filler = "这本书讲的是怎样做豆腐，今天天气很好，"
    padding = (filler * 2000)[-(CHUNK - 300 + shift) :]
    text = padding + "王小明在青山大学工作，" + filler * 20
    found = [entity for entity in recognizer(text) if entity.start >= len(padding)]
    assert [entity.text for entity in found] == ["王小明", "青山大学"]


def test_an_entity_longer_than_the_margin_is_given_once(recognizer: Recognizer) -> None:
    text = "王" * 30_000
    assert_consistent(text, recognizer(text))


def test_empty_texts_have_no_entities(recognizer: Recognizer) -> None:
    assert recognizer("") == []
    assert list(recognizer.batch([])) == []
    assert list(recognizer.batch(["", "王小明在青山大学工作。", "", " \n"]))[::2] == [[], []]
    assert [segment.is_last for segment in recognizer.segments([[], [""], ["", ""]])] == [True] * 3


def test_order_is_kept_whatever_the_lengths(recognizer: Recognizer) -> None:
    texts = [row.text * (1 + number * 7 % 5) for number, row in enumerate(ROWS)]
    for text, entities in zip(texts, recognizer.batch(texts), strict=True):
        assert [entity.text for entity in entities] == [entity.text for entity in recognizer(text)]


def test_an_endless_iterable_is_answered_while_it_runs(recognizer: Recognizer) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        for row in itertools.cycle(ROWS):
            taken += 1
            yield row.text

    answers = recognizer.batch(endless())
    for number, entities in enumerate(itertools.islice(answers, 1000)):
        assert names(entities) == ROWS[number % len(ROWS)].names
        assert taken - number <= POOL_DOCUMENTS


def test_an_endless_document_is_answered_while_it_runs(recognizer: Recognizer) -> None:
    segments = recognizer.segments([itertools.cycle([row.text for row in ROWS])])
    length = 0
    for segment in itertools.islice(segments, 5):
        assert segment.start == length
        assert segment.entities
        assert not segment.is_last
        length += len(segment.text)


def test_results_do_not_depend_on_the_number_of_threads(recognizer: Recognizer) -> None:
    other = Recognizer.load(TINY_BUNDLE, threads=2)
    for row in ROWS[:20]:
        assert same(other(row.text), recognizer(row.text))


@pytest.mark.parametrize("text", [None, b"text", 7, ["text"], Path("text"), object()])
def test_what_is_no_text_is_refused(recognizer: Recognizer, text: Any) -> None:
    kind = "None" if text is None else type(text).__name__
    for take in (recognizer, recognizer.logits):
        with pytest.raises(TypeError, match=f"expected one text as a str, got {kind}; use batch"):
            take(text)


@pytest.mark.parametrize("texts", [None, "王小明在北京", b"text", 7])
def test_a_single_text_where_several_are_expected_is_refused_at_once(recognizer: Recognizer, texts: Any) -> None:
    kind = "None" if texts is None else type(texts).__name__
    for take, remedy in (
        (recognizer.batch, "call the recognizer itself"),
        (recognizer.stream, "put a whole document into a list"),
        (recognizer.segments, "use batch"),
    ):
        with pytest.raises(TypeError, match=f"expected an iterable of .*, got {kind}; {remedy}"):
            take(texts)


@pytest.mark.parametrize("item", [None, b"text", 7, ["text"]])
def test_an_item_that_is_no_text_is_refused_by_its_number(recognizer: Recognizer, item: Any) -> None:
    kind = "None" if item is None else type(item).__name__
    for answers, what in (
        (recognizer.batch(["王小明", item]), "text"),
        (recognizer.stream(["王小明", item]), "piece"),
        (recognizer.segments([["王小明", item]]), "piece"),
    ):
        with pytest.raises(TypeError, match=rf"each {what} to be a str, but number 1 \(from 0\) is {kind}"):
            list(answers)
    with pytest.raises(TypeError, match="pieces of a document, got str"):
        list(recognizer.segments([["王小明"], "王小明"]))


def test_a_name_that_a_line_break_cuts_is_found_in_wrapped_text(recognizer: Recognizer) -> None:
    text = "王小明在青山大\r\n学工作。\n李\n娜来到云州市。"
    joined = ["王小明", "青山大\r\n学", "李\n娜", "云州市"]
    assert [entity.text for entity in recognizer(text, join_lines=True)] == joined
    assert [entity.text for entity in next(recognizer.batch([text], join_lines=True))] == joined
    in_pieces = recognizer.stream([text[:7], text[7:8], text[8:]], join_lines=True)
    assert [entity.text for segment in in_pieces for entity in segment.entities] == joined
    assert "青山大\r\n学" not in [entity.text for entity in recognizer(text)]


@given(in_pieces(LONG_TEXTS))
def test_wrapped_text_has_consistent_offsets(recognizer: Recognizer, pieces: list[str]) -> None:
    segments = list(recognizer.segments([pieces], join_lines=True))
    assert "".join(segment.text for segment in segments) == "".join(pieces)
    assert_consistent("".join(pieces), [entity for segment in segments for entity in segment.entities])


@pytest.mark.parametrize("mark", ["\ufe00", "\U000e0100", "\u0301", "\u20dd", "\u0301\ufe0f"])
def test_marks_after_the_last_character_belong_to_the_name(recognizer: Recognizer, mark: str) -> None:
    text = f"王小明{mark}在青山大学{mark}工作。"
    found = recognizer(text)
    assert [entity.text for entity in found] == [f"王小明{mark}", f"青山大学{mark}"]
    assert_consistent(text, found)


@pytest.mark.parametrize("options", [{"threads": 0}, {"batch_size": 0}, {"threads": -1}])
def test_nonsense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        Recognizer.load(TINY_BUNDLE, **options)


def test_the_smallest_window_still_works(recognizer: Recognizer, bundle: Path) -> None:
    change_manifest(bundle, max_tokens=8)
    small = Recognizer.load(bundle)
    assert_consistent(UNBROKEN, small(UNBROKEN))
    assert small("王小明")[0].text == recognizer("王小明")[0].text


def test_more_threads_than_any_machine_makes_are_refused() -> None:
    with pytest.raises(UsageError, match="threads is 99999; it must be at most 1024"):
        Recognizer.load(TINY_BUNDLE, threads=99999)


@pytest.mark.parametrize(("name", "value"), [("threads", 1.5), ("threads", "2"), ("batch_size", 2.5)])
def test_numbers_of_another_type_are_told(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"expected {name} as an int, got {value!r}"):
        Recognizer.load(TINY_BUNDLE, **{name: value})


def test_what_came_before_an_error_of_the_source_is_answered_first(recognizer: Recognizer) -> None:
    def source() -> Iterator[str]:
        yield from ("王小明在北京。", "李娜在上海。")
        raise OSError("the disk is gone")

    answers = recognizer.batch(source())
    assert [next(answers), next(answers)] == list(recognizer.batch(("王小明在北京。", "李娜在上海。")))
    with pytest.raises(OSError, match="the disk is gone"):
        next(answers)
