"""A bundle whose manifest and rules change, while its model stays."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from edgener import Recognizer
from edgener.built_in import DEFAULT_BUNDLE
from edgener.bundle import FP16_GOLDEN, GOLDEN, MANIFEST, SIGNATURE, load_bundle
from edgener.bundle_rules import DICTIONARY, EXCLUDE, BundleRules
from edgener.errors import OutputError, UsageError
from edgener.golden import check_case, read_cases
from edgener.score_calibration import Calibration
from edgener_export.cli.main import main
from edgener_export.pipeline.amend import amend_bundle
from tests.support import add_graph_for_gpus, disk_full

TEXT = "王小明在青山大学工作。"
CALIBRATION = Calibration(2.0, -0.5, ())


def shown(bundle: Path) -> list[tuple[str, str]]:
    """Return text and type of each entity that a bundle finds."""
    return [(entity.text, entity.label) for entity in Recognizer.load(bundle)(TEXT)]


def test_golden_cases_and_digests_are_those_of_the_new_manifest(bundle: Path) -> None:
    (bundle / SIGNATURE).write_text("of the old manifest", encoding="utf-8")
    before = [case.text for case in read_cases(bundle / GOLDEN)]
    amend_bundle(bundle, bundle, lambda manifest: replace(manifest, calibration=CALIBRATION))
    recognizer, cases = Recognizer.load(bundle), read_cases(bundle / GOLDEN)
    assert [case.text for case in cases] == before
    for case in cases:
        assert [it.score for it in check_case(recognizer, case).found] == [it.score for it in case.entities]
        assert check_case(recognizer, case).same_logits
    assert not (bundle / SIGNATURE).exists()


def test_a_bundle_of_another_model_is_not_replaced(bundle: Path) -> None:
    other = bundle.parent / "other"
    shutil.copytree(DEFAULT_BUNDLE, other)
    with pytest.raises(OutputError, match=r"other: is a bundle of another model, small-int8"):
        amend_bundle(bundle, other, lambda manifest: manifest)
    assert load_bundle(other).manifest == load_bundle(DEFAULT_BUNDLE).manifest
    again = bundle.parent / "again"
    for _ in range(2):
        amend_bundle(bundle, again, lambda manifest: manifest)
    assert load_bundle(again).manifest.name == load_bundle(bundle).manifest.name


def test_a_bundle_is_itself_again_without_the_calibration(bundle: Path) -> None:
    before = load_bundle(bundle).manifest
    amend_bundle(bundle, bundle, lambda manifest: replace(manifest, calibration=CALIBRATION))
    amend_bundle(bundle, bundle, lambda manifest: replace(manifest, calibration=None))
    after = load_bundle(bundle).manifest
    assert {**after.files, GOLDEN: None} == {**before.files, GOLDEN: None}  # its scores are those of this processor


def test_scores_of_the_graph_for_gpus_are_calibrated_without_running_it(bundle: Path) -> None:
    add_graph_for_gpus(bundle)
    plain = read_cases(bundle / FP16_GOLDEN)
    amend_bundle(bundle, bundle, lambda manifest: replace(manifest, calibration=CALIBRATION))
    for case, other in zip(read_cases(bundle / FP16_GOLDEN), plain, strict=True):
        assert case.logits_sha256 == other.logits_sha256
        assert [it.score for it in case.entities] == [CALIBRATION.calibrated(it.score) for it in other.entities]
    with pytest.raises(UsageError, match="has a graph for GPUs"):
        amend_bundle(bundle, bundle, lambda manifest: replace(manifest, rules=BundleRules(types=("PER",))))
    same = BundleRules(min_score={"PER": 0.0})
    after = amend_bundle(bundle, bundle, lambda manifest: replace(manifest, rules=same), keeps_entities=True)
    assert after.rules == same


def test_a_full_disk_leaves_the_bundle_as_it_was(bundle: Path) -> None:
    before = {path.name: path.read_bytes() for path in bundle.iterdir()}
    with (
        patch("edgener_export.pipeline.pack.write_cases", disk_full),
        pytest.raises(OutputError, match="cannot be written"),
    ):
        amend_bundle(bundle, bundle, lambda manifest: replace(manifest, calibration=CALIBRATION))
    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == before
    assert [path.name for path in bundle.parent.iterdir()] == [bundle.name]


def test_the_command_writes_rules_adds_others_and_removes_them(bundle: Path, tmp_path: Path) -> None:
    words, excluded = tmp_path / "words.tsv", tmp_path / "excluded.txt"
    words.write_text("小明\tLOC\n", encoding="utf-8")
    excluded.write_text("青山大学\n", encoding="utf-8")
    golden = (bundle / GOLDEN).read_bytes()
    assert main(["rules", str(bundle), "--dictionary", str(words)]) == 0
    assert shown(bundle) == [("小明", "LOC"), ("青山大学", "ORG")]
    assert main(["rules", str(bundle), "--exclude", str(excluded), "--min-score", "0.25"]) == 0
    assert shown(bundle) == [("小明", "LOC")]
    rules = load_bundle(bundle).manifest.rules
    assert rules == BundleRules(DICTIONARY, EXCLUDE, dict.fromkeys(("LOC", "ORG", "PER"), 0.25), None)
    assert (bundle / GOLDEN).read_bytes() != golden
    words.write_text("青山\tLOC\n", encoding="utf-8")
    assert main(["rules", str(bundle), "--dictionary", str(words), "--min-score", "0", "--types", "LOC"]) == 0
    assert shown(bundle) == [("青山", "LOC")]
    assert load_bundle(bundle).manifest.rules == BundleRules(DICTIONARY, EXCLUDE, None, ("LOC",))
    assert main(["rules", str(bundle), "--no-bundle-rules"]) == 0
    assert shown(bundle) == [("王小明", "PER"), ("青山大学", "ORG")]
    assert b"rules" not in (bundle / MANIFEST).read_bytes()
    assert not (bundle / DICTIONARY).exists()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], 2, "give rules to write, as --dictionary FILE"),
        (["--types", "GPE"], 2, "types names 'GPE', which the model does not have"),
        (["--dictionary", "missing.tsv"], 3, "missing.tsv: cannot be read"),
    ],
)
def test_rules_that_do_not_fit_are_refused_before_anything_is_written(
    bundle: Path, options: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (bundle / MANIFEST).read_bytes()
    assert main(["rules", str(bundle), *options]) == code
    assert message in capsys.readouterr().err
    assert (bundle / MANIFEST).read_bytes() == before


def test_a_fault_between_a_new_file_and_the_bundle_s_own_names_the_user_s_file(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, excluded = tmp_path / "words.tsv", tmp_path / "excluded.txt"
    words.write_text("小明\tLOC\n", encoding="utf-8")
    excluded.write_text("小明\n", encoding="utf-8")
    assert main(["rules", str(bundle), "--dictionary", str(words)]) == 0
    assert main(["rules", str(bundle), "--exclude", str(excluded)]) == 3
    assert f"{excluded}: line 1: '小明' is a word of the dictionary, too" in capsys.readouterr().err
    assert main(["rules", str(bundle), "--exclude", str(excluded), "--no-bundle-rules"]) == 0


def test_a_file_that_lies_in_a_bundle_and_is_no_part_of_it_contradicts_nothing(bundle: Path, tmp_path: Path) -> None:
    (bundle / DICTIONARY).write_text("小明\tLOC\n", encoding="utf-8")
    excluded = tmp_path / "excluded.txt"
    excluded.write_text("小明\n", encoding="utf-8")
    assert main(["rules", str(bundle), "--exclude", str(excluded), "--output", str(tmp_path / "ruled")]) == 0
    rules = load_bundle(tmp_path / "ruled").manifest.rules
    assert rules == BundleRules(exclude=EXCLUDE)


@pytest.mark.parametrize("option", ["--dictionary", "--exclude"])
def test_a_pipe_which_is_empty_when_it_is_read_again_is_refused(
    bundle: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (bundle / MANIFEST).read_bytes()
    reading, writing = os.pipe()
    os.write(writing, "小明\tLOC\n".encode())
    os.close(writing)
    assert main(["rules", str(bundle), option, f"/dev/fd/{reading}"]) == 3
    os.close(reading)
    assert f"/dev/fd/{reading}: is no regular file; write its lines to a file" in capsys.readouterr().err
    assert (bundle / MANIFEST).read_bytes() == before


def test_the_built_in_bundle_is_not_changed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "default", "--types", "PER"]) == 2
    assert "name a directory with --output" in capsys.readouterr().err


def test_a_directory_called_default_is_not_the_built_in_bundle(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle.rename(tmp_path / "default")
    monkeypatch.chdir(tmp_path)
    assert main(["rules", "./default", "--types", "PER"]) == 0
    rules = load_bundle(tmp_path / "default").manifest.rules
    assert rules is not None
    assert rules.types == ("PER",)
