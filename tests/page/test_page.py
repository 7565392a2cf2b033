"""The service's page in a real browser: what a person does with it, on a phone, in the dark, by keyboard."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from edgener import Entity, Recognizer
from edgener.html_page import TAIL, head
from edgener.output_formats import Html
from edgener.recognizer import Segment
from edgener.writers import Place
from tests.html_tree import elements, parsed, text_of
from tests.page.conftest import ANSWER_SECONDS, Visitor, kept_busy
from tests.serve.servers import TOKEN, Running, running
from tests.support import FRAGMENTS, labelled_texts, run_tiny

pytestmark = pytest.mark.browser
expect.set_options(timeout=ANSWER_SECONDS * 1000)
TEXT = "王小明在青山大学工作。"
LIGHT = {"color_scheme": "light", "viewport": {"width": 1000, "height": 900}}
LOOKS = {
    "light": LIGHT,
    "dark": {"color_scheme": "dark", "viewport": {"width": 1000, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 740}, "locale": "zh-CN", "has_touch": True},
}
DROP = """([name, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name));
  for (const kind of ["dragover", "drop"])
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""

WATCH = """() => {
  window.work = { filtered: 0, removed: 0 };
  const { filter } = Array.prototype;
  Array.prototype.filter = function (...rest) {
    work.filtered++;
    return filter.apply(this, rest);
  };
  new MutationObserver((records) => {
    for (const { removedNodes } of records) for (const it of removedNodes) work.removed += it.nodeType === 1;
  }).observe(document.querySelector("#answers"), { childList: true, subtree: true });
}"""
"""Counts the lists that the page filters, and the paragraphs and rows that it takes away."""
SLIDE = """async () => {
  for (let step = 0; step < 50; step++) document.querySelector("#least").dispatchEvent(new Event("input"));
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
}"""


def find(page: Page, text: str) -> None:
    """Type a text and ask for its entities."""
    page.fill("#text", text)
    page.click("#find")
    expect(page.locator("#progress")).to_be_hidden()


def drop(page: Page, name: str, content: bytes) -> None:
    """Drop a file on the page."""
    page.evaluate(DROP, [name, list(content)])


def rows(page: Page) -> list[list[str]]:
    """Return the cells of the table."""
    return [row.locator("td").all_text_contents() for row in page.locator("#rows tr").all()]


def saved(page: Page, output_format: str) -> tuple[str, str]:
    """Save the answers; return the name and the content of the file."""
    with page.expect_download() as download:
        page.click(f"[data-save={output_format}]")
    return download.value.suggested_filename, Path(download.value.path()).read_text(encoding="utf-8")


def assert_no_sideways_scrolling(page: Page) -> None:
    """Assert that the page is no wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def assert_accessible(page: Page) -> None:
    """Assert that axe finds nothing."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    visitor: Visitor, service: Running, look: dict[str, object]
) -> None:
    page = visitor.opens(service, **look)
    page.wait_for_selector("#types input")
    assert_accessible(page)
    find(page, "\n".join([*(row.text for row in labelled_texts()[:40]), "supercalifragilistic" * 20]))
    assert len(rows(page)) > 20
    assert_accessible(page)
    assert_no_sideways_scrolling(page)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_page_of_the_command_line_with_thirty_types_can_be_read(
    visitor: Visitor, look: dict[str, object], tmp_path: Path
) -> None:
    labels = [f"TYPE{number}" for number in range(30)]
    text = "王小明" * 30
    entities = [Entity(3 * n, 3 * n + 3, label, text[:3], 0.5) for n, label in enumerate(labels)]
    writer = Html(labels)
    segments = [Segment(0, text, entities, is_last=True), Segment(0, "supercalifragilistic" * 20, [], is_last=True)]
    paragraphs = [writer(Place("news.txt", line), segment) for line, segment in enumerate(segments, 1)]
    file = tmp_path / "page.html"
    file.write_text(head("news.txt") + "".join(paragraphs) + TAIL, encoding="utf-8")
    page = visitor.opens(file, **look)
    assert_accessible(page)
    assert_no_sideways_scrolling(page)
    style = "it => { const s = getComputedStyle(it); return `${s.color} ${s.textDecorationStyle}` }"
    assert len({mark.evaluate(style) for mark in page.locator("mark").all()}) == 30


def test_entities_are_marked_and_listed(visitor: Visitor, service: Running, recognizer: Recognizer) -> None:
    page = visitor.opens(service)
    find(page, f"{TEXT}\n\n{TEXT}")
    entities = recognizer(TEXT)
    expected = [
        [str(line), str(it.start), str(it.end), it.label, it.text, f"{it.score:.4f}"]
        for line in (1, 3)
        for it in entities
    ]
    assert rows(page) == expected
    assert page.locator("#marked p").all_text_contents() == [TEXT, "", TEXT]
    assert page.locator("#marked mark").all_text_contents() == [entity.text for entity in entities] * 2
    expect(page.locator("#status")).to_have_text("4 entities in 3 of 3 lines.")
    expect(page.locator("#model")).to_have_text(recognizer.manifest.name)


def test_offsets_count_code_points(visitor: Visitor, service: Running, recognizer: Recognizer) -> None:
    text = f"👨‍👩‍👧🇨🇳𠮷{TEXT}👍{TEXT}"
    page = visitor.opens(service)
    find(page, text)
    entities = recognizer(text)
    assert [(int(row[1]), int(row[2]), row[4]) for row in rows(page)] == [
        (it.start, it.end, it.text) for it in entities
    ]
    assert page.locator("#marked mark").all_text_contents() == [entity.text for entity in entities]
    assert len(entities) >= 4


def test_any_text_is_shown_unchanged_and_as_text(visitor: Visitor, service: Running) -> None:
    fragments = [fragment for fragment in FRAGMENTS if "\n" not in fragment and "\r" not in fragment]
    lines = [
        *fragments,
        "<img src=x onerror=alert(1)>",
        "</p><script>alert(1)</script>",
        "&lt;&amp;&#0;",
        "\x01\x85\x1f ",
    ]
    page = visitor.opens(service)
    drop(page, "<b>.txt", "\n".join(lines).encode("utf-8", "replace"))
    expect(page.locator("#status")).to_contain_text(f"{len(lines)} of {len(lines)} lines")
    shown = [line.replace("\0", "\ufffd").encode("utf-8", "replace").decode() for line in lines]
    assert page.locator("#marked p").all_text_contents() == shown
    assert page.locator("#marked img, #marked script, #marked b").count() == 0
    expect(page.locator("#marked h2")).to_have_text("<b>.txt")


def test_a_file_is_asked_for_in_requests_of_64_lines(visitor: Visitor, service: Running) -> None:
    lines = [labelled_texts()[number % 100].text for number in range(400)]
    page = visitor.opens(service)
    page.set_input_files("#file", {"name": "a.txt", "mimeType": "text/plain", "buffer": "\r\n".join(lines).encode()})
    expect(page.locator("#status")).to_contain_text("400 of 400 lines")
    assert visitor.numbers_of_texts == [64] * 6 + [16]
    assert page.locator("#marked p").all_text_contents() == lines


def test_long_lines_make_smaller_requests(visitor: Visitor, service: Running) -> None:
    page = visitor.opens(service)
    drop(page, "a.txt", "\n".join(["好", "好" * 60_000, "好" * 60_000]).encode())
    expect(page.locator("#status")).to_contain_text("3 of 3 lines")
    assert visitor.numbers_of_texts == [2, 1]


def test_requests_fit_the_limits_of_the_service(visitor: Visitor) -> None:
    with running("--workers", "1", "--most-texts", "3", "--most-bytes", "2000") as narrow:
        page = visitor.opens(narrow)
        lines = [*[TEXT] * 7, *["好" * 600, "\x01" * 280] * 2]

        def answer_late(route: Route) -> None:
            page.wait_for_timeout(500)
            route.continue_()

        page.route("**/info", answer_late)
        page.reload()
        drop(page, "a.txt", "\n".join(lines).encode())
        expect(page.locator("#status")).to_contain_text("11 of 11 lines")
        assert visitor.numbers_of_texts == [3, 3, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("how", ["dropped", "chosen"])
def test_a_file_in_gb18030_is_read(visitor: Visitor, service: Running, how: str) -> None:
    page = visitor.opens(service)
    content = f"{TEXT}\n".encode("gb18030")
    if how == "dropped":
        drop(page, "old.txt", content)
    else:
        page.set_input_files("#file", {"name": "old.txt", "mimeType": "text/plain", "buffer": content})
    expect(page.locator("#status")).to_contain_text("Read as GB18030.")
    expect(page.locator("#marked p")).to_have_text([TEXT])


def test_a_file_can_be_chosen_a_second_time(visitor: Visitor, service: Running) -> None:
    page = visitor.opens(service)
    file = {"name": "a.txt", "mimeType": "text/plain", "buffer": TEXT.encode()}
    page.set_input_files("#file", file)  # type: ignore[arg-type]
    expect(page.locator("#marked p")).to_have_text([TEXT])
    assert page.input_value("#file") == ""  # a browser tells only of a choice that is another one


def test_a_folder_is_refused_as_what_it_is(visitor: Visitor, service: Running, tmp_path: Path) -> None:
    page = visitor.opens(service)
    devtools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(tmp_path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, "x": 100, "y": 200, "data": data})
    expect(page.locator("#status")).to_have_text("This file or folder cannot be read.")
    assert visitor.numbers_of_texts == []


def test_a_file_that_is_no_text_is_refused(visitor: Visitor, service: Running) -> None:
    page = visitor.opens(service)
    drop(page, "photo.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\xff\xff")
    expect(page.locator("#status")).to_have_text("The file is neither UTF-8 nor GB18030 text.")
    assert visitor.numbers_of_texts == []


@pytest.fixture
def news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The content of news.txt in the working directory, with everything that output formats treat apart."""
    texts = [row.text for row in labelled_texts()[:90]]
    content = "\n".join([*texts, "", 'a<b>&"c"\t\x85\u2028𠮷👍' + TEXT, "\x1f\x0b", TEXT]) + "\n"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "news.txt").write_bytes(content.encode())
    return content.encode()


@pytest.mark.parametrize("output_format", ["conll", "html", "jsonl"])
def test_saved_files_are_those_of_the_command_line(
    visitor: Visitor, service: Running, news: bytes, output_format: str
) -> None:
    page = visitor.opens(service)
    drop(page, "news.txt", news)
    expect(page.locator("#status")).to_contain_text("94 of 94 lines")
    name, content = saved(page, output_format)
    assert name == f"news.txt.{output_format}"
    expected = run_tiny("--format", output_format, "--file", "news.txt").output.decode()
    if output_format == "jsonl":  # JavaScript writes no blanks between values
        assert [json.loads(row) for row in content.splitlines()] == [json.loads(row) for row in expected.splitlines()]
    else:
        assert content == expected


def test_score_and_types_choose_what_is_shown_and_saved(
    visitor: Visitor, service: Running, recognizer: Recognizer
) -> None:
    texts = [row.text for row in labelled_texts()[:60]]
    page = visitor.opens(service)
    find(page, "\n".join(texts))
    page.locator("#least").fill("0.9")
    page.uncheck("#types label:has-text('ORG') input")
    found = [it for text in texts for it in recognizer(text)]
    kept = [it for it in found if it.score >= 0.9 and it.label != "ORG"]
    assert 0 < len(kept) < len(found)
    expect(page.locator("#score")).to_have_text("0.90")
    expect(page.locator("#rows tr")).to_have_count(len(kept))
    assert [row[4] for row in rows(page)] == [it.text for it in kept]
    assert page.locator("#marked mark").all_text_contents() == [it.text for it in kept]
    _, content = saved(page, "html")
    assert [text_of(mark) for mark in elements(parsed(content), "mark")] == [it.text for it in kept]
    page.check("#types label:has-text('ORG') input")
    page.locator("#least").fill("0")
    expect(page.locator("#rows tr")).to_have_count(len(found))


def test_all_of_it_by_keyboard(visitor: Visitor, service: Running) -> None:
    page = visitor.opens(service, **LIGHT)
    page.locator("#text").press("Control+A")
    page.locator("#text").press_sequentially(f"ab{TEXT}")
    page.locator("#text").press("Control+Enter")
    expect(page.locator("#rows tr")).to_have_count(2)
    assert page.locator("#marked p").all_text_contents() == [f"ab{TEXT}"]
    page.locator("#language").focus()
    names = [focused_after_tab(page) for _ in range(10)]
    assert names == ["text", "find", "file", "LOC", "ORG", "PER", "least", "jsonl", "conll", "html"]
    page.locator("#types input").first.focus()
    page.keyboard.press("Space")
    page.locator("#least").press("End")
    expect(page.locator("#score")).to_have_text("1.00")
    expect(page.locator("#rows tr")).to_have_count(0)


def focused_after_tab(page: Page) -> str:
    """Press Tab, and return the name of what has the focus then; it must be visible that it has it."""
    page.keyboard.press("Tab")
    it = page.locator(":focus")
    assert it.evaluate("it => getComputedStyle(it).outlineStyle") != "none"
    return str(it.evaluate("it => it.id || it.dataset.save || it.parentNode.textContent.trim()"))


@pytest.mark.parametrize(
    ("locale", "first", "second"), [("en-GB", "Find entities", "识别实体"), ("zh-TW", "识别实体", "Find entities")]
)
def test_the_language_is_the_browsers_until_it_is_switched(
    visitor: Visitor, service: Running, locale: str, first: str, second: str
) -> None:
    page = visitor.opens(service, locale=locale)
    find(page, TEXT)
    texts = []
    for expected, language in (
        (first, locale[:2]),
        (second, "zh" if locale.startswith("en") else "en"),
        (first, locale[:2]),
    ):
        expect(page.locator("#find")).to_have_text(expected)
        assert page.evaluate("document.documentElement.lang") == language
        assert page.get_attribute("#language", "lang") == ("en" if language == "zh" else "zh")
        assert page.locator("#rows [lang=zh]").all_text_contents() == ["王小明", "青山大学"]
        expect(page.locator("body")).to_contain_text(TEXT, use_inner_text=True)  # lines are drawn a frame later
        texts.append(re.sub(r"\s+", " ", page.locator("body").inner_text()))
        page.click("#language")
    assert texts[0] == texts[2]
    assert len(re.findall("[a-z]{3,}", min(texts, key=lambda text: len(re.findall("[a-z]{3,}", text))))) < 6


@pytest.mark.parametrize("wrong", ["wrong", " ", "令牌"])
def test_a_token_is_asked_for_until_it_is_right(visitor: Visitor, guarded: Running, wrong: str) -> None:
    page = visitor.opens(guarded)
    expect(page.get_by_role("dialog", name="This service asks for a token:")).to_be_visible()
    assert_accessible(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.fill("#token", wrong)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Wrong token.")
    assert_accessible(page)
    page.fill("#token", f" {TOKEN}\t")
    page.keyboard.press("Enter")
    expect(page.locator("#ask")).to_be_hidden()
    expect(page.locator("#types input")).to_have_count(3)
    find(page, TEXT)
    expect(page.locator("#rows tr")).to_have_count(2)
    assert visitor.numbers_of_texts == [1]


@pytest.mark.parametrize("leave", ["Escape", "Cancel"])
def test_without_a_token_the_page_says_what_the_service_said(visitor: Visitor, guarded: Running, leave: str) -> None:
    page = visitor.opens(guarded)
    for _ in range(2):  # when it is opened, and when a text is asked for
        expect(page.locator("#ask")).to_be_visible()
        if leave == "Cancel":
            page.get_by_role("button", name=leave).click()
        else:
            page.keyboard.press(leave)
        expect(page.locator("#ask")).to_be_hidden()
        page.evaluate("document.getElementById('status').textContent || document.getElementById('find').click()")
    expect(page.locator("#status")).to_contain_text("send a token")
    expect(page.locator("#find")).to_have_text("Find entities")


def test_it_waits_for_a_busy_service(visitor: Visitor, service: Running) -> None:
    page = visitor.opens(service)
    page.fill("#text", TEXT)
    with kept_busy(service):
        status = page.locator("#status")
        while "Busy" not in status.inner_text():  # between two requests of the other client there is room for one
            page.click("#find")
            expect(status).to_have_text(re.compile("Busy; the next try is in |2 entities in "))
    expect(page.locator("#rows tr")).to_have_count(2)
    expect(page.locator("#status")).to_have_text("2 entities in 1 of 1 lines.")


def test_stop_ends_the_waiting(visitor: Visitor, service: Running) -> None:
    page = visitor.opens(service)
    with kept_busy(service):
        drop(page, "first.txt", "\n".join([TEXT] * 2000).encode())
        expect(page.locator("#find")).to_have_text("Stop")
        page.click("#find")
        expect(page.locator("#status")).to_contain_text("Stopped.")
    expect(page.locator("#find")).to_have_text("Find entities")
    find(page, TEXT)
    expect(page.locator("#status")).to_have_text("2 entities in 1 of 1 lines.")


def test_a_second_file_takes_the_place_of_the_first(visitor: Visitor, service: Running) -> None:
    page = visitor.opens(service)
    drop(page, "first.txt", "\n".join([TEXT] * 2000).encode())
    drop(page, "second.txt", f"{TEXT}\n".encode())
    expect(page.locator("#status")).to_have_text("2 entities in 1 of 1 lines. Read as UTF-8.")
    page.wait_for_timeout(1500)
    expect(page.locator("#marked h2")).to_have_text("second.txt")
    assert page.locator("#marked p").count() == 1


def test_more_than_a_thousand_lines_are_saved_but_not_all_shown(visitor: Visitor, service: Running) -> None:
    page = visitor.opens(service)
    drop(page, "long.txt", "\n".join([TEXT] * 1100).encode())
    expect(page.locator("#status")).to_contain_text("1100 of 1100 lines")
    expect(page.locator("#status")).to_contain_text("Saved files hold all")
    assert page.locator("#marked p").count() == page.locator("#rows tr").count() == 1000
    assert len(saved(page, "jsonl")[1].splitlines()) == 1100


def test_a_line_is_drawn_once_and_all_only_when_others_are_chosen(visitor: Visitor, service: Running) -> None:
    page = visitor.opens(service)
    page.evaluate(WATCH)
    drop(page, "long.txt", "\n".join([TEXT] * 1100).encode())
    expect(page.locator("#status")).to_contain_text("1100 of 1100 lines")
    work = page.evaluate("work")
    assert work["removed"] == 0
    assert work["filtered"] < 3 * 1100
    page.evaluate(SLIDE)
    work = page.evaluate("work")
    assert work["removed"] == 1 + 1000 + 1000  # the name of the file, the paragraphs and the rows, each once
    assert work["filtered"] < 6 * 1100
    expect(page.locator("#status")).to_contain_text("2200 entities in 1100 of 1100 lines")


def test_a_service_that_is_gone_is_told(visitor: Visitor, service: Running) -> None:
    page = visitor.opens(service)
    page.wait_for_selector("#types input")
    page.context.set_offline(True)
    page.click("#find")
    expect(page.locator("#status")).to_contain_text("No answer.")
