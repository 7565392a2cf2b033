"""Draw docs/page.png: the service's page in Chromium with what the built-in model finds in a few sentences.

    python tools/page_picture.py

It starts ``edgener serve --http`` itself; Chromium and a Chinese font must be installed (Debian: apt install chromium
fonts-noto-cjk).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "page.png"
TEXT = (
    "王小明在北京大学工作，李娜从上海飞往广州。\n"
    "据新华社报道，雷军在武汉大学向小米公司的员工介绍了新车。\n"
    "张伟毕业于清华大学，现在深圳的华为公司任职。"
)
MILLISECONDS = 120_000


def main() -> None:
    """Write the picture."""
    program = shutil.which("chromium")
    if program is None:
        sys.exit("chromium: is not installed; on Debian: apt install chromium")
    if not subprocess.run(["fc-list", ":lang=zh"], capture_output=True, check=True).stdout:
        sys.exit("fonts: none has Chinese characters; on Debian: apt install fonts-noto-cjk")
    with _service() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"], timeout=MILLISECONDS)
        page = browser.new_page(viewport={"width": 860, "height": 600}, color_scheme="light", locale="en-US")
        page.set_default_timeout(MILLISECONDS)
        page.goto(url)
        page.wait_for_selector("#types input")
        page.fill("#text", TEXT)
        page.click("#find")
        page.wait_for_selector("#rows tr")
        page.locator("#text").evaluate("it => it.rows = 3")
        bottom = page.locator("#rows tr:nth-child(4)").evaluate("it => it.getBoundingClientRect().bottom + scrollY")
        page.evaluate("document.activeElement.blur()")
        page.screenshot(path=PICTURE, full_page=True, clip={"x": 0, "y": 0, "width": 860, "height": bottom})
        browser.close()
    print(f"{PICTURE}  {PICTURE.stat().st_size / 1000:.0f} kB")


@contextmanager
def _service() -> Iterator[str]:
    """Start the service with the built-in model on a free port, and provide its address."""
    command = [sys.executable, "-m", "edgener", "serve", "--http", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stderr.readline() if process.stderr else ""
            found = re.search(r"http://\S+", line)
            if not found:
                sys.exit(line)
            yield found[0]
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
