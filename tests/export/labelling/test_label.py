"""``edgener-export label`` with LAC itself and the tiny model."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgener_export.cli.main import main
from edgener_export.corpus.splits import read_corpus_file
from tests.support import TINY_BUNDLE


def test_lac_s_names_become_labels_and_known_organizations_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, known, output = (tmp_path / name for name in ("text.txt", "known.tsv", "out.jsonl"))
    text.write_text("马云和任正非在杭州见面。\n\n他在拼多多上班。\n", encoding="utf-8")
    known.write_text("ORG\t拼多多\n", encoding="utf-8")
    command = ["label", str(text), str(output), "--model", str(TINY_BUNDLE), "--known", str(known), "--threads", "1"]
    assert main(command) == 0
    first, second = read_corpus_file(output)
    assert [first.text[span.start : span.end] for span in first.spans if span.label == "PER"] == ["马云", "任正非"]
    assert ("拼多多", "ORG") in [(second.text[span.start : span.end], span.label) for span in second.spans]
    assert capsys.readouterr().out.startswith("2 sentences")
