"""Write down the recognizer's answers bit for bit. Runs in the interpreter of a build, with nothing but edgener.

Usage: probe.py INPUT OUTPUT. INPUT is JSON: ``bundle`` (a directory) and ``texts``. OUTPUT gets JSON: versions, and
for each text its entities; OUTPUT.logits gets the float32 logits of all texts in a row. Logits are written down as
they pass by, since under QEMU a second computation would take as long again.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgener.bundle import GRAPH, TOKENIZER, load_bundle
from edgener.recognizer import Recognizer
from edgener.session import Session
from edgener.tokenizer import Encoder


class RecordingSession(Session):
    """A session that keeps its answers until they are taken."""

    taken: bytes = b""

    def __call__(self, ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Run the graph and return its logits unchanged."""
        logits = super().__call__(ids, attention_mask)
        self.taken += logits.astype("<f4").tobytes()
        return logits

    def take(self) -> bytes:
        """Return all logits since the last call as little-endian float32."""
        taken, self.taken = self.taken, b""
        return taken


def main(source: Path, target: Path) -> None:
    """Read ``source``, recognize, write ``target`` and its logits."""
    wanted = json.loads(source.read_text(encoding="utf-8"))
    started = time.monotonic()
    bundle = load_bundle(Path(wanted["bundle"]))
    session = RecordingSession(bundle.path(GRAPH), bundle.manifest, 1)
    recognizer = Recognizer(bundle.manifest, Encoder(bundle.path(TOKENIZER), bundle.manifest.aliases), session, 8)
    loaded = time.monotonic()
    entities, sizes = [], []
    with target.with_suffix(".logits").open("wb") as stream:
        for text in wanted["texts"]:
            entities.append([(e.start, e.end, e.label, e.score) for e in recognizer(text)])
            sizes.append(stream.write(session.take()))
    answer = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "onnxruntime": version("onnxruntime"),
        "entities": entities,
        "logits_bytes": sizes,
        "load_seconds": loaded - started,
        "seconds": time.monotonic() - started,
    }
    target.write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
