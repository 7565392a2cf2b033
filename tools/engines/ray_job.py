"""A job of Ray Data on a cluster of two local nodes, one of which is killed in the middle.

    python -m tools.engines.ray_job CORPUS RESULTS --model BUNDLE --report FILE --kill

Writes to the report, as JSON, how many files of results there were when the node was killed, and at the end.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from pathlib import Path
from typing import Any

import ray
from ray.cluster_utils import Cluster

from edgener.corpora.ray import annotate
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("results", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--kill", action="store_true")
    options = parser.parse_args()
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
    found = {"done_at_the_kill": killed[0] if killed else None, "total": files, "nodes_left": nodes}
    options.report.write_text(json.dumps(found), encoding="utf-8")
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
