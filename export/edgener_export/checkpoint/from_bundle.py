"""A bundle back to the torch model that it was made of: to train on, or to teach, where the run that made it is gone.

Every weight comes out within half a step of its byte; what activations lost when they were quantized is not lost here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper
from transformers import BertConfig, BertForTokenClassification, PreTrainedModel

from edgener.bundle import GRAPH, Manifest, load_bundle
from edgener_export.checkpoint.ngram import NgramBertForTokenClassification
from edgener_export.errors import CheckpointError
from edgener_export.graph.node_index import (
    BIAS,
    INTEGER_PRODUCT,
    ROWS_PRODUCT,
    ROWS_SCALE,
    ROWS_SCALES,
    ROWS_SUMS,
    ROWS_WEIGHT,
    SCALES,
    SMOOTH,
    TABLE_ROW,
    TABLE_SCALE,
    WEIGHT,
)

TABLE = re.compile(r"(?P<table>/.*?embeddings)(_\d+)?/Gather_output_0/(?P<part>row|scale)/Gather")
"""Name of the node that looks up an embedding table's bytes, or the scales of its rows."""
POSITIONS = "/bert/embeddings/position_embeddings/Gather"
"""Name of the node that takes rows of the only table in fp32."""
TOKEN_TYPES = "bert.embeddings.token_type_embeddings.weight"
State = dict[str, NDArray[np.float32]]


def unpack_bundle(directory: Path) -> PreTrainedModel:
    """The token classifier in a bundle with a static int8 graph, in fp32.

    Raises CheckpointError where the graph is another one, and BundleError where the bundle is damaged.
    """
    bundle = load_bundle(directory)
    graph = _Graph(onnx.load(bundle.path(GRAPH)))
    try:
        state = graph.state()
        model: PreTrainedModel = _empty_model(graph, state, bundle.manifest)
        state[TOKEN_TYPES] = np.zeros((1, model.config.hidden_size), np.float32)
        model.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    except (KeyError, StopIteration, RuntimeError, ValueError) as error:
        raise CheckpointError(
            f"{directory}: its graph cannot be turned back into a model; only static int8 graphs of BERT can"
        ) from error
    return model


class _Graph:
    """The weights of an optimized static int8 graph, by the names that torch gives them."""

    def __init__(self, model: ModelProto) -> None:
        self._nodes = {node.name: node for node in model.graph.node}
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self._producers = {name: node for node in model.graph.node for name in node.output}
        self._consumers = {name: node for node in model.graph.node for name in node.input}

    def state(self) -> State:
        """Weights and biases of products and normalizations, and the embedding tables."""
        state: State = {}
        for name, node in self._nodes.items():
            if node.op_type in (INTEGER_PRODUCT, ROWS_PRODUCT):
                path = _torch_name(name.removesuffix("/MatMul"))
                state[f"{path}.weight"], state[f"{path}.bias"] = self._weight(node), self._bias(node)
            elif node.op_type == "LayerNormalization":
                path = _torch_name(name.removesuffix("/LayerNormalization"))
                state[f"{path}.weight"], state[f"{path}.bias"] = map(self._constant, node.input[1:3])
            elif name == POSITIONS:
                state["bert.embeddings.position_embeddings.weight"] = self._constant(node.input[0])
            elif (match := TABLE.fullmatch(name)) and match["part"] == "row":
                scales = self._nodes[name.replace(f"{TABLE_ROW}/", f"{TABLE_SCALE}/")]
                state[f"{_torch_name(match['table'])}.weight"] = self._constant(node.input[0]) * self._constant(
                    scales.input[0]
                )
        linear_in = {"attention.self.value": "attention.output.dense"}
        if self.activation() == "relu":
            linear_in["intermediate.dense"] = "output.dense"
        for first, second in linear_in.items():
            for name in [name for name in state if name.endswith(f"{first}.weight")]:
                layer = name.removesuffix(f"{first}.weight")
                _balance(state, f"{layer}{first}", f"{layer}{second}")
        return state

    def activation(self) -> str:
        """The function inside the feed-forward blocks; a ReLU is left to the bytes after it."""
        return "gelu" if any(node.op_type == "Gelu" for node in self._nodes.values()) else "relu"

    def heads(self) -> tuple[int, int]:
        """Return the number of attention heads of each layer and their width, which its queries are reshaped to."""
        shape = self._nodes["/bert/encoder/layer.0/attention/self/Reshape"].input[1]
        if shape not in self._constants:
            shape = self._producers[shape].input[1]
        heads, width = self._constant(shape)[-2:]
        return int(heads), int(width)

    def epsilon(self) -> float:
        """Return what normalizations add to the variance."""
        node = self._nodes["/bert/embeddings/LayerNorm/LayerNormalization"]
        return float(next(helper.get_attribute_value(a) for a in node.attribute if a.name == "epsilon"))

    def _weight(self, product: NodeProto) -> NDArray[np.float32]:
        """Return the weight [outputs, inputs], without what SmoothQuant moved into it."""
        places = (ROWS_WEIGHT, ROWS_SCALES) if product.op_type == ROWS_PRODUCT else (WEIGHT, SCALES)
        values, scales = (self._constant(product.input[place]) for place in places)
        weight = values * scales
        smooth = self._producers[self._producers[product.input[0]].input[0]]
        if smooth.name.endswith(f"{SMOOTH}/Mul"):
            weight *= self._vector_of(smooth)[:, None]
        return np.ascontiguousarray(weight.T)

    def _bias(self, product: NodeProto) -> NDArray[np.float32]:
        """Return the bias [outputs]; zeros where it went into what is added to the result."""
        if product.op_type == ROWS_PRODUCT:
            scales = self._constant(product.input[ROWS_SCALES]) * self._constant(product.input[ROWS_SCALE])
            sums: NDArray[np.float32] = self._constant(product.input[ROWS_SUMS]) * scales
            return sums
        if len(product.input) > BIAS:
            return self._constant(product.input[BIAS])
        adds = self._consumers.get(product.output[0])
        if adds is not None and any(name in self._constants for name in adds.input):
            return self._vector_of(adds)
        return np.zeros(self._constant(product.input[SCALES]).shape, np.float32)

    def _vector_of(self, node: NodeProto) -> NDArray[np.float32]:
        """The constant vector among a node's inputs."""
        return next(self._constant(name) for name in node.input if name in self._constants)

    def _constant(self, name: str) -> NDArray[Any]:
        value = numpy_helper.to_array(self._constants[name])
        return value if value.dtype == np.int64 else value.astype(np.float32)


def _balance(state: State, first: str, second: str) -> None:
    """Undo what SmoothQuant moved between a product and the one after it, up to a like size of both.

    A channel that hardly ever differs from zero may have become huge in the first product and zero in the second one.
    It takes the median size of the others, as a training would be at the mercy of the few tokens that it answers.
    """
    weight, bias, output = f"{first}.weight", f"{first}.bias", f"{second}.weight"
    sizes = np.abs(state[weight]).max(axis=1), np.abs(state[output]).max(axis=0)
    balanced = np.sqrt(sizes[0] * sizes[1])
    is_used = balanced > 0
    balanced[~is_used] = np.median(balanced[is_used]) if is_used.any() else sizes[0][~is_used]
    factor = np.divide(balanced, sizes[0], out=np.ones_like(balanced), where=sizes[0] > 0)
    state[weight] *= factor[:, None]
    state[bias] = state[bias] * factor
    state[output] /= factor


def _empty_model(graph: _Graph, state: State, manifest: Manifest) -> Any:
    embeddings = {name: state[f"bert.embeddings.{name}_embeddings.weight"].shape for name in ("word", "position")}
    width = state["bert.embeddings.LayerNorm.weight"].size
    pairs = state.get("bert.embeddings.pair_embeddings.weight")
    heads, head_width = graph.heads()
    config: Any = BertConfig(
        vocab_size=embeddings["word"][0],
        hidden_size=width,
        num_hidden_layers=sum(name.endswith("intermediate.dense.bias") for name in state),
        num_attention_heads=width // head_width,
        hidden_act=graph.activation(),
        intermediate_size=state["bert.encoder.layer.0.intermediate.dense.bias"].size,
        max_position_embeddings=embeddings["position"][0],
        type_vocab_size=1,
        layer_norm_eps=graph.epsilon(),
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        id2label=dict(enumerate(manifest.tags)),
        label2id={tag: number for number, tag in enumerate(manifest.tags)},
        attn_implementation="eager",
    )  # type: ignore[no-untyped-call]
    kind = BertForTokenClassification
    if pairs is not None:
        kind = NgramBertForTokenClassification
        config.ngrams = {
            "token_width": embeddings["word"][1],
            "pair_width": pairs.shape[1],
            "pair_rows": pairs.shape[0],
        }
    model: Any = kind(config)  # type: ignore[no-untyped-call]
    pruned = range(heads, config.num_attention_heads)
    model.prune_heads({layer: list(pruned) for layer in range(config.num_hidden_layers)} if pruned else {})
    return model


def _torch_name(path: str) -> str:
    return path.removeprefix("/").replace("/", ".")
