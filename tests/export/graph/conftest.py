"""The random model of the tests as a graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgener_export.graph.export import export_graph


@pytest.fixture(scope="module")
def exported(tiny_bert: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of the fp32 graph."""
    path = tmp_path_factory.mktemp("graph") / "fp32.onnx"
    export_graph(tiny_bert, path, max_tokens=24)
    return path
