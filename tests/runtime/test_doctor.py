"""The doctor on machines that have something wrong, and on this one."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

from edgener.bench import measure
from edgener.cli import main
from edgener.doctor import BAD, CHECKSUMS, GOOD, SLOW, Finding, examine
from tests.support import TINY_BUNDLE

FEATURES = {"aarch64": "Features : fp asimd asimddp", "x86_64": "flags : sse4_2 avx2"}[platform.machine()]
HEALTHY = {
    "bin/sh": "\x7fELF\x02",
    "proc/cpuinfo": f"processor : 0\n{FEATURES}\n",
    "proc/meminfo": "MemTotal: 900000 kB\nMemAvailable: 800000 kB\n",
    "proc/sys/kernel/osrelease": "6.6.31+rpt-rpi-v8",
    "sys/devices/system/cpu/possible": "0-3",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq": "1800000",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "1800000",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0",
    "sys/class/thermal/thermal_zone0/temp": "51000",
}


def findings_of(root: Path, changes: dict[str, str | None]) -> dict[str, Finding]:
    """Findings about a healthy machine with some files changed, or left out where the new content is None."""
    for name, content in {**HEALTHY, **changes}.items():
        if content is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
    return {finding.check: finding for finding in examine(root)}


def test_a_healthy_machine(tmp_path: Path) -> None:
    findings = findings_of(tmp_path, {})
    assert len(findings) == 9
    assert {finding.state for finding in findings.values()} == {GOOD}


@pytest.mark.parametrize(
    ("check", "state", "changes"),
    [
        ("userland", SLOW, {"bin/sh": "\x7fELF\x01"}),
        ("kernel", BAD, {"proc/sys/kernel/osrelease": "3.2.0"}),
        ("kernel", SLOW, {"proc/sys/kernel/osrelease": "4.9.337-tegra"}),
        ("cpu features", BAD, {"proc/cpuinfo": None}),
        ("cpu features", BAD, {"proc/cpuinfo": "Features : swp half\nflags : fpu\n"}),
        ("/sys", BAD, {"sys/devices/system/cpu/possible": None}),
        ("memory", SLOW, {"proc/meminfo": "MemAvailable: 120000 kB\n"}),
        ("memory", BAD, {"proc/meminfo": "MemAvailable: 60000 kB\n"}),
        ("clock", SLOW, {"sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq": "600000"}),
        ("clock", SLOW, {"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave"}),
        ("throttling", SLOW, {"sys/devices/platform/soc/soc:firmware/get_throttled": "50005"}),
        ("throttling", SLOW, {"sys/devices/platform/soc/soc:firmware/get_throttled": "50000"}),
        ("temperature", SLOW, {"sys/class/thermal/thermal_zone0/temp": "84500"}),
    ],
)
def test_one_thing_wrong(tmp_path: Path, check: str, state: str, changes: dict[str, str | None]) -> None:
    findings = findings_of(tmp_path, changes)
    assert findings[check].state == state
    assert findings[check].remedy
    assert {finding.state for finding in findings.values() if finding.check != check} == {GOOD}


def test_a_changed_file_of_a_build_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    (tmp_path / CHECKSUMS).write_text(f"{digest}  a\n")
    assert examine(build=tmp_path)[-1].state == GOOD
    (tmp_path / "a").write_text("y")
    assert examine(build=tmp_path)[-1] == Finding(
        "files", BAD, f"{tmp_path / 'a'} was changed", "delete the folder, start the .run again"
    )
    (tmp_path / "a").unlink()
    assert examine(build=tmp_path)[-1].state == BAD


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (b"", "files.sha256 is damaged"),
        (b"\xff\xfe\0\n", "files.sha256 is damaged"),
        (b"%064d  site/a.py\n" % 0, "site/b.py is not in the list of files"),
    ],
)
def test_a_list_of_files_that_is_cut_off_or_damaged_is_no_good(tmp_path: Path, content: bytes, seen: str) -> None:
    (tmp_path / CHECKSUMS).write_bytes(content)
    if b"site" in content:
        (tmp_path / "site").mkdir()
        (tmp_path / "site/a.py").touch()
        (tmp_path / "site/b.py").touch()
    finding = examine(build=tmp_path)[-1]
    assert finding.state == BAD
    assert seen in finding.seen


def test_the_commands_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDGENER_MODELS", str(tmp_path))
    assert main(["install", str(TINY_BUNDLE), "--json"]) == 0
    assert Path(json.loads(capfd.readouterr().out)["model"]).parent == tmp_path
    assert main(["doctor"]) == 0
    assert "golden answers" in capfd.readouterr().out
    assert main(["bench", "--json", "--seconds", "0.1"]) == 0
    measured = json.loads(capfd.readouterr().out)
    assert measured["model"].startswith("tiny")
    assert [row["code_points"] for row in measured["latencies"]] == [16, 32, 64, 128]
    assert main(["bench", "--seconds", "0"]) == 2
    assert main(["rollback"]) == 11
    monkeypatch.setenv("EDGENER_THREADS", "many")
    assert main(["文字"]) == 2
    assert "EDGENER_THREADS" in capfd.readouterr().err


def test_measured_figures_make_sense() -> None:
    found = measure(TINY_BUNDLE, 1, 0.1)
    for latency in found.latencies:
        assert 0 < latency.p50_ms <= latency.p95_ms <= latency.p99_ms
    assert 0 < found.peak_rss_one_text_mb <= found.peak_rss_mb
    assert found.characters_per_second > 0
