"""Rules in a bundle hold as those of an operator do, who adds to them, overrides them or leaves them out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgener import Recognizer, Rules
from edgener.bundle import MANIFEST, describe_file
from edgener.bundle_rules import DICTIONARY, EXCLUDE, BundleRules
from edgener.errors import ChecksumError, ManifestError
from tests.support import (
    TEXTS,
    TINY_BUNDLE,
    assert_consistent,
    change_manifest,
    in_pieces,
    labelled_texts,
    names,
    read_manifest,
    run_main,
)

TEXT = "王小明在青山大学工作。"
WORDS = "小明\tLOC\n大学工\tORG\t3\n"


def with_rules(bundle: Path, words: str = "", excluded: str = "", **others: object) -> Path:
    """Return a bundle that now brings rules."""
    files = dict(read_manifest(bundle).files)
    names: dict[str, str] = {}
    for key, name, content in (("dictionary", DICTIONARY, words), ("exclude", EXCLUDE, excluded)):
        if content:
            (bundle / name).write_text(content, encoding="utf-8")
            files[name] = describe_file(bundle / name)
            names[key] = name
    change_manifest(bundle, files=files, rules=BundleRules(**names, **others))  # type: ignore[arg-type]
    return bundle


@pytest.fixture(scope="module")
def ruled_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with words and exclusions."""
    copy = shutil.copytree(TINY_BUNDLE, tmp_path_factory.mktemp("ruled") / "bundle")
    return with_rules(copy, "王小\tLOC\n明在\tORG\n学工\tPER\n。昨\tLOC\n", "李娜\n")


def shown(recognizer: Recognizer, text: str = TEXT) -> list[tuple[str, str]]:
    """Return text and type of each entity."""
    return [(entity.text, entity.label) for entity in recognizer(text)]


def test_a_bundle_s_words_are_forced_and_its_exclusions_dropped(bundle: Path) -> None:
    assert shown(Recognizer.load(with_rules(bundle, WORDS, "王小明\n"))) == [("小明", "LOC"), ("大学工", "ORG")]
    assert shown(Recognizer.load(with_rules(bundle, excluded="王小明\n"))) == [("青山大学", "ORG")]
    assert shown(Recognizer.load(with_rules(bundle, types=("PER",)))) == [("王小明", "PER")]
    assert shown(Recognizer.load(with_rules(bundle, min_score={"PER": 1.0}))) == [("青山大学", "ORG")]


@settings(max_examples=25)
@given(in_pieces(st.lists(st.sampled_from([row.text for row in labelled_texts()]) | TEXTS, max_size=12).map("".join)))
def test_a_bundle_s_rules_are_the_same_as_an_operator_s_however_the_text_arrives(
    ruled_bundle: Path, recognizer: Recognizer, pieces: list[str]
) -> None:
    text = "".join(pieces)
    ruled = Recognizer.load(ruled_bundle)
    given = recognizer.with_rules(Rules({"王小": "LOC", "明在": "ORG", "学工": "PER", "。昨": "LOC"}, ["李娜"]))
    alone = names(ruled(text))
    assert alone == names(given(text))
    assert names(list(ruled.batch([TEXT, text, *pieces]))[1]) == alone
    assert [span for segment in ruled.stream(pieces) for span in names(segment.entities)] == alone
    assert_consistent(text, ruled(text))
    assert all(entity.text != "李娜" for entity in ruled(text))


@pytest.mark.parametrize("length", range(50, 75, 4))
def test_a_bundle_s_words_hold_at_the_end_of_a_window(bundle: Path, length: int) -> None:
    filler = "这本书讲的是怎样做豆腐，今天天气很好，"
    text = (filler * 20)[:length] + "王小明在青山大学工作，" + filler * 8
    ruled = Recognizer.load(with_rules(bundle, "小明在青\tORG\n", "青山大学\n"))
    assert names(ruled(text)) == [(length + 1, length + 5, "ORG")]


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (None, [("小明", "LOC"), ("大学工", "ORG")]),
        (Rules(), [("小明", "LOC"), ("大学工", "ORG")]),
        (Rules(of_bundle=False), [("王小明", "PER"), ("青山大学", "ORG")]),
        (Rules({"青山": "LOC"}), [("小明", "LOC"), ("青山", "LOC"), ("大学工", "ORG")]),
        (Rules({"小明": "PER"}), [("小明", "PER"), ("大学工", "ORG")]),
        (Rules({"小明": "O"}), [("大学工", "ORG")]),
        (Rules(exclude=["小明", "大学工"]), [("青山大学", "ORG")]),
        (Rules({"王小明": "PER"}), [("王小明", "PER"), ("大学工", "ORG")]),
        (Rules({"在青山大": "LOC"}), [("小明", "LOC"), ("大学工", "ORG")]),
        (Rules({"青山": "LOC"}, of_bundle=False), [("王小明", "PER"), ("青山", "LOC")]),
    ],
)
def test_an_operator_adds_words_and_what_he_says_of_a_word_replaces_the_bundle_s(
    bundle: Path, operator: Rules | None, expected: list[tuple[str, str]]
) -> None:
    assert shown(Recognizer.load(with_rules(bundle, WORDS, "王小明\n"), rules=operator)) == expected


def test_an_operator_s_word_that_the_bundle_excludes_is_forced(bundle: Path) -> None:
    ruled = Recognizer.load(with_rules(bundle, excluded="青山大学\n"), rules=Rules({"青山大学": "LOC"}))
    assert shown(ruled) == [("王小明", "PER"), ("青山大学", "LOC")]


def test_an_operator_s_hint_for_a_word_that_the_bundle_excludes_counts(bundle: Path, tmp_path: Path) -> None:
    hints = tmp_path / "hints.tsv"
    hints.write_text("青山大学\tORG\t+9\n", encoding="utf-8")
    ruled = Recognizer.load(with_rules(bundle, excluded="青山大学\n王小明\n"), rules=Rules(hints))
    assert shown(ruled) == [("青山大学", "ORG")]


def test_an_operator_s_scores_and_types_replace_the_bundle_s(bundle: Path) -> None:
    strict = with_rules(bundle, min_score={"PER": 1.0, "ORG": 1.0}, types=("PER", "ORG"))

    def found(rules: Rules) -> list[str]:
        return [label for _, label in shown(Recognizer.load(strict, rules=rules))]

    assert found(Rules()) == []
    assert found(Rules(min_score={"PER": 0.1})) == ["PER"]
    assert found(Rules(min_score=0.1)) == ["PER", "ORG"]
    assert found(Rules(min_score=0.1, types=["ORG"])) == ["ORG"]
    assert found(Rules(of_bundle=False)) == ["PER", "ORG"]


def test_a_recognizer_with_other_rules_keeps_those_of_the_bundle(bundle: Path) -> None:
    ruled = Recognizer.load(with_rules(bundle, WORDS), rules=Rules(types=["LOC"]))
    assert shown(ruled) == [("小明", "LOC")]
    assert shown(ruled.with_rules(None)) == [("小明", "LOC"), ("大学工", "ORG")]
    assert shown(ruled.with_rules(Rules({"小明": "PER"}))) == [("小明", "PER"), ("大学工", "ORG")]


def test_the_command_line_adds_or_leaves_out(bundle: Path, tmp_path: Path) -> None:
    with_rules(bundle, WORDS, min_score={"PER": 1.0})
    more = tmp_path / "more.tsv"
    more.write_text("青山\tLOC\n", encoding="utf-8")

    def marked(*options: str) -> str:
        return run_main("--model", str(bundle), "--format", "text", *options, TEXT).output.decode().strip()

    assert marked() == "王[小明/LOC]在青山[大学工/ORG]作。"
    assert marked("--dictionary", str(more)) == "王[小明/LOC]在[青山/LOC][大学工/ORG]作。"
    assert marked("--no-bundle-rules") == "[王小明/PER]在[青山大学/ORG]工作。"
    assert marked("--no-bundle-rules", "--dictionary", str(more)) == "[王小明/PER]在[青山/LOC]大学工作。"
    assert "dictionary.tsv; PER=1" in run_main("inspect", str(bundle)).output.decode()


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (BundleRules(dictionary=DICTIONARY), "rules names 'dictionary.tsv', which files does not list"),
        (BundleRules(types=("GPE",)), "rules names the type 'GPE', which the model does not have"),
        (BundleRules(min_score={"GPE": 0.5}), "rules names the type 'GPE', which the model does not have"),
        (BundleRules(min_score={"PER": 1.5}), r"rules: min_score is 1\.5; it must be between 0 and 1"),
        (BundleRules(types=()), "rules: types is empty"),
    ],
)
def test_rules_that_do_not_fit_the_bundle_are_refused(bundle: Path, rules: BundleRules, message: str) -> None:
    change_manifest(bundle, rules=rules)
    with pytest.raises(ManifestError, match=f"{bundle / MANIFEST}: {message}"):
        Recognizer.load(bundle)


def test_a_changed_dictionary_is_refused(bundle: Path) -> None:
    with_rules(bundle, WORDS)
    (bundle / DICTIONARY).write_text(WORDS.replace("LOC", "PER"), encoding="utf-8")
    with pytest.raises(ChecksumError, match="SHA-256 differs"):
        Recognizer.load(bundle)
