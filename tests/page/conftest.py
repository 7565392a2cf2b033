"""The browser in which the page is tried, and the services that it talks to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from tests.serve.servers import TOKEN, Running, running

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
"""Names of Chromium on Debian, on other systems, and as Google packs it."""
ANSWER_SECONDS = 120
"""Seconds in which the browser shows what it should, on a busy machine."""
BUSY_TEXT = "王小明在青山大学工作。" * 2000


class Visitor:
    """A person with a browser, who opens pages and notes what they ask for and what goes wrong in them."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._pages: list[Page] = []
        self.numbers_of_texts: list[int] = []
        """Number of texts of each request to the service."""
        self.urls: list[str] = []
        self.errors: list[str] = []

    def opens(self, place: Running | Path, **options: object) -> Page:
        """Open the page of a service, or that in a file; ``options`` are those of playwright's new_context."""
        context = self._browser.new_context(**{"locale": "en-US", **options})  # type: ignore[arg-type]
        context.set_default_timeout(ANSWER_SECONDS * 1000)
        page = context.new_page()
        self._pages.append(page)
        page.on("request", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda it: self.errors.append(it.text) if "Content Security Policy" in it.text else None)
        page.goto(place.as_uri() if isinstance(place, Path) else place.address)
        return page

    def leaves(self) -> None:
        """Close all pages."""
        for page in self._pages:
            page.context.close()

    def _note(self, request: Request) -> None:
        self.urls.append(request.url)
        if request.method == "POST":
            self.numbers_of_texts.append(len(json.loads(request.post_data or "")["inputs"]))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium without a window."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.fail("no Chromium is on the PATH; on Debian: apt install chromium", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"], timeout=ANSWER_SECONDS * 1000
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def service() -> Iterator[Running]:
    """A service with the tiny model that refuses who would have to wait at all."""
    with running("--workers", "1", "--queue-seconds", "1e-9") as found:
        yield found


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that asks for a token."""
    path = tmp_path_factory.mktemp("tokens") / "tokens"
    path.write_text(f"newsroom {TOKEN}\n", encoding="utf-8")
    with running("--token-file", str(path)) as found:
        yield found


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """A visitor, who finds in the end that nothing went wrong and that no request went elsewhere."""
    visitor = Visitor(browser)
    yield visitor
    visitor.leaves()
    assert visitor.errors == []
    origins = {url.removeprefix("blob:").split("/")[2] for url in visitor.urls if not url.startswith("data:")}
    assert len(origins) <= 1, visitor.urls


@contextmanager
def kept_busy(service: Running) -> Iterator[None]:
    """Let another client ask so much that the service refuses everybody else, until the block ends."""
    ended, begun = Event(), Event()

    def ask() -> None:
        while not ended.is_set():
            begun.set()
            service.ask({"inputs": [BUSY_TEXT] * 4})

    askers = [Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    begun.wait()
    try:
        yield
    finally:
        ended.set()
        for asker in askers:
            asker.join()
