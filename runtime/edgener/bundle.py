"""A model bundle: one directory, one model. docs/bundle.md explains the format; this file defines it."""

from __future__ import annotations

import hashlib
import json
import stat
from dataclasses import dataclass
from pathlib import Path

from edgener.built_in import bundle_directory
from edgener.bundle_rules import BundleRules
from edgener.dataclass_json import RecordError, from_plain, to_plain
from edgener.errors import (
    BundleMissingError,
    BundleUnreadableError,
    ChecksumError,
    FormatVersionError,
    ManifestError,
    UnsafePathError,
)
from edgener.normalization import Normalization
from edgener.providers import CPU
from edgener.rules import Rules
from edgener.score_calibration import Calibration
from edgener.tags import TagSet

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.minisig"
GRAPH = "model.onnx"
TOKENIZER = "tokenizer.json"
GOLDEN = "golden.json"
CARD = "README.md"
FP16_GRAPH = "model.fp16.onnx"
FP16_GOLDEN = "golden.fp16.json"
FP16_FILES = (FP16_GRAPH, f"{FP16_GRAPH}.data", FP16_GOLDEN)
"""Names of the files for GPUs, in a bundle that has them: the CPU opens none of them."""
REQUIRED = (GRAPH, TOKENIZER, GOLDEN, CARD)
LONGEST_MANIFEST = 1 << 20
"""Bytes. A larger file is no manifest, and is not read."""
LEAST_TOKENS = 8
"""Fewest tokens of a window; no text fits into fewer."""


@dataclass(frozen=True)
class File:
    """A file of the bundle, named without any directory."""

    size: int
    """Bytes."""
    sha256: str
    """Lower-case hexadecimal digest of the content."""


@dataclass(frozen=True)
class Tensor:
    """An input or output of the graph."""

    name: str
    """Its name in the graph."""
    dtype: str
    """numpy's name of the element type."""
    shape: tuple[str, ...]
    """Names of the free axes, numbers of the fixed ones."""


@dataclass(frozen=True)
class Source:
    """Weights or data that the model was made from."""

    role: str
    """``base weights``, ``teacher``, ``training data``, ``unlabelled text`` ..."""
    name: str
    """Name of the weights or data where they come from."""
    license: str
    """SPDX identifier where there is one, else in words."""
    note: str
    """A note on how it was made or taken, for people."""


@dataclass(frozen=True)
class Quality:
    """A measured score of one graph on one data set."""

    data: str
    """Name of the data set and of its part."""
    sentences: int
    """Number of sentences that were scored."""
    graph: str
    """``fp32``, ``int8`` or ``fp16``."""
    precision: float
    """Percent of the found entities that are exactly right."""
    recall: float
    """Percent of the expected entities that were found exactly."""
    f1: float
    """Harmonic mean of the two, in percent."""


@dataclass(frozen=True)
class Manifest:
    """The content of manifest.json."""

    format_version: int
    """The format that this file defines; see FORMAT_VERSION."""
    name: str
    """Name of the model, for people and logs."""
    created_by: str
    """Program and version that wrote the bundle."""
    scheme: str
    """Tagging scheme: see edgener.tags.SCHEMES."""
    tags: tuple[str, ...]
    """Tags that the last axis of the output stands for, in this order."""
    max_tokens: int
    """Longest row of tokens that the model may be given, special tokens included."""
    vocabulary_size: int
    """Rows of the embedding table, and entries of tokenizer.json."""
    precision: str
    """``int8``, ``fp16`` or ``fp32``."""
    quantization: dict[str, str]
    """The settings that the weights were quantized with."""
    inputs: tuple[Tensor, ...]
    """Inputs of the graph."""
    outputs: tuple[Tensor, ...]
    """Outputs of the graph; the last axis of the first one holds the tags."""
    lineage: tuple[Source, ...]
    """Everything that the model was made from."""
    quality: tuple[Quality, ...]
    """Scores that were measured on the host."""
    files: dict[str, File]
    """Every other file of the bundle, by name."""
    normalization: Normalization | None = None
    """Rules that change the text for the model and correct spans; None where there are none."""
    calibration: Calibration | None = None
    """Numbers that turn the model's probabilities into shares of right answers; None where they were not measured."""
    rules: BundleRules | None = None
    """Rules of whoever made the bundle, which those of an operator add to or override; None where there are none."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Return the names of the aliases that the encoder needs."""
        return self.normalization.aliases if self.normalization else ()

    @property
    def span_rules(self) -> tuple[str, ...]:
        """Return the names of the rules that correct the model's spans."""
        return self.normalization.span_rules if self.normalization else ()

    @property
    def tag_set(self) -> TagSet:
        """The tags with their scheme."""
        return TagSet(self.scheme, self.tags)

    @property
    def size(self) -> int:
        """Bytes of all other files."""
        return sum(file.size for file in self.files.values())

    def to_json(self) -> str:
        """Return the text of manifest.json; the same manifest always gives the same text.

        Optional parts that are None are left out, as they are in bundles that were made before there were such parts.
        """
        plain = {name: value for name, value in to_plain(self).items() if value is not None}
        return json.dumps(plain, ensure_ascii=False, indent=1) + "\n"


@dataclass(frozen=True)
class Bundle:
    """A bundle whose version and checksums were verified."""

    directory: Path
    """Directory of the bundle's files."""
    manifest: Manifest
    """Manifest, which describes the bundle's files."""

    def path(self, name: str) -> Path:
        """Return the path of one of the bundle's files."""
        return self.directory / name

    def graph(self, provider: str) -> Path:
        """Return the graph that ``provider`` computes: the fp16 graph on a GPU, if there is one."""
        return self.path(FP16_GRAPH if self._has_fp16_for(provider) else GRAPH)

    def golden(self, provider: str) -> Path:
        """Return the path of the golden cases of the graph that ``provider`` computes."""
        return self.path(FP16_GOLDEN if self._has_fp16_for(provider) else GOLDEN)

    @property
    def rules(self) -> Rules | None:
        """Return the rules that travel with the model, if there are any, with the paths of their files."""
        return self.manifest.rules.in_directory(self.directory) if self.manifest.rules else None

    def _has_fp16_for(self, provider: str) -> bool:
        return provider != CPU and FP16_GRAPH in self.manifest.files


def load_bundle(name: str | Path, provider: str | None = None) -> Bundle:
    """Read and verify the bundle in a directory, or the built-in one for the string ``default``.

    Version, names, sizes and checksums of all files are checked; those that ``provider`` has no use for, where one is
    given, are not opened for it. Raises a BundleError that names the file and the remedy.
    """
    directory = bundle_directory(name)
    manifest = read_manifest(directory / MANIFEST)
    unopened = FP16_FILES if provider == CPU else ()
    for name, file in manifest.files.items():
        _verify(directory, name, file, is_opened=name not in unopened)
    return Bundle(directory, manifest)


def describe_file(path: Path) -> File:
    """Size and digest of a file, as a manifest lists them."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return File(stream.tell(), digest)


def read_manifest_bytes(path: Path) -> bytes:
    """Content of a manifest.json, unverified; raises a BundleError where it cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_MANIFEST + 1)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: no path has a NUL
        raise BundleMissingError(f"{path}: not found; give the directory of a model bundle") from error
    except OSError as error:
        raise BundleUnreadableError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > LONGEST_MANIFEST:
        raise ManifestError(f"{path}: larger than any manifest; copy the bundle again")
    return content


def manifest_digest(directory: Path) -> str:
    """SHA-256 of the manifest of a bundle, which holds those of all other files; raises a BundleError without one."""
    return hashlib.sha256(read_manifest_bytes(directory / MANIFEST)).hexdigest()


def read_manifest(path: Path) -> Manifest:
    """Return the manifest in a file; raise a BundleError where it is none that this edgener reads."""
    try:
        plain = json.loads(read_manifest_bytes(path))
        json.dumps(plain, ensure_ascii=False).encode()  # no lone surrogates, which no file name or message could hold
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{path}: is not JSON ({error}); copy the bundle again") from error
    version = plain.get("format_version") if isinstance(plain, dict) else None
    if type(version) is not int:
        raise ManifestError(f"{path}: has no format_version; it is not a manifest of edgener")
    if version != FORMAT_VERSION:
        raise FormatVersionError(
            f"{path}: format version {version}, but this edgener reads version {FORMAT_VERSION}; "
            + ("update edgener" if version > FORMAT_VERSION else "export the model again")
        )
    try:
        manifest = from_plain(Manifest, plain)
        labels = manifest.tag_set.labels
        if manifest.rules:
            manifest.rules.verify(labels, manifest.files)
    except (RecordError, ManifestError) as error:
        raise ManifestError(f"{path}: {error}") from error
    for name in REQUIRED:
        if name not in manifest.files:
            raise ManifestError(f"{path}: lists no {name}")
    if FP16_GRAPH in manifest.files and FP16_GOLDEN not in manifest.files:
        raise ManifestError(f"{path}: lists {FP16_GRAPH}, but no {FP16_GOLDEN}")
    if manifest.max_tokens < LEAST_TOKENS:
        raise ManifestError(f"{path}: max_tokens is {manifest.max_tokens}; no text fits into that")
    return manifest


def _verify(directory: Path, name: str, expected: File, *, is_opened: bool) -> None:
    path = directory / name
    if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise UnsafePathError(f"{directory / MANIFEST}: file name {name!r} leaves the bundle; do not use this bundle")
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise UnsafePathError(f"{path}: is a link or no plain file; copy the bundle with its links followed")
        if status.st_size != expected.size:
            raise ChecksumError(
                f"{path}: has {status.st_size} bytes, the manifest says {expected.size}; copy the bundle again"
            )
        found = describe_file(path) if is_opened else expected
    except FileNotFoundError as error:
        raise BundleMissingError(f"{path}: not found, but the manifest lists it; copy the bundle again") from error
    except OSError as error:
        raise BundleUnreadableError(f"{path}: cannot be read: {error.strerror}") from error
    if found != expected:
        raise ChecksumError(f"{path}: is not the file that was packed (SHA-256 differs); copy the bundle again")
