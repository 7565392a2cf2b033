"""Aliases: what a model sees in place of the characters of a text, always one code point for one.

A bundle names in its manifest the aliases that its model was trained or measured with; offsets are untouched by them.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import NamedTuple

from edgener.lone_surrogates import STAND_INS

SIMPLIFIED = "simplified"
RADICALS = "radicals"
DOTS = "dots"
SPACES = "spaces"
ALIASES = (SIMPLIFIED, RADICALS, DOTS, SPACES)
"""Names of all aliases.

- ``simplified``: traditional, Japanese and other variant characters are seen as simplified ones.
- ``radicals``: Kangxi and CJK radicals and compatibility ideographs, as PDF files and text recognition give them, are
  seen as ideographs.
- ``dots``: the dots between the parts of foreign names are seen as "·".
- ``spaces``: white space between ideographs is seen as "、", but for text with white space after every character.
"""
TABLE = Path(__file__).with_name("aliases.txt")
"""The file that tools/make_aliases.py wrote."""
EARLIER_TABLES = frozenset({"193bfd6ea1faf0335d3baae1d21864c308d5da81155ae10d0069adc7fbfc841f"})
"""Digests of earlier tables; the present one only adds characters to them, which hardly any text holds."""
FULL_WIDTH_ASCII = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
ONE_TO_ONE = FULL_WIDTH_ASCII | STAND_INS
MOST_KEPT = 1 << 16
"""Most characters of which it is kept what is seen in their place; there are seventeen times as many code points."""
"""The aliases of every bundle: full-width forms and lone surrogates."""
IDEOGRAPH = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""Ideographs, as the inside of a regular expression's brackets."""
_BLANK = "[ \t\x0b\x0c\x85\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]"
_LETTER = "[^\\W\\d_]"
SEPARATING_SPACE = re.compile(
    f"{_BLANK}(?:(?<=[{IDEOGRAPH}]{{2}}.)(?={_BLANK}*[{IDEOGRAPH}])|(?<=[{IDEOGRAPH}].)(?={_BLANK}*[{IDEOGRAPH}]{{2}}))"
)
"""The first white space between ideographs of which at least one has another ideograph as its other neighbour."""
FOREIGN_DOT = re.compile(
    f"[•‧・･∙⋅᛫⸱⸳ꞏ](?<={_LETTER}.)(?={_LETTER})|．(?:(?<=[{IDEOGRAPH}].)(?={_LETTER})|(?<={_LETTER}.)(?=[{IDEOGRAPH}]))"
)
"""A dot between letters or ideographs; a full-width point counts where it stands beside an ideograph.

Both patterns begin with the character itself, since a regular expression that begins with a look-behind is slow."""


class _Table(NamedTuple):
    """Characters and what is seen in place of each, in the order of code points."""

    characters: str
    seen: str

    def get(self, character: str) -> str:
        """Return what is seen in place of a character: mostly the character itself."""
        place = bisect_left(self.characters, character)
        is_there = place < len(self.characters) and self.characters[place] == character
        return self.seen[place] if is_there else character


class Aliases(dict[int, str]):
    """The aliases of one bundle, as a table for ``str.translate`` that is filled as characters occur.

    A character whose alias is not in the model's vocabulary stays itself; ``is_known`` says what the vocabulary holds.
    """

    def __init__(self, names: Collection[str], is_known: Callable[[str], bool]) -> None:
        super().__init__((code, chr(seen)) for code, seen in ONE_TO_ONE.items())
        self._tables = [_tables()[name] for name in (SIMPLIFIED, RADICALS) if name in names]
        self._is_known = is_known
        self._shows_dots, self._shows_spaces = DOTS in names, SPACES in names

    def __missing__(self, code: int) -> str:
        character = chr(code)
        for table in self._tables:
            seen = table.get(character)
            if seen != character and self._is_known(seen):
                character = seen
        if len(self) < MOST_KEPT:  # text that holds every character there is must not fill the memory
            self[code] = character
        return character

    def separators(self, text: str) -> str:
        """Return the text with those aliases in it that depend on a character's neighbours."""
        text = self._dots(text)
        return SEPARATING_SPACE.sub("、", text) if self._shows_spaces else text

    def words(self, text: str) -> str:
        """Return the text with the aliases of characters and dots, in which words look alike wherever they stand."""
        return self._dots(text).translate(self)

    def _dots(self, text: str) -> str:
        return FOREIGN_DOT.sub("·", text) if self._shows_dots else text


def table_sha256() -> str:
    """Return the digest of the table of characters, by which a manifest names it."""
    return hashlib.sha256(TABLE.read_bytes()).hexdigest()


@cache
def _tables() -> dict[str, _Table]:
    lines = [line for line in TABLE.read_text(encoding="utf-8").split("\n") if not line.startswith("#")]
    return {lines[place]: _Table(lines[place + 1], lines[place + 2]) for place in range(0, len(lines) - 2, 3)}
