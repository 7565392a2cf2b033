"""A report as JSON, as tables in documents, and as plots."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from edgener.environment import Environment
from edgener.tags import Span
from edgener_export.corpus.sentence import Sentence
from tests.support import ROOT, TINY_BUNDLE
from tools.bench.drivers.checkpoint import write_tokenizer
from tools.bench.plots import write_plots
from tools.bench.render import SECTION, read_report, render, with_sections, write_report
from tools.bench.results import (
    Entry,
    Failure,
    Latency,
    Limit,
    Limits,
    Machine,
    Memory,
    Quality,
    Rate,
    Report,
    Settings,
    Share,
    Split,
    Start,
)
from tools.bench.score_again import UnknownBundleError, with_scores
from tools.bench.tables import markdown_table, tables

DOCUMENTS = ("docs/benchmarks.md", "README.md", "README.zh-CN.md")

OURS = Entry(
    name="edgener default",
    about="small, 25.6 MB",
    license="Apache-2.0",
    threads=1,
    is_ours=True,
    requirements=("onnxruntime==1.31.1",),
    installed_mb=120.4,
    one_by_one=Rate(5700.4, 150.2, 1.0),
    batched=Rate(7812.3, 205.6, 1.0),
    streamed_characters_per_second=7700.0,
    start=Start(0.26, 0.12, 0.08),
    latencies=(Latency(16, 40, 1.5, 2.0, 2.5), Latency(32, 40, 3.0, 4.0, 5.0)),
    memory=Memory(92.0, 100.0, 104.0, 90.0, 91.0),
    quality=Quality(91.99, 89.21, 90.58, 91.0, 95.0),
)
RANDOM = replace(
    OURS,
    name="torch",
    is_ours=False,
    installed_mb=None,
    streamed_characters_per_second=None,
    batched=Rate(520.0, 13.0, 15.02),
    latencies=OURS.latencies[:1],
    quality=None,
)
REPORT = Report(
    machine=Machine(
        Environment("0.1.0", "3.11.7", {"numpy": "2.4.6"}, "Linux", "x86_64", "CPU", ("avx2",), 2, 8000, 7000, "/b"),
        load_average_before=0.1,
        load_average_after=1.2,
        date="2026-01-01",
        revision="abc",
    ),
    settings=Settings(4631, 300, 5, 4.0, 7),
    reference="edgener default",
    entries=(OURS, replace(OURS, threads=2, start=None, latencies=(), memory=None, quality=None), RANDOM),
    failures=(Failure("thulac", "no such version"),),
    limits=(
        Limits(
            "edgener default",
            1,
            400.0,
            (Limit(8, 32, 20.0, 15.0, 10.0, 11.0, 2.0, 1.8, 200.0),),
            (Split(8, 2.0, (Share("tokenizing", 0.5), Share("other", 1.5)), (Share("Mul", 0.2),), 0.03),),
        ),
    ),
)


def test_json_keeps_everything(tmp_path: Path) -> None:
    write_report(REPORT, tmp_path / "report.json")
    assert read_report(tmp_path / "report.json") == REPORT


def test_tables_align_numbers_to_the_right() -> None:
    assert markdown_table(["", "a"], [["x", "1"]]) == "|  | a |\n| --- | ---: |\n| x | 1 |"


def test_headline_has_one_thread_alone() -> None:
    rows = tables(REPORT)["headline"].splitlines()
    assert rows[2:] == [
        "| **edgener default** (small, 25.6 MB) | 90.6 | 7,812 | 0.26 s | 92 MB | 120 MB |",
        "| torch (small, 25.6 MB) | – | 520 | 0.26 s | 92 MB | – |",
    ]


def test_what_was_not_measured_is_a_dash() -> None:
    assert "| torch (small, 25.6 MB) | 1.5 / 2.0 / 2.5 | – |" in tables(REPORT)["latency"]
    assert "torch" not in tables(REPORT)["quality"]


def test_limit_says_how_far_it_is() -> None:
    row = tables(REPORT)["limit"].splitlines()[-1]
    assert row == "| 8 x 32 | 20.00 | 15.00 | 10.00 | 11.00 | 2.00 | 1.80 | 200 | 50 % |"


def test_split_is_in_percent_of_the_whole() -> None:
    assert "| batches of 8 | 2.00 s | 25.0 % | 75.0 % | 3.0 % |" in tables(REPORT)["split"]


def test_sections_are_replaced_and_the_rest_is_kept() -> None:
    text = "before\n<!-- bench:a -->\nold\nlines\n<!-- /bench -->\nbetween\n<!-- bench:b -->\n<!-- /bench -->\nafter\n"
    once = with_sections(text, {"a": "new", "b": "other"})
    assert once == (
        "before\n<!-- bench:a -->\nnew\n<!-- /bench -->\nbetween\n<!-- bench:b -->\nother\n<!-- /bench -->\nafter\n"
    )
    assert with_sections(once, {"a": "new", "b": "other"}) == once


def test_speeds_are_compared_at_the_speed_of_the_reference() -> None:
    slowed = replace(RANDOM, batched=Rate(260.0, 6.5, 15.02))
    report = replace(REPORT, entries=(OURS, slowed))
    assert report.comparable_speed(OURS) == 7812.3
    assert report.comparable_speed(slowed) == pytest.approx(7812.3 / 15.02)
    assert "| 520 |" in tables(report)["headline"]


def test_unknown_section() -> None:
    with pytest.raises(KeyError, match="nothing"):
        with_sections("<!-- bench:nothing -->\n<!-- /bench -->", {})


def test_documents_name_sections_that_there_are(tmp_path: Path) -> None:
    copies = []
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert SECTION.search(text), name
        copies.append(tmp_path / Path(name).name)
        copies[-1].write_text(text, encoding="utf-8")
    render(REPORT, copies, tmp_path)
    assert "| 8 x 32 | 20.00 |" in copies[0].read_text(encoding="utf-8")


def test_plots_are_the_same_every_time(tmp_path: Path) -> None:
    contents = []
    for _ in range(2):
        write_plots(REPORT, tmp_path)
        contents.append([path.read_bytes() for path in sorted(tmp_path.glob("*.svg"))])
    assert contents[0] == contents[1]
    assert len(contents[0]) == 3
    assert b"edgener default" in contents[0][0]
    assert all(content.isascii() for content in contents[0])


def test_a_bundle_that_was_trained_anew_is_scored_again_and_keeps_its_speed() -> None:
    sentences = [Sentence("王小明在青山大学工作。", (Span(0, 3, "PER"), Span(4, 8, "LOC")))]
    default = replace(OURS, name="edgener tiny")
    report = replace(
        REPORT, reference="edgener tiny", entries=(default, replace(default, threads=2, quality=None), RANDOM)
    )
    again = with_scores(report, [("tiny", TINY_BUNDLE)], sentences)
    assert [entry.quality and entry.quality.f1 for entry in again.entries] == [50.0, None, None]
    assert again.entries[0].about.startswith("tiny-")
    assert again.entries[0].batched == OURS.batched
    assert again.entries[2] == RANDOM
    assert f"| quality of edgener | measured again on {again.scored_again} |" in tables(again)["machine"]
    assert "measured again" not in tables(REPORT)["machine"]


def test_another_library_puts_the_tokens_around_a_text_that_the_runtime_adds(tmp_path: Path) -> None:
    """A name at either end of a text is missed without them."""
    write_tokenizer(TINY_BUNDLE, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)  # type: ignore[no-untyped-call]
    assert tokenizer.convert_ids_to_tokens(tokenizer("李娜").input_ids) == ["[CLS]", "李", "娜", "[SEP]"]


def test_the_graph_of_the_reference_is_scored_again_in_another_library() -> None:
    sentences = [Sentence("李娜见到王小明", (Span(0, 2, "PER"), Span(4, 7, "PER")))]
    ours, theirs = replace(OURS, name="edgener tiny"), replace(OURS, name="optimum", is_ours=False)
    report = replace(REPORT, reference="edgener tiny", entries=(ours, theirs))
    again = with_scores(report, [("tiny", TINY_BUNDLE)], sentences)
    assert [entry.quality and entry.quality.f1 for entry in again.entries] == [100.0, 100.0]
    assert again.entries[1].about == OURS.about


def test_a_bundle_that_was_not_in_the_run_is_named_with_those_that_were() -> None:
    with pytest.raises(UnknownBundleError, match="edgener tiny was not in the run; it has edgener default"):
        with_scores(REPORT, [("tiny", TINY_BUNDLE)], [])
