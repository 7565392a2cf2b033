"""Whole machines: what a guest's console says, when it is given up, and how its answers compare with the host's."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgener_edge.compare_streams import compare_streams
from edgener_edge.device_folder import ON_DEVICE
from edgener_edge.devices import DEVICES, PLATFORMS, host_platform
from edgener_edge.errors import ToolError, VerifyError
from edgener_edge.guest import BOARDS, check_kvm, listen
from edgener_edge.lock import read_lock
from edgener_edge.qemu_system import read_report

CONSOLE = """\
[    0.0] Booting Linux\r
@@ kernel 6.1.0-56-arm64\r
@@ memory_kb 230000\r
@@ result first 0 1.00 21.50 1\r
@@ answer {"line": 1, "entities": []}\r
@@ result sentence 137 21.50 30.50 0\r
@@ said out of memory\r
@@ peak sentence 81920\r
@@ progress 0 204800\r
@@ progress 65536 102400\r
@@ progress 90000 153600\r
@@ sha256 0f\r
@@ done\r
"""
ANSWERS = [
    [{"start": 0, "end": 2, "label": "LOC", "score": 0.9}],
    [],
    [{"start": 3, "end": 6, "label": "PER", "score": 0.6}, {"start": 7, "end": 9, "label": "ORG", "score": 0.99}],
]


def test_console_of_a_guest() -> None:
    report = read_report(CONSOLE, "cortex-a72", 256)
    assert (report.kernel, round(report.usable_mb)) == ("6.1.0-56-arm64", 225)
    assert [(result.name, result.exit_code) for result in report.results] == [("first", 0), ("sentence", 137)]
    assert report.results[1].peak_rss_mb == 80
    assert report.results[0].seconds == 20.5
    assert (report.least_available_mb, report.stream_sha256) == (100, "0f")
    assert not report.is_good
    assert report.said == ('answer {"line": 1, "entities": []}', "said out of memory")


def guest(script: str) -> list[str]:
    return ["sh", "-c", script]


def test_what_a_guest_says_is_told_once_and_when_it_comes(tmp_path: Path) -> None:
    told: list[str] = []
    seen = tmp_path / "seen"

    def tell(line: str) -> None:
        told.append(line)
        seen.touch()

    script = (
        "printf '@@ kernel 6\\r\\nboot\\n@@ pro'; echo 'gress 5 6'; "
        f"until [ -e {seen} ]; do sleep .1; done; echo '@@ done'"
    )
    console = listen(guest(script), "a guest", 60, tell)
    assert told == ["kernel 6", "progress 5 6", "done"]
    assert "boot" in console


@pytest.mark.parametrize(
    ("script", "heard"),
    [
        ("echo '@@ kernel 6'; echo it panics", "@@ kernel 6\nit panics\n"),
        ("echo no such option >&2", "no such option\n"),
    ],
)
def test_the_last_words_of_a_guest_that_breaks_off_are_shown(script: str, heard: str) -> None:
    with pytest.raises(VerifyError) as raised:
        listen(guest(script), "a guest", 60, lambda _line: None)
    assert str(raised.value) == f"a guest: the guest broke off\n{heard}"


@pytest.mark.parametrize("script", ["sleep 60", "while sleep .1; do echo @@ progress 5 $((n += 1)); done"])
def test_a_guest_that_gets_no_further_is_given_up(script: str) -> None:
    with pytest.raises(VerifyError, match="a guest: no progress for 1 s"):
        listen(guest(script), "a guest", 1, lambda _line: None)


LISTENING = """\
import sys
from edgener.standard_streams import exit_code
from edgener_edge.guest import listen

def work():
    listen(["sh", "-c", "echo @@ pid $$; exec sleep 60"], "a guest", 60, lambda line: print(line, flush=True))

sys.exit(exit_code("edgener-edge", work))
"""


def test_no_guest_outlives_a_terminated_command() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LISTENING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as command:
        assert command.stdout
        pid = int(command.stdout.readline().split()[1])
        os.kill(pid, 0)
        command.send_signal(signal.SIGTERM)
        assert command.communicate()[1] == ""
    assert command.returncode == 143
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_machine_without_kvm_is_told_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"kvm: cannot be opened: No such file.*group kvm"):
        check_kvm(host_platform(), tmp_path / "kvm")
    for platform in PLATFORMS.values():
        if platform != host_platform():
            with pytest.raises(ToolError, match="only on a machine of that kind"):
                check_kvm(platform)


def test_every_device_has_a_board_and_a_pinned_kernel() -> None:
    lock = read_lock()
    programs = {deb.name for deb in lock.qemu_system}
    for device in DEVICES:
        board = BOARDS[device.platform.machine]
        assert board.package in programs
        packages = lock.packages_for(device.platform.machine)
        assert re.fullmatch(rf"linux-image-[0-9.-]+-{device.platform.debian}", packages.kernel.name)
        assert packages.busybox.name == "busybox-static"
        assert {packages.kernel.architecture, packages.busybox.architecture} == {device.platform.debian}


def test_the_first_program_of_a_guest_is_a_script() -> None:
    subprocess.run(["sh", "-n", ON_DEVICE / "guest.sh"], check=True)


def write_answers(path: Path, answers: list[list[dict[str, object]]]) -> Path:
    lines = [json.dumps({"line": number, "entities": found}) + "\n" for number, found in enumerate(answers, 1)]
    path.write_text("".join(lines))
    return path


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    return write_answers(tmp_path / "host.jsonl", ANSWERS)


def test_the_same_stream_is_identical(reference: Path) -> None:
    agreement = compare_streams(reference, reference)
    assert (agreement.is_good, agreement.is_identical) == (True, True)
    assert (agreement.lines, agreement.entities, agreement.same_entities) == (3, 3, 3)


def test_other_scores_of_a_stream_are_measured(reference: Path, tmp_path: Path) -> None:
    other = write_answers(tmp_path / "guest.jsonl", [[{**ANSWERS[0][0], "score": 0.8}], *ANSWERS[1:]])
    agreement = compare_streams(reference, other)
    assert (agreement.is_good, agreement.is_identical) == (True, False)
    assert agreement.largest_score_difference == pytest.approx(0.1)


def test_entities_of_a_stream_may_differ_where_the_model_is_unsure(reference: Path, tmp_path: Path) -> None:
    agreement = compare_streams(reference, write_answers(tmp_path / "a", [*ANSWERS[:2], ANSWERS[2][1:]]))
    assert (agreement.is_good, agreement.same_entities, agreement.undecided) == (True, 2, 1)
    agreement = compare_streams(reference, write_answers(tmp_path / "b", [*ANSWERS[:2], ANSWERS[2][:1]]))
    assert (agreement.is_good, agreement.same_entities, agreement.undecided) == (False, 2, 0)


def test_a_line_without_an_answer_is_no_agreement(reference: Path, tmp_path: Path) -> None:
    agreement = compare_streams(reference, write_answers(tmp_path / "guest.jsonl", ANSWERS[:2]))
    assert (agreement.is_good, agreement.lines, agreement.missing_lines) == (False, 3, 1)
