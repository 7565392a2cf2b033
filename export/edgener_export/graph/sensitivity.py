"""A search for the matrix products that lose most in integers: each is left in fp32 in turn."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edgener_export.graph.export import open_session, run_graph
from edgener_export.graph.int8 import product_names, quantize_graph
from edgener_export.recipe.settings import QuantizeSettings


def sensitivities(fp32: Path, calibration: Sequence[NDArray[np.int64]], settings: QuantizeSettings) -> dict[str, float]:
    """Return by how much the error falls if a product alone stays fp32, by the product's name, the largest first.

    The error is the root mean square difference of the logits of ``calibration``, relative to their spread.
    """
    names = product_names(fp32)
    logits = _logits(fp32, calibration)
    with tempfile.TemporaryDirectory(dir=fp32.parent) as scratch:

        def error_without(*excluded: str) -> float:
            graph = Path(scratch) / "probe.onnx"
            quantize_graph(fp32, graph, calibration, replace(settings, exclude=(*settings.exclude, *excluded)))
            return float(np.sqrt(np.mean((_logits(graph, calibration) - logits) ** 2)) / logits.std())

        error = error_without()
        falls = {name: error - error_without(name) for name in tqdm(names, disable=None, desc="sensitivity")}
    return dict(sorted(falls.items(), key=lambda item: -item[1]))


def _logits(graph: Path, rows: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
    """Return logits [tokens of all rows, tags]; each row runs alone."""
    session = open_session(graph)
    return np.concatenate([run_graph(session, [row])[0] for row in rows])
