"""Services that the tests of a session share, since each takes a second to start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.servers import TOKEN, Running, running


@pytest.fixture(scope="session")
def service() -> Iterator[Running]:
    """A service with the tiny model, which refuses nobody for its load."""
    with running("--workers", "2", "--queue-seconds", "100", "--queue-tokens", "100000000", "--log-requests") as found:
        yield found


@pytest.fixture(scope="session")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokens") / "tokens"
    path.write_text(f"# clients\nnewsroom {TOKEN}\n\narchive {TOKEN[::-1]}\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def guarded(token_file: Path) -> Iterator[Running]:
    """A service that asks for tokens."""
    with running("--token-file", str(token_file), "--workers", "1", "--log-requests", "--log-format", "json") as found:
        yield found
