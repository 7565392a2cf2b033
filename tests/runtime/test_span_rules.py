"""Span rules correct spans, and what they return are always ordered ranges of the text."""

from __future__ import annotations

from itertools import pairwise
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.segmentation import INSIDE_WORD
from edgener.span_rules.marks import SEPARATORS, SIGNS
from edgener.span_rules.registry import apply_rules
from edgener.span_rules.words import NO_PART_OF_A_NAME
from edgener.tags import ScoredSpan, Span
from tests.runtime.corrected_spans import RULES, corrected
from tests.support import TEXTS

TEXTS_OF_RULES = (
    st.text("王李某1２「」×*X·甲哈233haw@#＃ab1Ａé\u0301在，-－让（）《》路一段号舰台风. Inc", max_size=40) | TEXTS
)


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[ScoredSpan]]:
    """Draw a text and spans in it that are ordered and do not overlap."""
    text = draw(TEXTS_OF_RULES)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=12)))
    spans = [
        ScoredSpan(Span(start, end, draw(st.sampled_from(["PER", "LOC", "ORG"]))), draw(st.floats(0, 1)))
        for start, end in pairwise(cuts)
        if draw(st.booleans())
    ]
    return text, spans


def test_a_name_within_a_masked_one_is_dropped_and_those_after_it_stay() -> None:
    marked = [(name, "PER") for name in ("牙", "赛某", "李娜")]
    assert corrected("牙某·赛某和李娜盗窃", *marked) == [("牙某·赛某", "PER"), ("李娜", "PER")]


@given(texts_with_spans(), st.lists(st.sampled_from(RULES), unique=True))
def test_rules_return_ordered_ranges_of_the_text(drawn: tuple[str, list[ScoredSpan]], names: list[str]) -> None:
    text, spans = drawn
    found = [span for span, _ in apply_rules(names, text, spans)]
    assert all(0 <= span.start < span.end <= len(text) for span in found)
    assert all(left.end <= right.start for left, right in pairwise(found))


@given(texts_with_spans())
def test_no_span_cuts_a_word_or_a_mark(drawn: tuple[str, list[ScoredSpan]]) -> None:
    text, spans = drawn
    for (start, end, _), _ in apply_rules(RULES, text, spans):
        assert not (start and INSIDE_WORD.match(text, start - 1)) or start in {
            at.end() for at in NO_PART_OF_A_NAME.finditer(text)
        }
        assert not INSIDE_WORD.match(text, end - 1) or NO_PART_OF_A_NAME.match(text, end)
        assert not category(text[end : end + 1] or "-").startswith("M")


@given(texts_with_spans())
def test_no_rules_leave_spans_as_they_are_but_for_marks(drawn: tuple[str, list[ScoredSpan]]) -> None:
    text, spans = drawn
    if "\u0301" not in text and text.isascii():
        assert apply_rules((), text, spans) == spans


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("被告人张某某在", "张", "张某某"),
        ("被告人李某，", "李", "李某"),
        ("证人朱某甲说", "朱", "朱某甲"),
        ("证人朱某甲说", "朱某", "朱某甲"),
        ("牙某·赛某盗窃", "牙", "牙某·赛某"),
        ("受害人王**的", "王", "王**"),
        ("受害人王×，", "王", "王×"),
        ("受害人王XX的", "王", "王XX"),
        ("李娜某天来", "李娜", "李娜"),
        ("李娜×王菲", "李娜", "李娜"),
        ("**李娜**说", "李娜", "李娜"),
        ("王Xiaoming", "王", "王"),
    ],
)
def test_a_masked_name_is_one_name(text: str, before: str, after: str) -> None:
    assert corrected(text, (before, "PER"), rules=("masked_names",)) == [(after, "PER")]
    assert corrected(text, (before, "ORG"), rules=("masked_names",)) == [(before, "ORG")]


def test_a_masked_name_takes_in_its_parts_but_no_other_name() -> None:
    assert corrected("牙某·赛某盗窃", ("牙", "PER"), ("赛", "PER")) == [("牙某·赛某", "PER")]
    assert corrected("王某公司的人", ("王", "PER"), ("某公司", "ORG")) == [("王", "PER"), ("某公司", "ORG")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("「台糖公司", "台糖公司"),
        ("台糖公司」", "台糖公司"),
        ("「『台糖公司", "台糖公司"),
        ("「台糖」公司", "「台糖」公司"),
        ("《人民日报》文艺部", "《人民日报》文艺部"),
        ("香港小轮（集团）", "香港小轮（集团）"),
        ("香港小轮（集团", "香港小轮（集团"),
        ("」台糖公司", "」台糖公司"),
    ],
)
def test_marks_without_their_partner_stay_outside(before: str, after: str) -> None:
    assert corrected(f"函送{before}函", (before, "ORG"), rules=("without_lone_marks",)) == [(after, "ORG")]


@pytest.mark.parametrize(
    ("before", "after"), [("張偉﹂", "張偉"), ("｢李强", "李强"), ("张伟〜", "张伟"), ("陈静︐", "陈静"), ("｣", None)]
)
def test_marks_of_vertical_and_half_width_text_stay_outside(before: str, after: str | None) -> None:
    assert corrected(f"记者{before}报道", (before, "PER")) == ([(after, "PER")] if after else [])


def test_a_span_of_a_lone_mark_is_left_out() -> None:
    assert corrected("函送「公司", ("「", "ORG"), rules=("without_lone_marks",)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("三七一、內政委員會", "內政委員會"),
        ("（四）內政委員會", "內政委員會"),
        ("四)內政委員會", "內政委員會"),
        ("12）、內政委員會", "內政委員會"),
        ("三一學院", "三一學院"),
        ("一九四九軍", "一九四九軍"),
        ("4399", "4399"),
        ("（上海）公司", "（上海）公司"),
    ],
)
def test_numbers_of_items_stay_outside(before: str, after: str) -> None:
    assert corrected(f"{before}函送報告", (before, "ORG"), rules=("without_item_numbers",)) == [(after, "ORG")]


def test_a_span_of_the_number_of_an_item_is_left_out() -> None:
    assert corrected("一一○、行政院", ("一一○、", "ORG"), rules=("without_item_numbers",)) == []


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("原告张某1、李某", "张某1"),
        ("原告张某１诉称", "张某１"),
        ("原告张某12与李某", "张某12"),
        ("由张某1支付", "张某1"),
        ("张某1人民币", "张某1"),
        ("张某1名下的房产", "张某1"),
        ("被告张某1", "张某1"),
        ("伙同张某A盗窃", "张某A"),
        ("张某2024年生", "张某"),
        ("给张某3克", "张某"),
        ("张某3人到案", "张某"),
        ("退还张某4.5万元", "张某"),
        ("持有张某30%股份", "张某"),
        ("张某3月5日", "张某"),
        ("张某Apple", "张某"),
        ("张某1a", "张某"),
        ("张某123、李某", "张某"),
    ],
)
def test_numbers_of_masked_names_belong_to_them_and_counts_do_not(text: str, after: str) -> None:
    assert corrected(text, ("张某", "PER"), rules=("numbered_names",)) == [(after, "PER")]
    assert corrected(text, ("张某", "ORG"), rules=("numbered_names",)) == [("张某", "ORG")]


@pytest.mark.parametrize(
    "text",
    [
        "赔偿李某3美元", "付李某3萬元", "退还李某29，990元", "给李某B超检查", "李某T恤上的血迹", "用李某B站账号",
        "李某1️⃣与被告",
    ],
)  # fmt: skip
def test_what_is_counted_after_a_masked_name_is_no_part_of_it(text: str) -> None:
    assert corrected(text, ("李某", "PER")) == [("李某", "PER")]


def test_a_number_without_a_masked_name_and_one_of_another_span_stay() -> None:
    assert corrected("原告张明1、李某", ("张明", "PER"), rules=("numbered_names",)) == [("张明", "PER")]
    marked = (("张某", "PER"), ("2号楼", "LOC"))
    assert corrected("张某12号楼", *marked, rules=("numbered_names",)) == list(marked)
    assert corrected("张某A、李某", ("张某", "PER"), ("A、", "ORG"), rules=("numbered_names",)) == [
        ("张某", "PER"),
        ("A、", "ORG"),
    ]


@pytest.mark.parametrize(
    "laughter", ["哈哈", "哈哈哈", "呵呵", "嘻嘻", "嘿嘿", "啊啊", "hahaha", "HAHA", "www", "233", "23333"]
)
def test_laughter_is_no_name(laughter: str) -> None:
    assert corrected(f"，{laughter}，", (laughter, "PER")) == []
    assert corrected(f"，{laughter}王，", (f"{laughter}王", "PER"), rules=("no_laughter",)) == [
        (f"{laughter}王", "PER")
    ]


@pytest.mark.parametrize("name", ["哈", "哈尔滨", "23", "2", "ww", "哈萨克"])
def test_what_only_begins_like_laughter_stays(name: str) -> None:
    assert corrected(f"，{name}，", (name, "LOC")) == [(name, "LOC")]


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("去Apple工作", "App", "Apple"),
        ("去Apple工作", "ple", "Apple"),
        ("在Ａｐｐｌｅ店", "ｐｐ", "Ａｐｐｌｅ"),
        ("中山路100号", "中山路1", "中山路100"),
        ("Beyoncé来了", "Beyonc", "Beyoncé"),
        ("在IBM中国", "IBM中国", "IBM中国"),
        ("EDG2:0横扫RNG", "EDG", "EDG"),
        ("Xtreme Gaming2：3不敌", "Xtreme Gaming", "Xtreme Gaming"),
        ("昨晚2-10RNG", "RNG", "RNG"),
        ("去Web3:0度", "Web", "Web"),
        ("T1:0", "T", "T1"),
        ("MU5735:出事", "MU", "MU5735"),
        ("LNG3比1拿下", "LNG", "LNG"),
        ("EDG2–0横扫", "EDG", "EDG"),
        ("WHO2014年", "WHO", "WHO"),
        ("转让杨XX70%股份", "杨XX", "杨XX"),
        ("Windows2026版", "Windows", "Windows2026"),
        ("Win10-专业版", "Win", "Win10"),
        ("Win2019-1", "Win", "Win2019"),
    ],
)
def test_a_span_ends_where_words_end(text: str, before: str, after: str) -> None:
    assert corrected(text, (before, "ORG")) == [(after, "ORG")]


def test_of_spans_that_meet_in_one_word_the_most_certain_stays() -> None:
    text = "IBMWatson在"
    spans = [ScoredSpan(Span(0, 3, "ORG"), 0.6), ScoredSpan(Span(3, 9, "PER"), 0.7)]
    assert apply_rules(RULES, text, spans) == [ScoredSpan(Span(0, 9, "PER"), 0.7)]
    spans = [ScoredSpan(Span(0, 3, "ORG"), 0.8), ScoredSpan(Span(3, 9, "PER"), 0.7)]
    assert apply_rules(RULES, text, spans) == [ScoredSpan(Span(0, 9, "ORG"), 0.8)]


def test_a_span_of_marks_alone_is_left_out_and_others_start_after_theirs() -> None:
    text = "王\u0301\ufe0f在\u0301"
    for start, end in ((1, 2), (1, 3), (2, 3), (4, 5)):
        assert apply_rules((), text, [ScoredSpan(Span(start, end, "PER"), 0.5)]) == []
    assert apply_rules((), text, [ScoredSpan(Span(0, 1, "PER"), 0.5)]) == [ScoredSpan(Span(0, 3, "PER"), 0.5)]
    assert apply_rules((), text, [ScoredSpan(Span(1, 4, "PER"), 0.5)]) == [ScoredSpan(Span(3, 5, "PER"), 0.5)]


@pytest.mark.parametrize("sign", SIGNS)
def test_signs_stay_outside(sign: str) -> None:
    assert corrected(f"{sign}李娜{sign}说", (f"{sign}李娜{sign}", "PER")) == [("李娜", "PER")]
    assert corrected(f"，{sign}，", (sign, "PER")) == []
    assert corrected(f"A{sign}B", (f"A{sign}B", "ORG")) == [(f"A{sign}B", "ORG")]


@pytest.mark.parametrize("separator", SEPARATORS)
def test_separators_stay_outside(separator: str) -> None:
    marked = (f"{separator}李娜{separator}", "PER")
    assert corrected(f"找{marked[0]}说", marked, rules=("without_separators",)) == [("李娜", "PER")]
    assert corrected(f"，{separator}，", (separator, "PER"), rules=("without_separators",)) == []
    assert corrected(f"在A{separator}B说", (f"A{separator}B", "ORG"), rules=("without_separators",)) == [
        (f"A{separator}B", "ORG")
    ]


@pytest.mark.parametrize("name", ["王**", "王××", "Yahoo!", "Disney+", "J. R.", "某某（集团）"])
def test_signs_that_belong_to_names_stay_in_them(name: str) -> None:
    assert corrected(f"找{name}说", (name, "PER"), rules=("without_separators",)) == [(name, "PER")]
