"""Rules of an operator force and drop entities at every place of a text, however the text arrives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgener import Entity, Recognizer, Rules
from edgener.errors import InputError, UsageError
from edgener.operator_rules import IGNORED, OperatorRules
from edgener.parts import Part, Row
from edgener.recognizer import Segment
from edgener.rules import min_score_of, types_of
from edgener.segmentation import CHUNK, INSIDE_WORD, Chunk, Window, chunks
from edgener.tags import TagSet
from tests.support import TEXTS, TINY_BUNDLE, assert_consistent, in_pieces, labelled_texts, names, run_main, run_tiny

LABELS = ("LOC", "ORG", "PER")
ROWS = labelled_texts()
TEXT = "王小明在青山大学工作。"
FILLER = "这本书讲的是怎样做豆腐，今天天气很好，"
WORDS = st.dictionaries(
    st.text("王小。", min_size=1, max_size=6)
    | st.text("王小。a1\ufe00", min_size=1, max_size=6).filter(lambda word: word[0] != "\ufe00"),
    st.tuples(st.sampled_from(LABELS), st.integers(0, 3)),
    max_size=8,
)
DENSE = st.text("王小", min_size=30, max_size=90) | st.text("王小。", min_size=30, max_size=90)
"""Texts in which words of WORDS overlap everywhere."""
WHOLE = Window(0, 0, 99, 99)
"""The window of a test's row; its hints do not depend on it."""
LIMIT, MARGIN = 16, 5
"""Chunks that cut a text of a test into many."""


def ready(folder: Path, words: dict[str, tuple[str, int]], **rules: Any) -> OperatorRules:
    """Return rules with a dictionary of words with their types and priorities."""
    path = folder / "words.tsv"
    lines = {IGNORED.sub("", word): (word, *meaning) for word, meaning in words.items()}
    path.write_text("".join("\t".join(map(str, line)) + "\n" for line in lines.values()), encoding="utf-8")
    return OperatorRules([Rules(path, **rules)], LABELS, str)


def applied(rules: OperatorRules, pieces: Iterable[str], model: Collection[Entity] = ()) -> list[Segment]:
    """Return the segments of a document in short chunks, in which a model has found ``model``."""
    cut = list(chunks(pieces, LIMIT, MARGIN, ahead=rules.text_ahead(join_lines=False)))
    found = []
    for chunk in cut:
        core = range(chunk.offset + chunk.core_start, chunk.offset + chunk.core_end)
        end = chunk.offset + len(chunk.text)
        own = [entity for entity in model if entity.start in core and entity.end <= end]
        text = chunk.text[chunk.core_start : chunk.core_end]
        found.append((chunk, Segment(core.start, text, own, is_last=chunk is cut[-1])))
    return list(rules(found, join_lines=False))


def entities_of(segments: Iterable[Segment]) -> list[Entity]:
    """Return the entities of all segments."""
    return [entity for segment in segments for entity in segment.entities]


def expected_words(text: str, words: dict[str, tuple[str, int]]) -> list[tuple[int, int, str]]:
    """Return the words that a search of the whole text at once chooses."""
    found = []
    shown = [place for place in range(len(text)) if not IGNORED.match(text, place)]
    joined = "".join(text[place] for place in shown)
    for word, (label, priority) in {IGNORED.sub("", word): meaning for word, meaning in words.items()}.items():
        for at in range(len(joined)):
            if joined.startswith(word, at):
                start, end = shown[at], shown[at + len(word) - 1] + 1
                end += len(text[end:]) - len(text[end:].lstrip("\ufe00"))
                if not (start and INSIDE_WORD.match(text, start - 1)) and not INSIDE_WORD.match(text, end - 1):
                    found.append((-priority, start, -end, label))
    chosen: list[tuple[int, int, str]] = []
    for _, start, end, label in sorted(found):
        if all(-end <= other[0] or other[1] <= start for other in chosen):
            chosen.append((start, -end, label))
    return sorted(chosen)


@given(pieces=in_pieces(DENSE | st.text("王小。a1\ufe00", max_size=120)), words=WORDS)
def test_words_are_forced_as_if_the_text_were_never_cut(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], words: dict[str, tuple[str, int]]
) -> None:
    text = "".join(pieces)
    rules = ready(tmp_path_factory.getbasetemp(), words)
    segments = applied(rules, pieces)
    assert names(entities_of(segments)) == expected_words(text, words)
    assert all(entity.text == text[entity.start : entity.end] for entity in entities_of(segments))
    for segment in segments:
        own = range(segment.start, segment.start + len(segment.text))
        assert all(entity.start in own for entity in segment.entities)
    assert segments == applied(rules, [text])


@given(text=DENSE | st.text("王小。a1", min_size=1, max_size=120), words=WORDS, data=st.data())
def test_forced_words_win_over_overlapping_entities_and_nothing_overlaps(
    tmp_path_factory: pytest.TempPathFactory, text: str, words: dict[str, tuple[str, int]], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=40)))
    model = [Entity(start, end, "PER", text[start:end], 0.5) for start, end in pairwise(cuts) if end - start <= 5]
    without = ready(tmp_path_factory.getbasetemp(), {})
    reached = entities_of(applied(without, [text], model))
    found = entities_of(applied(ready(tmp_path_factory.getbasetemp(), words), [text], model))
    forced = expected_words(text, words)
    kept = [it for it in reached if all(it.end <= start or end <= it.start for start, end, _ in forced)]
    assert names(found) == sorted([*names(kept), *forced])
    assert all(left.end <= right.start for left, right in pairwise(found))


@given(st.lists(st.sampled_from([row.text for row in ROWS]) | TEXTS, max_size=12))
def test_no_rules_change_nothing_bit_for_bit(recognizer: Recognizer, texts: list[str]) -> None:
    everything = Rules(dictionary={}, exclude=[], min_score={"PER": 0.0}, types=LABELS)
    plain = list(recognizer.batch(texts))
    assert list(recognizer.with_rules(Rules()).batch(texts)) == plain
    assert list(recognizer.with_rules(None).batch(texts)) == plain
    assert list(recognizer.with_rules(everything).batch(texts)) == plain


@pytest.mark.parametrize("text", ["王小明\ufe0f去", "王\U000e0100小明\ufe0f\ufe0f去"])
def test_variation_selectors_in_a_hint_and_after_it_do_not_hide_it(text: str, tmp_path: Path) -> None:
    rules = OperatorRules([hinting(tmp_path, ("王小明", "PER", 5))], LABELS, str)
    places = [(at, at + 1) for at, character in enumerate(text) if character in "王小明去"]
    row = Row(Part(Chunk(0, text, 0, len(text)), is_last=True), WHOLE, np.arange(len(places)), np.array(places))
    tokens, _ = rules.hints(row, TagSet.of("BIOES", LABELS)).nonzero()
    assert tokens.tolist() == [0, 1, 2]


@settings(max_examples=20)
@given(in_pieces(st.lists(st.sampled_from([row.text for row in ROWS]) | TEXTS, max_size=12).map("".join)))
def test_rules_give_the_same_one_by_one_and_in_batches_and_in_pieces(recognizer: Recognizer, pieces: list[str]) -> None:
    ruled = recognizer.with_rules(Rules({"王小": "LOC", "明在": "ORG", "学工": "PER", "。昨": "LOC"}, ["李娜"]))
    text = "".join(pieces)
    alone = ruled(text)
    assert names(next(ruled.batch([text]))) == names(alone)
    assert names(list(ruled.batch([TEXT, text, *pieces, ""]))[1]) == names(alone)
    assert names(entities_of(ruled.stream(pieces))) == names(alone)
    assert_consistent(text, alone)
    assert all(entity.text != "李娜" for entity in alone)


@pytest.mark.parametrize("shift", range(-6, 3))
@pytest.mark.parametrize("end", ["，", "。"])
def test_words_are_forced_and_dropped_at_the_end_of_a_chunk(recognizer: Recognizer, shift: int, end: str) -> None:
    core = CHUNK if end == "。" else CHUNK - 256
    padding = (FILLER * 1000)[: core + shift - 1] + end
    text = padding + "王小明在青山大学工作，" + FILLER * 20
    assert len(text) > CHUNK
    ruled = recognizer.with_rules(Rules({f"{end}王小": "LOC", "做豆腐，今天天气很好，这本书": "ORG"}, ["青山大学"]))
    found = ruled(text)
    assert_consistent(text, found)
    assert [entity.start for entity in found if entity.text == f"{end}王小"] == [len(padding) - 1]
    assert [entity.text for entity in found if entity.text == "青山大学"] == []
    in_text = sum(text.startswith("做豆腐，今天天气很好，这本书", at) for at in range(len(text)))
    assert sum(entity.label == "ORG" for entity in found) == in_text > 400


@pytest.mark.parametrize("length", range(50, 75, 3))
def test_words_are_forced_at_the_end_of_a_window(recognizer: Recognizer, length: int) -> None:
    text = (FILLER * 20)[:length] + "王小明在青山大学工作，" + FILLER * 8
    ruled = recognizer.with_rules(Rules({"小明在青": "ORG"}))
    assert names(ruled(text)) == [(length + 1, length + 5, "ORG")]


def test_each_document_begins_anew(recognizer: Recognizer) -> None:
    ruled = recognizer.with_rules(Rules({"王小明在": "ORG"}))
    assert [names(found) for found in ruled.batch(["王小明在"] * 3)] == [[(0, 4, "ORG")]] * 3


def found_by(rules: Rules, text: str, **options: bool) -> list[tuple[str, str]]:
    """Return text and type of what the built-in model finds, which has aliases."""
    return [(entity.text, entity.label) for entity in BUILT_IN.with_rules(rules)(text, **options)]


BUILT_IN = Recognizer.load()


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("发电厂", "他在發電廠上班。", "發電廠"),
        ("發電廠", "他在发电厂上班。", "发电厂"),
        ("AI小组", "他在ＡＩ小组上班。", "ＡＩ小组"),
        ("让·某", "他是讓•某。", "讓•某"),
        ("发电厂", "他在发电\ufe00厂\ufe00上班。", "发电\ufe00厂\ufe00"),
        ("豆\ufe00腐", "他做豆腐。", "豆腐"),
    ],
)
def test_words_are_found_as_the_model_sees_them(word: str, text: str, found: str) -> None:
    assert (found, "ORG") in found_by(Rules({word: "ORG"}), text)
    model = [entity for entity in BUILT_IN.with_rules(Rules({word: "ORG"}))(text) if entity.text == found]
    assert [entity.score for entity in model] == [1.0]
    assert (found, "ORG") not in found_by(Rules({word: "ORG"}, types=["PER"]), text)


@pytest.mark.parametrize("text", ["去OpenAI", "AI2号", "用AIR", "１AI", "AI\u0301"])
def test_no_word_is_found_inside_of_a_latin_word_or_before_its_accent(text: str) -> None:
    assert not any("AI" in found for found in (it.text for it in applied_words({"AI": "ORG"}, text)))


@pytest.mark.parametrize("text", ["每日2.5mg", "价1,005mg", "２．５mg", "共5mg.", "共5.2元", "第１．５章", "2.5"])
def test_no_word_is_found_inside_of_a_number_with_a_point_or_a_comma(text: str) -> None:
    words = {"5mg": "ORG", "5": "PER", "５mg": "ORG", "５": "PER", "005mg": "ORG", "1": "PER", "mg": "PER"}
    assert [it.text for it in applied_words(words, text)] == (["5mg"] if text == "共5mg." else [])


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("5mg", "每日5mg"),
        ("5mg", "第.5mg"),
        ("5mg", "，5mg，"),
        ("2.5mg", "2.5mg每日一次"),
        ("1,000元", "1,000元"),
        ("G20", "他参加G20，2016年"),
        ("600519", "600519,000001"),
        ("A320", "A320,7点"),
    ],
)
def test_a_word_with_a_number_is_found_beside_marks(word: str, text: str) -> None:
    assert [it.text for it in applied_words({word: "ORG"}, text)] == [word]


@pytest.mark.parametrize("end", [".5元", ".元"])
def test_a_number_at_the_end_of_a_chunk_is_looked_at_as_a_whole(recognizer: Recognizer, end: str) -> None:
    text = "，" * (CHUNK - 1) + f"5{end}"
    found = recognizer.with_rules(Rules({"5": "ORG"}))(text)
    assert [it.text for it in found] == ([] if end == ".5元" else ["5"])


def applied_words(words: dict[str, str], text: str) -> list[Entity]:
    """Return the words of a dictionary that are forced in a text."""
    rules = OperatorRules([Rules(words)], LABELS, str)
    return entities_of(applied(rules, [text]))


def test_words_go_on_in_the_next_line_of_wrapped_text() -> None:
    rules = Rules({"豆腐工厂": "ORG", "New Tofu": "LOC"})
    wrapped = "他在豆腐\r\n工厂上班，去过New\nTofu和New\r\nTofu。豆\n\n腐工厂"
    assert ("豆腐\r\n工厂", "ORG") in found_by(rules, wrapped, join_lines=True)
    assert ("New\nTofu", "LOC") in found_by(rules, wrapped, join_lines=True)
    assert ("New\r\nTofu", "LOC") in found_by(rules, wrapped, join_lines=True)
    assert not any(text.startswith("豆\n") for text, _ in found_by(rules, wrapped, join_lines=True))
    assert not any(text.startswith(("豆腐\r", "New\n")) for text, _ in found_by(rules, wrapped))
    excluding = Rules(exclude=["北京大学"])
    assert ("北京大\n学", "ORG") in found_by(Rules(), "他在北京大\n学工作。", join_lines=True)
    assert found_by(excluding, "他在北京大\n学工作。", join_lines=True) == []


def test_the_longest_of_the_first_words_wins_and_a_higher_priority_before(tmp_path: Path) -> None:
    words = {"王小": ("PER", 0), "王小明": ("PER", 0), "明大": ("LOC", 0), "大学": ("ORG", 0)}
    found = applied(ready(tmp_path, words), ["王小明大学"])
    assert names(entities_of(found)) == [(0, 3, "PER"), (3, 5, "ORG")]
    found = applied(ready(tmp_path, {**words, "明大": ("LOC", 1)}), ["王小明大学"])
    assert names(entities_of(found)) == [(0, 2, "PER"), (2, 4, "LOC")]


def test_a_word_of_type_o_is_no_entity_and_keeps_shorter_ones_away(recognizer: Recognizer) -> None:
    ruled = recognizer.with_rules(Rules({"小明": "LOC", "王小明在": "O"}))
    assert [entity.text for entity in ruled(TEXT)] == ["青山大学"]
    assert [entity.text for entity in ruled("王小明，")] == ["小明"]


def hinting(folder: Path, *words: tuple[str, str, float]) -> Rules:
    """Return rules with a dictionary of words with their types and weights."""
    path = folder / "hints.tsv"
    path.write_text("".join(f"{word}\t{label}\t+{weight}\n" for word, label, weight in words), encoding="utf-8")
    return Rules(path)


@pytest.mark.parametrize(
    ("weight", "found"),
    [
        (0.1, [("张伟", "PER"), ("盒马", "ORG"), ("丁桂儿", "PER"), ("陈粥", "PER")]),
        (8, [("张伟", "PER"), ("盒马", "ORG"), ("丁桂儿", "PER"), ("陈粥", "ORG")]),
    ],
)
def test_a_hint_is_weighed_against_what_the_model_reads(
    weight: float, found: list[tuple[str, str]], tmp_path: Path
) -> None:
    rules = hinting(tmp_path, ("盒马", "ORG", weight), ("陈粥", "ORG", weight))
    assert found_by(rules, "张伟在盒马买了丁桂儿，去陈粥喝粥。") == found


def test_a_hint_changes_the_score_and_can_say_that_a_word_is_no_entity(tmp_path: Path) -> None:
    (plain,) = BUILT_IN("他在北京大學工作。")
    (hinted,) = BUILT_IN.with_rules(hinting(tmp_path, ("北京大学", "ORG", 3)))("他在北京大學工作。")
    assert plain.score < hinted.score < 1
    assert found_by(hinting(tmp_path, ("北京大学", "O", 0.1)), "他在北京大學工作。") == [("北京大學", "ORG")]
    assert found_by(hinting(tmp_path, ("北京大学", "O", 50)), "他在北京大學工作。") == []


@pytest.mark.parametrize(
    ("hints", "found"),
    [
        ([("明月", "ORG", 20), ("明月楼", "ORG", 50)], ("明月楼", "ORG")),
        ([("明月", "ORG", 80), ("明月楼", "ORG", 20)], ("明月", "ORG")),
        ([("明月", "ORG", 20), ("明月楼", "ORG", 20), ("去明", "PER", 35)], ("去明", "PER")),
    ],
)
def test_of_hints_that_overlap_the_greatest_weight_for_each_tag_counts(
    hints: list[tuple[str, str, float]], found: tuple[str, str], tmp_path: Path
) -> None:
    assert found_by(hinting(tmp_path, *hints), "去明月楼吃饭。")[0] == found


def test_a_forced_word_wins_over_a_hint(tmp_path: Path) -> None:
    path = hinting(tmp_path, ("青山大学", "ORG", 50)).dictionary
    assert isinstance(path, Path)
    path.write_text(path.read_text(encoding="utf-8") + "青山\tLOC\n", encoding="utf-8")
    assert found_by(Rules(path), "在青山大学工作。") == [("青山", "LOC")]


def test_a_hint_adds_its_weight_to_the_tags_of_whole_words_that_tokens_begin_and_end_with(tmp_path: Path) -> None:
    tag_set = TagSet.of("BIOES", LABELS)
    text = "OpenAI去AI、AI2、王小明"
    rules = OperatorRules([hinting(tmp_path, ("AI", "ORG", 5), ("王小", "PER", 2.5), ("小明", "LOC", 3))], LABELS, str)
    places = [(at, at + 1) for at in range(len(text) - 3)] + [
        (len(text) - 3, len(text) - 1),
        (len(text) - 1, len(text)),
    ]
    row = Row(Part(Chunk(0, text, 0, len(text)), is_last=True), WHOLE, np.arange(len(places)), np.array(places))
    added = rules.hints(row, tag_set)
    assert added.shape == (len(places), len(tag_set.tags))
    tokens, tags = added.nonzero()
    assert [(places[token][0], tag_set.tags[tag]) for token, tag in zip(tokens, tags, strict=True)] == [
        (7, "B-ORG"),
        (8, "E-ORG"),
        (text.index("王"), "S-PER"),
    ]
    assert added[tokens, tags].tolist() == [5, 5, 2.5]


@settings(max_examples=20)
@given(in_pieces(st.lists(st.sampled_from([row.text for row in ROWS]) | TEXTS, max_size=12).map("".join)))
def test_hints_count_the_same_one_by_one_and_in_batches_and_in_pieces(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str]
) -> None:
    rules = hinting(tmp_path_factory.getbasetemp(), ("小明", "LOC", 50), ("明在", "ORG", 7.5), ("学工作", "PER", 50))
    hinted = Recognizer.load(TINY_BUNDLE).with_rules(rules)
    text = "".join(pieces)
    alone = hinted(text)
    assert names(list(hinted.batch([TEXT, text, *pieces, ""]))[1]) == names(alone)
    assert names(entities_of(hinted.stream(pieces))) == names(alone)
    assert_consistent(text, alone)


@pytest.mark.parametrize("length", range(50, 75, 3))
def test_hints_count_at_the_end_of_a_window(recognizer: Recognizer, length: int, tmp_path: Path) -> None:
    text = (FILLER * 20)[:length] + "王小明在青山大学工作，" + FILLER * 8
    hinted = recognizer.with_rules(hinting(tmp_path, ("小明在青", "ORG", 90)))
    assert (length + 1, length + 5, "ORG") in names(hinted(text))


def test_a_word_that_is_forced_and_a_hint_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "words.tsv"
    path.write_text("长城\tLOC\n长城\tLOC\t+6\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"line 2: '长城' is LOC with weight \+6.0, but in line 1 LOC with priority 0"):
        BUILT_IN.with_rules(Rules(path))


def test_excluded_texts_are_dropped_of_all_types_or_of_one(recognizer: Recognizer, tmp_path: Path) -> None:
    path = tmp_path / "exclude.txt"
    for content, expected in (
        ("王小明\n", ["青山大学"]),
        ("王小明\tPER\n青山大学\tLOC\n", ["青山大学"]),
        ("王小明\tLOC\n王小明\tPER\n", ["青山大学"]),
        ("王小\n小明\n青山\n", ["王小明", "青山大学"]),
        ("", ["王小明", "青山大学"]),
    ):
        path.write_text(content, encoding="utf-8")
        assert [entity.text for entity in recognizer.with_rules(Rules(exclude=path))(TEXT)] == expected
    assert found_by(Rules(exclude=["北京大学"]), "他在北京大學工作。") == []
    assert ("北京大學", "ORG") in found_by(Rules(), "他在北京大學工作。")


def test_scores_are_compared_by_type(recognizer: Recognizer) -> None:
    plain = [entity for row in ROWS for entity in recognizer(row.text)]
    limits: dict[str, Callable[[Entity], bool]] = {
        "PER=0.992": lambda it: it.label != "PER" or it.score >= 0.992,
        "PER=0.992,LOC=1": lambda it: it.label == "ORG" or (it.label == "PER" and it.score >= 0.992),
        "0.992": lambda it: it.score >= 0.992,
    }
    for argument, is_kept in limits.items():
        ruled = recognizer.with_rules(Rules(min_score=min_score_of(argument)))
        kept = [entity for row in ROWS for entity in ruled(row.text)]
        assert kept == [entity for entity in plain if is_kept(entity)]
        assert 0 < len(kept) < len(plain)


def test_types_are_chosen_last(recognizer: Recognizer) -> None:
    assert [entity.label for entity in recognizer.with_rules(Rules(types=["ORG"]))(TEXT)] == ["ORG"]
    assert recognizer.with_rules(Rules({"青山": "LOC"}, types=["ORG"]))(TEXT) == []
    assert [it.label for it in recognizer.with_rules(Rules({"青山": "LOC"}, types=["LOC"]))(TEXT)] == ["LOC"]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (Rules(min_score={"GPE": 0.5}), "min_score names 'GPE', which the model does not have; it has LOC, ORG, PER"),
        (Rules(types=["GPE"]), "types names 'GPE', which the model does not have"),
        (Rules({"长城": "LOC"}, ["长城"]), "exclude: '长城' is a word of the dictionary, too; delete it here or there"),
        (Rules({"长城": "GPE"}), "dictionary: the type is 'GPE'"),
    ],
)
def test_rules_that_do_not_fit_are_refused_at_once(rules: Rules, message: str) -> None:
    with pytest.raises(UsageError) as error:
        Recognizer.load(TINY_BUNDLE, rules=rules)
    assert message in str(error.value)


def test_a_text_in_both_files_is_named_by_file_and_line(recognizer: Recognizer, tmp_path: Path) -> None:
    words, excluded = tmp_path / "words.tsv", tmp_path / "exclude.txt"
    words.write_text("长城\tLOC\n", encoding="utf-8")
    excluded.write_text("长江\n长城\tORG\n长城\tLOC\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"{excluded}: line 3: '长城' is a word of the dictionary"):
        recognizer.with_rules(Rules(words, excluded))


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_scores_are_probabilities(score: float) -> None:
    for min_score in (score, {"PER": score}):
        with pytest.raises(UsageError, match="between 0 and 1"):
            Rules(min_score=min_score)


@pytest.mark.parametrize("score", ["0.5", {"PER": "x"}, {"PER": None}, [0.5]])
def test_lowest_scores_are_numbers(score: Any) -> None:
    with pytest.raises(TypeError, match="expected min_score as a number, or as numbers by type"):
        Rules(min_score=score)


def test_rules_are_no_other_mapping(recognizer: Recognizer) -> None:
    with pytest.raises(TypeError, match=r"expected rules as edgener\.Rules or None, got dict"):
        recognizer.with_rules({"王小明": "PER"})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"expected rules as edgener\.Rules or None, got str"):
        Recognizer.load(TINY_BUNDLE, rules="words.tsv")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "argument",
    [
        {"dictionary": ["盒马"]},
        {"dictionary": b"words.tsv"},
        {"exclude": {"北京": "PER"}},
        {"exclude": iter(["北京"])},
        {"exclude": b"words.tsv"},
        {"types": iter(["PER"])},
        {"types": b"PER"},
        {"types": 5},
    ],
)
def test_what_would_be_misread_or_empty_the_second_time_is_refused(argument: dict[str, Any]) -> None:
    (name,) = argument
    with pytest.raises(TypeError, match=f"expected {name} as"):
        Rules(**argument)


def test_a_score_needs_the_name_of_its_type() -> None:
    with pytest.raises(UsageError, match="a type without a name"):
        Rules(min_score={"": 0.5})
    with pytest.raises(UsageError, match=r"--min-score is '=0\.5'; name the type before each ="):
        min_score_of("=0.5")


def test_types_are_a_collection_of_at_least_one() -> None:
    with pytest.raises(TypeError, match="expected types as a list or another collection, got 'PER'"):
        Rules(types="PER")
    with pytest.raises(UsageError, match="name at least one type"):
        Rules(types=[])


def test_values_of_options() -> None:
    assert min_score_of("0.5") == 0.5
    assert min_score_of("PER=0.9,LOC=0.6") == min_score_of("PER=0.9, LOC = 0.6") == {"PER": 0.9, "LOC": 0.6}
    assert types_of("PER, ORG") == ("PER", "ORG")
    assert types_of(None) is None
    assert types_of(",") == ()


@pytest.mark.parametrize("argument", ["high", "PER=", "PER=0.9,0.5", "PER=0.9=1", "", "PER=0.9,"])
def test_other_values_of_min_score_are_refused(argument: str) -> None:
    with pytest.raises(UsageError, match=r"write one number, as 0\.9, or PER=0\.9,LOC=0\.6"):
        min_score_of(argument)
    with pytest.raises(UsageError, match="name each type only once"):
        min_score_of("PER=0.9,PER=0.8")


def test_the_command_line_takes_rules_for_texts_and_files_and_pipes(tmp_path: Path) -> None:
    words, excluded, lines = tmp_path / "words.tsv", tmp_path / "exclude.txt", tmp_path / "lines.txt"
    words.write_text("小明\tLOC\n", encoding="utf-8")
    excluded.write_text("青山大学\n", encoding="utf-8")
    lines.write_text(f"{TEXT}\n", encoding="utf-8")
    options = ["--dictionary", str(words), "--exclude", str(excluded), "--format", "text"]
    expected = "王[小明/LOC]在青山大学工作。\n"
    assert run_tiny(*options, TEXT).output.decode() == expected
    assert run_tiny(*options, "--file", str(lines)).output.decode() == expected
    assert run_tiny(*options, stdin=lines.read_bytes()).output.decode() == expected
    only = run_tiny("--types", "ORG", "--min-score", "PER=1", "--format", "text", TEXT)
    assert only.output.decode() == "王小明在[青山大学/ORG]工作。\n"


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--dictionary", "missing.tsv"], 3, "missing.tsv: cannot be read: No such file or directory"),
        (["--exclude", "missing.txt"], 3, "missing.txt: cannot be read: No such file or directory"),
        (["--min-score", "GPE=0.5"], 2, "min_score names 'GPE'"),
        (["--min-score", "PER"], 2, "--min-score is 'PER'"),
        (["--types", "GPE"], 2, "types names 'GPE'"),
        (["--types", ","], 2, "name at least one type"),
    ],
)
def test_rules_that_make_no_sense_end_every_command_with_a_code(
    options: list[str], code: int, message: str, tmp_path: Path
) -> None:
    for words in ([TEXT], ["serve", "--socket", str(tmp_path / "ner.sock")]):
        command = words[:1] if words[0] == "serve" else []
        finished = run_main(*command, "--model", str(TINY_BUNDLE), *options, *words[len(command) :])
        assert (finished.code, finished.output) == (code, b"")
        assert message in finished.errors
        assert finished.errors.count("\n") == 1


UNCUT = "".join(chr(0x4E00 + number) for number in range(40))
CUT_AT_11 = f"{UNCUT[:10]}。{UNCUT[11:]}"


def test_a_word_after_the_core_wins_over_an_entity_that_reaches_there() -> None:
    core_end = LIMIT - MARGIN
    model = [Entity(core_end - 2, core_end + 2, "PER", UNCUT[core_end - 2 : core_end + 2], 0.9)]
    rules = OperatorRules([Rules({UNCUT[core_end + 1 : core_end + 3]: "LOC"})], LABELS, str)
    assert names(entities_of(applied(rules, [UNCUT], model))) == [(core_end + 1, core_end + 3, "LOC")]


def test_a_chain_of_priorities_is_decided_by_its_last_word_behind_the_chunk(tmp_path: Path) -> None:
    words = {CUT_AT_11[at : at + 3]: ("LOC", (at - 9) // 2) for at in (9, 11, 13, 15, 17)}
    found = entities_of(applied(ready(tmp_path, words), [CUT_AT_11]))
    assert [entity.start for entity in found] == [9, 13, 17]


def test_a_word_that_begins_before_a_chunk_keeps_the_next_word_away(tmp_path: Path) -> None:
    words = {CUT_AT_11[9:13]: ("LOC", 0), CUT_AT_11[11:14]: ("PER", 0)}
    found = entities_of(applied(ready(tmp_path, words), [CUT_AT_11]))
    assert names(found) == [(9, 13, "LOC")]


def test_the_types_that_a_recognizer_may_find_are_those_of_the_model_or_of_its_rules(recognizer: Recognizer) -> None:
    assert recognizer.labels == recognizer.manifest.tag_set.labels
    assert recognizer.with_rules(Rules(types=["PER", "LOC"])).labels == ("LOC", "PER")
