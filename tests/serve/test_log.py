"""The log says where an error of the service came from, without its message, which may hold a client's text."""

from __future__ import annotations

import re

import pytest

from edgener.errors import UsageError
from edgener.serve.log import kind_and_place, reason_of


def fail() -> None:
    raise KeyError("王小明")


def call() -> None:
    try:
        fail()
    except KeyError as error:
        raise ValueError("李娜") from error


def test_an_error_is_told_by_its_kind_and_its_calls_from_the_innermost_out() -> None:
    with pytest.raises(ValueError, match="李娜") as caught:
        call()
    here = r"test_log\.py:\d+"
    expected = rf"ValueError at {here} call < {here} test_\w+; from KeyError at {here} fail < {here} call"
    assert re.fullmatch(expected, kind_and_place(caught.value))


def test_an_error_that_was_not_raised_has_no_place() -> None:
    assert kind_and_place(KeyError("王小明")) == "KeyError"


def test_an_error_with_an_explanation_is_told_by_it() -> None:
    assert reason_of(UsageError("name another model")) == "name another model"
    assert reason_of(KeyError("王小明")) == "internal error KeyError"
