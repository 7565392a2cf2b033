"""A GPU that is asked for and is not there: no silent way back to the CPU."""

from __future__ import annotations

import pytest

from edgener import Recognizer
from edgener.errors import ProviderError, UsageError
from edgener.providers import PROVIDERS
from tests.support import TINY_BUNDLE, missing_providers, run_main, run_tiny

TEXT = "王小明在青山大学工作。"


def test_the_cpu_is_always_there() -> None:
    assert "cpu" not in missing_providers()
    assert run_tiny("--provider", "cpu", TEXT).output == run_tiny(TEXT).output


@pytest.mark.parametrize("provider", missing_providers())
def test_a_missing_provider_is_named_with_those_that_are_there(provider: str) -> None:
    with pytest.raises(ProviderError, match=r"ExecutionProvider is not in onnxruntime .* which has .*CPUExecution"):
        Recognizer.load(TINY_BUNDLE, provider=provider)
    finished = run_tiny("--provider", provider, TEXT)
    assert finished.code == 8
    assert finished.output == b""
    assert f"edgener: {provider}: {PROVIDERS[provider][0]} is not in" in finished.errors
    assert "--provider cpu" in finished.errors


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(UsageError, match="known: cpu, cuda, tensorrt"):
        Recognizer.load(TINY_BUNDLE, provider="npu")
    assert run_tiny("--provider", "npu", TEXT).code == 2
    assert run_main("serve", "--provider", "npu").code == 2
