"""The memory that is left, as the kernel and a container's control group tell it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgener.memory import available_memory


@pytest.mark.parametrize(
    ("files", "memory"),
    [
        ({"proc/meminfo": "MemTotal: 900000 kB\nMemAvailable: 819200 kB\n"}, 800),
        ({"proc/meminfo": "MemAvailable: 819200 kB\n", "sys/fs/cgroup/memory.max": "max\n"}, 800),
        ({"proc/meminfo": "MemAvailable: 819200 kB\n", "sys/fs/cgroup/memory.max": "268435456\n"}, 256),
        ({"proc/meminfo": "MemAvailable: 819200 kB\n", "sys/fs/cgroup/memory.max": "4294967296\n"}, 800),
        (
            {
                "proc/meminfo": "MemAvailable: 819200 kB\n",
                "proc/self/cgroup": "0::/system.slice/job.scope\n",
                "sys/fs/cgroup/system.slice/memory.max": "536870912\n",
                "sys/fs/cgroup/system.slice/memory.current": "104857600\n",
                "sys/fs/cgroup/system.slice/job.scope/memory.max": "max\n",
            },
            412,
        ),
        (
            {
                "proc/meminfo": "MemAvailable: 819200 kB\n",
                "proc/self/cgroup": "4:cpuacct,memory:/docker/1\n0::/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "314572800\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "314572800\n",
                "sys/fs/cgroup/memory/memory.stat": "total_cache 1\ntotal_inactive_file 104857600\n",
            },
            100,
        ),
        (
            {
                "proc/meminfo": "MemAvailable: 819200 kB\n",
                "sys/fs/cgroup/memory.max": "1048576\n",
                "sys/fs/cgroup/memory.current": "9048576\n",
            },
            0,
        ),
        ({"proc/meminfo": "MemTotal: 900000 kB\n"}, None),
        ({}, None),
    ],
    ids=[
        "machine",
        "no-limit",
        "container",
        "limit-above",
        "group-around",
        "version-1",
        "full",
        "old-kernel",
        "no-proc",
    ],
)
def test_it_is_what_the_machine_has_or_what_the_container_may_take(
    tmp_path: Path, files: dict[str, str], memory: int | None
) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="ascii")
    assert available_memory(tmp_path) == memory
