"""A full disk, met by every library that writes for us: one error that names the file, and nothing half-written.

The operating system itself says so: no file may grow beyond a limit.
"""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from edgener.errors import OutputError
from edgener.tokenizer import Encoder
from edgener_export.checkpoint.classifier import load_classifier
from edgener_export.cli.main import main
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.files.atomic import append_line, draft_of, take_room
from edgener_export.graph.export import export_graph, external_data_path, optimize_graph
from edgener_export.graph.int8 import quantize_graph
from edgener_export.pipeline.pack import Ingredients, write_bundle
from edgener_export.recipe.settings import QuantizeSettings
from edgener_export.report.record import read_report
from edgener_export.training.batches import Example, encode_sentences
from edgener_export.training.teacher import open_teacher, with_teachers
from edgener_export.training.teacher_tags import StudentTags
from tests.export.commands import with_settings
from tests.support import TINY_BUNDLE, TINY_TEST, read_manifest

MANIFEST = read_manifest(TINY_BUNDLE)
TOKENIZER = TINY_BUNDLE / "tokenizer.json"
SHORT = {"data.limit": 60, "finetune.epochs": 1, "finetune.save_minutes": 0, "gate.f1": 0, "gate.loss": 100}


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Until it ends, this process can write no more than ``size`` bytes to a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def contents(directory: Path) -> dict[str, bytes]:
    """Every file, by its path in the directory."""
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in paths}


def export(run: Path, target: Path) -> None:
    export_graph(load_classifier(run / "model"), target / "fp32.onnx")


def quantize(run: Path, target: Path, method: str) -> None:
    rows = [np.array([2, 8, 9, 3])]
    quantize_graph(run / "fp32.onnx", target / "int8.onnx", rows, QuantizeSettings(method=method))


def optimize(run: Path, target: Path) -> None:
    optimize_graph(run / "int8.onnx", target / "model.onnx")


def pack(run: Path, target: Path) -> None:
    ingredients = Ingredients(
        name=MANIFEST.name,
        graph=run / "int8" / "model.onnx",
        tokenizer=run / "tokenizer.json",
        tag_set=MANIFEST.tag_set,
        max_tokens=MANIFEST.max_tokens,
        precision=MANIFEST.precision,
        quantization=MANIFEST.quantization,
        lineage=MANIFEST.lineage,
        limits="",
        golden_texts=[],
    )
    write_bundle(ingredients, (), target / "bundle")


@pytest.mark.parametrize(
    ("write", "named"),
    [
        pytest.param(export, "fp32.onnx", id="export"),
        pytest.param(lambda run, target: quantize(run, target, "static"), "int8.onnx", id="static"),
        pytest.param(lambda run, target: quantize(run, target, "dynamic"), "int8.onnx", id="dynamic"),
        pytest.param(optimize, "model.onnx", id="optimize"),
        pytest.param(pack, "bundle", id="pack"),
    ],
)
def test_a_stage_that_finds_no_room_leaves_nothing_and_can_be_repeated(
    tiny_run: Path, tmp_path: Path, write: Callable[[Path, Path], None], named: str
) -> None:
    with no_file_larger_than(20_000), pytest.raises(OutputError) as caught:
        write(tiny_run, tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / named}: cannot be written: ")
    assert str(caught.value).endswith("type the same command again: what was trained is not trained again")
    assert list(tmp_path.iterdir()) == []
    write(tiny_run, tmp_path)


def test_weights_outside_of_the_graph_that_find_no_room_are_told(tiny_run: Path, tmp_path: Path) -> None:
    large = external_data_path(tiny_run / "int8" / "model.onnx").stat().st_size
    graph = (tiny_run / "int8" / "model.onnx").stat().st_size
    assert large > graph
    optimize(tiny_run, tmp_path)
    with no_file_larger_than(large - 1), pytest.raises(OutputError, match=r"model\.onnx: cannot be written"):
        optimize(tiny_run, tmp_path)
    optimize(tiny_run, tmp_path)
    assert contents(tmp_path) == contents(tiny_run / "int8")


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    """Sentences that the tiny model knows."""
    sentences = read_corpus_file(TINY_TEST)
    return encode_sentences(sentences, Encoder(TOKENIZER), MANIFEST.tag_set, MANIFEST.max_tokens)


def test_what_a_teacher_says_is_kept_whole_or_not_at_all(examples: list[Example], tmp_path: Path) -> None:
    teacher = open_teacher(TINY_BUNDLE, TOKENIZER, StudentTags(MANIFEST.tag_set))

    def taught(cache: Path) -> list[bytes]:
        return [
            example.teacher.tobytes()
            for example in with_teachers(examples, [teacher], [], cache, 0)
            if example.teacher is not None
        ]

    cache = tmp_path / "teacher"
    for limit in (1000, 10):
        with no_file_larger_than(limit), pytest.raises(OutputError, match=r"teacher/.*: cannot be written"):
            taught(cache)
        assert not (cache / "done.json").exists()
    assert taught(cache) == taught(tmp_path / "undisturbed")


def test_room_is_taken_where_memory_is_mapped_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 20)
    before = path.stat()
    take_room(path)
    assert path.stat().st_size == before.st_size
    assert path.stat().st_blocks * 512 >= before.st_size > before.st_blocks * 512


def test_a_full_disk_at_any_time_ends_in_the_same_bundle(
    build_tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, undisturbed = tmp_path / "run", tmp_path / "undisturbed"
    command = [*build_tiny, *with_settings(SHORT), "--run"]

    def fails(limit: int, named: str) -> None:
        with no_file_larger_than(limit):
            assert main([*command, str(run)]) == OutputError.exit_code
        message = capsys.readouterr().err.splitlines()[-1]
        assert message.startswith(f"edgener-export: {run / named}: cannot be written: File too large; free some space")

    assert main([*command, str(undisturbed)]) == 0
    fails(500, "origin.json")
    assert contents(run).keys() == {".lock"}
    fails(100_000, "finetune/state.pt")
    assert contents(run).keys() == {".lock", "origin.json", "tokenizer.json"}
    assert main([*command, str(run)]) == 0
    assert contents(run / "bundle") == contents(undisturbed / "bundle")
    shutil.rmtree(run / "model")
    before = contents(run)
    fails(100_000, "model")
    assert contents(run) == before
    assert main([*command, str(run)]) == 0
    fails(100_000, "fp32.onnx")
    assert main([*command, str(run)]) == 0
    assert contents(run / "bundle") == contents(undisturbed / "bundle")


def test_a_report_that_finds_no_room_is_named_and_stays_as_it_was(
    tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    page, before = run / "report.html", contents(run)
    for limit, named in ((1000, run / "report" / "f1-size.svg"), (page.stat().st_size - 1, page)):
        with no_file_larger_than(limit):
            assert main(["report", str(run)]) == OutputError.exit_code
        message = capsys.readouterr().err
        assert message.startswith(f"edgener-export: {named}: cannot be written: File too large; free some space")
        assert contents(run) == before
    record = tmp_path / "report.json"
    with no_file_larger_than(1000), pytest.raises(OutputError, match=r"report\.json: cannot be written"):
        read_report(run).write(tmp_path)
    assert not record.exists()


def test_a_draft_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    with no_file_larger_than(3), pytest.raises(OutputError), draft_of(target) as draft:
        draft.write_text("newer")
    assert contents(tmp_path) == {"file": b"old"}
    with pytest.raises(UnicodeEncodeError), draft_of(target) as draft:
        draft.write_text("\ud800")
    assert contents(tmp_path) == {"file": b"old"}


def test_a_line_is_added_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    append_line(path, "first")
    for limit in (len("first\n"), len("first\nsec")):
        with no_file_larger_than(limit), pytest.raises(OutputError, match=r"metrics\.jsonl: cannot be written"):
            append_line(path, "second")
        assert path.read_text() == "first\n"
    append_line(path, "second")
    assert path.read_text() == "first\nsecond\n"
