"""The page of exit codes names every error of the three packages, with its code."""

from __future__ import annotations

import re

import edgener.errors
import edgener_edge.errors
import edgener_export.errors
from edgener import BundleError, EdgenerError
from tests.support import ROOT

MODULES = (edgener.errors, edgener_export.errors, edgener_edge.errors)
FAMILIES = {1, 10, 30, 40}
"""Codes of the base classes, which nothing raises."""
ROW = re.compile(r"^\| (?P<code>\d+) \| `(?P<name>\w+)` \|", re.MULTILINE)


def test_every_error_is_listed_with_its_code() -> None:
    raised = {
        (error.exit_code, error.__name__)
        for module in MODULES
        for error in vars(module).values()
        if isinstance(error, type) and issubclass(error, EdgenerError) and error.exit_code not in FAMILIES
    }
    bundle = {(error.exit_code, error.__name__) for error in BundleError.__subclasses__()}
    listed = {
        page: {(int(row["code"]), row["name"]) for row in ROW.finditer((ROOT / "docs" / page).read_text("utf-8"))}
        for page in ("troubleshooting.md", "bundle.md")
    }
    assert listed["bundle.md"] == bundle
    assert listed["troubleshooting.md"] == raised - bundle
