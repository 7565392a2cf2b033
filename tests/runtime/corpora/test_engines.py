"""The adapters of Ray and Spark, without Ray and Spark; tests/engines runs them on clusters of two nodes."""

from __future__ import annotations

import math
import pickle
import sys
import threading
from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener import Recognizer, Rules
from edgener.corpora.actors import MOST_THREADS, layout
from edgener.corpora.engine import Annotator
from edgener.corpora.ray import Annotate
from edgener.corpora.ray import annotate as annotate_with_ray
from edgener.corpora.spark import annotate as annotate_with_spark
from edgener.corpora.spark import mapper
from edgener.errors import BundleMissingError, MachineError, MissingExtraError
from tests.runtime.corpora.support import row_spans, spans
from tests.support import TINY_BUNDLE, labelled_texts

SENTENCES = [row.text for row in labelled_texts()][:9]
BATCH = pa.RecordBatch.from_pydict({"body": SENTENCES})


def test_the_class_for_ray_gives_the_answers_of_the_library_to_threads_at_once(recognizer: Recognizer) -> None:
    annotate = Annotate(text="body", model=TINY_BUNDLE)
    found: list[pa.Table] = []
    threads = [
        threading.Thread(target=lambda: found.append(annotate(pa.Table.from_batches([BATCH])))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [spans(recognizer(text)) for text in SENTENCES]
    assert [[row_spans(row) for row in table.to_pylist()] for table in found] == [expected] * 3


def test_the_function_for_spark_yields_a_batch_for_each(recognizer: Recognizer) -> None:
    found = list(mapper(text="body", model=TINY_BUNDLE)(iter([BATCH, BATCH[:0], BATCH[3:]])))
    assert [batch.num_rows for batch in found] == [9, 0, 6]
    rows = [row for batch in found for row in batch.to_pylist()]
    assert [row_spans(row) for row in rows] == [spans(recognizer(text)) for text in [*SENTENCES, *SENTENCES[3:]]]


def test_a_model_is_loaded_once_a_process_for_the_same_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgener.corpora.engine._RECOGNIZERS", {})
    annotators = [
        Annotator(model=TINY_BUNDLE),
        pickle.loads(pickle.dumps(Annotator(model=str(TINY_BUNDLE), text="body"))),
        Annotator(model=TINY_BUNDLE, rules=Rules(types=["PER"], dictionary={"豆腐": "PER"})),
    ]
    first, second, third = (annotator.recognizer() for annotator in annotators)
    assert first is second is annotators[0].recognizer()
    assert first is not third
    assert [entity.text for entity in third("王小明在青山大学吃豆腐。")] == ["王小明", "豆腐"]


def test_a_model_that_is_missing_is_told_where_the_actor_starts() -> None:
    with pytest.raises(BundleMissingError, match=r"/no/manifest\.json"):
        Annotate(model="/no")


NODES = st.lists(st.integers(3, 96), min_size=1, max_size=6) | st.integers(3, 256).map(lambda cores: [cores] * 4)


@given(NODES, st.data())
def test_whatever_nodes_are_lost_a_core_is_left_that_reads(nodes: list[int], data: st.DataObject) -> None:
    plan = layout(nodes)
    left = data.draw(st.lists(st.sampled_from(range(len(nodes))), min_size=1, unique=True))
    rooms = {node: math.floor(nodes[node] / plan.cores) for node in left}
    assert all(nodes[node] - rooms[node] * plan.cores >= 1 for node in left)
    assert plan.actors == sum(math.floor(cores / plan.cores) for cores in nodes)


@given(NODES)
def test_no_node_computes_with_more_threads_than_it_has_cores(nodes: list[int]) -> None:
    plan = layout(nodes)
    assert 1 <= plan.threads <= MOST_THREADS
    assert all(math.floor(cores / plan.cores) * plan.threads <= cores for cores in nodes)


@pytest.mark.parametrize(
    ("nodes", "threads"),
    [([2], 2), ([2.0, 2.0, 1.0], 4), ([3], 3), ([4, 6], 9), ([8] * 5, 40), ([64] * 10, 640), ([0, 64, 96], 160)],
)
def test_nodes_of_usual_sizes_have_a_thread_for_nearly_every_core(nodes: Sequence[float], threads: int) -> None:
    plan = layout(nodes)
    assert plan.actors * plan.threads == threads


@pytest.mark.parametrize("nodes", [[], [1, 1], [0.5]])
def test_a_cluster_that_is_too_small_is_refused(nodes: Sequence[float]) -> None:
    with pytest.raises(MachineError, match="no node with two cores"):
        layout(nodes)


class FrameWithoutSpark:
    """Anything that is not Spark's, with the attribute that is looked at first."""

    schema = ()


def test_without_the_extra_each_adapter_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("ray", "pyspark", "pyspark.sql.types"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install '\.\[ray\]' in a clone"):
        annotate_with_ray(None)
    with pytest.raises(MissingExtraError, match=r"pip install '\.\[spark\]' in a clone"):
        annotate_with_spark(FrameWithoutSpark())
