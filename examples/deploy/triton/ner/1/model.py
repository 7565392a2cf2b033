"""Recognizer as a model of Triton's Python backend: a text in, its entities as JSON out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgener import Recognizer

Array = NDArray[Any]


class TritonPythonModel:
    """An instance with a model of its own, which computes with one thread."""

    def initialize(self, _arguments: dict[str, str]) -> None:
        """Load the model."""
        self._recognizer = Recognizer.load()

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer the requests that Triton has merged; the recognizer sorts all of their texts by length."""
        import triton_python_backend_utils as backend  # Triton brings it

        arrays = [backend.get_input_tensor_by_name(request, "TEXT").as_numpy() for request in requests]
        return [
            backend.InferenceResponse([backend.Tensor("ENTITIES", array)])
            for array in answers(self._recognizer, arrays)
        ]


def answers(recognizer: Recognizer, arrays: Sequence[Array]) -> list[Array]:
    """Return arrays of JSON in the shapes of ``arrays``, which hold texts as UTF-8."""
    found = recognizer.batch(text.decode("utf-8", "surrogateescape") for array in arrays for text in array.flat)
    return [
        np.array(
            [json.dumps([entity.to_dict() for entity in next(found)]).encode() for _ in array.flat], dtype=np.object_
        ).reshape(array.shape)
        for array in arrays
    ]
