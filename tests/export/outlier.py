"""A model that quantization harms, unless something is done about it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from edgener_export.graph.export import export_graph


def export_with_outlier(bert: Any, path: Path) -> None:
    """One channel a hundred times as large in the activations, and as much smaller in the weights that read it."""
    model = copy.deepcopy(bert)
    layer = model.bert.encoder.layer[0]
    norm, reader = layer.attention.output.LayerNorm, layer.intermediate.dense
    norm.weight.data[3] *= 100
    norm.bias.data[3] *= 100
    reader.weight.data[:, 3] /= 100
    export_graph(model, path, max_tokens=24)
