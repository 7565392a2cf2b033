"""A bundle gets other aliases and rules without a change of its model."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgener import Recognizer
from edgener.bundle import GOLDEN, MANIFEST, load_bundle
from edgener.errors import UsageError
from edgener.golden import check_case, read_cases
from edgener.normalization import normalization_of
from tests.support import add_graph_for_gpus, read_manifest
from tools.normalize_bundle import normalize

TEXT = "张伟某某和劉洋在青山大学工作。"


def test_a_normalized_bundle_has_golden_cases_of_its_own(bundle: Path) -> None:
    before = read_manifest(bundle)
    normalize(bundle, normalization_of(["simplified"], ["masked_names"]), [TEXT])
    manifest = load_bundle(bundle).manifest
    assert (manifest.aliases, manifest.span_rules) == (("simplified",), ("masked_names",))
    assert {name: file for name, file in manifest.files.items() if name != GOLDEN} == {
        name: file for name, file in before.files.items() if name != GOLDEN
    }
    (case,) = read_cases(bundle / GOLDEN)
    assert case.text == TEXT
    assert [entity.text for entity in case.entities] == ["张伟某某", "劉洋", "青山大学"]
    assert check_case(Recognizer.load(bundle), case).same_logits


def test_a_bundle_is_itself_again_without_normalization(bundle: Path) -> None:
    manifest, texts = (bundle / MANIFEST).read_bytes(), [case.text for case in read_cases(bundle / GOLDEN)]
    normalize(bundle, None, texts)
    plain = bundle / MANIFEST
    normalize(bundle, normalization_of(["simplified"], []), texts)
    assert b"normalization" in plain.read_bytes()
    normalize(bundle, None, texts)
    assert b"normalization" not in plain.read_bytes()
    assert len(manifest) == len(plain.read_bytes())


def test_a_bundle_for_gpus_is_refused(bundle: Path) -> None:
    add_graph_for_gpus(bundle)
    with pytest.raises(UsageError, match="has a graph for GPUs"):
        normalize(bundle, normalization_of(["simplified"], []), [])
