"""The page on which people try the service: the files of the folder page/, as they are."""

from __future__ import annotations

from pathlib import Path

from edgener.serve.messages import Response

FOLDER = Path(__file__).parent / "page"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
INDEX, ICON = "index.html", "/favicon.ico"


def page_responses() -> dict[str, Response]:
    """Return the answer to each path of the page."""
    found = {ICON: Response(status=204, headers=HEADERS)}  # browsers ask for it by themselves
    for file in FOLDER.iterdir():
        media_type = MEDIA_TYPES.get(file.suffix)
        if media_type:
            path = "/" if file.name == INDEX else f"/{file.name}"
            found[path] = Response(file.read_bytes(), media_type, headers=HEADERS)
    return found
