"""Errors of the host, each kind with the exit code that ``edgener-export`` ends with.

edgener.EdgenerError
└── ExportError           30
    ├── RecipeError       31  a recipe that asks for something that does not exist
    ├── CorpusError       32  labelled data that cannot be read; names the file and the line
    ├── CheckpointError   33  a checkpoint that is not there, or does not fit
    ├── DownloadError     34  data that could not be fetched, or is not what was pinned
    ├── GateError         35  the model is not good enough to be packed
    ├── ReportError       36  a run that left no report
    └── BusyError         37  a run that another command works on
"""

from __future__ import annotations

from edgener.errors import EdgenerError


class ExportError(EdgenerError):
    """Anything that the exporter reports."""

    exit_code = 30


class RecipeError(ExportError):
    """A recipe that asks for something that does not exist."""

    exit_code = 31


class CorpusError(ExportError):
    """Labelled data that cannot be read; the message names the file and the line."""

    exit_code = 32


class CheckpointError(ExportError):
    """A checkpoint that is not there, or does not fit the recipe."""

    exit_code = 33


class DownloadError(ExportError):
    """Data that could not be fetched, or that is not what was pinned."""

    exit_code = 34


class GateError(ExportError):
    """A model that is not good enough to be packed."""

    exit_code = 35


class ReportError(ExportError):
    """A run that left no report."""

    exit_code = 36


class BusyError(ExportError):
    """A run that another command works on."""

    exit_code = 37
