"""The worker processes of a run of `edgener map`: tests and tools find them, and change what they do."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from tools.measured import children

HOOK = """
import sys
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "edgener.corpora.worker" and Finder in sys.meta_path:
            sys.meta_path.remove(Finder)
            import before_worker
sys.meta_path.insert(0, Finder)
"""


def path_with_hook(folder: Path, code: str) -> str:
    """Return a PYTHONPATH on which every Python runs this code before it imports the worker; ``folder`` holds it."""
    (folder / "before_worker.py").write_text(code, encoding="utf-8")
    (folder / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])


def workers(parent: int) -> list[int]:
    """Return the process ids of the workers of a run."""
    return [process for process in children().get(parent, []) if is_worker(process)]


def is_worker(process: int) -> bool:
    """Return True if a process is a worker of a job and has not ended."""
    with suppress(OSError):
        return b"spawn_main" in Path(f"/proc/{process}/cmdline").read_bytes()
    return False
