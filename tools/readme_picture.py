"""Draw docs/entities.svg: the sample text with the entities that the built-in model finds, as the README shows it.

python tools/readme_picture.py
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from edgener import Entity, Recognizer

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "entities.svg"
COLOURS = {"PER": "#1d4ed8", "LOC": "#15803d", "ORG": "#b45309"}
WIDTH, LEFT, LINE_HEIGHT, FONT_SIZE = 860, 24, 40, 19
CHARACTERS_A_LINE = 40
LINES = 6


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(picture(Recognizer.load()), encoding="utf-8")


def picture(recognizer: Recognizer) -> str:
    """Draw the short lines of the sample text as an SVG image."""
    texts = [line for line in (ROOT / "docs/sample.txt").read_text(encoding="utf-8").splitlines() if line]
    short = [text for text in texts if len(text) <= CHARACTERS_A_LINE][:LINES]
    rows = [
        _row(text, entities, number)
        for number, (text, entities) in enumerate(zip(short, recognizer.batch(short), strict=True))
    ]
    height = LINE_HEIGHT * len(rows) + 28
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-size="{FONT_SIZE}" '
        f'font-family="Noto Sans CJK SC, PingFang SC, Microsoft YaHei, sans-serif">'
        f'<rect width="{WIDTH}" height="{height}" rx="10" fill="#fafaf9"/>{"".join(rows)}</svg>\n'
    )


def _row(text: str, entities: list[Entity], number: int) -> str:
    """One line of text, each entity in its colour with its type behind it."""
    spans, position = [], 0
    for entity in entities:
        colour = COLOURS.get(entity.label, "#7e22ce")
        spans.append(escape(text[position : entity.start]))
        spans.append(
            f'<tspan fill="{colour}" font-weight="bold" text-decoration="underline">{escape(entity.text)}</tspan>'
        )
        spans.append(f'<tspan fill="{colour}" font-size="11" dx="2">{entity.label}</tspan>')
        position = entity.end
    spans.append(escape(text[position:]))
    return f'<text x="{LEFT}" y="{LINE_HEIGHT * (number + 1)}" fill="#1c1917">{"".join(spans)}</text>'


if __name__ == "__main__":
    main()
