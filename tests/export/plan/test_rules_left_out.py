"""A model of own types goes without the span rules of its base that its labels contradict, and that is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgener.built_in import DEFAULT_BUNDLE
from edgener.bundle import load_bundle
from edgener.span_rules.registry import SPAN_RULES
from edgener.tags import Span
from edgener_export.cli.main import main
from edgener_export.corpus.formats import jsonl
from edgener_export.corpus.sentence import Sentence
from edgener_export.plan.base import Base, find_base
from edgener_export.plan.preparation import Request, plan_types, rules_left_out, write_files
from edgener_export.plan.split import Split
from edgener_export.recipe import read_recipe

HANDLES = [Sentence(f"{number:02}次问@wang吧", (Span(4, 9, "HANDLE"),)) for number in range(30)]
PEOPLE = [Sentence(f"{number:02}次问小王吧", (Span(4, 6, "PER"),)) for number in range(30)]
OF_SMALL = load_bundle(DEFAULT_BUNDLE).manifest.span_rules


def rules_for(sentences: list[Sentence], base: Base, directory: Path) -> tuple[str, ...]:
    """The span rules of the recipe for these sentences."""
    request = Request("mine", base, (Path("data.jsonl"),))
    split = Split(sentences, sentences)
    recipe = write_files(request, plan_types(request, sentences), split, directory, rules_left_out(base, split))
    return read_recipe(recipe).model.span_rules


def test_rules_that_fit_the_labels_are_those_of_the_base(tmp_path: Path) -> None:
    assert rules_for(PEOPLE, find_base("small"), tmp_path / "run") == OF_SMALL
    assert "span_rules" not in (tmp_path / "run" / "recipe.toml").read_text(encoding="utf-8")


def test_a_rule_that_the_labels_contradict_is_left_out_alone(tmp_path: Path) -> None:
    expected = tuple(rule for rule in OF_SMALL if rule != "without_signs")
    assert rules_for(HANDLES, find_base("small"), tmp_path / "run") == expected


def test_a_base_whose_only_rule_is_contradicted_gives_none(tmp_path: Path) -> None:
    base = Base("small", DEFAULT_BUNDLE, span_rules=("without_signs",))
    assert "without_signs" in SPAN_RULES
    assert rules_for(HANDLES, base, tmp_path / "run") == ()


def test_the_command_says_which_rule_it_leaves_out_and_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "handles.jsonl"
    jsonl.write(HANDLES, data)
    output = ["--output", str(tmp_path / "mine"), "--run", str(tmp_path / "run")]
    assert main(["train", str(data), *output, "--set", "finetune.nonsense=1"]) != 0
    assert (
        "span rules: without_signs of small is left out: it would change entities that you labelled as HANDLE, such as "
        "'@wang'\n" in capsys.readouterr().err
    )
