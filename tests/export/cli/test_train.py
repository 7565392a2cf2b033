"""``edgener-export train``: one command from labelled sentences to a bundle, a report and what to do next."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from edgener import Recognizer
from edgener.built_in import DEFAULT_BUNDLE
from edgener.bundle import Quality, load_bundle
from edgener.cli import main as edgener
from edgener.errors import UsageError
from edgener.tags import Span
from edgener_export.cli.main import main
from edgener_export.cli.train import summary
from edgener_export.corpus.formats import jsonl
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.errors import CorpusError, RecipeError
from edgener_export.evaluation.score import score_spans
from edgener_export.plan.choices import choices_for
from edgener_export.plan.one_command import Outcome
from edgener_export.plan.split import Split
from edgener_export.recipe import read_recipe
from edgener_export.report.record import CurvePoint, read_report
from tests.export.commands import run_until_killed
from tests.support import TINY_TEST

FEW = 60
"""Sentences of most trainings."""
QUICK = ["--set", "finetune.precision=fp32", "--set", "finetune.epochs=2"]
QUICK_ADD = ["--set", "distil.precision=fp32"]


def tools(sentences: Sequence[Sentence]) -> list[Sentence]:
    """The sentences with one new type alone: what is made, 豆腐, and the group, AI小组."""
    found = []
    for sentence in sentences:
        places = [(sentence.text.find(word), word) for word in ("豆腐", "小组", "电影", "大雨", "新路", "数学")]
        spans = sorted(Span(start, start + len(word), "THING") for start, word in places if start >= 0)
        found.append(replace(sentence, spans=tuple(spans)))
    return found


def write_data(path: Path, sentences: Sequence[Sentence]) -> str:
    """Write labelled sentences and return the argument that names them."""
    jsonl.write(sentences, path)
    return str(path)


class Trained(NamedTuple):
    """The files that a call left, and the text that it printed."""

    bundle: Path
    run: Path
    base: Path
    printed: str


@pytest.fixture(scope="module")
def base(tiny_run: Path) -> str:
    """The bundle that the trainings start from."""
    return str(tiny_run / "bundle")


@pytest.fixture(scope="module")
def sentences() -> list[Sentence]:
    """Sentences that the base knows all names of."""
    return read_corpus_file(TINY_TEST)[:FEW]


@pytest.fixture(scope="module")
def trained(base: str, sentences: list[Sentence], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A training with a learning curve."""
    folder = tmp_path_factory.mktemp("train")
    data = write_data(folder / "data.jsonl", sentences)
    run, bundle, printed = folder / "run", folder / "mine", folder / "printed"
    with pytest.MonkeyPatch.context() as patch, printed.open("w", encoding="utf-8") as file:
        patch.setattr("sys.stdout", file)
        assert main(["train", data, "--base", base, "--output", str(bundle), "--run", str(run), *QUICK]) == 0
    return Trained(bundle, run, Path(base), printed.read_text(encoding="utf-8"))


def test_the_bundle_finds_the_names_and_carries_none_of_the_users_sentences(trained: Trained) -> None:
    held_out = read_corpus_file(trained.run / "held-out.jsonl")
    recognizer = Recognizer.load(trained.bundle)
    right = sum([Span(each.start, each.end, each.label) for each in recognizer(s.text)] == [*s.spans] for s in held_out)
    assert right >= 0.8 * len(held_out)
    golden = {case["text"] for case in json.loads((trained.bundle / "golden.json").read_bytes())["cases"]}
    assert golden
    assert golden <= {case["text"] for case in json.loads((DEFAULT_BUNDLE / "golden.json").read_bytes())["cases"]}


def test_the_recipe_that_it_writes_has_the_choices_for_the_size_and_builds_the_same_run(
    trained: Trained, tmp_path: Path
) -> None:
    recipe = read_recipe(trained.run / "recipe.toml")
    learned = read_corpus_file(trained.run / "train.jsonl")
    assert recipe.finetune is not None
    chosen = choices_for(len(learned), is_known=True)
    assert (recipe.finetune.tokens_per_batch, recipe.finetune.learning_rate, recipe.finetune.frozen_layers) == (
        chosen.tokens_per_batch,
        chosen.learning_rate,
        chosen.frozen_layers,
    )
    assert recipe.finetune.epochs == 2  # what --set says is written down too
    run, again = Path(shutil.copytree(trained.run, tmp_path / "run")), tmp_path / "again"
    assert main(["build", str(run / "recipe.toml"), "--run", str(run), "--bundle", str(again)]) == 0
    assert files_of(again) == files_of(trained.bundle)
    assert [stage.name for stage in read_report(run).training] == ["finetune"]
    assert len(read_report(run).learning_curve) == 3  # a build leaves that of the same training in the report


def test_the_learning_curve_is_in_the_report_and_in_what_is_printed(trained: Trained) -> None:
    report = read_report(trained.run)
    learned = len(read_corpus_file(trained.run / "train.jsonl"))
    assert [point.sentences for point in report.learning_curve] == [learned // 4, learned // 2, learned]
    assert all(0 < point.f1 <= 100 for point in report.learning_curve)
    page = (trained.run / "report.html").read_text(encoding="utf-8")
    assert "Would more labels help?" in page
    assert "F1 against the number of training sentences" in page
    for point in report.learning_curve:
        assert f"{point.sentences} sentences  F1 {point.f1:.2f}" in trained.printed


def test_a_base_that_knows_all_types_is_measured_as_it_is(trained: Trained) -> None:
    held_out = read_corpus_file(trained.run / "held-out.jsonl")
    recognizer = Recognizer.load(trained.base)
    pairs = [(s.spans, [Span(e.start, e.end, e.label) for e in recognizer(s.text)]) for s in held_out]
    assert f"{trained.base} as it is has F1 {score_spans(pairs).f1:.2f} on them: " in trained.printed


def test_a_training_that_made_a_base_worse_says_so_and_one_on_new_types_compares_nothing() -> None:
    def said(before: float | None, *, keeps_types: bool = False) -> str:
        scores = (Quality("d", 9, "int8", 80.0, 80.0, 80.0),)
        outcome = Outcome(Path("r.toml"), scores, Path("r.html"), (CurvePoint(9, 80.0),), before)
        return summary(outcome, Path("mine"), Split([], []), "small", keeps_types=keeps_types)

    assert "small as it is has F1 80.01 on them: it knows more than these sentences teach" in said(80.01)
    assert "small as it is has F1 79.50 on them: the training brought 0.50 points" in said(79.5)
    assert "as it is" not in said(None)
    assert "--set finetune.learning_rate=5e-5 with another --run" in said(80.01)
    assert "--set distil.learning_rate=5e-5 with another --run" in said(80.01, keeps_types=True)


def test_three_commands_to_go_on_with_are_printed_and_the_first_one_runs(
    trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:

    lines = trained.printed.partition("go on with:\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == ["edgener", "edgener", "edgener-edge"]
    assert edgener(shlex.split(lines[0])[1:]) == 0
    assert capsys.readouterr().out


def test_a_killed_training_ends_in_the_same_bytes(
    base: str, sentences: list[Sentence], trained: Trained, tmp_path: Path
) -> None:
    data = write_data(tmp_path / "data.jsonl", sentences)
    killed = tmp_path / "run"
    command = ["train", data, "--base", base, "--output", str(tmp_path / "mine"), "--run", str(killed), *QUICK]
    run_until_killed([*command, "--set", "finetune.save_minutes=0"], killed / "finetune" / "state.pt")
    (killed / "recipe.toml").unlink()  # it says save_minutes; nothing else depends on that
    assert main(command) == 0
    assert files_of(tmp_path / "mine") == files_of(trained.bundle)


def test_the_same_command_again_goes_on_and_changed_data_is_refused(
    base: str, sentences: list[Sentence], trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(trained.run, tmp_path / "run"))
    command = ["--base", base, "--output", str(tmp_path / "mine"), "--run", str(run), "--no-curve", *QUICK]
    assert main(["train", write_data(tmp_path / "data.jsonl", sentences), *command]) == 0
    assert f"train: {run / 'model'} is there already" in capsys.readouterr().err
    assert main(["train", write_data(tmp_path / "data.jsonl", sentences[:-1]), *command]) == RecipeError.exit_code
    told = capsys.readouterr().err
    assert "is not what this command writes" in told
    assert f"edgener-export build {run / 'recipe.toml'}" in told


def test_nothing_of_the_learning_curve_outlives_a_run_that_is_removed(trained: Trained) -> None:
    assert {path.name for path in trained.run.parent.iterdir()} == {"data.jsonl", "mine", "printed", "run"}
    assert [path.name for path in sorted(trained.run.glob("learning-curve-*"))] == [
        "learning-curve-25",
        "learning-curve-50",
    ]


def test_a_mistake_in_set_is_told_before_anything_is_written_and_the_corrected_command_goes_on(
    base: str, sentences: list[Sentence], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, data = tmp_path / "run", write_data(tmp_path / "data.jsonl", sentences)
    command = ["train", data, "--base", base, "--output", str(tmp_path / "mine"), "--run", str(run), "--no-curve"]
    for wrong, message in (
        ("finetune.epohcs=2", "finetune.epohcs is unknown; did you mean epochs?"),
        ("limits=2024-01-01", "limits is datetime.date(2024, 1, 1), expected str"),
        ("gate.megabytes=inf", "gate.megabytes is inf; it must be a finite number"),
    ):
        assert main([*command, "--set", wrong]) == RecipeError.exit_code
        assert capsys.readouterr().err.splitlines()[-1].endswith(f"{run / 'recipe.toml'} (not written): {message}")
        assert [path.name for path in run.iterdir()] == [".lock"]
    assert main([*command, *QUICK]) == 0


@pytest.fixture(scope="module")
def added(base: str, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A training that adds a type to those of the base, of which no label says a word."""
    folder = tmp_path_factory.mktemp("add")
    data = write_data(folder / "data.jsonl", tools(read_corpus_file(TINY_TEST)))
    run, bundle, printed = folder / "run", folder / "more", folder / "printed"
    text = folder / "texts.txt"
    text.write_text("".join(f"{sentence.text}\n" for sentence in read_corpus_file(TINY_TEST)[:20]), encoding="utf-8")
    options = ["--base", base, "--add", "--rename", "PER=NAME", "--text", str(text), "--no-curve", *QUICK_ADD]
    with pytest.MonkeyPatch.context() as patch, printed.open("w", encoding="utf-8") as file:
        patch.setattr("sys.stdout", file)
        assert main(["train", data, *options, "--output", str(bundle), "--run", str(run)]) == 0
    return Trained(bundle, run, Path(base), printed.read_text(encoding="utf-8"))


def test_adding_a_type_leaves_the_old_ones_as_they_were(added: Trained) -> None:
    assert load_bundle(added.bundle).manifest.tag_set.labels == ("LOC", "NAME", "ORG", "THING")
    before, after = Recognizer.load(added.base), Recognizer.load(added.bundle)
    names = {"PER": "NAME"}
    texts = [sentence.text for sentence in read_corpus_file(TINY_TEST)]
    old = [{(e.start, e.end, names.get(e.label, e.label)) for e in found} for found in before.batch(texts)]
    new = [{(e.start, e.end, e.label) for e in found if e.label != "THING"} for found in after.batch(texts)]
    common = sum(len(one & other) for one, other in zip(old, new, strict=True))
    assert 2 * common >= 0.97 * (sum(map(len, old)) + sum(map(len, new)))


def test_the_new_type_is_found_and_the_report_says_what_became_of_the_old_ones(added: Trained) -> None:
    report = read_report(added.run)
    assert set(report.int8.by_type) == {"THING"}
    assert report.int8.f1 > 60
    assert set(report.kept) == {"LOC", "NAME", "ORG"}
    assert all(score.f1 > 90 for score in report.kept.values())
    assert "What the model knew before" in (added.run / "report.html").read_text(encoding="utf-8")


def test_without_add_the_old_types_are_forgotten_and_that_is_told(
    base: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_data(tmp_path / "data.jsonl", tools(read_corpus_file(TINY_TEST)))
    options = ["--output", str(tmp_path / "own"), "--run", str(tmp_path / "run"), "--no-curve", *QUICK]
    main(["train", data, "--base", base, *options])
    assert (
        f"types: LOC, ORG, PER: {base} knows them, and the new model will not; --add keeps them"
        in capsys.readouterr().err
    )


def refused(capsys: pytest.CaptureFixture[str], arguments: Sequence[str], folder: Path, code: int) -> str:
    """The message of a command that ends with this code and leaves nothing behind."""
    assert main(["train", *arguments, "--output", str(folder / "out"), "--run", str(folder / "run")]) == code
    assert not (folder / "run").exists()
    message = capsys.readouterr().err.splitlines()[-1]
    return message.removeprefix("edgener-export: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no sentence"),
        ('{"text": "王小明", "entities": [[0, 3, "PER"]]}\n' * 5, "has 5 sentences, and a training needs at least 20"),
        ('{"text": "你好", "entities": []}\n' * 50, "no sentence has an entity"),
        ('{"text": "王小明", "entities": [[0, 9, "PER"]]}\n', "1: "),
    ],
    ids=["empty", "too few", "no entities", "span outside"],
)
def test_data_that_cannot_be_trained_on_is_refused_by_its_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str, message: str
) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text(content, encoding="utf-8")
    told = refused(capsys, [str(data), "--base", "small"], tmp_path, CorpusError.exit_code)
    assert str(data) in told
    assert message in told


def test_a_dev_file_without_entities_is_refused(
    capsys: pytest.CaptureFixture[str], sentences: list[Sentence], tmp_path: Path
) -> None:
    data = write_data(tmp_path / "data.jsonl", sentences)
    dev = write_data(tmp_path / "dev.jsonl", [Sentence("今天下雨", ())])
    told = refused(capsys, [data, "--dev", dev], tmp_path, CorpusError.exit_code)
    assert told.startswith(f"{dev}: no sentence has an entity; there is nothing to measure on")


def test_entities_inside_dropped_ones_are_learned_and_those_inside_kept_ones_are_told(
    base: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "nested.jsonl"
    rows = [{"text": f"{number}号张伟来", "entities": [[0, 5, "NOTE"], [2, 4, "PER"]]} for number in range(1, 10)] * 3
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    options = ["train", str(data), "--base", base, "--output", str(tmp_path / "out"), "--run", str(tmp_path / "run")]
    stop = ["--set", "finetune.nonsense=1"]
    main([*options, *stop])
    assert f"{data}: all entities of the type PER overlap others" in capsys.readouterr().err
    main([*options, "--rename", "NOTE=", *stop])
    told = capsys.readouterr().err
    assert "types: PER are labelled" in told
    assert "overlap others" not in told


def test_several_files_are_learned_together_whatever_their_formats(
    base: str, sentences: list[Sentence], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = write_data(tmp_path / "a.jsonl", sentences[:30]), tmp_path / "b.txt"
    assert main(["convert", write_data(tmp_path / "b.jsonl", sentences[30:]), str(second), "--to", "bio"]) == 0
    options = ["--base", base, "--output", str(tmp_path / "out"), "--run", str(tmp_path / "run")]
    main(["train", first, str(second), *options, "--set", "finetune.nonsense=1"])
    told = capsys.readouterr().err
    assert "finetune.nonsense" in told
    (counts,) = re.findall(r"data: (\d+) sentences are learned, (\d+) with", told)
    assert sum(map(int, counts)) == len(sentences)


def test_data_that_stands_in_the_dev_file_as_a_whole_leaves_nothing_to_learn(
    capsys: pytest.CaptureFixture[str], sentences: list[Sentence], tmp_path: Path
) -> None:
    data = write_data(tmp_path / "data.jsonl", sentences)
    told = refused(capsys, [data, "--dev", data], tmp_path, CorpusError.exit_code)
    assert told.startswith(f"{data}: no sentence with an entity is left besides those of {data}")


def test_a_type_called_o_is_refused_with_its_sentence_unless_it_is_renamed(
    capsys: pytest.CaptureFixture[str], sentences: list[Sentence], tmp_path: Path
) -> None:
    odd = [*sentences, Sentence("阿司匹林", (Span(0, 4, "O"),))]
    data, dev = write_data(tmp_path / "data.jsonl", odd), write_data(tmp_path / "dev.jsonl", odd[-1:])
    told = refused(capsys, [data], tmp_path, CorpusError.exit_code)
    assert told.startswith(f"{data}: sentence {FEW + 1} has an entity of the type O, ")
    plain = write_data(tmp_path / "plain.jsonl", sentences)
    told = refused(capsys, [plain, "--dev", dev], tmp_path, CorpusError.exit_code)
    assert told.startswith(f"{dev}: sentence 1 has an entity of the type O, ")
    told = refused(capsys, [plain, "--dev", dev, "--rename", "O=DRUG"], tmp_path, CorpusError.exit_code)
    assert "is a DRUG, which" in told


def test_a_file_whose_name_is_not_utf8_can_be_trained_on(base: str, sentences: list[Sentence], tmp_path: Path) -> None:
    data, run = write_data(tmp_path / "d\udcff.jsonl", sentences), tmp_path / "run"
    options = ["--base", base, "--output", str(tmp_path / "mine"), "--run", str(run), "--no-curve", *QUICK]
    assert main(["train", data, *options]) == 0
    assert load_bundle(tmp_path / "mine").manifest.lineage[-1].name == "d\ufffd.jsonl"


def test_the_base_is_not_replaced_by_what_is_trained_from_it(
    capsys: pytest.CaptureFixture[str], base: str, sentences: list[Sentence], tmp_path: Path
) -> None:
    own, link = Path(shutil.copytree(base, tmp_path / "own")), tmp_path / "link"
    link.symlink_to(own)
    before, data = files_of(own), write_data(tmp_path / "data.jsonl", sentences)
    for output in (own, link):
        command = ["train", data, "--base", str(own), "--output", str(output), "--run", str(tmp_path / "run"), *QUICK]
        assert main(command) == UsageError.exit_code
        assert f"--output {output}: is the model of --base, which would be replaced" in capsys.readouterr().err
    assert files_of(own) == before
    assert not (tmp_path / "run").exists()


def test_a_type_that_only_the_dev_file_has_is_refused(
    capsys: pytest.CaptureFixture[str], sentences: list[Sentence], tmp_path: Path
) -> None:
    data = write_data(tmp_path / "data.jsonl", sentences)
    dev = write_data(tmp_path / "dev.jsonl", [Sentence("阿司匹林", (Span(0, 4, "DRUG"),))])
    told = refused(capsys, [data, "--dev", dev], tmp_path, CorpusError.exit_code)
    assert told.startswith(f"{dev}: '阿司匹林' in '阿司匹林' is a DRUG, which {data} does not label")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--base", "smal"], "--base smal: is unknown; did you mean small?"),
        (["--add"], "labels all types that small knows"),
        (["--add", "--base", "hfl/rbt3"], "--add: hfl/rbt3 knows no entity types that could stay"),
        (["--rename", "DRUG=X"], "--rename: DRUG is a type neither of"),
        (["--rename", "PER=", "--rename", "LOC=", "--rename", "ORG="], "drops all types"),
    ],
    ids=["base", "nothing to add to", "no types", "rename", "drop all"],
)
def test_requests_that_cannot_be_met_are_refused_with_a_remedy(
    capsys: pytest.CaptureFixture[str], sentences: list[Sentence], tmp_path: Path, options: list[str], message: str
) -> None:
    data = write_data(tmp_path / "data.jsonl", sentences)
    assert message in refused(capsys, [data, *options], tmp_path, RecipeError.exit_code)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rename", "PER"], "--rename PER: expected OLD=NEW"),
        (["--rename", "PER=O"], "--rename PER=O: expected OLD=NEW"),
        (["--rename", "PER=A", "--rename", "PER="], "--rename PER=: PER is renamed to A too; name it once"),
        (["--text", "texts.txt"], "--text needs --add"),
        (["--add", "--text", "nothing.txt"], "--text nothing.txt: there is no such file"),
    ],
)
def test_arguments_that_mean_nothing_are_wrong_arguments(
    capsys: pytest.CaptureFixture[str], sentences: list[Sentence], tmp_path: Path, options: list[str], message: str
) -> None:
    data = write_data(tmp_path / "data.jsonl", sentences)
    assert message in refused(capsys, [data, *options], tmp_path, 2)


def files_of(directory: Path) -> dict[str, bytes]:
    """The content of each file of a directory."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}
