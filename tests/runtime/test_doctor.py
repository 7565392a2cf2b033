"""The doctor on machines that have something wrong, and on this one."""

from __future__ import annotations

import json
import platform
from dataclasses import replace
from pathlib import Path

import pytest

from edgener.bench import measure
from edgener.cli import main
from edgener.doctor import BAD, CHECKSUMS, GOOD, SLOW, Finding, examine
from tests.support import TINY_BUNDLE

FEATURES = {"aarch64": "Features : fp asimd asimddp", "x86_64": "flags : sse4_2 avx2"}[platform.machine()]
*_, NEEDED, FAST = FEATURES.split()
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


SEEN = {
    "processor": platform.machine(),
    "userland": "64 bit",
    "kernel": "6.6.31+rpt-rpi-v8",
    "cpu features": FAST,
    "/sys": "mounted",
    "memory": "781 MB available",
    "clock": "at most 1.8 of 1.8 GHz, governor ondemand",
    "throttling": "none since the start",
    "temperature": "51 °C",
}
"""Findings about a healthy machine, in their order."""
ANEW = "delete the folder and start the .run again, or install the package, archive or image anew"
POWER = "a stronger power supply, or a heat sink"
CPU = "sys/devices/system/cpu/cpu0/cpufreq"
GET_THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"


def test_a_healthy_machine(tmp_path: Path) -> None:
    assert list(findings_of(tmp_path, {}).values()) == [Finding(check, GOOD, seen) for check, seen in SEEN.items()]


@pytest.mark.parametrize(
    ("finding", "changes"),
    [
        (
            Finding(
                "userland",
                SLOW,
                "32 bit on a 64-bit kernel",
                "the self-contained build runs on it; pip finds no onnxruntime: install the 64-bit system",
            ),
            {"bin/sh": "\x7fELF\x01"},
        ),
        (Finding("userland", GOOD, "64 bit"), {"bin/sh": "#!/bin/\x01"}),
        (
            Finding("kernel", BAD, "3.6.99", "needs Linux 3.7; update the system"),
            {"proc/sys/kernel/osrelease": "3.6.99"},
        ),
        (
            Finding("kernel", SLOW, "3.7", "old; update the system if the recognizer misbehaves"),
            {"proc/sys/kernel/osrelease": "3.7\n"},
        ),
        (
            Finding("kernel", SLOW, "4.9.337-tegra", "old; update the system if the recognizer misbehaves"),
            {"proc/sys/kernel/osrelease": "4.9.337-tegra"},
        ),
        (Finding("kernel", GOOD, "4.14.0"), {"proc/sys/kernel/osrelease": "4.14.0"}),
        (Finding("kernel", GOOD, "unnumbered"), {"proc/sys/kernel/osrelease": "unnumbered"}),
        (Finding("kernel", GOOD, platform.release()), {"proc/sys/kernel/osrelease": None}),
        (
            Finding("cpu features", BAD, "/proc/cpuinfo tells none", "mount /proc: onnxruntime reads it"),
            {"proc/cpuinfo": None},
        ),
        (
            Finding("cpu features", BAD, f"no {NEEDED}", "this processor cannot run onnxruntime"),
            {"proc/cpuinfo": "Features : swp half\nflags : fpu\n"},
        ),
        (
            Finding("cpu features", GOOD, f"no {FAST}: int8 runs, at a fraction of a newer core's speed"),
            {"proc/cpuinfo": f"flags\t: fpu {NEEDED}\n"},
        ),
        (
            Finding(
                "/sys",
                BAD,
                "tells no processors",
                "onnxruntime counts cores there: mount -t sysfs none /sys, or allow it in the sandbox or container",
            ),
            {"sys/devices/system/cpu/possible": None},
        ),
        (Finding("memory", SLOW, "/proc/meminfo does not tell", "mount /proc"), {"proc/meminfo": None}),
        (Finding("memory", GOOD, "160 MB available"), {"proc/meminfo": "MemAvailable: 163840 kB\n"}),
        (
            Finding("memory", SLOW, "159 MB available", "stop other programs: 160 MB are enough for any text"),
            {"proc/meminfo": "MemAvailable: 163839 kB\n"},
        ),
        (
            Finding("memory", SLOW, "90 MB available", "stop other programs: 160 MB are enough for any text"),
            {"proc/meminfo": "MemAvailable: 92160 kB\n"},
        ),
        (
            Finding(
                "memory limits",
                SLOW,
                "the kernel keeps none",
                "services may take all; add cgroup_enable=memory to the line of /boot/firmware/cmdline.txt, and reboot",
            ),
            {"sys/fs/cgroup/cgroup.controllers": "cpuset cpu io pids"},
        ),
        (
            Finding("memory", BAD, "89 MB available", "stop other programs: 160 MB are enough for any text"),
            {"proc/meminfo": "MemAvailable: 92159 kB\n"},
        ),
        (
            Finding(
                "clock",
                SLOW,
                "at most 0.6 of 1.8 GHz, governor ondemand",
                "echo 1800000 > {root}/" + CPU + "/scaling_max_freq, as root",
            ),
            {f"{CPU}/scaling_max_freq": "600000"},
        ),
        (
            Finding(
                "clock",
                SLOW,
                "at most 1.8 of 1.8 GHz, governor powersave",
                "echo performance > {root}/" + CPU + "/scaling_governor, as root",
            ),
            {f"{CPU}/scaling_governor": "powersave"},
        ),
        (
            Finding("clock", GOOD, "at most 1.8 of 1.8 GHz, governor powersave"),
            {f"{CPU}/scaling_governor": "powersave", f"{CPU}/scaling_driver": "intel_pstate"},
        ),
        (
            Finding("clock", GOOD, "at most 1.8 of 1.8 GHz, governor unknown"),
            {f"{CPU}/scaling_governor": None},
        ),
        (Finding("throttling", SLOW, "too low a voltage now, throttled now", POWER), {GET_THROTTLED: "50005"}),
        (Finding("throttling", SLOW, "clock capped now, too hot now", POWER), {GET_THROTTLED: "a"}),
        (
            Finding(
                "throttling",
                SLOW,
                "since the start: too low a voltage, clock capped, throttled, too hot",
                "watch the supply and the heat",
            ),
            {GET_THROTTLED: "0xf0000"},
        ),
        (
            Finding("temperature", SLOW, "80 °C", "it lowers its clock; cool it"),
            {"sys/class/thermal/thermal_zone0/temp": "80000", "sys/class/thermal/thermal_zone1/temp": "-2000"},
        ),
        (
            Finding("temperature", GOOD, "-5 °C"),
            {"sys/class/thermal/thermal_zone0/temp": "-5000", "sys/class/thermal/thermal_zone1/temp": "unknown"},
        ),
    ],
)
def test_one_thing_is_told_with_its_remedy_and_all_else_is_good(
    tmp_path: Path, finding: Finding, changes: dict[str, str | None]
) -> None:
    findings = findings_of(tmp_path, changes)
    expected = {check: Finding(check, GOOD, seen) for check, seen in SEEN.items()}
    expected[finding.check] = replace(finding, remedy=finding.remedy.format(root=tmp_path))
    assert findings == expected


def test_a_raspberry_pi_5_has_its_firmware_elsewhere_and_a_kernel_that_does_not_tell_is_told_so(tmp_path: Path) -> None:
    for number, folder in enumerate(("soc@107c000000:firmware", "soc@107c000000/soc@107c000000:firmware")):
        at_5 = {GET_THROTTLED: None, f"sys/devices/platform/{folder}/get_throttled": "50005"}
        finding = findings_of(tmp_path / str(number), at_5)["throttling"]
        assert (finding.state, finding.seen) == (SLOW, "too low a voltage now, throttled now")
    silent = {GET_THROTTLED: None, "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0"}
    finding = findings_of(tmp_path / "silent", silent)["throttling"]
    assert (finding.state, finding.seen) == (GOOD, "this kernel does not tell; vcgencmd get_throttled does")


@pytest.mark.parametrize(
    ("check", "missing"),
    [
        ("userland", "bin/sh"),
        ("clock", f"{CPU}/scaling_max_freq"),
        ("clock", f"{CPU}/cpuinfo_max_freq"),
        ("throttling", GET_THROTTLED),
        ("temperature", "sys/class/thermal/thermal_zone0/temp"),
    ],
)
def test_nothing_is_told_of_what_a_machine_does_not_show(tmp_path: Path, check: str, missing: str) -> None:
    assert list(findings_of(tmp_path, {missing: None})) == [other for other in SEEN if other != check]


def test_a_processor_of_another_kind_cannot_run_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "armv7l")
    findings = findings_of(tmp_path, {})
    remedy = "needs a 64-bit Arm or x86 kernel; install the 64-bit system"
    assert findings["processor"] == Finding("processor", BAD, "armv7l", remedy)
    assert findings["cpu features"] == Finding("cpu features", GOOD, "")


def test_a_changed_file_of_a_build_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    (tmp_path / CHECKSUMS).write_text(f"{digest}  a\n")
    assert examine(build=tmp_path)[-1] == Finding("files", GOOD, "1 as they were built")
    (tmp_path / "a").write_text("y")
    assert examine(build=tmp_path)[-1] == Finding("files", BAD, f"{tmp_path / 'a'} was changed", ANEW)
    (tmp_path / "a").unlink()
    assert examine(build=tmp_path)[-1] == Finding("files", BAD, f"{tmp_path / 'a'}: No such file or directory", ANEW)


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
