"""CHANGELOG keeps the form of Keep a Changelog: dated versions, newest first, with the usual sections."""

from __future__ import annotations

import datetime
import re

import edgener
from tests.support import ROOT

TEXT = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
VERSION = re.compile(r"^## \[(?P<version>\d+\.\d+\.\d+)\] - (?P<date>\S+)$", re.MULTILINE)
SECTIONS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_changes_of_the_next_release_come_first() -> None:
    assert re.findall(r"^## .*", TEXT, re.MULTILINE)[0] == "## [Unreleased]"


def test_versions_are_dated_and_the_newest_comes_first() -> None:
    headings = re.findall(r"^## .*", TEXT, re.MULTILINE)[1:]
    released = [match for heading in headings for match in VERSION.finditer(heading)]
    assert len(released) == len(headings) > 0
    dates = [datetime.date.fromisoformat(match["date"]) for match in released]
    versions = [tuple(map(int, match["version"].split("."))) for match in released]
    assert versions == sorted(set(versions), reverse=True)
    assert dates == sorted(dates, reverse=True)


def test_the_present_version_has_an_entry() -> None:
    assert edgener.__version__ in VERSION.findall(TEXT)[0]


def test_sections_are_the_usual_ones() -> None:
    assert set(re.findall(r"^### (.*)", TEXT, re.MULTILINE)) <= SECTIONS
