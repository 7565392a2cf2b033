"""A recognizer that notes what its parts take and what they are given."""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from edgener.bundle import GRAPH, TOKENIZER, Manifest, load_bundle
from edgener.recognizer import Recognizer
from edgener.session import INPUTS, Session, session_options
from edgener.tokenizer import Encoder, Encoding


class TimedEncoder(Encoder):
    """Adds up its time."""

    def __init__(self, path: Path, aliases: Sequence[str]) -> None:
        super().__init__(path, aliases)
        self.seconds = 0.0

    def __call__(self, texts: Sequence[str]) -> list[Encoding]:
        """Encode the texts as the encoder does, and add up the time."""
        began = time.perf_counter()
        encodings = super().__call__(texts)
        self.seconds += time.perf_counter() - began
        return encodings


class TimedSession(Session):
    """Adds up its time, and keeps its batches with their logits."""

    def __init__(self, graph: Path, manifest: Manifest, threads: int) -> None:
        super().__init__(graph, manifest, threads)
        self.seconds = 0.0
        self.batches: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]] = []

    def __call__(self, ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Compute logits as the session does, and keep the batch and its time."""
        began = time.perf_counter()
        logits = super().__call__(ids, attention_mask)
        self.seconds += time.perf_counter() - began
        self.batches.append((ids, attention_mask, logits))
        return logits


class InstrumentedRecognizer:
    """A recognizer with its encoder and its session in reach."""

    def __init__(self, directory: Path, threads: int, batch_size: int) -> None:
        bundle = load_bundle(directory)
        self.graph = bundle.path(GRAPH)
        self.encoder = TimedEncoder(bundle.path(TOKENIZER), bundle.manifest.aliases)
        self.session = TimedSession(self.graph, bundle.manifest, threads)
        self.recognizer = Recognizer(bundle.manifest, self.encoder, self.session, batch_size)

    def forget(self) -> None:
        """Start to count anew."""
        self.encoder.seconds = self.session.seconds = 0.0
        self.session.batches.clear()


def operator_seconds(
    graph: Path, batches: Sequence[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]], threads: int
) -> dict[str, float]:
    """Seconds in each type of operator over the batches, slowest first, as onnxruntime's profile has them."""
    with tempfile.TemporaryDirectory() as scratch:
        options = session_options(threads)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(scratch) / "profile")
        session = ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        for ids, attention_mask, _ in batches:
            session.run(None, dict(zip(INPUTS, (ids, attention_mask), strict=True)))
        events = json.loads(Path(session.end_profiling()).read_text())
    microseconds: Counter[str] = Counter()
    for event in events:
        if event["cat"] == "Node" and event["name"].endswith("_kernel_time"):
            microseconds[event["args"]["op_name"]] += event["dur"]
    return {name: duration / 1e6 for name, duration in microseconds.most_common()}
