"""Write the table of characters that a model sees as others: traditional as simplified ones, radicals as ideographs.

    pip install opencc-python-reimplemented==0.1.7
    python tools/make_aliases.py runtime/edgener/aliases.txt

The traditional and variant characters come from the character data of OpenCC (https://github.com/BYVoid/OpenCC,
Apache-2.0) as the package opencc-python-reimplemented 0.1.7 carries it, of which only single characters and their
first candidates are taken. A normal simplified character, which is one of GB 2312, stays as it is, as 乾 and 著 do,
but for the few in HARMLESS. The Kangxi radicals and the compatibility ideographs, which PDF files and Korean text hold,
are those of Unicode's decompositions, and the other radicals the ones of them that are whole characters of today.
"""

from __future__ import annotations

import argparse
import unicodedata
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

VARIANTS_TO_STANDARD = ("HKVariantsRev", "TWVariantsRev")
STANDARD_TO_VARIANTS = ("JPVariants",)
HARMLESS = frozenset("於後徵夥捱摺菸")
"""Characters of GB 2312 that simplified text hardly ever uses, and traditional text often."""
RADICALS = dict(
    zip(
        "⺝⺠⺩⺫⺬⻁⻄⻅⻆⻉⻋⻑⻓⻔⻗⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲⻳",
        "月民王目示虎西见角贝车长长门雨青韦页风飞食马骨鬼鱼鸟卤麦黄黾齐齐齿齿龙龙龟龟龟",
        strict=True,
    )
)
KANGXI = range(0x2F00, 0x2FD6)
COMPATIBILITY = range(0xF900, 0xFADA)
"""Compatibility ideographs; a few of this range are ideographs of their own."""
HEADER = """\
# What a model sees in place of other characters: for each kind a line of characters and a line of what is seen.
# simplified: from the character data of OpenCC, Copyright BYVoid and contributors, Apache License 2.0,
# https://github.com/BYVoid/OpenCC; selected by tools/make_aliases.py, which made this file.
# radicals: from the Unicode Character Database, Unicode License v3.
"""


def main() -> None:
    """Write the table to the path that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path, help="the file to write")
    target: Path = parser.parse_args().target
    simplified = simplified_characters()
    tables = {"simplified": simplified, "radicals": radicals(simplified)}
    lines = [f"{name}\n{''.join(sorted(table))}\n{_values(table)}\n" for name, table in tables.items()]
    target.write_text(HEADER + "".join(lines), encoding="utf-8")


def simplified_characters() -> dict[str, str]:
    """Return the simplified character for each traditional one and each variant."""
    table = {traditional: values[0] for traditional, values in _dictionary("TSCharacters")}
    standard = {variant: values[0] for name in VARIANTS_TO_STANDARD for variant, values in _dictionary(name)}
    for name in STANDARD_TO_VARIANTS:
        for character, variants in _dictionary(name):
            standard = dict.fromkeys(variants, character) | standard
    for variant, character in standard.items():
        if variant not in table and is_gb2312(table.get(character, character)):
            table[variant] = table.get(character, character)
    wanted = {character: seen for character, seen in table.items() if _is_wanted(character, seen)}
    return {character: wanted.get(seen, seen) for character, seen in wanted.items()}


def radicals(simplified: dict[str, str]) -> dict[str, str]:
    """Return the simplified ideograph for each radical and each compatibility ideograph."""
    ideographs = {code: unicodedata.normalize("NFKC", code) for code in map(chr, (*KANGXI, *COMPATIBILITY))} | RADICALS
    seen = {radical: simplified.get(ideograph, ideograph) for radical, ideograph in ideographs.items()}
    return {radical: ideograph for radical, ideograph in seen.items() if radical != ideograph}


def is_gb2312(character: str) -> bool:
    """Return whether a character is one of simplified text."""
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _is_wanted(character: str, seen: str) -> bool:
    is_single = len(character) == len(seen) == 1 and max(character, seen) < "\U00010000"
    return is_single and character != seen and (character in HARMLESS or not is_gb2312(character))


def _dictionary(name: str) -> Iterator[tuple[str, list[str]]]:
    package = find_spec("opencc")
    if package is None or package.origin is None:
        raise SystemExit("opencc is not installed; run: pip install opencc-python-reimplemented==0.1.7")
    path = Path(package.origin).parent / "dictionary" / f"{name}.txt"
    for line in path.read_text(encoding="utf-8-sig").splitlines():
        character, _, values = line.partition("\t")
        if values:
            yield character, values.split(" ")


def _values(table: dict[str, str]) -> str:
    return "".join(table[character] for character in sorted(table))


if __name__ == "__main__":
    main()
