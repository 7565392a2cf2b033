"""``edgener-edge``: what it prints, and the exit codes of what people get wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import edgener
from edgener_edge.cli import main
from edgener_edge.devices import DEVICES
from tests.edge.support import make_files
from tests.support import PACKAGES, TINY_BUNDLE


def test_devices(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(DEVICES) + 1
    assert main(["devices", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == [device.name for device in DEVICES]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["build", "--device", "pi9"], 41, "no such device"),
        (["build", "--device", "pi4", "--output", "x.zip"], 46, "must end with .run"),
        (["build", "--device", "pi4", "--lock", "none.json"], 42, "cannot be read"),
        (["build", "--device", "pi4", "--bundle", "none", "--output", "x.run"], 11, "not found"),
        (["build", "--device", "pi4", "--output", "/dev/null/x.run"], 4, "cannot be written in /dev/null"),
        (["lock", "--lock", "."], 4, ".: is a directory; name a file in it"),
        (["verify", "none.run"], 3, "No such file"),
        (["verify", "none.run", "--cpu", "cortex-a99"], 41, "cortex-a99: no such CPU model here; known: "),
        (["boot", "none.run", "--memory", "0"], 2, "--memory is 0; it must be at least 1"),
        (["boot", "none.run", "--timeout", "-1"], 2, "--timeout is -1; it must be at least 1"),
        (["verify", __file__], 48, "no device build"),
        (["boot", __file__], 48, "no device build"),
    ],
)
def test_mistakes(
    arguments: list[str],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "--cache", str(tmp_path / "cache")]) == code
    assert message in capsys.readouterr().err


WITHOUT_ENTRY = """
import pwd, sys
def no_entry(user):
    raise KeyError(user)
pwd.getpwuid = no_entry
from edgener_edge.cli.main import main
sys.exit(main())
"""
"""The program as a user runs it whom the system has no entry for: other users may not read the packages here."""


def test_a_user_without_a_home_is_told_to_name_the_cache() -> None:
    env = {"PATH": os.defpath, "PYTHONPATH": PACKAGES, "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-c", WITHOUT_ENTRY, *arguments]
        finished = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        return finished.returncode, finished.stderr

    assert run("build", "--help") == (0, "")
    told = "edgener-edge: this user has no home directory to keep downloads in; give --cache\n"
    assert run("fetch", "--device", "pi4") == (2, told)
    assert run("verify", "none.run", "--cache", tempfile.gettempdir())[0] == 3


def test_sources_without_the_release_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sources = tmp_path / "other.list"
    sources.write_text("deb http://mirror.example/debian sid main\n")
    options = ["--cache", str(tmp_path / "cache"), "--apt-sources", str(sources)]
    assert main(["build", "--device", "pi4", "--bundle", str(TINY_BUNDLE), *options]) == 49
    assert "other.list: names no archive of Debian bookworm; name the archive in" in capsys.readouterr().err
    sources.unlink()
    assert main(["build", "--device", "pi4", "--bundle", str(TINY_BUNDLE), *options]) == 49
    assert "other.list: cannot be read" in capsys.readouterr().err


def test_sentences_that_are_not_utf8_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, _ = make_files(tmp_path)
    (tmp_path / "gbk.txt").write_bytes("王小明".encode("gbk"))
    assert main(["verify", str(run), "--texts", str(tmp_path / "gbk.txt"), "--cache", str(tmp_path / "cache")]) == 3
    assert "gbk.txt: is not UTF-8 at byte 0; convert it first" in capsys.readouterr().err


def test_a_build_of_another_version_is_told_before_it_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, _ = make_files(tmp_path, edgener="0.0.9")
    assert main(["verify", str(run), "--cache", str(tmp_path / "cache")]) == 48
    assert capsys.readouterr().err == (
        f"edgener-edge: {run}: holds edgener 0.0.9, and this is edgener-edge {edgener.__version__}; verify it with the "
        "version that built it, or build it again\n"
    )


def test_a_build_with_a_record_of_another_kind_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, _ = make_files(tmp_path, colour="red")
    assert main(["verify", str(run), "--cache", str(tmp_path / "cache")]) == 48
    told = capsys.readouterr().err
    assert "build.json: colour is unknown" in told
    assert told.endswith("another edgener-edge built it: build it again\n")


def test_a_lock_file_needs_the_archive_of_security_updates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sources, lock = tmp_path / "main.list", tmp_path / "lock.json"
    sources.write_text("deb http://mirror.example/debian bookworm main\n")
    options = ["--cache", str(tmp_path / "cache"), "--apt-sources", str(sources), "--lock", str(lock)]
    assert main(["lock", *options]) == 49
    told = capsys.readouterr().err
    assert "main.list (bookworm) does not name bookworm-updates and bookworm-security" in told
    assert "name the archive in a file for --apt-sources" in told
    assert not lock.exists()


def test_a_text_to_stream_that_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, _ = make_files(tmp_path)
    code = main(["boot", str(run), "--stream", str(tmp_path / "none.txt"), "--cache", str(tmp_path / "cache")])
    assert code == 3
    assert "none.txt: No such file" in capsys.readouterr().err


def test_a_stream_is_a_file_or_of_our_own_sentences() -> None:
    assert main(["boot", "x.run", "--stream", "news.txt", "--stream-kb", "50"]) == 2
