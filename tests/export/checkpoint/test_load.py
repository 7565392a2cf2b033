"""A checkpoint is loaded whole, with its own tokenizer, or it is refused before anything is trained."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForPreTraining

from edgener.tags import TagSet
from edgener_export.checkpoint.average import average_with
from edgener_export.checkpoint.classifier import load_classifier, tags_of
from edgener_export.checkpoint.load import load_checkpoint, load_pruned
from edgener_export.checkpoint.ngram import with_ngrams
from edgener_export.cli.main import main
from edgener_export.errors import CheckpointError, RecipeError
from edgener_export.recipe.settings import AverageSettings, ModelSettings, NgramSettings
from edgener_export.training.teacher import open_teacher
from edgener_export.training.teacher_tags import StudentTags
from tests.support import run_python

TAG_SET = TagSet.of("BIOES", ("LOC", "ORG", "PER"))
Tensors = dict[str, torch.Tensor]


@pytest.fixture
def checkpoint(build_tiny: list[str], tmp_path: Path) -> Path:
    """A copy of the untrained checkpoint of the tiny model."""
    return Path(shutil.copytree(Path(build_tiny[1]).parent / "checkpoint", tmp_path / "checkpoint"))


@pytest.fixture
def trained(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy of the trained tiny model."""
    return Path(shutil.copytree(tiny_run / "model", tmp_path / "trained"))


def load(checkpoint: Path, **settings: Any) -> Any:
    """Return the model of a checkpoint."""
    plain = {"vocabulary": "all", "max_tokens": 16}
    model_settings = ModelSettings(**{"checkpoint": str(checkpoint), **plain, **settings})
    return load_checkpoint(model_settings, TAG_SET, checkpoint.parent / "tokenizer.json", checkpoint.parent).model


def change_weights(directory: Path, change: Callable[[Tensors], Tensors]) -> None:
    path = directory / "model.safetensors"
    save_file(change(load_file(path)), path, {"format": "pt"})


def with_prefix(weights: Tensors) -> Tensors:
    return {f"module.{name}": weight for name, weight in weights.items()}


def without_one(weights: Tensors) -> Tensors:
    name = next(name for name in weights if name.endswith("layer.0.output.dense.weight"))
    return {other: weight for other, weight in weights.items() if other != name}


def with_a_second_layer(weights: Tensors) -> Tensors:
    more = {name.replace("layer.0.", "layer.1."): w.clone() for name, w in weights.items() if "layer.0." in name}
    return {**weights, **more}


def with_wider_blocks(weights: Tensors) -> Tensors:
    return {n: torch.cat([w, w]) if n.endswith("intermediate.dense.bias") else w for n, w in weights.items()}


CHANGES = pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            with_prefix,
            r"model\.safetensors: .*missing: bert\.embeddings\.LayerNorm\.bias, .* and \d+ more; not used: mod",
        ),
        (without_one, r"model\.safetensors: .*missing: bert\.encoder\.layer\.0\.output\.dense\.weight; save"),
        (
            with_a_second_layer,
            r"model\.safetensors: .*not used: bert\.encoder\.layer\.1\.attention\..* and 13 more; save",
        ),
        (with_wider_blocks, r"of another shape: bert\.encoder\.layer\.0\.intermediate\.dense\.bias; save"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)


@CHANGES
def test_a_checkpoint_whose_tensors_are_not_the_models_is_refused_by_their_names(
    checkpoint: Path, change: Callable[[Tensors], Tensors], message: str
) -> None:
    change_weights(checkpoint, change)
    with pytest.raises(CheckpointError, match=message.replace(r"used: bert\.", r"used: (bert\.)?")):
        load(checkpoint)


@CHANGES
@pytest.mark.parametrize("use", ["checkpoint", "average", "teacher", "packed"])
def test_a_trained_model_whose_tensors_are_not_the_models_is_refused_wherever_it_is_used(
    trained: Path, checkpoint: Path, change: Callable[[Tensors], Tensors], message: str, use: str
) -> None:
    model: Any = load(checkpoint)
    tokenizer = checkpoint / "tokenizer.json"
    change_weights(trained, change)
    uses: dict[str, Callable[[], object]] = {
        "checkpoint": lambda: load(trained),
        "average": lambda: average_with(model, AverageSettings(str(trained))),
        "teacher": lambda: open_teacher(trained, tokenizer, StudentTags(TAG_SET)),
        "packed": lambda: load_pruned(trained, "all", trained.parent / "tokenizer.json"),
    }
    with pytest.raises(CheckpointError, match=message):
        uses[use]()


def test_a_trained_model_without_its_head_is_no_classifier(trained: Path) -> None:
    change_weights(trained, lambda weights: {n: w for n, w in weights.items() if not n.startswith("classifier.")})
    with pytest.raises(CheckpointError, match=r"missing: classifier\.bias, classifier\.weight"):
        load_classifier(trained)


def test_the_command_refuses_a_wrapped_checkpoint_and_leaves_no_model(
    build_tiny: list[str], checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_weights(checkpoint, with_prefix)
    run = ["--set", f"model.checkpoint={checkpoint}", "--run", str(tmp_path / "run")]
    assert main([*build_tiny, *run]) == CheckpointError.exit_code
    assert "not used: module.embeddings.LayerNorm.bias" in capsys.readouterr().err
    assert not (tmp_path / "run" / "model").exists()


@pytest.mark.parametrize("kind", ["bert", "electra"])
def test_heads_and_poolers_of_the_pre_training_are_not_missed(checkpoint: Path, kind: str) -> None:
    rows = load(checkpoint).config.vocab_size
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    torch.manual_seed(0)
    factory: Any = AutoModelForPreTraining
    source = factory.from_config(AutoConfig.for_model(kind, vocab_size=rows, embedding_size=16, **shape))
    source.save_pretrained(checkpoint)
    loaded = load(checkpoint)
    expected = source.base_model.state_dict()
    for name, weight in loaded.base_model.state_dict().items():
        assert torch.equal(weight, expected[name]), name
    assert loaded.classifier.weight.shape == (len(TAG_SET.tags), 16)


def rows_of_head(directory: Path) -> dict[str, torch.Tensor]:
    """The rows of a classification head by their tags."""
    model = load_classifier(directory)
    return dict(zip(tags_of(model), model.get_parameter("classifier.weight").detach(), strict=True))


def test_a_classifier_on_the_hub_keeps_its_head(trained: Path, tmp_path: Path) -> None:
    revision = "0" * 40
    repository = tmp_path / "hub" / "models--someone--names"
    shutil.copytree(trained, repository / "snapshots" / revision)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(revision, encoding="utf-8")
    finished = run_python(
        "import sys\n"
        "from pathlib import Path\n"
        "from edgener.tags import TagSet\n"
        "from edgener_export.checkpoint.load import load_checkpoint\n"
        "from edgener_export.recipe.settings import ModelSettings\n"
        "settings = ModelSettings(checkpoint='someone/names', vocabulary='all', max_tokens=16)\n"
        "folder = Path(sys.argv[1])\n"
        "tags = TagSet.of('BIOES', ('LOC', 'PER', 'TIME'))\n"
        "load_checkpoint(settings, tags, folder / 'tokenizer.json', folder).model.save_pretrained(folder / 'loaded')\n",
        str(tmp_path),
        env={"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path / "hub")},
    )
    assert finished.code == 0, finished.errors
    before, after = rows_of_head(trained), rows_of_head(tmp_path / "loaded")
    assert list(after) == list(TagSet.of("BIOES", ("LOC", "PER", "TIME")).tags)
    for tag in ("O", "B-PER", "S-LOC"):
        torch.testing.assert_close(after[tag], before[tag])


def test_a_checkpoint_without_a_vocabulary_is_refused_before_its_weights_are_read(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors").unlink()
    for name in ("tokenizer.json", "vocab.txt"):
        (checkpoint / name).unlink(missing_ok=True)
    with pytest.raises(CheckpointError, match=r"checkpoint: has neither tokenizer\.json nor vocab\.txt; copy it from"):
        load(checkpoint)


def test_a_vocabulary_alone_makes_the_same_tokenizer(checkpoint: Path) -> None:
    expected = load(checkpoint).state_dict()
    made = checkpoint.parent / "tokenizer.json"
    before = made.read_bytes()
    entries = sorted(read_vocabulary(made).items(), key=lambda item: item[1])
    (checkpoint / "vocab.txt").write_text("".join(f"{entry}\n" for entry, _ in entries), encoding="utf-8")
    (checkpoint / "tokenizer.json").unlink()
    weights = load(checkpoint).state_dict()
    assert read_vocabulary(made) == dict(entries)
    assert before != b""
    assert all(torch.equal(weights[name], weight) for name, weight in expected.items())


def read_vocabulary(tokenizer: Path) -> dict[str, int]:
    vocabulary: dict[str, int] = json.loads(tokenizer.read_bytes())["model"]["vocab"]
    return vocabulary


def test_a_tokenizer_with_more_entries_than_the_embedding_table_has_rows_is_refused(checkpoint: Path) -> None:
    config: Any = AutoConfig.from_pretrained(checkpoint)
    config.vocab_size -= 1
    config.save_pretrained(checkpoint)
    change_weights(checkpoint, lambda w: {n: t[:-1] if "word_embeddings" in n else t for n, t in w.items()})
    with pytest.raises(CheckpointError, match=r"tokenizer has \d+ entries, its embedding table \d+ rows"):
        load(checkpoint)


@pytest.mark.parametrize("lines", [0, 20])
def test_a_vocabulary_that_is_cut_off_is_refused(checkpoint: Path, lines: int) -> None:
    entries = list(read_vocabulary(checkpoint / "tokenizer.json"))[:lines]
    (checkpoint / "tokenizer.json").unlink()
    (checkpoint / "vocab.txt").write_text("".join(f"{entry}\n" for entry in entries), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"tokenizer has \d+ entries, its embedding table \d+ rows"):
        load(checkpoint)


def test_a_directory_without_a_checkpoint_is_refused_in_a_line_of_readable_length(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("[PAD]\n", encoding="utf-8")
    with pytest.raises(
        CheckpointError, match=r"give the directory of a BERT-family model with its config.json"
    ) as caught:
        load(tmp_path)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("use", ["teacher", "packed"])
def test_a_trained_model_without_tokenizer_is_named(trained: Path, checkpoint: Path, use: str) -> None:
    (trained / "tokenizer.json").unlink()
    uses: dict[str, Callable[[], object]] = {
        "teacher": lambda: open_teacher(trained, checkpoint / "tokenizer.json", StudentTags(TAG_SET)),
        "packed": lambda: load_pruned(trained, "all", trained.parent / "tokenizer.json"),
    }
    with pytest.raises(CheckpointError, match=r"trained/tokenizer\.json: does not exist; copy it from"):
        uses[use]()


@pytest.mark.parametrize("kind", ["distilbert", "roberta"])
def test_other_architectures_are_refused_with_the_supported_ones(
    build_tiny: list[str], checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    config = {"vocab_size": 99, "num_attention_heads": 2, "n_heads": 2, "dim": 16, "hidden_size": 16}
    factory: Any = AutoModel
    model = factory.from_config(AutoConfig.for_model(kind, **config, num_hidden_layers=1, n_layers=1))
    model.save_pretrained(checkpoint)
    run = ["--set", f"model.checkpoint={checkpoint}", "--run", str(tmp_path / "run")]
    assert main([*build_tiny, *run]) == CheckpointError.exit_code
    message = capsys.readouterr().err
    assert f"{checkpoint}: is a {kind} model; supported are bert and electra; `edgener-export models` lists" in message
    with pytest.raises(CheckpointError, match=f"is a {kind} model; supported are bert and electra"):
        load_classifier(checkpoint)


REFUSED = r": cannot be applied to a model that was trained with \[model\.ngrams\]"


@pytest.fixture
def with_pairs(trained: Path) -> Path:
    """The trained tiny model with ngram embeddings."""
    narrow = NgramSettings(token_width=8, pair_width=4, pair_rows=11)
    with_ngrams(load_classifier(trained), narrow).save_pretrained(trained)
    return trained


@pytest.fixture
def few(tmp_path: Path) -> str:
    """A rule that keeps few entries."""
    (tmp_path / "few.txt").write_text("王伟", encoding="utf-8")
    return f"text:{tmp_path / 'few.txt'}"


def test_a_vocabulary_of_pairs_is_not_pruned(with_pairs: Path, few: str) -> None:
    with pytest.raises(RecipeError, match=f"^model.vocabulary '{few}'{REFUSED}"):
        load(with_pairs, vocabulary=few)
    load_pruned(with_pairs, "all", with_pairs.parent / "tokenizer.json")
    with pytest.raises(RecipeError, match=f"^model.packed_vocabulary '{few}'{REFUSED}"):
        load_pruned(with_pairs, few, with_pairs.parent / "tokenizer.json")


def test_a_model_with_pairs_is_not_widened_or_given_pairs_again(with_pairs: Path) -> None:
    with pytest.raises(RecipeError, match=rf"^model\.widen 2{REFUSED}"):
        load(with_pairs, widen=2)
    with pytest.raises(RecipeError, match=rf"^\[model\.ngrams\]{REFUSED}"):
        load(with_pairs, ngrams=NgramSettings())
