"""A recipe is read, and a mistake in it reported, before any of the heavy libraries is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edgener_export.errors import RecipeError
from tests.support import DATA

HEAVY = ("torch", "onnx", "onnxruntime", "transformers", "optimum", "tokenizers", "matplotlib", "numpy")
TINY = DATA / "tiny" / "recipe.toml"


def imported_heavily(code: str) -> subprocess.CompletedProcess[str]:
    """The result of a Python program, with the heavy libraries that it imported as its output."""
    shown = f"import sys\n{code}\nprint([name for name in {HEAVY} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)


@pytest.mark.parametrize("module", ["edgener_export.recipe", "edgener_export.recipe.read", "edgener_export.cli.main"])
def test_reading_a_recipe_imports_nothing_heavy(module: str) -> None:
    assert imported_heavily(f"import {module}").stdout == "[]\n"


@pytest.mark.parametrize("command", ["build", "search"])
def test_a_mistyped_key_is_reported_before_anything_heavy_is_imported(command: str) -> None:
    arguments = [command, str(TINY), "--set", "finetune.epoch=3"]
    run = imported_heavily(f"from edgener_export.cli.main import main\nassert main({arguments}) == 31")
    assert RecipeError.exit_code == 31
    assert "finetune.epoch is unknown" in run.stderr
    assert run.stdout == "[]\n"
