"""Each way in which a bundle can be bad has its own error, exit code and message, which names the file."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener import BundleError, Recognizer
from edgener.bundle import (
    CARD,
    FORMAT_VERSION,
    GOLDEN,
    GRAPH,
    LONGEST_MANIFEST,
    MANIFEST,
    TOKENIZER,
    File,
    describe_file,
    load_bundle,
)
from edgener.errors import (
    BundleMissingError,
    BundleUnreadableError,
    ChecksumError,
    EdgenerError,
    FormatVersionError,
    GraphError,
    ManifestError,
    SignatureError,
    TokenizerError,
    UnsafePathError,
)
from edgener.tags import TagSet
from tests.support import (
    TINY_BUNDLE,
    change_manifest,
    read_manifest,
    replace_file,
    run_main,
    tensor_changed,
    without_rights,
)

WEIGHTS = f"{GRAPH}.data"


class Bad(NamedTuple):
    """A kind of damage and what is said about it."""

    damage: Callable[[Path], object]
    error: type[BundleError]
    file: str
    message: str


def flip_byte(name: str, position: int = 100) -> Callable[[Path], object]:
    """Damage: one bit of a file."""

    def damage(bundle: Path) -> None:
        content = bytearray((bundle / name).read_bytes())
        content[position] ^= 1
        (bundle / name).write_bytes(content)

    return damage


def cut(name: str) -> Callable[[Path], object]:
    """Damage: the last byte of a file is gone."""
    return lambda bundle: (bundle / name).write_bytes((bundle / name).read_bytes()[:-1])


def link_out(name: str) -> Callable[[Path], object]:
    """Damage: a file became a link to its former content elsewhere."""

    def damage(bundle: Path) -> None:
        outside = bundle.parent / "elsewhere"
        (bundle / name).rename(outside)
        (bundle / name).symlink_to(outside)

    return damage


def dangle(name: str) -> Callable[[Path], object]:
    """Damage: a file became a link to nowhere."""

    def damage(bundle: Path) -> None:
        (bundle / name).unlink()
        (bundle / name).symlink_to(bundle / "nowhere")

    return damage


def list_file(name: str) -> Callable[[Path], object]:
    """Damage: the manifest lists one more file, which is there for those who follow its name."""

    def damage(bundle: Path) -> None:
        (bundle.parent / "secret").write_bytes(b"secret")
        secret = describe_file(bundle.parent / "secret")
        change_manifest(bundle, files={**read_manifest(bundle).files, name: secret})

    return damage


def put_directory(name: str) -> Callable[[Path], object]:
    """Damage: a directory in the place of a file."""

    def damage(bundle: Path) -> None:
        (bundle / name).unlink()
        (bundle / name).mkdir()

    return damage


def write_manifest(content: bytes) -> Callable[[Path], object]:
    """Damage: another manifest."""
    return lambda bundle: (bundle / MANIFEST).write_bytes(content)


def write_manifest_field(name: str, value: object) -> Callable[[Path], object]:
    """Damage: a field of the manifest is of another value, or type."""

    def damage(bundle: Path) -> None:
        plain = json.loads((bundle / MANIFEST).read_bytes())
        (bundle / MANIFEST).write_text(json.dumps({**plain, name: value}), encoding="utf-8")

    return damage


def change(**changes: object) -> Callable[[Path], object]:
    """Damage: fields of the manifest that the graph does not agree with."""
    return lambda bundle: change_manifest(bundle, **changes)


def replace_content(name: str, content: bytes) -> Callable[[Path], object]:
    """Damage: a file of other content that the manifest agrees with."""
    return lambda bundle: replace_file(bundle, name, content)


def drop_listed(name: str) -> Callable[[Path], object]:
    """Damage: the manifest does not list a file that every bundle has."""

    def damage(bundle: Path) -> None:
        files = read_manifest(bundle).files
        change_manifest(bundle, files={other: file for other, file in files.items() if other != name})

    return damage


def drop_vocabulary_entry(bundle: Path) -> None:
    """Damage: tokenizer.json knows one character less than the graph."""
    plain = json.loads((bundle / TOKENIZER).read_bytes())
    plain["model"]["vocab"].popitem()
    replace_file(bundle, TOKENIZER, json.dumps(plain).encode())


BAD = {
    "no directory": Bad(shutil.rmtree, BundleMissingError, MANIFEST, "not found"),
    "manifest missing": Bad(lambda b: (b / MANIFEST).unlink(), BundleMissingError, MANIFEST, "not found"),
    "graph missing": Bad(lambda b: (b / GRAPH).unlink(), BundleMissingError, GRAPH, "not found"),
    "weights missing": Bad(lambda b: (b / WEIGHTS).unlink(), BundleMissingError, WEIGHTS, "not found"),
    "manifest is a directory": Bad(put_directory(MANIFEST), BundleUnreadableError, MANIFEST, "Is a directory"),
    "not JSON": Bad(write_manifest(b"{"), ManifestError, MANIFEST, "is not JSON"),
    "not UTF-8": Bad(write_manifest(b"\xff\xfe\xfd"), ManifestError, MANIFEST, "is not JSON"),
    "nested too deep": Bad(write_manifest(b"[" * 100_000), ManifestError, MANIFEST, "is not JSON"),
    "huge manifest": Bad(write_manifest(b" " * (LONGEST_MANIFEST + 1)), ManifestError, MANIFEST, "larger"),
    "no object": Bad(write_manifest(b"[]"), ManifestError, MANIFEST, "format_version"),
    "another program's": Bad(write_manifest(b"{}"), ManifestError, MANIFEST, "format_version"),
    "version is no number": Bad(write_manifest_field("format_version", "1"), ManifestError, MANIFEST, "format_version"),
    "newer version": Bad(change(format_version=FORMAT_VERSION + 1), FormatVersionError, MANIFEST, "update edgener"),
    "older version": Bad(change(format_version=0), FormatVersionError, MANIFEST, "export the model again"),
    "unknown field": Bad(write_manifest_field("colour", 1), ManifestError, MANIFEST, "colour is unknown"),
    "field of another type": Bad(write_manifest_field("max_tokens", "64"), ManifestError, MANIFEST, "expected int"),
    "lone surrogate": Bad(write_manifest_field("name", "\ud800"), ManifestError, MANIFEST, "surrogates not allowed"),
    "window without room": Bad(change(max_tokens=7), ManifestError, MANIFEST, "max_tokens is 7"),
    "unknown scheme": Bad(change(scheme="XYZ"), ManifestError, MANIFEST, "'XYZ' is unknown"),
    "incomplete tags": Bad(change(tags=("O", "B-PER")), ManifestError, MANIFEST, "complete BIOES"),
    "card not listed": Bad(drop_listed(CARD), ManifestError, MANIFEST, f"lists no {CARD}"),
    "name with ..": Bad(list_file("../secret"), UnsafePathError, MANIFEST, "'../secret' leaves the bundle"),
    "absolute name": Bad(list_file("/etc/hostname"), UnsafePathError, MANIFEST, "leaves the bundle"),
    "parent as name": Bad(list_file(".."), UnsafePathError, MANIFEST, "'..' leaves the bundle"),
    "name in a folder": Bad(list_file("sub/file"), UnsafePathError, MANIFEST, "leaves the bundle"),
    "name with NUL": Bad(list_file("a\0b"), UnsafePathError, MANIFEST, "leaves the bundle"),
    "symbolic link": Bad(link_out(WEIGHTS), UnsafePathError, WEIGHTS, "is a link"),
    "dangling link": Bad(dangle(GRAPH), UnsafePathError, GRAPH, "is a link"),
    "directory as a file": Bad(put_directory(GRAPH), UnsafePathError, GRAPH, "no plain file"),
    "flipped byte of the graph": Bad(flip_byte(GRAPH), ChecksumError, GRAPH, "SHA-256"),
    "flipped byte of the weights": Bad(flip_byte(WEIGHTS), ChecksumError, WEIGHTS, "SHA-256"),
    "flipped byte of the card": Bad(flip_byte(CARD), ChecksumError, CARD, "SHA-256"),
    "cut weights": Bad(cut(WEIGHTS), ChecksumError, WEIGHTS, "bytes, the manifest says"),
    "cut golden cases": Bad(cut(GOLDEN), ChecksumError, GOLDEN, "bytes, the manifest says"),
    "graph is no ONNX": Bad(replace_content(GRAPH, b"not a graph"), GraphError, GRAPH, "onnxruntime"),
    "graph is empty": Bad(replace_content(GRAPH, b""), GraphError, GRAPH, "onnxruntime"),
    "weights are too short": Bad(replace_content(WEIGHTS, b"\0"), GraphError, GRAPH, "onnxruntime"),
    "labels do not fit": Bad(change(tags=TagSet.of("BIOES", "ABCD").tags), SignatureError, GRAPH, "lists 17 tags"),
    "output of another name": Bad(tensor_changed(name="y"), SignatureError, GRAPH, "not those of the manifest"),
    "output of another type": Bad(tensor_changed(dtype="float16"), SignatureError, GRAPH, "not those of the manifest"),
    "no inputs": Bad(change(inputs=()), SignatureError, GRAPH, "not those of the manifest"),
    "tokenizer is none": Bad(replace_content(TOKENIZER, b"{}"), TokenizerError, TOKENIZER, "tokenizer"),
    "tokenizer of another model": Bad(drop_vocabulary_entry, TokenizerError, TOKENIZER, "the model knows"),
}
every_bad = pytest.mark.parametrize("bad", BAD.values(), ids=list(BAD))


@every_bad
def test_each_bad_bundle_has_its_own_error(bundle: Path, bad: Bad) -> None:
    bad.damage(bundle)
    with pytest.raises(BundleError) as caught:
        Recognizer.load(bundle)
    assert type(caught.value) is bad.error
    assert str(bundle / bad.file) in str(caught.value)
    assert bad.message in str(caught.value)


@every_bad
def test_the_command_line_ends_with_the_code_of_the_error(bundle: Path, bad: Bad) -> None:
    bad.damage(bundle)
    for command in (["--model", str(bundle), "王小明"], ["check", str(bundle)]):
        finished = run_main(*command)
        assert finished.code == bad.error.exit_code
        assert finished.output == b""
        assert finished.errors.startswith(f"edgener: {bundle / bad.file}: ")
        assert finished.errors.count("\n") == 1


@pytest.mark.parametrize(
    ("kind", "message"),
    {
        "no directory": "not found; give the directory of a model bundle",
        "graph missing": "not found, but the manifest lists it; copy the bundle again",
        "huge manifest": "larger than any manifest; copy the bundle again",
        "another program's": "has no format_version; it is not a manifest of edgener",
        "newer version": "format version 2, but this edgener reads version 1; update edgener",
        "older version": "format version 0, but this edgener reads version 1; export the model again",
        "window without room": "max_tokens is 7; no text fits into that",
        "card not listed": f"lists no {CARD}",
        "name with ..": "file name '../secret' leaves the bundle; do not use this bundle",
        "symbolic link": "is a link or no plain file; copy the bundle with its links followed",
        "flipped byte of the card": "is not the file that was packed (SHA-256 differs); copy the bundle again",
        "labels do not fit": "gives 13 values a token, but the manifest lists 17 tags",
    }.items(),
)
def test_each_message_tells_the_remedy(bundle: Path, kind: str, message: str) -> None:
    bad = BAD[kind]
    bad.damage(bundle)
    with pytest.raises(BundleError) as caught:
        Recognizer.load(bundle)
    assert str(caught.value) == f"{bundle / bad.file}: {message}"


def test_a_path_with_a_nul_is_told_as_one_that_does_not_exist() -> None:
    with pytest.raises(BundleMissingError) as caught:
        Recognizer.load("a\0b")
    assert str(caught.value) == "a\0b/manifest.json: not found; give the directory of a model bundle"


def test_a_file_of_another_size_is_told_with_both_sizes(bundle: Path) -> None:
    size = (bundle / GOLDEN).stat().st_size
    cut(GOLDEN)(bundle)
    with pytest.raises(ChecksumError) as caught:
        load_bundle(bundle)
    message = f"has {size - 1} bytes, the manifest says {size}; copy the bundle again"
    assert str(caught.value) == f"{bundle / GOLDEN}: {message}"


@pytest.mark.parametrize("name", ["", ".", "a\\b"])
def test_names_that_are_no_files_leave_the_bundle(bundle: Path, name: str) -> None:
    list_file(name)(bundle)
    with pytest.raises(UnsafePathError, match="leaves the bundle"):
        load_bundle(bundle)


def test_the_largest_manifest_and_the_smallest_window_are_read(bundle: Path) -> None:
    change_manifest(bundle, max_tokens=8)
    text = (bundle / MANIFEST).read_text(encoding="utf-8")
    (bundle / MANIFEST).write_bytes(text.encode().ljust(LONGEST_MANIFEST))
    assert load_bundle(bundle).manifest.max_tokens == 8


def test_no_two_errors_share_an_exit_code() -> None:
    classes: list[type[EdgenerError]] = [EdgenerError]
    for cls in classes:
        classes.extend(sub for sub in cls.__subclasses__() if sub.__module__ == "edgener.errors")
    codes = [cls.exit_code for cls in classes]
    assert len(codes) == len(set(codes)) == 24


@pytest.mark.parametrize("locked", ["", MANIFEST, GRAPH, WEIGHTS], ids=["directory", "manifest", "graph", "weights"])
def test_a_bundle_without_permission_is_unreadable(locked: str) -> None:
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o755)
        bundle = shutil.copytree(TINY_BUNDLE, Path(parent) / "bundle")
        (bundle / locked).chmod(0)
        try:
            with without_rights():
                finished = run_main("check", str(bundle))
        finally:
            (bundle / locked).chmod(0o755)
    assert finished.code == BundleUnreadableError.exit_code
    assert finished.errors == f"edgener: {bundle / (locked or MANIFEST)}: cannot be read: Permission denied\n"


def test_flipped_bits_of_the_manifest_are_survived(bundle: Path) -> None:
    content = (bundle / MANIFEST).read_bytes()
    for position in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[position] ^= 1 << position % 8
        (bundle / MANIFEST).write_bytes(damaged)
        with suppress(BundleError):
            load_bundle(bundle)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_manifest_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    bundle = tmp_path_factory.getbasetemp()
    (bundle / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError):
        load_bundle(bundle)


def test_files_that_the_manifest_does_not_list_are_none_of_its_business(bundle: Path) -> None:
    (bundle / "notes.txt").write_text("mine", encoding="utf-8")
    assert load_bundle(bundle).manifest == read_manifest(bundle)


def test_the_manifest_has_one_text(bundle: Path) -> None:
    assert read_manifest(bundle).to_json().encode() == (bundle / MANIFEST).read_bytes()


def test_describe_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert describe_file(tmp_path / "file") == File(3, digest)
