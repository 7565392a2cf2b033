"""Golden cases notice a model that answers otherwise than when it was packed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgener import Recognizer
from edgener.bundle import GOLDEN, GRAPH
from edgener.errors import GoldenError, ManifestError
from edgener.golden import Cases, check_case, logits_digest, read_cases, record_cases, write_cases
from tests.support import DATA, TINY_BUNDLE, replace_file, run_main

CASES = read_cases(TINY_BUNDLE / GOLDEN)


def test_the_committed_cases_are_those_of_the_text_file() -> None:
    texts = (DATA / "tiny" / "golden.txt").read_text(encoding="utf-8").splitlines()
    assert [case.text for case in CASES] == texts
    assert sum(len(case.entities) for case in CASES) >= 20


@pytest.mark.parametrize("case", CASES)
def test_the_model_answers_as_packed(recognizer: Recognizer, case: object) -> None:
    assert case in CASES
    (known,) = (other for other in CASES if other is case)
    assert check_case(recognizer, known).same_entities


def test_cases_are_written_as_they_are_read(recognizer: Recognizer, tmp_path: Path) -> None:
    cases = record_cases(recognizer, [case.text for case in CASES])
    write_cases(cases, tmp_path / GOLDEN)
    assert tuple(read_cases(tmp_path / GOLDEN)) == cases.cases
    assert all(check_case(recognizer, case).same_logits for case in cases.cases)


def test_the_committed_file_is_what_is_written_for_its_cases(tmp_path: Path) -> None:
    write_cases(Cases(tuple(CASES)), tmp_path / GOLDEN)
    assert (tmp_path / GOLDEN).read_bytes() == (TINY_BUNDLE / GOLDEN).read_bytes()


def test_another_entity_or_score_is_noticed(recognizer: Recognizer) -> None:
    case = CASES[0]
    first, *others = case.entities
    for entity, agrees in [
        (first, True),
        (replace(first, score=first.score - 0.01), True),
        (replace(first, score=first.score - 0.5), False),
        (replace(first, end=first.end + 1), False),
        (replace(first, label="LOC"), False),
    ]:
        assert check_case(recognizer, replace(case, entities=(entity, *others))).same_entities == agrees
    assert not check_case(recognizer, replace(case, entities=tuple(others))).same_entities


def test_the_digest_sees_every_window(recognizer: Recognizer) -> None:
    long = "王小明在青山大学工作，" * 30
    assert sum(len(logits) for logits in recognizer.logits(long)) >= len(long)
    assert all(logits.dtype == np.float32 for logits in recognizer.logits(long))
    assert logits_digest(recognizer, long) != logits_digest(recognizer, long + "王")


def test_check_says_so(bundle: Path) -> None:
    finished = run_main("check", str(bundle))
    assert finished.code == 0
    assert f"{len(CASES)} of {len(CASES)} golden cases match" in finished.output.decode()
    (row,) = run_main("check", "--json", str(bundle)).rows
    assert row["same_entities"] == row["cases"] == len(CASES)


def test_check_ends_with_an_error_where_the_answers_differ(bundle: Path) -> None:
    cases = tuple(replace(case, entities=()) for case in CASES)
    write_cases(Cases(cases), bundle / GOLDEN)
    replace_file(bundle, GOLDEN, (bundle / GOLDEN).read_bytes())
    finished = run_main("check", str(bundle))
    assert finished.code == GoldenError.exit_code
    assert str(bundle) in finished.errors
    assert "王小明" in finished.errors


def test_a_model_with_other_weights_is_noticed(bundle: Path) -> None:
    weights = np.fromfile(bundle / f"{GRAPH}.data", np.int8)
    replace_file(bundle, f"{GRAPH}.data", weights[::-1].tobytes())
    assert run_main("check", str(bundle)).code == GoldenError.exit_code


@pytest.mark.parametrize("content", [b"", b"[]", b'{"cases": [{"text": 1}]}', b"\xff"])
def test_what_is_no_golden_file_is_named(bundle: Path, content: bytes) -> None:
    replace_file(bundle, GOLDEN, content)
    finished = run_main("check", str(bundle))
    assert finished.code == ManifestError.exit_code
    assert finished.errors.startswith(f"edgener: {bundle / GOLDEN}: ")
