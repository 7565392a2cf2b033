"""Spark: the entities of a data frame, with ``mapInArrow``.

    from edgener.corpora.spark import annotate
    annotate(spark.read.parquet("corpus"), text="body").write.parquet("results")

Needs the extra ``spark``. Spark takes up to 128 MB of input as one task, which would be an hour of one core;
``annotate`` spreads the rows over more tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Unpack

from edgener.corpora.engine import Annotator, Options
from edgener.corpora.rows import ADDED, kept_name
from edgener.corpora.settings import ENTITIES, ERROR
from edgener.errors import MissingExtraError, how_to_install

if TYPE_CHECKING:
    import pyarrow as pa

TASKS_A_CORE = 8
"""Tasks for each core of the cluster, so that none waits long for the last ones."""


def mapper(**options: Unpack[Options]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the function for ``mapInArrow``, whose schema is that of ``annotated``."""
    annotator = Annotator(**options)

    def annotate_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return annotator(batches)

    return annotate_batches


def annotated(schema: Any) -> Any:
    """Return the Spark schema of annotated rows; see ``edgener.corpora.arrow.annotated_schema``.

    Raises MissingExtraError without pyspark.
    """
    try:
        from pyspark.sql.types import ArrayType, FloatType, IntegerType, StringType, StructField, StructType
    except ImportError as missing:
        raise MissingExtraError(f"Spark needs pyspark: {how_to_install('spark')}") from missing
    entity = StructType(
        [
            StructField("start", IntegerType()),
            StructField("end", IntegerType()),
            StructField("label", StringType()),
            StructField("text", StringType()),
            StructField("score", FloatType()),
        ]
    )
    kept = [StructField(kept_name(field.name, ADDED), field.dataType, field.nullable) for field in schema]
    return StructType([*kept, StructField(ENTITIES, ArrayType(entity)), StructField(ERROR, StringType())])


def annotate(frame: Any, *, tasks: int | None = None, **options: Unpack[Options]) -> Any:
    """Return a lazy data frame of the same rows with the columns ``entities`` and ``error``.

    The rows are spread over ``tasks`` tasks, TASKS_A_CORE for each core that Spark has now if None; 0 leaves them as
    they are. Raises MissingExtraError without pyspark.
    """
    schema = annotated(frame.schema)
    count = TASKS_A_CORE * frame.sparkSession.sparkContext.defaultParallelism if tasks is None else tasks
    spread = frame.repartition(count) if count else frame
    return spread.mapInArrow(mapper(**options), schema)
