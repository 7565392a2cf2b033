"""A job of Spark on a cluster of two local nodes, one of which is killed in the middle.

    python -m tools.engines.spark_job CORPUS RESULTS --model BUNDLE --report FILE --kill

Writes to the report, as JSON, how many tasks were done when the node was killed, and at the end. Needs
Java 17 or later.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyspark
from pyspark.sql import SparkSession

from edgener.corpora.spark import annotate
from tools.engines.job import read_options, write_report
from tools.measured import kill_tree

HOST = "127.0.0.1"
PORT = 17077
CLASS = Path(pyspark.__file__).parent / "bin/spark-class"
TASKS = 40
SETTINGS = {
    "spark.driver.bindAddress": HOST,
    "spark.driver.host": HOST,
    "spark.ui.enabled": "false",
    "spark.driver.memory": "512m",
    "spark.executor.memory": "512m",
    "spark.executor.cores": "1",
    "spark.sql.shuffle.partitions": "4",
    "spark.python.worker.reuse": "true",
}


def main() -> None:
    """Start the nodes, run the job, end the nodes."""
    options = read_options(__doc__)
    with ExitStack() as stack:
        master = f"spark://{HOST}:{PORT}"
        stack.enter_context(_daemon("master.Master", "--port", str(PORT)))
        worker = ("worker.Worker", master, "--cores", "1", "--memory", "1g")
        stack.enter_context(_daemon(*worker))
        second = stack.enter_context(_daemon(*worker))
        builder = SparkSession.builder.master(master).appName("edgener")
        for name, value in SETTINGS.items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
        _wait_for_executors(spark)
        killed: list[int] = []
        if options.kill:
            threading.Thread(target=_kill, args=(spark, second.pid, killed), daemon=True).start()
        rows = spark.read.parquet(options.corpus)
        annotate(rows, model=options.model, tasks=TASKS).write.parquet(str(options.results))
        write_report(options.report, killed, TASKS, _executors(spark))
        spark.stop()


@contextmanager
def _daemon(name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "SPARK_LOCAL_IP": HOST}
    command = [str(CLASS), f"org.apache.spark.deploy.{name}", *arguments, "--host", HOST, "--webui-port", "0"]
    with subprocess.Popen(command, env=environment) as process:
        try:
            yield process
        finally:
            kill_tree(process.pid)


def _executors(spark: Any) -> int:
    """Return the number of executors, without the driver."""
    return int(spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size()) - 1


def _wait_for_executors(spark: Any) -> None:
    while _executors(spark) < 2:
        time.sleep(0.1)


def _kill(spark: Any, node: int, killed: list[int]) -> None:
    """Kill a node with all its processes as soon as some tasks of annotation are done and others run."""
    tracker = spark.sparkContext.statusTracker()
    while True:
        for stage in tracker.getActiveStageIds():
            found = tracker.getStageInfo(stage)
            if found and found.numTasks == TASKS and found.numCompletedTasks >= 4:
                kill_tree(node)
                killed.append(found.numCompletedTasks)
                return
        time.sleep(0.05)


if __name__ == "__main__":
    main()
