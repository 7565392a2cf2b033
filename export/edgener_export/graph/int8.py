"""Int8 quantization of a graph: matrix products in integers, embedding tables in bytes.

Activations are unsigned with one scale and zero point a tensor, weights signed and symmetric with one scale an output
channel (Jacob et al., 2018). Activation scales are fixed beforehand, on calibration sentences, so a sentence's result
does not depend on what else is in its batch. Outliers move into the weights first (Xiao et al., 2023, SmoothQuant).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from tqdm import tqdm

from edgener_export.errors import GateError, RecipeError
from edgener_export.files.atomic import draft_of
from edgener_export.graph.export import INPUTS, open_observed
from edgener_export.graph.node_index import FLOAT_PRODUCTS, INTEGER_PRODUCTS, SMOOTH, TABLE_ROW, TABLE_SCALE
from edgener_export.recipe.bounds import verify_settings
from edgener_export.recipe.settings import QuantizeSettings

INT8_STEPS = np.float32(127)
UINT8_STEPS = np.float32(255)
POSITIONS = "position_embeddings"
"""A part of the name of the table that stays fp32: it is small, and a sentence needs only its first rows."""
SMALLEST_MAGNITUDE = 1e-5
"""A channel that hardly ever differs from zero is not smoothed any further than this."""


class RowScaled(NamedTuple):
    """A matrix in signed bytes; ``values * scales`` is within half a step of the original."""

    values: NDArray[np.int8]
    scales: NDArray[np.float32]


class Extremes(NamedTuple):
    """The smallest and the largest value of each channel of an activation."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]

    def __truediv__(self, scales: NDArray[np.float32]) -> Extremes:
        return Extremes(self.low / scales, self.high / scales)

    @property
    def magnitude(self) -> NDArray[np.float32]:
        """The largest absolute value of each channel."""
        magnitude: NDArray[np.float32] = np.maximum(-self.low, self.high)
        return magnitude


def quantize_graph(
    source: Path, target: Path, calibration: Sequence[NDArray[np.int64]], settings: QuantizeSettings
) -> None:
    """Write the fp32 graph ``source`` with int8 matrix products and embedding tables as ``target``.

    ``calibration`` holds rows of token ids with their special tokens. Same arguments, same bytes.
    """
    verify_settings(settings)
    if not calibration:
        raise RecipeError("quantize.sentences must be at least 1")
    model = onnx.load(source)
    edit = _Edit(model.graph)
    products = _by_input(quantized_products(model.graph, settings))
    extremes = _observe(model, list(products), calibration)
    for name, consumers in products.items():
        seen = extremes[name]
        if settings.smoothing:
            seen = _smooth(edit, consumers, seen, settings.smoothing)
        if settings.method == "static":
            _quantize_products(edit, consumers, seen)
    for lookup in edit.table_lookups():
        _quantize_table(edit, lookup)
    edit.apply()
    with draft_of(target) as draft:
        if settings.method == "static":
            onnx.save(model, draft)
        else:
            names = [product.name for consumers in products.values() for product in consumers]
            quantize_dynamic(
                model, draft, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8, nodes_to_quantize=names
            )


def weight_products(graph: GraphProto) -> list[NodeProto]:
    """Return the matrix products of an fp32 graph whose right-hand side is constant."""
    constants = {tensor.name for tensor in graph.initializer}
    return [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in constants]


def quantized_products(graph: GraphProto, settings: QuantizeSettings) -> list[NodeProto]:
    """Return the products that the settings do not exclude. Raises RecipeError if a setting excludes nothing."""
    products = weight_products(graph)
    for part in settings.exclude:
        if not any(part in product.name for product in products):
            raise RecipeError(
                f"quantize.exclude {part!r} is in no name of a matrix product, such as {products[0].name}"
            )
    return [product for product in products if not any(part in product.name for part in settings.exclude)]


def verify_quantized(path: Path, settings: QuantizeSettings) -> None:
    """Raise GateError where an optimized graph still multiplies constant weights in anything but integers."""
    graph = onnx.load(path, load_external_data=False).graph
    left = [name for name in _left_in_floats(graph) if not any(part in name for part in settings.exclude)]
    if left:
        raise GateError(f"{path}: the optimizer left {len(left)} matrix products unquantized, such as {left[0]}")


def product_names(path: Path) -> list[str]:
    """Return the names of the matrix products with constant weights of an fp32 graph, in its order."""
    return [product.name for product in weight_products(onnx.load(path).graph)]


class IntegerShare(NamedTuple):
    """The number of a graph's products with constant weights that run in integers, and that of all of them."""

    in_integers: int
    products: int


def integer_share(path: Path) -> IntegerShare:
    """Count the products of an optimized graph, as the device runs it."""
    graph = onnx.load(path, load_external_data=False).graph
    in_integers = sum(node.op_type in INTEGER_PRODUCTS for node in graph.node)
    return IntegerShare(in_integers, in_integers + len(_left_in_floats(graph)))


def _left_in_floats(graph: GraphProto) -> list[str]:
    constants = {tensor.name for tensor in graph.initializer}
    return [node.name for node in graph.node if node.op_type in FLOAT_PRODUCTS and not constants.isdisjoint(node.input)]


def symmetric_int8(matrix: NDArray[np.float32], axis: int) -> RowScaled:
    """Return signed bytes with one scale for every slice along ``axis``, which is kept with the length 1."""
    scales = np.abs(matrix).max(axis=axis, keepdims=True) / INT8_STEPS
    scales[scales == 0] = 1
    return RowScaled(np.rint(matrix / scales).astype(np.int8), scales)


def exact_int8(weight: NDArray[np.float32]) -> RowScaled:
    """Return signed bytes [inputs, outputs] with one scale an output, whose products are exact on every processor.

    x86 processors without instructions for neural networks multiply the unsigned bytes of two neighbouring inputs and
    add the results in 16 bits, which saturate (vpmaddubsw): 255 times what two neighbouring weights of one sign are
    together must fit. That makes a step 1.2 times as large in our models, where halving all weights would make it 2.
    """
    padded = np.concatenate([weight, np.zeros((len(weight) % 2, weight.shape[1]), np.float32)])
    pairs = padded.reshape(-1, 2, weight.shape[1])
    together = np.maximum(np.maximum(pairs, 0).sum(axis=1), np.maximum(-pairs, 0).sum(axis=1))
    scales: NDArray[np.float32] = together.max(axis=0, keepdims=True) / INT8_STEPS
    scales[scales == 0] = 1
    return RowScaled(np.rint(weight / scales).astype(np.int8), scales)


class _Edit:
    """New nodes and constants of a graph, collected and then applied at once."""

    def __init__(self, graph: GraphProto) -> None:
        self._graph = graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._before: defaultdict[str, list[NodeProto]] = defaultdict(list)
        self._removed: set[str] = set()

    def table_lookups(self) -> list[NodeProto]:
        """Return the nodes that take rows out of a constant matrix, except that of positions."""
        return [
            node
            for node in self._graph.node
            if node.op_type == "Gather"
            and node.input[0] in self._constants
            and len(self._constants[node.input[0]].dims) == 2
            and POSITIONS not in node.input[0]
        ]

    def value(self, name: str) -> NDArray[np.float32]:
        """Return a constant of the graph as fp32."""
        return numpy_helper.to_array(self._constants[name]).astype(np.float32)

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        """Add a constant, or replace the one of that name, and return the name."""
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def insert(self, before: NodeProto, op_type: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node that runs just before another one, and return the name of its output."""
        node = helper.make_node(op_type, inputs, [output], f"{output}/{op_type}", **attributes)
        self._before[before.name].append(node)
        return output

    def remove(self, node: NodeProto) -> None:
        """Drop a node; one of those inserted before it writes its output."""
        self._removed.add(node.name)

    def apply(self) -> None:
        """Rewrite the graph."""
        nodes = [new for node in self._graph.node for new in self._with_insertions(node)]
        used = {name for node in nodes for name in node.input}
        constants = [tensor for name, tensor in self._constants.items() if name in used]
        del self._graph.node[:], self._graph.initializer[:]
        self._graph.node.extend(nodes)
        self._graph.initializer.extend(constants)

    def _with_insertions(self, node: NodeProto) -> Iterator[NodeProto]:
        yield from self._before[node.name]
        if node.name not in self._removed:
            yield node


def _by_input(products: Iterable[NodeProto]) -> dict[str, list[NodeProto]]:
    """Group products by the name of their left-hand side, in the order of the graph."""
    groups: defaultdict[str, list[NodeProto]] = defaultdict(list)
    for product in products:
        groups[product.input[0]].append(product)
    return groups


def _observe(model: ModelProto, names: list[str], calibration: Sequence[NDArray[np.int64]]) -> dict[str, Extremes]:
    """Return the extremes of the named tensors [1, tokens, channels]; each sentence runs alone, without padding."""
    session = open_observed(model, names)
    seen: dict[str, Extremes] = {}
    for ids in tqdm(calibration, disable=None, desc="calibrate", leave=False):
        activations = session.run(names, dict(zip(INPUTS, (ids[None], np.ones_like(ids)[None]), strict=True)))
        for name, values in zip(names, activations, strict=True):
            low, high = values.min(axis=(0, 1)), values.max(axis=(0, 1))
            before = seen.get(name, Extremes(low, high))
            seen[name] = Extremes(np.minimum(before.low, low), np.maximum(before.high, high))
    return seen


def _smooth(edit: _Edit, products: list[NodeProto], seen: Extremes, alpha: float) -> Extremes:
    """Divide the channels of the products' common input by what their weights are multiplied with; the new extremes."""
    weights = [edit.value(product.input[1]) for product in products]
    weight_magnitude = np.max([np.abs(weight).max(axis=1) for weight in weights], axis=0)
    scales: NDArray[np.float32] = np.maximum(seen.magnitude, SMALLEST_MAGNITUDE) ** np.float32(alpha) / np.maximum(
        weight_magnitude, SMALLEST_MAGNITUDE
    ) ** np.float32(1 - alpha)
    name = products[0].input[0]
    inverse = edit.constant(f"{name}/inverse", 1 / scales)
    smooth = edit.insert(products[0], "Mul", [name, inverse], f"{name}{SMOOTH}")
    for product, weight in zip(products, weights, strict=True):
        product.input[0] = smooth
        product.input[1] = edit.constant(f"{product.name}/smooth", weight * scales[:, None])
    return seen / scales


def _quantize_products(edit: _Edit, products: list[NodeProto], seen: Extremes) -> None:
    """Put the products' common input and their weights through bytes: the optimizer makes integer products of that."""
    low, high = min(seen.low.min(), np.float32(0)), max(seen.high.max(), np.float32(0))
    scale = (high - low) / UINT8_STEPS or np.float32(1)
    name = products[0].input[0]
    affine = [
        edit.constant(f"{name}/scale", np.array(scale, np.float32)),
        edit.constant(f"{name}/zero_point", np.array(np.rint(-low / scale), np.uint8)),
    ]
    quantized = edit.insert(products[0], "QuantizeLinear", [name, *affine], f"{name}/uint8")
    real = edit.insert(products[0], "DequantizeLinear", [quantized, *affine], f"{name}/real")
    for product in products:
        weight = exact_int8(edit.value(product.input[1]))
        values = edit.constant(f"{product.name}/int8", weight.values)
        scales = edit.constant(f"{product.name}/scales", weight.scales[0])
        product.input[0] = real
        product.input[1] = edit.insert(product, "DequantizeLinear", [values, scales], f"{product.name}/real", axis=1)


def _quantize_table(edit: _Edit, lookup: NodeProto) -> None:
    """Look up rows of bytes and the scale of each row, and multiply them."""
    table, rows = lookup.input
    int8 = symmetric_int8(edit.value(table), axis=1)
    name = lookup.output[0]
    values = edit.insert(lookup, "Gather", [edit.constant(f"{table}/int8", int8.values), rows], f"{name}{TABLE_ROW}")
    real = edit.insert(lookup, "Cast", [values], f"{name}/real", to=TensorProto.FLOAT)
    scales = edit.insert(
        lookup, "Gather", [edit.constant(f"{table}/scales", int8.scales), rows], f"{name}{TABLE_SCALE}"
    )
    edit.insert(lookup, "Mul", [real, scales], name)
    edit.remove(lookup)
