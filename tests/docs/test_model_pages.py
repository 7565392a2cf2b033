"""The pages about our models show the figures that the bundles' own manifests hold."""

from __future__ import annotations

import re

import pytest

from edgener.bundle import Manifest, load_bundle
from tests.support import ROOT

BUNDLES = {
    "small": "default",
    "nano": "bundles/nano",
    "pico": "bundles/pico",
    "base": "bundles/base",
    "deep": "bundles/deep",
}
NUMBER = re.compile(r"\d+\.\d+")


def figures(manifest: Manifest) -> list[str]:
    """Return F1 of the int8 graph and size in MB, as the pages write them."""
    (quality,) = (quality for quality in manifest.quality if quality.graph == "int8")
    return [f"{quality.f1:.2f}", f"{manifest.size / 1e6:.1f}"]


@pytest.mark.parametrize("page", ["docs/models.md", "docs/zh/choosing-a-model.md"])
@pytest.mark.parametrize("name", BUNDLES)
def test_first_table_has_f1_and_size_of_each_bundle(page: str, name: str) -> None:
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    row = next(line for line in lines if line.startswith(f"| **{name}**"))
    manifest = load_bundle(BUNDLES[name] if name == "small" else ROOT / BUNDLES[name]).manifest
    assert NUMBER.findall(row) == figures(manifest)


@pytest.mark.parametrize("name", BUNDLES)
def test_scores_are_those_of_the_manifest(name: str) -> None:
    manifest = load_bundle(BUNDLES[name] if name == "small" else ROOT / BUNDLES[name]).manifest
    (quality,) = (quality for quality in manifest.quality if quality.graph == "int8")
    shown = (
        f"{manifest.name} on the MSRA test set, 4631 sentences\nall  P {quality.precision:.2f}  R {quality.recall:.2f}"
    )
    assert f"{shown}  F1 {quality.f1:.2f}" in (ROOT / "docs/models.md").read_text(encoding="utf-8")
