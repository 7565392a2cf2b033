"""Lone surrogates: code points that a Python string may hold, and that UTF-8 has no bytes for.

They stand for undecodable bytes (PEP 383), or come from JSON that escapes half of a surrogate pair.
"""

import re

LONE_SURROGATES = range(0xD800, 0xE000)
"""All of these code points."""
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Any of these code points."""
STAND_INS = dict.fromkeys(LONE_SURROGATES, 0xFFFD)
"""A table for ``str.translate`` that shows each of them as U+FFFD, the replacement character."""
UNDECODABLE = re.compile("[\udc80-\udcff]")
"""Lone surrogates that stand for a byte that could not be decoded."""
JSON_ESCAPES = {code: f"\\u{code:04x}" for code in LONE_SURROGATES}
"""A table for ``str.translate`` that makes JSON text writable as UTF-8 without losing any of them."""
FIRST_OF_PAIR = re.compile("[\ud800-\udbff](?=[\udc00-\udfff])")
"""The first half of a pair that stands side by side, which every reader of JSON takes for one character."""
