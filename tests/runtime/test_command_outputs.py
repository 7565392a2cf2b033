"""Commands print whole tables and JSON, with every value in its place."""

from __future__ import annotations

import json
import platform
from dataclasses import replace
from pathlib import Path

import pytest

from edgener import doctor, environment
from edgener.built_in import DEFAULT_BUNDLE
from edgener.bundle import GOLDEN, MANIFEST, SIGNATURE
from edgener.doctor import BAD, GOOD, SLOW, Finding
from edgener.environment import Environment, read_environment
from edgener.errors import GoldenError, MachineError, UnsignedError
from edgener.golden import Cases, read_cases, write_cases
from edgener.signing import TRUSTED_KEY
from tests.support import TINY_BUNDLE, read_manifest, replace_file, run_main

INSPECTED = """\
name            tiny-int8
directory       {bundle}
format          version 1, written by {maker}
size            0.2 MB in 5 files
entities        LOC, ORG, PER
tags            BIOES, 13
window          64 tokens; longer text is cut into windows
vocabulary      263 entries
precision       int8
  method        static
  sentences     64
  smoothing     0.8
  exclude       none
aliases         none
span rules      none
scores          the model's own probabilities, not calibrated
rules           none
input_ids       int64 [batch, tokens]
attention_mask  int64 [batch, tokens]
logits          float32 [batch, tokens, 13]
base weights    random (Apache-2.0): 1 layer, 64 wide, untrained
training data   sentences with invented names (Apache-2.0): put together by tools/make_tiny_bundle.py
fp32 quality    P 100.00  R 100.00  F1 100.00  on test.jsonl test, 120 sentences
int8 quality    P 100.00  R 100.00  F1 100.00  on test.jsonl test, 120 sentences
"""


def printed(*arguments: str | Path, code: int = 0) -> str:
    """Return the output of ``edgener`` after checking how it ended."""
    finished = run_main(*map(str, arguments))
    assert finished.code == code, finished.errors
    return finished.output.decode()


def test_inspect_lists_the_rules_and_the_aliases_of_a_model() -> None:
    rows = printed("inspect", DEFAULT_BUNDLE).splitlines()
    manifest = read_manifest(DEFAULT_BUNDLE)
    assert len(manifest.span_rules) > 1
    assert [row.split(maxsplit=2)[2] for row in rows if row.startswith("span rules")] == [
        ", ".join(manifest.span_rules)
    ]
    assert [row.split(maxsplit=1)[1] for row in rows if row.startswith("aliases")] == [", ".join(manifest.aliases)]


def test_inspect_prints_a_row_for_each_fact() -> None:
    assert printed("inspect", TINY_BUNDLE) == INSPECTED.format(
        bundle=TINY_BUNDLE, maker=read_manifest(TINY_BUNDLE).created_by
    )
    assert printed("inspect", "--json", TINY_BUNDLE) == (TINY_BUNDLE / MANIFEST).read_text(encoding="utf-8")


def test_check_counts_golden_cases(bundle: Path) -> None:
    *rows, logits = printed("check", bundle).splitlines()
    assert rows == [
        f"bundle     {bundle}",
        "checksums  verified",
        "graph      model.onnx",
        "entities   9 of 9 golden cases match",
    ]
    assert logits.startswith("logits     ")
    assert logits.endswith(" of 9 golden cases bit-identical to the host's")


def test_check_tells_the_first_case_that_differs(bundle: Path) -> None:
    cases = read_cases(bundle / GOLDEN)
    changed = [replace(case, entities=()) if number in (1, 2) else case for number, case in enumerate(cases)]
    write_cases(Cases(tuple(changed)), bundle / GOLDEN)
    replace_file(bundle, GOLDEN, (bundle / GOLDEN).read_bytes())
    finished = run_main("check", "--json", str(bundle))
    assert finished.code == GoldenError.exit_code
    (row,) = finished.rows
    logits = row.pop("same_logits")
    assert row == {
        "bundle": str(bundle),
        "checksums": "verified",
        "graph": "model.onnx",
        "cases": 9,
        "same_entities": 7,
    }
    assert 0 <= logits <= 9
    assert finished.errors == (
        f"edgener: {bundle}: 2 of 9 golden cases differ, the first one {cases[1].text!r:.60}; "
        "this onnxruntime or processor does not compute what the host did\n"
    )


def test_keys_signatures_and_models_are_told_by_their_paths(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, key = tmp_path / "models", tmp_path / "k"
    monkeypatch.setenv("EDGENER_MODELS", str(models))
    secret, public = f"{key}.key", f"{key}.pub"
    assert printed("keygen", key) == (
        f"{secret}  signs; keep it secret\n{public}  goes to the devices, as trusted.pub\n"
    )
    paths = printed("keygen", "--json", tmp_path / "王")
    assert paths == f'{{"secret": "{tmp_path}/王.key", "public": "{tmp_path}/王.pub"}}\n'
    unsigned = printed("install", bundle).removesuffix("\n")
    assert Path(unsigned).parent == models
    assert printed("sign", bundle, "--key", secret) == f"{bundle / SIGNATURE}\n"
    chinese = bundle.rename(tmp_path / "束")
    signature = printed("sign", chinese, "--key", secret, "--json")
    assert signature == f'{{"signature": "{chinese / SIGNATURE}"}}\n'
    chinese.rename(bundle)
    signed = json.loads(printed("install", bundle, "--key", public, "--json"))
    assert list(signed) == ["model"]
    assert Path(signed["model"]).parent == models
    assert printed("rollback") == f"{unsigned}\n"
    assert json.loads(printed("rollback", "--json")) == signed
    (models / TRUSTED_KEY).write_bytes(Path(public).read_bytes())
    assert run_main("rollback").code == UnsignedError.exit_code
    assert json.loads(run_main("env", "--json").output)["default_bundle"] == signed["model"]


def test_env_prints_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGENER_MODELS", str(tmp_path))
    here = read_environment()
    machine = Environment(
        edgener="1.2",
        python="3.11.2",
        libraries={"numpy": "2.0"},
        system="Linux 6.6, glibc 2.36",
        machine="aarch64",
        processor="Raspberry Pi 5",
        cpu_features=("asimd", "asimddp"),
        cores=4,
        memory_total_mb=8000,
        memory_available_mb=7000,
        default_bundle="/models/current",
    )
    monkeypatch.setattr(environment, "read_environment", lambda: machine)
    expected = """\
edgener   1.2
python    3.11.2
numpy     2.0
system    Linux 6.6, glibc 2.36
machine   aarch64 Raspberry Pi 5
features  asimd (int8 products in 128-bit registers); asimddp (int8 dot products: Raspberry Pi 5, Jetson Orin)
cores     4: the most that --threads can use
memory    7000 of 8000 MB available
model     /models/current
"""
    assert printed("env") == expected
    monkeypatch.setattr(environment, "read_environment", lambda: replace(machine, cpu_features=()))
    assert "\nfeatures  none of those that speed up int8\n" in printed("env")
    assert here.default_bundle == str(DEFAULT_BUNDLE)
    assert here.machine == platform.machine()


def test_doctor_prints_findings_and_ends_with_the_first_bad_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path | None] = []
    findings = [Finding("kernel", GOOD, "6.6"), Finding("clock", SLOW, "0.6 GHz", "cool it")]

    def examine(build: Path | None = None) -> list[Finding]:
        asked.append(build)
        return findings

    monkeypatch.setattr(doctor, "examine", examine)
    monkeypatch.setenv("EDGENER_MODELS", str(tmp_path))
    monkeypatch.delenv("EDGENER_BUILD", raising=False)
    table = "kernel        6.6\nclock   slow  0.6 GHz  cool it\n"
    assert printed("doctor") == f"{table}{DEFAULT_BUNDLE}: the model gives its golden answers\n"
    monkeypatch.setenv("EDGENER_BUILD", "/build")
    assert json.loads(printed("doctor", "--json")) == [
        {"check": "kernel", "state": "good", "seen": "6.6", "remedy": ""},
        {"check": "clock", "state": "slow", "seen": "0.6 GHz", "remedy": "cool it"},
    ]
    assert asked == [None, Path("/build")]
    findings += [Finding("/sys", BAD, "tells nothing", "mount it"), Finding("memory", BAD, "none", "buy some")]
    finished = run_main("doctor")
    assert finished.code == MachineError.exit_code
    assert finished.errors == "edgener: /sys: tells nothing; mount it\n"
    assert "golden" not in finished.output.decode()
