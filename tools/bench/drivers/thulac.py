"""THULAC: perceptron over characters."""

from __future__ import annotations

from thulac import thulac

from tools.bench.contract import Options
from tools.bench.drivers.segmenter import SegmenterModel

LABELS = {"np": "PER", "ns": "LOC", "ni": "ORG"}


def load(_options: Options) -> SegmenterModel:
    """Load THULAC with the model in its package."""
    return SegmenterModel(thulac().cut, LABELS)
