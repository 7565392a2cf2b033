"""The OpenAPI document says what the service does: a tester that knows only the document finds nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.serve.servers import TOKEN, Running

CASES = 6
"""Random cases of each operation, beside examples and border cases."""


def run_schemathesis(service: Running, folder: Path, *options: str) -> str:
    """Ask whatever the document allows and what it does not, and return the report."""
    config = Path(__file__).with_name("schemathesis.toml")
    program = Path(sys.executable).parent / "st"
    phases = ["--phases", "examples,coverage,fuzzing", "-n", str(CASES), "--seed", "1", "--no-color"]
    finished: subprocess.CompletedProcess[str] = subprocess.run(
        [program, "--config-file", config, "run", f"{service.address}/openapi.json", *phases, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_a_tester_finds_nothing(service: Running, tmp_path: Path) -> None:
    assert "No issues found" in run_schemathesis(service, tmp_path)
    assert [line for line in service.log if "status=5" in line and "status=504" not in line] == []


def test_a_tester_who_shows_a_token_finds_nothing(guarded: Running, tmp_path: Path) -> None:
    assert "No issues found" in run_schemathesis(guarded, tmp_path, "-H", f"Authorization: Bearer {TOKEN}")


def test_a_tester_without_a_token_finds_that_nobody_is_let_in(guarded: Running, tmp_path: Path) -> None:
    report = run_schemathesis(guarded, tmp_path)
    assert "Authentication failed: 5 operations returned only 401/403 responses" in report
    assert "1 warning in" in report


def test_the_document_names_all_routes_and_how_to_show_a_token(service: Running, guarded: Running) -> None:
    document = service.get("/openapi.json").json
    assert set(document["paths"]) == {
        "/", "/v1/ner", "/v1/lines", "/health", "/ready", "/info", "/metrics", "/openapi.json"
    }  # fmt: skip
    assert "security" not in document
    assert guarded.get("/openapi.json").json["security"] == [{"token": []}]
