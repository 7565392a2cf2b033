"""A worker process, its client, and the products of a graph alone, with the tiny model."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgener import Recognizer
from edgener.bundle import GRAPH
from edgener_export.graph.node_index import INTEGER_PRODUCTS
from tests.support import ROOT, TINY_BUNDLE, labelled_texts
from tools.bench.client import Worker, WorkerError
from tools.bench.contenders import others, ours
from tools.bench.environments import Environment
from tools.bench.limits import Effort, measure_limits
from tools.bench.products import Products

HERE = Environment(Path(sys.executable), None)


def test_a_worker_answers_as_the_recognizer_does(tmp_path: Path, recognizer: Recognizer) -> None:
    texts = [row.text for row in labelled_texts()[:6]]
    expected = [[(entity.start, entity.end, entity.label) for entity in recognizer(text)] for text in texts]
    with Worker(ours("tiny", TINY_BUNDLE, 1, tmp_path), HERE, tmp_path / "log") as worker:
        assert 0 < worker.import_s + worker.load_s < worker.first_answer_s
        one_by_one = worker.run(texts, batched=False, passes=2, wants_entities=True)
        together = worker.run(texts, batched=True, passes=3, wants_entities=True)
        assert worker.run(texts, batched=True).entities == []
    assert one_by_one.entities == together.entities == expected
    assert (len(one_by_one.seconds), len(together.seconds)) == (12, 3)
    assert 0 < together.rss_mb <= together.peak_mb


def test_a_worker_that_ends_says_why(tmp_path: Path) -> None:
    present = ours("absent", TINY_BUNDLE, 1, tmp_path)
    absent = replace(present, options=present.options._replace(bundle=str(tmp_path)))
    with pytest.raises(WorkerError, match=r"edgener absent ended with exit code 1: .*BundleMissingError"):
        Worker(absent, HERE, tmp_path / "log")


def test_contenders_have_drivers_and_pinned_requirements() -> None:
    for contender in others(TINY_BUNDLE, Path()):
        assert all("==" in requirement for requirement in contender.requirements)
        assert (ROOT / "tools/bench/drivers" / f"{contender.driver}.py").exists()


def test_products_alone_have_the_shapes_of_the_graph() -> None:
    products = Products(TINY_BUNDLE / GRAPH, INTEGER_PRODUCTS, threads=1)
    ids = np.ones((2, 9), dtype=np.int64)
    assert products.bind(ids, ids).run() > 0
    hidden, inner, tags = 64, 1024, 13
    assert products.weight_macs(ids) == 18 * (4 * hidden**2 + 2 * hidden * inner + hidden * tags)


def test_limits_of_the_tiny_model() -> None:
    texts = [row.text for row in labelled_texts()[:8]]
    limits = measure_limits("tiny", TINY_BUNDLE, 1, texts, ["王小明在青山大学工作"] * 200, Effort(1, 0.0))
    assert [(limit.batch_size, limit.tokens) for limit in limits.limits][:2] == [(8, 16), (8, 32)]
    for split in limits.splits:
        assert sum(part.seconds for part in split.parts) == pytest.approx(split.seconds)
