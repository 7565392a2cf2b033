"""Labelled sentences out of a grammar."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.tags import Span
from edgener_export.corpus.name_swap import read_names
from edgener_export.corpus.rewrite import rewritten
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.templates import Grammar
from edgener_export.errors import CorpusError
from edgener_export.recipe.settings import RewriteSettings

SHIPPED = Path(__file__).parents[3] / "export" / "recipes" / "templates.txt"
NAMES = {"PER": ["王小明"], "ORG": ["华为", "腾讯"], "LOC": ["北京"]}
BIOGRAPHY = """\
# people and their posts
sentence\t{PER=PER}，{?=country}，{1955..1960}年{01..12}月生，任{ORG=company}{post}。
country\t中国国籍

company\t{place}{trade}公司
place\t北京\t上海
trade*3\t电子
trade\t化工
post\t财务部经理\t
"""


def grammar(directory: Path, rules: str) -> Grammar:
    """Return the grammar of a file with these rules."""
    path = directory / "rules.txt"
    path.write_text(rules, encoding="utf-8")
    return Grammar(path, NAMES)


def drawn(source: Grammar, number: int, seed: int = 0) -> list[Sentence]:
    """Return sentences of a grammar."""
    generator = np.random.default_rng(seed)
    return [source.sentence(generator) for _ in range(number)]


def test_slots_are_expanded_labelled_ignored_and_numbered(tmp_path: Path) -> None:
    form = re.compile(r"王小明，中国国籍，(\d{4})年(\d\d)月生，任((?:北京|上海)(?:电子|化工)公司)(财务部经理)?。")
    for sentence in drawn(grammar(tmp_path, BIOGRAPHY), 50):
        found = form.fullmatch(sentence.text)
        assert found
        assert 1955 <= int(found[1]) <= 1960
        assert 1 <= int(found[2]) <= 12
        assert sentence.spans == (Span(0, 3, "PER"), Span(*found.span(3), "ORG"))
        assert sentence.ignored == ((4, 8),)


def test_a_weight_makes_alternatives_likelier(tmp_path: Path) -> None:
    texts = [sentence.text for sentence in drawn(grammar(tmp_path, BIOGRAPHY), 800)]
    assert 540 < sum("电子" in text for text in texts) < 660
    assert 340 < sum("财务部" in text for text in texts) < 460


def test_the_seed_decides_every_sentence(tmp_path: Path) -> None:
    source = grammar(tmp_path, BIOGRAPHY)
    assert drawn(source, 20) == drawn(source, 20)
    assert drawn(source, 20) != drawn(source, 20, seed=1)


@pytest.mark.parametrize(
    ("rules", "line", "message"),
    [
        ("sentence\t{wrod}", 1, "wrod is unknown"),
        ("sentence\t{a}\na\t{b}\nb\tx\t{a}", 3, "a → b → a never ends"),
        ("sentence\t{sentence}", 1, "sentence → sentence never ends"),
        ("sentence\tx{PER=}y", 1, "{PER=} is no slot"),
        ("sentence\t{9..1}", 1, "{9..1} is no slot"),
        (f"sentence\t{{1..{'9' * 5000}}}", 1, "is no slot"),
        ("sentence\tx{y", 1, "brace without its partner"),
        ("sentence\t{TITLE=a}\na\tx", 1, "TITLE is no type"),
        ("sentence\t{ORG=a}\na\t{LOC=LOC}公司", 1, "cannot be ORG as a whole"),
        ("sentence x", 1, "expected a symbol"),
        ("\nsentence*0\tx", 2, "expected a symbol"),
        ("sentence\tx\nPER\ty", 2, "PER is a type"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, rules: str, line: int, message: str) -> None:
    with pytest.raises(CorpusError, match=re.escape(message)) as caught:
        grammar(tmp_path, rules)
    assert str(caught.value).startswith(f"{tmp_path / 'rules.txt'}:{line}: ")


def test_a_file_without_sentences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no rule for 'sentence'"):
        grammar(tmp_path, "word\tx")


PIECES = st.lists(st.sampled_from(["{PER=PER}", "{?=ORG}", "{LOC}", "{1..20}", "在", "，", "{LOC=LOC}"]), max_size=8)


@given(st.lists(PIECES, min_size=1, max_size=4), st.integers(0, 99))
def test_every_label_stands_on_a_known_name(
    tmp_path_factory: pytest.TempPathFactory, alternatives: list[list[str]], seed: int
) -> None:
    rules = "\t".join(["sentence", *map("".join, alternatives)])
    for sentence in drawn(grammar(tmp_path_factory.getbasetemp(), rules), 5, seed):
        for start, end, label in sentence.spans:
            assert sentence.text[start:end] in NAMES[label]
        assert all(sentence.text[start:end] in NAMES["ORG"] for start, end in sentence.ignored)


def test_a_recipe_gets_the_number_of_sentences_that_it_asks_for(tmp_path: Path) -> None:
    path = tmp_path / "rules.txt"
    path.write_text("sentence\t{PER=PER}到了{LOC=LOC}\n", encoding="utf-8")
    settings = RewriteSettings(templates=str(path), template_sentences=7)
    known = Sentence("李四在上海", (Span(0, 2, "PER"), Span(3, 5, "LOC")))
    assert [made.text for made in rewritten([known], [], settings)] == ["李四到了上海"] * 7


def test_our_own_grammar_keeps_posts_and_titles_of_works_outside_as_the_guideline_says() -> None:
    sentences = drawn(Grammar(SHIPPED, NAMES), 6000)
    names = {sentence.text[span.start : span.end] for sentence in sentences for span in sentence.spans}
    texts = " ".join(sentence.text for sentence in sentences)
    for outside in ("财务部", "党委书记", "中共党员", "汉族", "中国国籍", "本公司", "大闹天宫"):
        assert outside in texts
        assert not any(outside in name for name in names)
    ignored = {sentence.text[start:end] for sentence in sentences for start, end in sentence.ignored}
    assert ignored == {"中国国籍", "中国籍", "公司", "本公司"}


def test_latin_names_are_read_as_names() -> None:
    names = read_names(SHIPPED.with_name("latin_names.tsv"), ("PER", "LOC", "ORG"))
    assert {name.label for name in names} == {"PER", "LOC", "ORG"}
    assert all(name.text.isprintable() and not re.search("[\u3400-\u9fff]", name.text) for name in names)
