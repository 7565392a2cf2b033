"""A job of Ray Data on a cluster of two local nodes, one of which is killed in the middle.

    python -m tools.engines.ray_job CORPUS RESULTS --model BUNDLE --report FILE --kill

Writes to the report, as JSON, how many files of results there were when the node was killed, and at the end.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import ray
from ray.cluster_utils import Cluster

from edgener.corpora.ray import annotate
from tools.engines.job import read_options, write_report
from tools.measured import kill_tree

CORES = 3
"""Cores that each node says it has; the real ones may be fewer."""
OBJECT_STORE = 256 << 20
"""Bytes of shared memory for each node."""
FIRST, SECOND = "127.0.0.2", "127.0.0.3"
"""Addresses of the nodes, so that none of them leaves this machine."""
ROWS_OF_A_BLOCK = 250
HEALTH_CHECKS = {"health_check_period_ms": 2000, "health_check_timeout_ms": 10000, "health_check_failure_threshold": 10}
"""Settings by which a loaded machine has half a minute to answer before its node counts as lost."""


def main() -> None:
    """Start the nodes, run the job, end the nodes."""
    options = read_options(__doc__)
    common = {"num_cpus": CORES, "object_store_memory": OBJECT_STORE}
    head = {**common, "node_ip_address": FIRST, "include_dashboard": False, "_system_config": HEALTH_CHECKS}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    second = cluster.add_node(**common, node_ip_address=SECOND)
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, log_to_driver=False)
    killed: list[int] = []
    if options.kill:
        threading.Thread(target=_kill, args=(second, options.results, killed), daemon=True).start()
    rows = ray.data.read_parquet(options.corpus)
    annotate(rows, model=options.model, rows_of_a_block=ROWS_OF_A_BLOCK).write_parquet(str(options.results))
    nodes = sum(node["Alive"] for node in ray.nodes())
    files = len(list(options.results.glob("*.parquet")))
    write_report(options.report, killed, files, nodes)
    ray.shutdown()
    cluster.shutdown()


def _kill(node: Any, results: Path, killed: list[int]) -> None:
    """Kill a node with all its processes as soon as the first results are there."""
    while not (files := list(results.glob("*.parquet"))):
        time.sleep(0.05)
    (raylet,) = (one.process.pid for one in node.all_processes["raylet"])
    kill_tree(raylet)
    killed.append(len(files))


if __name__ == "__main__":
    main()
