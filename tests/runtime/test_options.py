"""Values of options come from the command line, else from the environment, else they are the default."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgener.bundle import DEFAULT_BUNDLE
from edgener.errors import UsageError
from edgener.options import model_of, threads_of


@pytest.mark.parametrize(("variable", "threads"), [(None, 1), ("1", 1), ("4", 4)])
def test_threads_are_those_of_the_option_or_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, threads: int
) -> None:
    monkeypatch.delenv("EDGENER_THREADS", raising=False)
    if variable is not None:
        monkeypatch.setenv("EDGENER_THREADS", variable)
    assert threads_of(None) == threads
    assert threads_of(7) == 7
    assert threads_of(0) == 0  # the recognizer refuses it


@pytest.mark.parametrize("variable", ["0", "-1", "", "many", "1.5"])
def test_threads_of_the_environment_are_a_number_of_at_least_one(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("EDGENER_THREADS", variable)
    with pytest.raises(UsageError) as caught:
        threads_of(None)
    assert str(caught.value) == f"EDGENER_THREADS is {variable!r}; it must be a number of at least 1"


def test_the_model_is_that_of_the_option_or_the_installed_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGENER_MODELS", str(tmp_path))
    assert model_of(tmp_path / "mine") == tmp_path / "mine"
    assert model_of(None) == DEFAULT_BUNDLE
