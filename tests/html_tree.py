"""HTML as a parser that follows the standard and sanitizes nothing sees it."""

from __future__ import annotations

from justhtml import Element, JustHTML


def parsed(page: str, *, strict: bool = False) -> JustHTML:
    """Return the tree of a page; with ``strict``, a parse error is raised."""
    return JustHTML(page, sanitize=False, strict=strict)


def elements(tree: JustHTML | Element, selector: str) -> list[Element]:
    """Return the elements that a CSS selector matches, in their order."""
    return [found for found in tree.query(selector) if isinstance(found, Element)]


def attributes(element: Element) -> dict[str, str]:
    """Return the attributes of an element; one without a value has an empty one."""
    return {name: value or "" for name, value in (element.attrs or {}).items()}


def text_of(element: Element) -> str:
    """Return the text content of an element, unchanged."""
    return element.to_text(separator="", strip=False)
