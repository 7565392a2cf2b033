"""rjieba: jieba in Rust."""

from __future__ import annotations

from rjieba import Jieba

from tools.bench.contract import Options
from tools.bench.drivers.segmenter import SegmenterModel

LABELS = {"nr": "PER", "nrt": "PER", "nrfg": "PER", "ns": "LOC", "nt": "ORG"}


def load(_options: Options) -> SegmenterModel:
    """Load rjieba with its own dictionary."""
    return SegmenterModel(Jieba().tag, LABELS)
