"""The page of --format html holds the text unchanged and the entities, whatever stands in them, and nothing else."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import pairwise, product
from pathlib import Path
from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgener import Entity, Recognizer, Segment
from edgener.html_page import STYLE_SHEET, TAIL, head, marked
from edgener.lone_surrogates import STAND_INS
from edgener.output_formats import Html
from edgener.writers import Place
from tests.html_tree import attributes, elements, parsed, text_of
from tests.support import CHARACTERS, TEXTS, in_pieces, labelled_texts, run_tiny, start_tiny

MARKUP = (
    "<script>alert(1)</script>", "</p></main>", "<mark>", "-->", "<!--", "]]>", "&lt;", "&amp;lt", "&#0;", "&copy",
    "</style>", "</title>", '" onload="x', "'", "<img src=x onerror=x>", "\0", "\r\n", "\r", "\x85", "\ufffe", "\x1b",
)  # fmt: skip
WITH_MARKUP = st.lists(st.sampled_from(MARKUP) | TEXTS, max_size=6).map("".join)
LABELS = st.lists(st.sampled_from(MARKUP) | st.text(CHARACTERS, min_size=1, max_size=4), min_size=1, unique=True)
NOT_IN_HTML = STAND_INS | {0: "\ufffd"}
ELEMENTS = ["html", "head", "meta", "meta", "meta", "title", "style", "body", "main", "h1", "p"]


class Document(NamedTuple):
    """A text with entities of some types."""

    text: str
    entities: list[Entity]
    labels: list[str]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Any text with entities of any types anywhere."""
    text, labels = draw(WITH_MARKUP), draw(LABELS)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    entities = [
        Entity(start, end, draw(st.sampled_from(labels)), text[start:end], draw(st.floats(0, 1)))
        for start, end in pairwise(cuts)
        if draw(st.booleans())
    ]
    return Document(text, entities, labels)


def page_of(document: Document, title: str = "edgener", file: str | None = None) -> str:
    """Write a page of one document."""
    segment = Segment(0, document.text, document.entities, is_last=True)
    return head(title) + Html(document.labels)(Place(file, 1), segment) + TAIL


def as_in_html(text: str) -> str:
    """Return text with U+FFFD in the place of what HTML cannot hold."""
    return text.translate(NOT_IN_HTML)


def element_names(page: str) -> list[str]:
    """Return the names of all elements of a page, in order, as a parser that sanitizes nothing finds them."""
    return [element.name for element in elements(parsed(page), "*")]


@settings(max_examples=300)
@given(documents())
def test_any_text_comes_back_out_of_the_page_and_no_markup_gets_in(document: Document) -> None:
    page = page_of(document)
    tree = parsed(page)
    (paragraph,) = elements(tree, "p")
    assert text_of(paragraph) == as_in_html(document.text)
    marks = [
        (text_of(mark), attributes(mark)["data-label"], attributes(mark)["title"])
        for mark in elements(paragraph, "mark")
    ]
    assert marks == [
        (as_in_html(entity.text), as_in_html(entity.label), f"{entity.score:.4f}") for entity in document.entities
    ]
    assert element_names(page) == [*ELEMENTS, *["mark"] * len(document.entities)]
    assert {name for mark in elements(paragraph, "mark") for name in attributes(mark)} <= {
        "class",
        "data-label",
        "title",
    }


class _Reader(HTMLParser):
    """The other parser, that of the standard library, which collects the text of paragraphs."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, _attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "p":
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if self.texts:
            self.texts[-1] += data


@given(documents())
def test_another_parser_reads_the_same_text(document: Document) -> None:
    reader = _Reader()
    reader.feed(page_of(document))
    reader.close()
    assert [text.removesuffix("\n\n") for text in reader.texts] == [as_in_html(document.text)]
    assert reader.tags.count("mark") == len(document.entities)


@given(WITH_MARKUP)
@example("</title><script>")
def test_the_name_of_a_file_is_text_too(name: str) -> None:
    tree = parsed(page_of(Document("王", [], []), name, name))
    (heading,) = elements(tree, "h2")
    assert text_of(heading) == as_in_html(name)
    assert element_names(page_of(Document("王", [], []), name)) == ELEMENTS


def test_a_document_is_a_paragraph_with_marked_entities() -> None:
    text = "王小明在<青山大学>"
    segments = (
        Segment(0, text[:2], [Entity(0, 3, "PER", text[:3], 0.98765)], is_last=False),
        Segment(2, text[2:], [Entity(5, 9, "ORG", text[5:9], 0.5)], is_last=True),
    )
    writer = Html(["LOC", "ORG", "PER"])
    assert "".join(writer(Place("a&b", 1), segment) for segment in segments) == (
        '<h2>a&amp;b</h2>\n<p data-line="1">'
        '<mark class="c2 u2" data-label="PER" title="0.9877">王小明</mark>在&lt;'
        '<mark class="c1 u1" data-label="ORG" title="0.5000">青山大学</mark>&gt;</p>\n'
    )
    assert writer(Place("a&b", 2), Segment(0, "", [], is_last=True)) == '<p data-line="2"></p>\n'


@settings(max_examples=40)
@given(in_pieces(st.lists(st.sampled_from([row.text for row in labelled_texts()]) | TEXTS, max_size=20).map("".join)))
def test_a_document_that_arrives_in_pieces_is_whole(recognizer: Recognizer, pieces: list[str]) -> None:
    writer = Html(recognizer.manifest.tag_set.labels)
    written = "".join(writer(Place(None, 1), segment) for segment in recognizer.segments([pieces]))
    (paragraph,) = elements(parsed(head("") + written + TAIL), "p")
    assert text_of(paragraph) == as_in_html("".join(pieces))


def test_a_whole_file_is_one_valid_page(tmp_path: Path) -> None:
    lines = [row.text for row in labelled_texts()] + ["", "a < b & c > d", '"']
    file = tmp_path / "news.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    finished = run_tiny("--format", "html", "--threads", "2", "--file", str(file))
    assert (finished.code, finished.errors) == (0, "")
    page = finished.output.decode()
    tree = parsed(page, strict=True)
    paragraphs = elements(tree, "p")
    assert [attributes(paragraph)["data-line"] for paragraph in paragraphs] == [str(n + 1) for n in range(len(lines))]
    assert [text_of(paragraph) for paragraph in paragraphs] == lines
    rows = run_tiny("--file", str(file)).rows
    found = [
        [{"label": attributes(mark)["data-label"], "text": text_of(mark)} for mark in elements(paragraph, "mark")]
        for paragraph in paragraphs
    ]
    expected = [[{"label": it["label"], "text": it["text"]} for it in row["entities"]] for row in rows]
    assert found == expected
    assert sum(map(len, found)) > 100
    assert elements(tree, "title")[0].to_text() == str(file)


def test_several_files_follow_their_names_on_one_page(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("王\n明\n", encoding="utf-8")
    paths = [str(tmp_path / name) for name in ("a", "b")]
    page = run_tiny("--format", "html", "--file", paths[0], "--file", paths[1]).output.decode()
    assert re.findall(r"<h2>(.*)</h2>|data-line=\"(\d)", page) == [
        (paths[0], ""), ("", "1"), ("", "2"), (paths[1], ""), ("", "1"), ("", "2"),
    ]  # fmt: skip
    assert page.count("<!doctype") == page.count("</main>") == 1


def test_a_page_grows_with_each_line_of_a_pipe() -> None:
    with start_tiny("--format", "html") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        for number in (1, 2):
            process.stdin.write("王小明在青山大学工作。\n".encode())
            process.stdin.flush()
            while f'data-line="{number}"' not in (line := process.stdout.readline().decode()):
                assert line
            assert line.endswith("</p>\n")
        process.stdin.close()
        assert process.stdout.read().decode() == TAIL
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_no_input_is_an_empty_page_and_a_missing_file_is_none() -> None:
    empty = run_tiny("--format", "html")
    assert (empty.code, empty.output.decode()) == (0, head("edgener") + TAIL)
    missing = run_tiny("--format", "html", "--file", "/no/such/file")
    assert (missing.code, missing.output) == (3, b"")


def test_thirty_types_look_different_with_what_the_style_sheet_holds() -> None:
    looks = [
        re.findall(r'class="(c\d) (u\d)"', marked(Entity(0, 1, "X", "王", 1.0), number))[0] for number in range(30)
    ]
    assert len(set(looks)) == 30
    assert set(looks) == set(product((f"c{n}" for n in range(6)), (f"u{n}" for n in range(5))))
    style = STYLE_SHEET.read_text(encoding="utf-8")
    assert [style.count(f".c{n} {{") for n in range(7)] == [2] * 6 + [0]  # light and dark
    assert [style.count(f".u{n} {{") for n in range(6)] == [0, 1, 1, 1, 1, 0]  # the first is solid, as all underlines


def test_the_page_needs_nothing_from_elsewhere_and_allows_nothing() -> None:
    page = page_of(Document("王", [], []))
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert re.findall(r"https?:|url\(|@import|src=|href=", page) == []


def test_scores_have_the_digits_of_the_json_lines() -> None:
    row = run_tiny("王小明在青山大学工作。").rows[0]["entities"]
    page = run_tiny("--format", "html", "王小明在青山大学工作。").output.decode()
    assert [json.loads(score) for score in re.findall(r'title="([0-9.]*)"', page)] == [it["score"] for it in row]
