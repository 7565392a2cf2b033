"""brat's pairs of files: lines as sentences, offsets of any unit, and nothing left out that is not told."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgener.tags import Span
from edgener_export.corpus.formats import FORMATS
from edgener_export.corpus.labelled_file import LEFT_OUT, NOTE, Trouble
from edgener_export.corpus.reading import Reading, read_labelled
from edgener_export.corpus.sentence import Sentence
from edgener_export.errors import CorpusError


def read(directory: Path, text: str | bytes, annotations: str, encoding: str = "utf-8") -> Reading:
    (directory / "doc.txt").write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    (directory / "doc.ann").write_bytes(annotations.encode(encoding))
    return read_labelled(directory / "doc.ann", encoding=encoding)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_line_is_a_sentence(tmp_path: Path, end: str) -> None:
    start = 3 + len(end)
    reading = read(
        tmp_path,
        f"王明在{end}{end}北京好{end}",
        f"T1\tPER 0 2\t王明\nT2\tLOC {start + len(end)} {start + len(end) + 2}\t北京\n",
    )
    assert reading.sentences == [Sentence("王明在", (Span(0, 2, "PER"),)), Sentence("北京好", (Span(0, 2, "LOC"),))]
    assert reading.lines == [1, 3]
    assert reading.troubles == []


def test_lines_that_an_entity_reaches_over_are_one_sentence(tmp_path: Path) -> None:
    reading = read(tmp_path, "在北京大\n学和\n好\n", "T1\tORG 1 4;5 6\t北京大 学\nT2\tX 8 9\t好\n")
    assert reading.sentences == [Sentence("在北京大\n学和", (Span(1, 6, "ORG"),)), Sentence("好", (Span(0, 1, "X"),))]
    assert reading.lines == [1, 3]
    whole = read(tmp_path, "在北京大\n学和", "T1\tORG 1 6\t北京大 学\n")
    assert whole.sentences == [Sentence("在北京大\n学和", (Span(1, 6, "ORG"),))]


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n", "\n "])
def test_an_entity_that_holds_a_line_end_before_or_behind_it_is_in_its_own_line(tmp_path: Path, end: str) -> None:
    text = f"王明{end}北京{end}好"
    second, third = 2 + len(end), 4 + 2 * len(end)
    as_written = text.replace("\n", " ").replace("\r", " ")
    own_line = text[1 + text.index("\n") :].split("\n")[0].removesuffix("\r")
    place = own_line.index("北京")
    for start, stop in ((2, second + 2), (second, third), (2, third)):
        reading = read(tmp_path, text, f"T1\tLOC {start} {stop}\t{as_written[start:stop]}\n")
        assert [found.spans for found in reading.sentences] == [(), (Span(place, place + 2, "LOC"),), ()]
        assert reading.sentences[1].text == own_line
        assert [(trouble.kind, trouble.file) for trouble in reading.troubles] == [(NOTE, "")]
        assert "begins or ends with a line end" in reading.troubles[0].reason


def test_an_entity_of_nothing_but_line_ends_is_left_out_and_told(tmp_path: Path) -> None:
    reading = read(tmp_path, "王明\n\n好\n", "T1\tLOC 2 4\nT2\tPER 0 2\t王明\n")
    assert reading.sentences == [Sentence("王明", (Span(0, 2, "PER"),)), Sentence("好", ())]
    assert reading.troubles == [Trouble(1, r"LOC '\n\n' is blank and is left out", LEFT_OUT)]


def test_an_entity_that_begins_with_the_byte_order_mark_goes_without_it(tmp_path: Path) -> None:
    reading = read(tmp_path, "\ufeff京城\n", "T1\tLOC 0 2\n")
    assert reading.sentences == [Sentence("京城", (Span(0, 1, "LOC"),))]


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    entities = "T1\tORG 0 2;3 4\t北京 学\nT2\tLOC 0 2\t北京\nT3\tLOC 0 1\t北\nT4\tBuy 3 4\t学\n"
    others = "R1\tIn Arg1:T1 Arg2:T2\nA1\tNegated T1\n#1\tNote T1\tx\n"
    others += "M1\tNegated T1\nE1\tBuy:T4 Buyer:T1\nN1\tReference T1 Wiki:1\tx\n*\tEquiv T1 T2\n"
    reading = read(tmp_path, "北京大学\n", entities + others)
    assert reading.sentences == [Sentence("北京大学", (Span(0, 2, "LOC"),))]
    assert reading.troubles == [
        Trouble(1, "8 relations, events and their triggers, attributes or notes are left out", LEFT_OUT),
        Trouble(1, "ORG '北京 … 学' is in pieces and is left out", LEFT_OUT),
        Trouble(1, "LOC '北' overlaps a longer name and is left out", LEFT_OUT),
    ]


@pytest.mark.parametrize(("place", "unit"), [("1 2", ""), ("2 3", "UTF-16 code units"), ("4 7", "bytes of UTF-8")])
def test_the_texts_decide_what_offsets_count(tmp_path: Path, place: str, unit: str) -> None:
    reading = read(tmp_path, "😀京\n", f"T1\tLOC {place}\t京\n")
    assert reading.sentences == [Sentence("😀京", (Span(1, 2, "LOC"),))]
    notes = [Trouble(1, f"offsets are read as {unit}; --offsets names another unit", NOTE)] if unit else []
    assert reading.troubles == notes


def test_offsets_without_texts_are_read_as_code_points_and_told(tmp_path: Path) -> None:
    reading = read(tmp_path, "😀京\n", "T1\tLOC 1 2\n")
    assert reading.sentences == [Sentence("😀京", (Span(1, 2, "LOC"),))]
    assert reading.troubles == [Trouble(1, "offsets are read as code points; --offsets names another unit", NOTE)]


@pytest.mark.parametrize("place", ["0 1", "1 2"])
def test_a_byte_order_mark_counts_or_not_as_the_texts_say(tmp_path: Path, place: str) -> None:
    reading = read(tmp_path, "\ufeff京城\n", f"T1\tLOC {place}\t京\n")
    assert reading.sentences == [Sentence("京城", (Span(0, 1, "LOC"),))]


def test_another_encoding(tmp_path: Path) -> None:
    assert read(tmp_path, "京城\n", "T1\tLOC 0 1\t京\n", "gb18030").sentences[0].spans == (Span(0, 1, "LOC"),)
    with pytest.raises(CorpusError, match=r"doc.txt:1: is not UTF-8"):
        read_labelled(tmp_path / "doc.txt")


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        ("T1\tLOC 0 1\t京\nT2\tLOC 0 1\t城\n", r"doc.ann:2: '城' does not stand at 0 to 1"),
        ("T1\tLOC 0 9\t京\n", r"doc.ann:1: LOC at 0 to 9 is empty, leaves the text"),
        ("T1\tLOC 1 1\t\n", r"doc.ann:1: LOC at 1 to 1 is empty"),
        ("T1 LOC 0 1 京\n", r"doc.ann:1: expected T1, a tab, a type"),
        ("T1\tLOC 0\t京\n", r"doc.ann:1: expected T1, a tab, a type"),
        (
            "T1\tLOC 0 1\t京\n T2\tLOC 1 2\t城\n",
            r"doc.ann:2: expected T1, .* not ' T2.*; correct the line",
        ),
        (f"T1\tLOC 0 {'1' * 5000}\t京\n", r"doc.ann:1: expected T1, a tab, a type"),
        ("t1\tLOC 0 1\t京\n", r"doc.ann:1: expected T1, a tab, a type"),
        ("1\tLOC 0 1\t京\n", r"doc.ann:1: expected T1, a tab, a type"),
        ("R1 In Arg1:T1 Arg2:T2\n", r"doc.ann:1: expected T1, .*what is no entity begins with R"),
        ("LOC 0 1\n", r"doc.ann:1: expected T1, a tab, a type"),
    ],
)
def test_malformed_lines_are_named(tmp_path: Path, annotations: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        read(tmp_path, "京城\n", annotations)


def test_a_directory_is_read_by_the_names_of_its_documents(tmp_path: Path) -> None:
    for name, text in (("b", "北\n"), ("a", "京\n"), ("more/c", "好\n")):
        path = tmp_path / f"{name}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        path.with_suffix(".ann").write_text("T1\tLOC 0 1\t" + text, "utf-8")
    (tmp_path / "alone.txt").write_text("无\n", "utf-8")
    reading = read_labelled(tmp_path)
    assert [sentence.text for sentence in reading.sentences] == ["京", "北", "好"]
    assert reading.files == ["a.txt", "b.txt", "more/c.txt"]
    assert reading.troubles == [Trouble(1, "there is no .ann file beside it; it is left out", LEFT_OUT, "alone.txt")]
    (tmp_path / "a.txt").unlink()
    with pytest.raises(CorpusError, match=r"a.txt: cannot be read"):
        read_labelled(tmp_path)


def test_a_directory_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"cannot be read: it is a directory without .ann files"):
        read_labelled(tmp_path)
    with pytest.raises(CorpusError, match=r"holds no .ann file"):
        read_labelled(tmp_path, "brat")
    with pytest.raises(CorpusError, match=r"is a directory, and bio is a file"):
        read_labelled(tmp_path, "bio")


def test_tagged_text_beside_an_ann_file_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"may be brat and bio; name one: --from"):
        read(tmp_path, "京 B-LOC\n", "T1\tLOC 0 1\t京\n") and read_labelled(tmp_path / "doc.txt")


def test_many_sentences_become_documents_that_brat_can_show(tmp_path: Path) -> None:
    sentences = [Sentence(f"第{number}", (Span(0, 1, "X"),)) for number in range(250)]
    write = FORMATS["brat"].write
    assert write is not None
    write(sentences, tmp_path / "out")
    assert len(list((tmp_path / "out").glob("*.ann"))) == 3
    assert read_labelled(tmp_path / "out").sentences == sentences
    assert "[entities]\nX\n" in (tmp_path / "out" / "annotation.conf").read_text("utf-8")
