"""Aliases change what the model sees, never where it stands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.aliases import ALIASES, MOST_KEPT, ONE_TO_ONE, TABLE, Aliases, table_sha256
from edgener.built_in import BUILT_IN, bundle_directory
from edgener.bundle import TOKENIZER, describe_file
from edgener.tokenizer import Encoder
from tests.support import ROOT, TEXTS

VOCABULARY = bundle_directory(BUILT_IN) / TOKENIZER
PLAIN = Encoder(VOCABULARY)
ENCODERS = {name: Encoder(VOCABULARY, (name,)) for name in ALIASES}
ALL = Encoder(VOCABULARY, ALIASES)
LOOK_ALIKES = st.text("臺灣說⼭⻓•・．· \u3000王小明李娜Ab1，。\ud800Ａ𫢸", max_size=30)
NAMES = st.sets(st.sampled_from(ALIASES))


def seen(text: str, *names: str) -> str:
    """Return the text as a model with every character in its vocabulary sees it."""
    aliases = Aliases(names, lambda _: True)
    return aliases.separators(text).translate(aliases)


@given(LOOK_ALIKES | TEXTS, NAMES)
def test_every_code_point_is_seen_as_one_code_point(text: str, names: set[str]) -> None:
    assert len(seen(text, *names)) == len(text)


@given(LOOK_ALIKES | TEXTS)
def test_offsets_are_those_of_the_callers_text(text: str) -> None:
    (encoding,) = ALL([text])
    assert all(0 <= start <= end <= len(text) for start, end in encoding.offsets)
    tokens = [text[start:end] for start, end in encoding.offsets]
    assert [token for token in tokens if token in set("臺灣說王小明李娜，。")] == [
        character for character in text if character in set("臺灣說王小明李娜，。")
    ]


@given(LOOK_ALIKES | TEXTS, NAMES)
def test_text_in_which_nothing_has_an_alias_gives_the_same_tokens(text: str, names: set[str]) -> None:
    if seen(text, *names) == text.translate(ONE_TO_ONE):
        (plain,), (aliased,) = PLAIN([text]), Encoder(VOCABULARY, tuple(names))([text])
        assert plain.ids.tolist() == aliased.ids.tolist()
        assert plain.offsets.tolist() == aliased.offsets.tolist()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("simplified", "臺灣大學的張國榮說", "台湾大学的张国荣说"),
        ("simplified", "衞生署裡広沢歩説", "卫生署里广泽步说"),
        ("simplified", "後來於徵", "后来于征"),
        ("simplified", "乾隆著书瞭望哪吒⼭", "乾隆著书瞭望哪吒⼭"),
        ("radicals", "⼭⼤⻓⻄⾺臺", "山大长西马臺"),
        ("radicals", "\uf903\uf9cf\ufa19神\ufa0e", "贾纽神神\ufa0e"),
        ("dots", "约翰•史密斯‧李・王･张∙赵⋅钱．孙", "约翰·史密斯·李·王·张·赵·钱·孙"),
        ("dots", "乔治．Ｗ．布什和A•B", "乔治·W·布什和A·B"),
        ("dots", "•北京 3．14 Ｕ．Ｓ． www.a.cn 一•", "•北京 3.14 U.S. www.a.cn 一•"),
        ("spaces", "王小明 李　娜\u2003张三丰", "王小明、李 娜、张三丰"),
        ("spaces", "王小明   李四", "王小明、  李四"),
        ("spaces", "高圆圆\x0c马丽\x0b沙溢", "高圆圆、马丽、沙溢"),
        ("spaces", "北 京 大 学", "北 京 大 学"),
        ("spaces", "用 Python 写\n北京\n上海 。", "用 Python 写\n北京\n上海 。"),
    ],
)
def test_what_is_seen(name: str, text: str, expected: str) -> None:
    assert seen(text, name) == expected
    (encoding,), (plain,) = ENCODERS[name]([text]), PLAIN([expected])
    assert encoding.ids.tolist() == plain.ids.tolist()


def test_a_character_whose_alias_is_not_in_the_vocabulary_stays_itself() -> None:
    (encoding,) = ALL(["銃"])
    assert seen("銃", *ALIASES) == "铳"
    assert encoding.ids.tolist() == PLAIN(["銃"])[0].ids.tolist() != PLAIN(["铳"])[0].ids.tolist()


def test_text_with_every_character_does_not_fill_the_memory() -> None:
    aliases = Aliases(ALIASES, lambda _character: True)
    every = "".join(map(chr, range(0x10000, 0x110000)))
    assert every.translate(aliases)[-9:] == every[-9:]
    assert len(aliases) <= MOST_KEPT
    assert "東".translate(aliases) == "东"


def test_common_simplified_characters_stay_themselves() -> None:
    level_1 = b"".join(bytes([row, cell]) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF))
    text = level_1.decode("gb2312", "ignore")
    assert len(text) == 3755
    assert seen(text, *ALIASES) == text


def test_the_committed_table_is_what_its_tool_makes(tmp_path: Path) -> None:
    made = tmp_path / "aliases.txt"
    subprocess.run([sys.executable, str(ROOT / "tools" / "make_aliases.py"), str(made)], check=True)
    assert made.read_bytes() == TABLE.read_bytes()
    assert table_sha256() == describe_file(TABLE).sha256
