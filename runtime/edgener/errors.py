"""Errors that edgener reports, each kind with the exit code that the command line ends with.

EdgenerError                    1
├── UsageError                  2  arguments that make no sense together
├── InputError                  3  a text file that cannot be read, or is no text
├── OutputError                 4  a place that cannot be written: disk full, no permission
├── MachineError                5  a machine that the recognizer cannot run on
├── KeyFileError                6  a key or signature file that cannot be read, or is none
├── MissingExtraError           7  an optional package that is not installed
├── ProviderError               8  an execution provider that is not there
├── MixedJobError               9  an output folder that holds results of other inputs, another model or other options
├── IncompleteError            24  parts of a corpus that could not be annotated
└── BundleError                10  a model bundle that cannot be used
    ├── BundleMissingError     11  its directory, or a file of it, is not there
    ├── BundleUnreadableError  12  it is there and cannot be read
    ├── ManifestError          13  manifest.json does not say what the format asks for
    ├── FormatVersionError     14  written in a format that this version does not know
    ├── UnsafePathError        15  a file name that leaves the bundle, or a symbolic link
    ├── ChecksumError          16  a file is not the one that was packed
    ├── GraphError             17  not an ONNX graph that onnxruntime can run
    ├── SignatureError         18  the graph's inputs, outputs or labels do not fit the manifest
    ├── TokenizerError         19  tokenizer.json cannot be used
    ├── GoldenError            20  the model does not give the answers that it was packed with
    ├── UnsignedError          21  it has no signature, but this device asks for one
    ├── WrongKeyError          22  it was signed with another key than the trusted one, or --key is another
    └── ForgedError            23  its manifest or its signature was changed after signing
"""

from __future__ import annotations

from typing import ClassVar


def how_to_install(*extras: str) -> str:
    """Return the command that installs extras; it works in a clone, since no package index has edgener."""
    return f"pip install '.[{','.join(extras)}]' in a clone of edgener"


class EdgenerError(Exception):
    """The base of all errors that edgener reports; each message names the file and the remedy."""

    exit_code: ClassVar[int] = 1


class UsageError(EdgenerError):
    """Arguments that make no sense together."""

    exit_code = 2


class InputError(EdgenerError):
    """A text file that cannot be read, is no text, or is in another encoding."""

    exit_code = 3


class OutputError(EdgenerError):
    """A place that cannot be written."""

    exit_code = 4


class MachineError(EdgenerError):
    """A machine that the recognizer cannot run on; ``edgener doctor`` says why."""

    exit_code = 5


class KeyFileError(EdgenerError):
    """A key or signature file that cannot be read, or a key file that holds none."""

    exit_code = 6


class MissingExtraError(EdgenerError):
    """An optional package that is not installed; the message says how to install it."""

    exit_code = 7


class ProviderError(EdgenerError):
    """The execution provider that was asked for is not in this onnxruntime, or does not work on this machine."""

    exit_code = 8


class MixedJobError(EdgenerError):
    """An output folder holds results that were made of other inputs, with another model or with other options."""

    exit_code = 9


class IncompleteError(EdgenerError):
    """Some parts of a corpus could not be annotated; the message names them, and all others are done."""

    exit_code = 24


class BundleError(EdgenerError):
    """A model bundle that cannot be used."""

    exit_code = 10


class BundleMissingError(BundleError):
    """The bundle's directory, or a file that its manifest lists, is not there."""

    exit_code = 11


class BundleUnreadableError(BundleError):
    """The bundle is there and cannot be read: permissions, or a broken disk."""

    exit_code = 12


class ManifestError(BundleError):
    """manifest.json is not JSON, or does not say what the format asks for."""

    exit_code = 13


class FormatVersionError(BundleError):
    """The bundle is written in a format that this version does not know."""

    exit_code = 14


class UnsafePathError(BundleError):
    """A file name that leaves the bundle, or a symbolic link in it."""

    exit_code = 15


class ChecksumError(BundleError):
    """A file of the bundle is not the one that was packed."""

    exit_code = 16


class GraphError(BundleError):
    """The graph is no ONNX, or none that this onnxruntime can run."""

    exit_code = 17


class SignatureError(BundleError):
    """The graph's inputs, outputs or labels do not fit the manifest."""

    exit_code = 18


class TokenizerError(BundleError):
    """tokenizer.json cannot be used, or does not fit the graph."""

    exit_code = 19


class GoldenError(BundleError):
    """The model does not give the answers that it was packed with."""

    exit_code = 20


class UnsignedError(BundleError):
    """The bundle has no signature, but this device takes only signed ones."""

    exit_code = 21


class WrongKeyError(BundleError):
    """The bundle was signed with another key than the trusted one, or the key that was given is another."""

    exit_code = 22


class ForgedError(BundleError):
    """manifest.json, or its signature, was changed after it was signed."""

    exit_code = 23
