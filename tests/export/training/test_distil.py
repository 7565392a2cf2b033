"""Students learn from a model's hidden states, and refuse what does not belong to them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgener_export.checkpoint.classifier import load_classifier
from edgener_export.cli.main import main
from edgener_export.errors import RecipeError
from tests.export.commands import run_until_killed, train, with_settings

SHORT = {
    "data.limit": 60,
    "finetune.epochs": 1,
    "distil.epochs": 2,
    "distil.tokens_per_batch": 512,
    "distil.precision": "fp32",
    "distil.match_layers": "[[1, 1]]",
    "gate.f1": 0,
    "gate.loss": 100,
}


def arguments(build: list[str], run: Path, **more: object) -> list[str]:
    settings = {**SHORT, **{key.replace("__", "."): value for key, value in more.items()}}
    return [*build, *with_settings(settings), "--run", str(run)]


def test_hidden_states_of_a_model_are_matched(build_tiny: list[str], tiny_run: Path, tmp_path: Path) -> None:
    def last_loss(name: str, **more: object) -> float:
        run = tmp_path / name
        teacher = tiny_run / "model"
        train(arguments(build_tiny, run, distil__teacher=teacher, distil__dev_every=1, **more))
        rows = (run / "distil" / "metrics.jsonl").read_text().splitlines()
        return float(json.loads(rows[-1])["loss"])

    assert last_loss("much", distil__match_weight=50) > last_loss("little", distil__match_weight=0.1)


def test_a_bundle_shows_its_hidden_states(build_tiny: list[str], tiny_run: Path, tmp_path: Path) -> None:
    train(arguments(build_tiny, tmp_path, distil__teacher=tiny_run / "bundle"))
    width = load_classifier(tiny_run / "bundle").config.hidden_size
    assert np.load(tmp_path / "distil/teacher/1/hidden-1.npy").shape[1] == width


@pytest.mark.parametrize("pairs", ["[[2, 1]]", "[[1, 2]]", "[[0, 1]]", "[[1]]"])
def test_layers_that_are_not_there_cannot_be_matched(
    build_tiny: list[str], tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], pairs: str
) -> None:
    code = main(arguments(build_tiny, tmp_path, distil__teacher=tiny_run / "model", distil__match_layers=pairs))
    assert code == RecipeError.exit_code
    assert "distil.match_layers" in capsys.readouterr().err
    assert not (tmp_path / "finetune").exists()


def test_a_killed_distillation_of_attention_from_two_teachers_ends_in_the_same_weights(
    build_tiny: list[str], tiny_run: Path, tmp_path: Path
) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    more = {
        "distil__teacher": tiny_run / "model",
        "distil__teachers": f'["{tiny_run / "bundle"}"]',
        "distil__match_relations": "[[1, 1]]",
        "distil__relation_heads": 8,
        "distil__match_attention": "[[1, 1]]",
    }
    command = arguments(build_tiny, killed, distil__save_minutes=0, **more)
    run_until_killed(command, killed / "distil" / "state.pt")
    train(arguments(build_tiny, killed, **more))
    train(arguments(build_tiny, whole, **more))
    weights = Path("model") / "model.safetensors"
    assert (killed / weights).read_bytes() == (whole / weights).read_bytes()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"distil__match_relations": "[[1, 1]]", "distil__relation_heads": 7}, "distil.relation_heads is 7"),
        ({"distil__match_relations": "[[1, 3]]"}, "distil.match_relations has [1, 3]"),
        ({"distil__match_attention": "[[1, 1]]", "model__heads": 2}, "the student has 2 heads there, the teacher 4"),
    ],
)
def test_attention_that_does_not_fit_is_refused(
    build_tiny: list[str],
    tiny_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, object],
    message: str,
) -> None:
    code = main(arguments(build_tiny, tmp_path, distil__teacher=tiny_run / "model", **settings))
    assert code == RecipeError.exit_code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "finetune").exists()


def test_mistakes_of_a_later_step_are_told_before_the_first_one(
    build_tiny: list[str], tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "names.tsv").write_text("PER 王小明\n", encoding="utf-8")
    (tmp_path / "text.txt").write_bytes("王小明\n".encode("gbk"))
    mistakes: list[tuple[dict[str, object], str]] = [
        ({"distil__class_weights": "{PRE=2}"}, "class_weights names 'PRE'"),
        (
            {"distil__swap_probability": 0.5, "distil__swap_names": f'["{tmp_path / "names.tsv"}"]'},
            "names.tsv:1: expected a type, a tab and a name",
        ),
        ({"distil__unlabelled": tmp_path / "text.txt"}, "text.txt:1: is not UTF-8"),
    ]
    for settings, message in mistakes:
        assert main(arguments(build_tiny, tmp_path / "run", distil__teacher=tiny_run / "bundle", **settings)) != 0
        assert message in capsys.readouterr().err
        assert not (tmp_path / "run" / "finetune").exists()


def forget_the_training(run: Path) -> None:
    """Remove everything that is written after the teacher has spoken, as if the command had been killed there."""
    shutil.rmtree(run / "model")
    for state in run.glob("*/state.pt"):
        state.unlink()


def test_what_the_teacher_said_of_other_sentences_is_not_taken(
    build_tiny: list[str], tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = arguments(build_tiny, tmp_path, distil__teacher=tiny_run / "model")
    train(command)
    forget_the_training(tmp_path)
    assert main([*command, "--set", "data.limit=50"]) == RecipeError.exit_code
    assert "belongs to other sentences" in capsys.readouterr().err


def test_what_another_teacher_said_is_not_taken(
    build_tiny: list[str], tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(arguments(build_tiny, tmp_path, distil__teacher=tiny_run / "model"))
    forget_the_training(tmp_path)
    assert main(arguments(build_tiny, tmp_path, distil__teacher=tiny_run / "bundle")) == RecipeError.exit_code
    assert "or to another teacher" in capsys.readouterr().err


def test_a_teacher_that_is_not_there_is_named_before_the_training(
    build_tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(arguments(build_tiny, tmp_path / "run", distil__teacher=tmp_path / "nothing"))
    assert code == RecipeError.exit_code
    assert f"distil.teacher: {tmp_path / 'nothing'}: no such directory" in capsys.readouterr().err


def test_more_files_and_rewritten_copies_are_learned_besides_and_no_teacher_reads_them(
    build_tiny: list[str], tiny_run: Path, tmp_path: Path
) -> None:
    more = tmp_path / "more.jsonl"
    more.write_text(
        '{"text": "王小明在北京", "entities": [[0, 3, "PER"]], "ignore": [[4, 6]]}\n' * 40, encoding="utf-8"
    )

    def steps_and_taught(name: str, **settings: object) -> tuple[int, int]:
        run = tmp_path / name
        shared = {"distil__teacher": tiny_run / "bundle", "distil__match_layers": "[]"}
        train(arguments(build_tiny, run, **shared, **settings))
        judged = np.load(next((run / "distil/teacher").glob("*/logits.npy")))
        rows = (run / "distil/metrics.jsonl").read_text(encoding="utf-8").splitlines()
        return int(json.loads(rows[-1])["step"]), len(judged)

    few, taught = steps_and_taught("few")
    many, also_taught = steps_and_taught("many", data__more=f'["{more}"]', rewrite__lists=40)
    assert also_taught == taught
    assert many > few


def test_more_teachers_read_more_sentences_alone_and_share_their_loss_with_the_labels(
    build_tiny: list[str], tiny_run: Path, tmp_path: Path
) -> None:
    more = tmp_path / "more.jsonl"
    more.write_text('{"text": "王小明在北京", "entities": [[0, 3, "LOC"]]}\n' * 60, encoding="utf-8")
    tokens = 60 * (len("王小明在北京") + 2)

    def losses(name: str, **settings: object) -> list[float]:
        shared = {"distil__teacher": tiny_run / "bundle", "data__more": f'["{more}"]', "distil__match_layers": "[]"}
        train(arguments(build_tiny, tmp_path / name, **shared, **settings))
        rows = (tmp_path / name / "distil/metrics.jsonl").read_text(encoding="utf-8").splitlines()
        return [float(json.loads(row)["loss"]) for row in rows]

    asked = {"distil__more_teachers": f'["{tiny_run / "bundle"}"]'}
    of_labels = losses("labels")
    assert losses("labels too", distil__more_hard_share=1, **asked) == pytest.approx(of_labels, rel=1e-3)
    assert losses("teacher", distil__more_hard_share=0, **asked) != pytest.approx(of_labels, rel=0.1)
    assert len(np.load(tmp_path / "teacher/distil/more-teacher/1/logits.npy")) == tokens
    assert len(np.load(tmp_path / "teacher/distil/teacher/1/logits.npy")) != tokens
