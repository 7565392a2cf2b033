"""Int8 quantization of a graph: matrix products in integers, embedding tables in bytes.

Activations are unsigned with one scale and zero point a tensor, weights signed and symmetric with one scale an output
channel (Jacob et al., 2018). Scales that are fixed beforehand, on calibration sentences, keep a sentence's result
independent of what else is in its batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped]

from edgener_export.errors import RecipeError
from edgener_export.graph import INPUTS, open_session

Floats = NDArray[np.float32]

METHODS = ("static", "dynamic")
CLIP_CANDIDATES = np.geomspace(1.0, 0.02, 80)
"""Shares of a tensor's largest value that ``mse`` tries as the end of its range."""


@dataclass(frozen=True)
class QuantizeSettings:
    """The ``[quantize]`` table of a recipe."""

    method: str = "static"
    """``static`` (scales from calibration sentences) or ``dynamic`` (scales from each batch)."""
    sentences: int = 256
    """Training sentences to calibrate on."""
    ranges: str = "minmax"
    """How the range of an activation is chosen: see ``RANGES``."""
    percentile: float = 99.99
    """What ``percentile`` takes in, in percent of the tensor's values."""
    smoothing: float = 0.5
    """How much of the outliers moves from activations into weights, SmoothQuant's alpha; 0 leaves all as it is."""
    exclude: tuple[str, ...] = ()
    """Matrix products that stay fp32: parts of node names, such as ``layer.0/output``."""


class Affine(NamedTuple):
    """real = scale * (integer - zero_point), integers from 0 to 255."""

    scale: float
    zero_point: int


def quantize_graph(
    source: Path, target: Path, calibration: Sequence[NDArray[np.int64]], settings: QuantizeSettings
) -> None:
    """Write the fp32 graph ``source`` with int8 matrix products and embedding tables as ``target``.

    ``calibration`` holds rows of token ids with their special tokens. Their activations stay in memory, 0.13 MB a token
    for 12 layers of 384, so a few hundred sentences. Same arguments, same bytes.
    """
    if settings.method not in METHODS:
        raise RecipeError(f"quantize.method {settings.method!r} is unknown; known: {', '.join(METHODS)}")
    if settings.ranges not in RANGES:
        raise RecipeError(f"quantize.ranges {settings.ranges!r} is unknown; known: {', '.join(RANGES)}")
    model = onnx.load(source)
    rewriter = _Rewriter(model.graph)
    products = rewriter.products(settings.exclude)
    activations = record_activations(model, [product.input[0] for product in products], calibration)
    for product in products
    if settings.method == "dynamic":
        names = [product.name for product in products]
        quantize_dynamic(
            model, target, nodes_to_quantize=names, per_channel=True, weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul"],
        )
    else:
        onnx.save(model, target)


def record_activations(
    model: ModelProto, names: Sequence[str], calibration: Sequence[NDArray[np.int64]]
) -> dict[str, Floats]:
    """Values [tokens, channels] of the named tensors, each row of ``calibration`` run alone, without padding."""
    observed = ModelProto()
    observed.CopyFrom(model)
    observed.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    session = open_session(observed.SerializeToString())
    runs = [session.run(names, dict(zip(INPUTS, (ids[None], np.ones_like(ids)[None])))) for ids in calibration]
    return {name: np.concatenate([run[index][0] for run in runs]) for index, name in enumerate(names)}
