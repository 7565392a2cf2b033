"""The page of ``--format html``: one self-contained file without scripts, in the look of the service's own page.

The service's page writes the same bytes for its download (``serve/page/page.js``).
"""

from __future__ import annotations

from pathlib import Path

from edgener.entity import Entity
from edgener.lone_surrogates import STAND_INS

STYLE_SHEET = Path(__file__).parent / "serve" / "page" / "page.css"
COLOURS, UNDERLINES = 6, 5
"""Numbers of colours and of underline styles in the style sheet; as they share no factor, 30 types look different."""
ESCAPES = STAND_INS | {
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord('"'): "&quot;",
    ord("\r"): "&#13;",
    0: "\ufffd",
}
"""A table for ``str.translate``: HTML has no way to write NUL and lone surrogates, which become U+FFFD, one for one."""
CLOSING = "</p>\n"
"""End of a document."""
TAIL = "</main>\n"
"""End of the page."""


def escape(text: str) -> str:
    """Return text as HTML, for use between tags or in the double quotes of an attribute."""
    return text.translate(ESCAPES)


def head(title: str) -> str:
    """Return the beginning of a page; its policy lets a browser load nothing and run nothing."""
    return (
        '<!doctype html>\n<html lang="zh">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>\n{STYLE_SHEET.read_text(encoding='utf-8')}</style>\n"
        "<main>\n<h1>edgener</h1>\n"
    )


def opening(file: str | None, line: int) -> str:
    """Return the beginning of a document; the first of a file follows the file's name."""
    heading = f"<h2>{escape(file)}</h2>\n" if file is not None and line == 1 else ""
    return f'{heading}<p data-line="{line}">'


def marked(entity: Entity, number: int) -> str:
    """Return an entity's text as HTML; ``number`` is that of its type."""
    return (
        f'<mark class="c{number % COLOURS} u{number % UNDERLINES}" data-label="{escape(entity.label)}" '
        f'title="{entity.score:.4f}">{escape(entity.text)}</mark>'
    )
