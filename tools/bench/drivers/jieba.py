"""jieba.posseg: dictionary and hidden Markov model."""

from __future__ import annotations

from jieba import posseg

from tools.bench.contract import Options
from tools.bench.drivers.segmenter import SegmenterModel

LABELS = {"nr": "PER", "nrt": "PER", "nrfg": "PER", "ns": "LOC", "nt": "ORG"}


def load(_options: Options) -> SegmenterModel:
    """Load jieba with its own dictionary."""
    return SegmenterModel(lambda text: [(word.word, word.flag) for word in posseg.lcut(text)], LABELS)
