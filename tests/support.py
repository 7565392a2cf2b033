"""Helpers that several test files share: the tiny model, text of every kind, and ways to run the command line."""

from __future__ import annotations

import errno
import importlib.util
import io
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from itertools import pairwise, takewhile
from pathlib import Path
from types import ModuleType
from typing import IO, Any, NamedTuple, NoReturn
from unittest.mock import patch

from hypothesis import strategies as st

from edgener.bundle import FP16_GOLDEN, FP16_GRAPH, GOLDEN, MANIFEST, Manifest, describe_file
from edgener.cli import main
from edgener.dataclass_json import from_plain
from edgener.entity import Entity
from edgener.providers import PROVIDERS

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
TINY_BUNDLE = DATA / "tiny-bundle"
PACKAGES = os.pathsep.join(str(ROOT / folder) for folder in ("runtime", "export", "edge"))
"""Value of PYTHONPATH with which a process finds the three packages."""
TINY_TEST = DATA / "tiny" / "test.jsonl"
"""The sentences with invented names that the tiny model was tested on."""
NOBODY = 65534
"""User id without any rights."""
PASS_SOCKET = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": sys.argv[2]}
os.execv(sys.executable, [sys.executable, "-m", "edgener", "serve", *sys.argv[3:]])
"""
"""A program that does what systemd does between fork and exec."""

FRAGMENTS = (
    "王小明在青山大学工作。",
    "昨天，李娜从云州市来到龙泉县。",
    "张伟刘洋两人去了白水镇金川",
    "２０２６年，ＡＩ小组",
    "“你认识赵丽英吗？”",
    "👨‍👩‍👧",
    "🇨🇳",
    "e\u0301\u0323",
    "한국어",
    "\u1112\u1161\u11ab",
    "İstanbul ẞ ﬁ",
    "\u2028",
    "\r\n",
    "\0",
    "\ufeff",
    "\ufffd",
    "\ud800",
    "\udcff",
    "\U0001d165\U0001d16d",
    "\u302e\u302f",
    "㍿㏂ª²",
    "𠮷野家",
    "[CLS] [MASK]",
    "ｶﾞ\u3099",
    "שָׁלוֹם مَرْحَبًا",
    "नमस्ते",
    "\u200b\u200d\u00ad",
    "supercalifragilistic" * 6,
    "．！。",
)
"""Text in which a code point is rarely a character, and a character rarely a token."""
CHARACTERS = st.characters(exclude_categories=())
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(CHARACTERS, max_size=6), max_size=10).map("".join)
"""Arbitrary Unicode, lone surrogates included."""


@st.composite
def in_pieces(draw: st.DrawFn, texts: st.SearchStrategy[str] = TEXTS) -> list[str]:
    """A text cut anywhere."""
    text = draw(texts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    return [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]


class LabelledText(NamedTuple):
    """A sentence that the tiny model knows the kind of."""

    text: str
    names: list[tuple[int, int, str]]


def labelled_texts() -> list[LabelledText]:
    """Sentences with invented names that the tiny model was tested on."""
    rows = map(json.loads, TINY_TEST.read_text(encoding="utf-8").splitlines())
    return [LabelledText(row["text"], [(e["start"], e["end"], e["label"]) for e in row["entities"]]) for row in rows]


def assert_consistent(text: str, entities: Sequence[Entity], labels: Sequence[str] = ("LOC", "ORG", "PER")) -> None:
    """Assert what always holds, whatever the text is and the model says."""
    for entity in entities:
        assert 0 <= entity.start < entity.end <= len(text)
        assert text[entity.start : entity.end] == entity.text
        assert 0 <= entity.score <= 1
        assert entity.label in labels
    assert all(left.end <= right.start for left, right in pairwise(entities))


def names(entities: Iterable[Entity]) -> list[tuple[int, int, str]]:
    """Spans and labels without text and score."""
    return [(entity.start, entity.end, entity.label) for entity in entities]


class Finished(NamedTuple):
    """The result of a command that has ended."""

    code: int
    output: bytes
    errors: str

    @property
    def rows(self) -> list[Any]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.output.splitlines()]


def run_main(*arguments: str, stdin: bytes = b"") -> Finished:
    """``edgener`` in this process, which saves its start."""
    output, errors = io.TextIOWrapper(io.BytesIO()), io.StringIO()
    with temporary_input(stdin) as input_file, patch("sys.stdin", input_file):
        with redirect_stdout(output), redirect_stderr(errors):
            code = main(arguments)
        output.flush()
        return Finished(code, output.buffer.getvalue(), errors.getvalue())


def run_tiny(*arguments: str, stdin: bytes = b"") -> Finished:
    """``run_main`` with the tiny model."""
    return run_main("--model", str(TINY_BUNDLE), *arguments, stdin=stdin)


@contextmanager
def temporary_input(content: bytes) -> Iterator[IO[bytes]]:
    """An open file without a name that holds ``content``."""
    fd = os.memfd_create("input")
    with os.fdopen(fd, "r+b") as file:
        os.write(fd, content)
        os.lseek(fd, 0, os.SEEK_SET)
        yield file


def start_tiny(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    """``edgener`` with the tiny model in a process of its own."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-m", "edgener", "--model", str(TINY_BUNDLE), *arguments]
    return subprocess.Popen(command, **{**pipes, **options})


def run_python(code: str, *arguments: str, env: dict[str, str] | None = None) -> Finished:
    """Python code in a process of its own."""
    finished = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, **(env or {})},
        check=False,
    )
    return Finished(finished.returncode, finished.stdout, finished.stderr.decode())


def run_measured(*arguments: str) -> tuple[Finished, int]:
    """``edgener`` in a process of its own, and the most kilobytes of memory that it held."""
    finished = run_python(
        """
import sys
from pathlib import Path
from edgener.cli import main
code = main(sys.argv[1:])
print(*(line.split()[1] for line in Path("/proc/self/status").open() if line.startswith("VmHWM")), file=sys.stderr)
sys.exit(code)
""",
        *arguments,
    )
    assert finished.code == 0, finished.errors
    return finished, int(finished.errors)


def load_module(path: Path) -> ModuleType:
    """Import a file that belongs to no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def missing_providers() -> list[str]:
    """Return the providers that the installed onnxruntime lacks: those for GPUs, unless the tests run with one."""
    import onnxruntime

    available = onnxruntime.get_available_providers()
    return [name for name, (first, *_) in PROVIDERS.items() if first not in available]


def read_manifest(bundle: Path) -> Manifest:
    """The manifest of a bundle, unverified."""
    return from_plain(Manifest, json.loads((bundle / MANIFEST).read_bytes()))


def change_manifest(bundle: Path, **changes: Any) -> None:
    """Write other values of some fields."""
    (bundle / MANIFEST).write_text(replace(read_manifest(bundle), **changes).to_json(), encoding="utf-8")


def replace_file(bundle: Path, name: str, content: bytes) -> None:
    """Other content of a file, with a manifest that agrees."""
    (bundle / name).write_bytes(content)
    change_manifest(bundle, files={**read_manifest(bundle).files, name: describe_file(bundle / name)})


def add_graph_for_gpus(bundle: Path) -> None:
    """Add golden cases for GPUs, and a file that stands for their graph, which nothing can run."""
    files = read_manifest(bundle).files
    for name in (FP16_GRAPH, FP16_GOLDEN):
        (bundle / name).write_bytes((bundle / GOLDEN).read_bytes())
    change_manifest(bundle, files={**files, FP16_GRAPH: files[GOLDEN], FP16_GOLDEN: files[GOLDEN]})


def tensor_changed(**changes: Any) -> Callable[[Path], None]:
    """Damage: the manifest describes the graph's first output otherwise."""

    def damage(bundle: Path) -> None:
        (output,) = read_manifest(bundle).outputs
        change_manifest(bundle, outputs=(replace(output, **changes),))

    return damage


def disk_full(*_arguments: object) -> NoReturn:
    """Raise the error of a full disk in the place of a function that writes."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a file")


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Files of this process and of its children cannot grow beyond ``size`` bytes, as on a disk that is full then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def open_to_all(folder: Path) -> None:
    """Let all users look into a folder of a test; the folders that pytest made around it are closed to them."""
    for closed in takewhile(lambda parent: not parent.stat().st_mode & 0o001, (folder, *folder.parents)):
        closed.chmod(0o755)


@contextmanager
def without_rights() -> Iterator[None]:
    """Files of others are closed to this process, as they are to any user but root."""
    import edgener.golden
    import edgener.installed  # noqa: F401  (a module of a checkout of root's could not be imported later)

    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
