"""A report made by hand, as a page and as Markdown."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from edgener.bundle import Source
from edgener_export.cli.main import main
from edgener_export.errors import ReportError
from edgener_export.report.content import Piece, pieces
from edgener_export.report.markdown import escape
from edgener_export.report.plots import INK, PLOTS, draw
from edgener_export.report.record import (
    RECORD,
    Changes,
    ConfusionRow,
    CurvePoint,
    GateCheck,
    GraphFigures,
    LostExample,
    Mark,
    ProductError,
    Report,
    TrainingPoint,
    TrainingStage,
    TypeScore,
    read_report,
)
from edgener_export.report.render import render_report

TYPES = {"人名": TypeScore(92.0, 90.0, 91.0, 50), "<i>$x_1$": TypeScore(80.0, 70.0, 74.67, 10)}
FP32 = GraphFigures("fp32", 91.0, 89.0, 90.0, 80_000_000, 3000.0, 20.0, TYPES)
NODE = "/bert/encoder/layer.{}/output/dense/MatMul"
REPORT = Report(
    name="try <1>",
    data="hand-made test",
    sentences=100,
    fp32=FP32,
    int8=replace(FP32, name="int8", f1=88.5, bytes=21_000_000, characters_per_second=7500.0, milliseconds=8.0),
    teacher=GraphFigures("teacher base-int8", 95.0, 93.0, 94.0, 90_000_000, 1000.0, 60.0),
    products=21_000_000,
    integer_products=20_000_000,
    processor="",
    gate=(
        GateCheck("F1 of int8", "88.50", "at least 84.00", ""),
        GateCheck("F1 lost by quantization", "1.50 points", "at most 0.50", "quantization costs 1.50 points"),
    ),
    training=(
        TrainingStage("finetune", (TrainingPoint(250, 0.5, 80.0), TrainingPoint(500, float("nan"), None))),
        TrainingStage("distil", (TrainingPoint(250, 0.2, 88.0),)),
    ),
    learning_curve=(CurvePoint(25, 70.0), CurvePoint(50, 80.0), CurvePoint(100, 88.5)),
    product_errors=tuple(ProductError(NODE.format(layer), 1_000_000, layer / 100) for layer in range(12)),
    confusion=(ConfusionRow("人名", {"人名": 45}, 3, 2), ConfusionRow("", {"人名": 4}, 0, 0)),
    changes=Changes(
        lost=2,
        won=1,
        examples=(
            LostExample("<b>王明</b>\n来 | *了*\ud800", (Mark(3, 5, "人名"),), ()),
            LostExample("李娜去", (Mark(0, 2, "人名"),), (Mark(0, 3, "<i>"),)),
        ),
    ),
    recipe='name = "try <1>"\n',
    lineage=(Source("base weights", "some|thing", "MIT", "as it is"),),
    versions={"torch": "2.13.0"},
)


class _Balanced(HTMLParser):
    """Collects the text, and refuses elements that are closed in another order than they were opened in."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "img", "b", "i")
        assert not any(
            (value or "").startswith(("http", "//")) for name, value in attrs if not name.startswith("xmlns")
        )
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's directory with the report, rendered."""
    directory = tmp_path_factory.mktemp("run")
    REPORT.write(directory)
    render_report(directory)
    return directory


def contents(directory: Path) -> dict[str, bytes]:
    """Every file by its path in the directory."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_report_comes_back_from_its_record(tmp_path: Path) -> None:
    report = replace(REPORT, training=REPORT.training[1:])  # not a number is not equal to itself
    report.write(tmp_path)
    assert read_report(tmp_path) == report


def test_text_of_the_data_is_text_on_the_page(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;<mark>王明<sub>人名</sub></mark>&lt;/b&gt;␊来" in page
    assert "&lt;i&gt;$x_1$" in page
    parser = _Balanced()
    parser.feed(page)
    assert parser.open == []
    assert "<b>王明" in parser.text


def test_the_page_stands_alone_and_takes_the_colours_of_the_reader(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == len(PLOTS)
    assert "prefers-color-scheme: dark" in page
    assert "width=device-width" in page
    assert INK not in page
    assert "src=" not in page
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))


def test_both_say_the_same(run: Path) -> None:
    page, text = ((run / name).read_text(encoding="utf-8") for name in ("report.html", "report.md"))
    for figure in ("88.50", "21.0 MB", "2.50 x", "74.67", "11.00 %", "19.2 dB", "+3.00 MB", NODE.format(11), "94.00"):
        assert figure in page, figure
        assert figure in text, figure
    assert "Not packed: quantization costs 1.50 points." in page
    assert "Not packed: quantization costs 1.50 points." in text


def test_the_worst_ten_are_listed_worst_first(run: Path) -> None:
    text = (run / "report.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `/bert/encoder/layer\.(\d+)/", text, re.MULTILINE)
    assert listed == [str(layer) for layer in range(11, 1, -1)]


def test_markdown_shows_text_as_it_is(run: Path) -> None:
    text = (run / "report.md").read_text(encoding="utf-8")
    assert "       <b>[王明/人名]</b>␊来 | *了*�    (fp32, as labelled)\n" in text
    assert r"| base weights | some\|thing | MIT | as it is |" in text
    assert escape("a_b\n`c`") == r"a\_b \`c\`"
    for plot in re.findall(r"\]\((.*?)\)", text):
        assert (run / plot).is_file()


def test_pieces_are_the_whole_text() -> None:
    cut = pieces("李娜去上海", (Mark(0, 2, "PER"), Mark(3, 5, "LOC")))
    assert cut == (Piece("李娜", "PER"), Piece("去", ""), Piece("上海", "LOC"))
    assert pieces("没有", ()) == (Piece("没有", ""),)
    assert pieces("", ()) == ()


def test_touching_entities_stay_apart() -> None:
    cut = pieces("李娜王明", (Mark(0, 2, "PER"), Mark(2, 4, "PER")))
    assert cut == (Piece("李娜", "PER"), Piece("王明", "PER"))


@pytest.mark.parametrize("name", sorted(PLOTS))
def test_plots_are_well_formed_and_always_the_same(name: str) -> None:
    svg = draw(name, REPORT)
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert draw(name, REPORT) == svg
    assert "date" not in svg


def test_a_plot_is_text_that_can_be_read() -> None:
    assert ">人名</text>" in draw("f1-types", REPORT)
    assert "&lt;i&gt;$x_1$</text>" in draw("f1-types", REPORT)
    assert ">layer.11/output/dense</text>" in draw("product-errors", REPORT)


def test_a_run_without_curves_and_teacher_has_a_report(tmp_path: Path) -> None:
    without = replace(REPORT, training=(), teacher=None, product_errors=(), learning_curve=())
    replace(without, changes=Changes(0, 0, ())).write(tmp_path)
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "training.svg").write_text("old", encoding="utf-8")
    render_report(tmp_path)
    assert {path.stem for path in (tmp_path / "report").iterdir()} == {"f1-size", "f1-latency", "f1-types"}


def test_rendering_again_gives_the_same_bytes(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(run)
    shutil.copy(run / RECORD, tmp_path)
    assert main(["report", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'report.html'}\n"
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot be read"), ("{}", "name is missing"), ("<", "Expecting value")]
)
def test_a_run_without_a_report_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / RECORD).write_text(content, encoding="utf-8")
    assert main(["report", str(tmp_path)]) == ReportError.exit_code
    error = capsys.readouterr().err
    assert error.startswith(f"edgener-export: {tmp_path / RECORD}: ")
    assert message in error
