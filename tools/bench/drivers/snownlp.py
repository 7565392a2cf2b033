"""SnowNLP: segmentation and tagging with hidden Markov models."""

from __future__ import annotations

from snownlp import SnowNLP

from tools.bench.contract import Options
from tools.bench.drivers.segmenter import SegmenterModel

LABELS = {"nr": "PER", "ns": "LOC", "nt": "ORG"}


def load(_options: Options) -> SegmenterModel:
    """Load SnowNLP with its own models."""
    return SegmenterModel(lambda text: list(SnowNLP(text).tags), LABELS)
