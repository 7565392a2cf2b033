"""Tokens point into the caller's own string, whatever normalization does to it."""

from __future__ import annotations

import json
import unicodedata
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from edgener.aliases import ONE_TO_ONE
from edgener.bundle import TOKENIZER
from edgener.errors import TokenizerError
from edgener.tokenizer import RARE_IDEOGRAPH, SHARING, UNRECOGNIZED_IDEOGRAPH, Encoder, Encoding
from tests.support import TEXTS, TINY_BUNDLE

ENCODER = Encoder(TINY_BUNDLE / TOKENIZER)


PLAIN = json.loads((TINY_BUNDLE / TOKENIZER).read_bytes())
CLEAN = {"clean_text": True, "strip_accents": None, "lowercase": True}
LOOSE = {"single_word": False, "lstrip": False, "rstrip": False}
ALONE = "王小明龘㐀，、。：；！？“”‘’（）《》『』…—·"


def tokenizers_own(text: str, path: Path = TINY_BUNDLE / TOKENIZER) -> Encoding:
    """Return what the library gives for the whole text."""
    text = UNRECOGNIZED_IDEOGRAPH.sub(RARE_IDEOGRAPH, text.translate(ONE_TO_ONE))
    encoding = Tokenizer.from_file(str(path)).encode(text, add_special_tokens=False)
    return Encoding(np.array(encoding.ids, np.int64), np.array(encoding.offsets, np.int64).reshape(-1, 2))


def assert_same(encoding: Encoding, expected: Encoding) -> None:
    """Assert that both have the same tokens at the same places."""
    assert encoding.ids.tolist() == expected.ids.tolist()
    assert encoding.offsets.tolist() == expected.offsets.tolist()


def pieces(text: str) -> list[str]:
    """Return the text that each token stands for."""
    (encoding,) = ENCODER([text])
    return [text[start:end] for start, end in encoding.offsets]


@given(TEXTS)
def test_offsets_are_ordered_ranges_of_the_text(text: str) -> None:
    (encoding,) = ENCODER([text])
    assert len(encoding.ids) == len(encoding.offsets)
    assert all(0 <= start <= end <= len(text) for start, end in encoding.offsets)
    assert all(before[0] <= after[0] and before[1] <= after[1] for before, after in pairwise(encoding.offsets))
    assert all(0 <= row < ENCODER.vocabulary_size for row in encoding.ids)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("王小明", ["王", "小", "明"]),
        ("ＡＩ小组１", ["Ａ", "Ｉ", "小", "组", "１"]),
        ("\u3000王\0小\ufeff明", ["王", "小", "明"]),
        ("İ王", ["İ", "王"]),
        ("é王e\u0301王", ["é", "王", "e", "王"]),
        ("한王", ["한", "王"]),
        ("\ud800王", ["王"]),
        ("😀王👨‍👩‍👧", ["😀", "王", "👨‍👩‍👧"]),
        ("王  \t\n王", ["王", "王"]),
        ("王𫢸c\U0002ebf0d\U00030000", ["王", "𫢸", "c", "\U0002ebf0", "d", "\U00030000"]),
        ("", []),
    ],
)
def test_tokens_stand_for_the_callers_characters(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


IDEOGRAPHS = [code for code in range(0x3400, 0x110000) if unicodedata.name(chr(code), "").startswith("CJK UNIFIED")]


def test_no_ideograph_melts_with_its_neighbours() -> None:
    text = "".join(f"a{chr(code)}" for code in IDEOGRAPHS)
    assert len(IDEOGRAPHS) > 90_000
    assert pieces(text) == list(text)


def test_full_width_and_case_make_no_difference_to_the_model() -> None:
    full, half, lower = ENCODER(["ＢＢＣ：２０２６", "BBC:2026", "bbc:2026"])
    assert full.ids.tolist() == half.ids.tolist() == lower.ids.tolist()


@given(TEXTS, TEXTS)
def test_texts_do_not_influence_each_other(first: str, second: str) -> None:
    together = ENCODER([first, second])
    alone = [*ENCODER([first]), *ENCODER([second])]
    assert [encoding.ids.tolist() for encoding in together] == [encoding.ids.tolist() for encoding in alone]
    assert [encoding.offsets.tolist() for encoding in together] == [encoding.offsets.tolist() for encoding in alone]


@given(st.lists(TEXTS | st.text(ALONE, max_size=20)).map("".join))
def test_characters_that_are_looked_up_give_what_the_tokenizer_gives(text: str) -> None:
    (encoding,) = ENCODER([text])
    assert_same(encoding, tokenizers_own(text))


def test_every_character_that_is_looked_up_is_a_token_of_its_own() -> None:
    text = "".join(character for character in map(chr, range(0x110000)) if not SHARING.match(character))
    assert_same(ENCODER([text])[0], tokenizers_own(text))


@pytest.mark.parametrize(
    "change",
    [
        {"pre_tokenizer": {"type": "Whitespace"}},
        {"normalizer": {"type": "Lowercase"}},
        {"normalizer": {"type": "BertNormalizer", "handle_chinese_chars": False, **CLEAN}},
    ],
)
def test_a_tokenizer_of_another_kind_does_all_of_its_work_itself(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / TOKENIZER
    path.write_text(json.dumps(PLAIN | change), encoding="utf-8")
    text = "王小明，工作"
    assert_same(Encoder(path)([text])[0], tokenizers_own(text, path))


@pytest.mark.parametrize("change", [{}, {"pre_tokenizer": {"type": "Whitespace"}}], ids=["looked-up", "as-one"])
def test_no_special_tokens_are_added_to_a_text(tmp_path: Path, change: dict[str, Any]) -> None:
    ids = {token: PLAIN["model"]["vocab"][token] for token in ("[CLS]", "[SEP]")}
    adding = {"type": "BertProcessing", "sep": ["[SEP]", ids["[SEP]"]], "cls": ["[CLS]", ids["[CLS]"]]}
    path = tmp_path / TOKENIZER
    path.write_text(json.dumps(PLAIN | change | {"post_processor": adding}), encoding="utf-8")
    text = "王小明abc，工作"
    assert not set(Encoder(path)([text])[0].ids.tolist()) & set(ids.values())
    if not change:
        assert_same(Encoder(path)([text])[0], ENCODER([text])[0])


@pytest.mark.parametrize("setting", ["truncation", "padding"])
def test_a_tokenizer_that_truncates_or_pads_does_neither_here(tmp_path: Path, setting: str) -> None:
    settings = {
        "truncation": {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0},
        "padding": {
            "strategy": {"Fixed": 9},
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "[PAD]",
        },
    }
    path = tmp_path / TOKENIZER
    path.write_text(json.dumps(PLAIN | {setting: settings[setting]}), encoding="utf-8")
    assert_same(Encoder(path)(["a b c d e"])[0], ENCODER(["a b c d e"])[0])


def test_the_special_tokens_are_those_of_the_vocabulary() -> None:
    vocabulary = PLAIN["model"]["vocab"]
    assert [ENCODER.start_id, ENCODER.end_id, ENCODER.pad_id] == [vocabulary[x] for x in ("[CLS]", "[SEP]", "[PAD]")]
    assert ENCODER.vocabulary_size == len(vocabulary)


@pytest.mark.parametrize("content", ["王小明", "（甲）", "(x)"])
def test_added_tokens_are_found(tmp_path: Path, content: str) -> None:
    added = {"id": len(PLAIN["model"]["vocab"]), "content": content, "special": True, "normalized": False, **LOOSE}
    path = tmp_path / TOKENIZER
    path.write_text(json.dumps(PLAIN | {"added_tokens": [*PLAIN["added_tokens"], added]}), encoding="utf-8")
    text = "是王小明（甲）（x）[SEP]。"
    assert_same(Encoder(path)([text])[0], tokenizers_own(text, path))


def test_long_texts_are_not_truncated() -> None:
    (encoding,) = ENCODER(["王" * 5000])
    assert len(encoding.ids) == 5000


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"model": 1}'])
def test_what_is_no_tokenizer_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / TOKENIZER
    path.write_bytes(content)
    with pytest.raises(TokenizerError, match=str(path)):
        Encoder(path)


def test_a_tokenizer_without_special_tokens_is_refused(tmp_path: Path) -> None:
    plain = json.loads((TINY_BUNDLE / TOKENIZER).read_bytes())
    del plain["model"]["vocab"]["[SEP]"]
    plain["added_tokens"] = [token for token in plain["added_tokens"] if token["content"] != "[SEP]"]
    path = tmp_path / TOKENIZER
    path.write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(TokenizerError) as caught:
        Encoder(path)
    assert str(caught.value) == f"{path}: has no [SEP] token; the bundle was made for another kind of model"
