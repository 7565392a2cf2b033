"""The choice of names that are good enough for a list, among those that a segmenter saw."""

from __future__ import annotations

from collections import Counter

from edgener_export.corpus.name_swap import Name
from tools.harvest_names import reliable


def test_names_must_be_seen_twice_and_agree() -> None:
    seen = Counter({Name("PER", "欧阳娜娜"): 2, Name("PER", "金山"): 2, Name("LOC", "金山"): 9, Name("LOC", "宝山"): 1})
    assert reliable(seen) == [Name("PER", "欧阳娜娜"), Name("LOC", "金山")]


def test_names_must_be_chinese_and_of_a_likely_length() -> None:
    texts = ["克林顿", "阿布·扎耶德", "A股", "江", "·扎耶德", "王" * 15]
    assert [name.text for name in reliable(Counter({Name("PER", text): 5 for text in texts}))] == texts[:2]
