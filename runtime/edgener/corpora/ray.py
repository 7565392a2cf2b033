"""Ray Data: the entities of a data set, on all computers of a cluster.

    import ray
    from edgener.corpora.ray import annotate
    annotate(ray.data.read_parquet("corpus"), text="body").write_parquet("results")

Needs the extra ``ray``. Ray hangs in silence where actors take all cores, since nothing is left that reads the input,
and reads many small files as one block, on which one actor works while all others wait. ``annotate`` sees to both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from edgener.corpora.actors import layout
from edgener.corpora.engine import Annotator, Options
from edgener.errors import MissingExtraError, how_to_install

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_OF_A_BLOCK = 2000
"""Rows that are annotated by one thread, and done again if their actor dies."""


class Annotate:
    """The class for ``map_batches`` with ``batch_format="pyarrow"``; adds the columns ``entities`` and ``error``."""

    def __init__(self, **options: Unpack[Options]) -> None:
        self._annotator = Annotator(**options)
        self._annotator.recognizer()

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return a table with its entities; threads may call at once."""
        return self._annotator.table(table)


def annotate(dataset: Any, *, rows_of_a_block: int = ROWS_OF_A_BLOCK, **options: Unpack[Options]) -> Any:
    """Return a lazy Ray data set of the same rows, in any order, with the columns ``entities`` and ``error``.

    The cluster is the one that Ray is connected to. Raises MissingExtraError without Ray and MachineError where the
    cluster is too small.
    """
    try:
        import ray
    except ImportError as missing:
        raise MissingExtraError(f"Ray Data needs Ray: {how_to_install('ray')}") from missing
    if not ray.is_initialized():
        ray.init()
    plan = layout(node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"])
    return dataset.repartition(target_num_rows_per_block=rows_of_a_block).map_batches(
        Annotate,
        fn_constructor_kwargs=options,
        batch_format="pyarrow",
        batch_size=None,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=plan.actors, enable_true_multi_threading=True),
        num_cpus=plan.cores,
        max_concurrency=plan.threads,
    )
