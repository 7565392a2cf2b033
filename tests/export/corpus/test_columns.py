"""Tagged files are read by their separators, with the value that a person sees in them, or refused by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgener.tags import Span
from edgener_export.corpus.labelled_file import NOTE, Trouble
from edgener_export.corpus.reading import Reading, read_labelled
from edgener_export.corpus.sentence import Sentence
from edgener_export.errors import CorpusError


def read(directory: Path, content: str, name: str = "auto") -> Reading:
    path = directory / "data.txt"
    path.write_text(content, encoding="utf-8", newline="")
    return read_labelled(path, name)


WANG = Sentence("王明在北京", (Span(0, 2, "PER"), Span(3, 5, "LOC")))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("New York\tB-LOC\nis\tO\n", Sentence("New York is", (Span(0, 8, "LOC"),))),
        ("New York\tNNP\tB-LOC\n在\tP\tO\n", Sentence("New York在", (Span(0, 8, "LOC"),))),
        ("1\t王\tB-PER\n2\t明\tI-PER\n3\t在\tO\n4\t北\tB-LOC\n5\t京\tI-LOC\n", WANG),
        ("0 王 B-PER\n1 明 I-PER\n2 在 O\n3 北 B-LOC\n4 京 I-LOC\n", WANG),
        ("王 明 在 北 京\tB-PER I-PER O B-LOC I-LOC\n", WANG),
        ("王\x02明\x02在\x02北\x02京\tB-PER\x02I-PER\x02O\x02B-LOC\x02I-LOC\n", WANG),
        ("王明\tB-PER\n在\tO\n北京\tB-LOC\n", WANG),
        ("王 明\tB-PER O\n", Sentence("王明", (Span(0, 1, "PER"),))),
        ("# 春 节 #\tO B-T I-T O\n", Sentence("#春节#", (Span(1, 3, "T"),))),
        ("[ 1 ] 张 伟\tO O O B-PER I-PER\n", Sentence("[1]张伟", (Span(3, 5, "PER"),))),
        ("[ { } ] 张 伟\tO O O O B-PER I-PER\n", Sentence("[{}]张伟", (Span(4, 6, "PER"),))),
        ("# text = 王明在北京\n王\tB-PER\n明\tI-PER\n# 在\n在\tO\n北\tB-LOC\n京\tI-LOC\n", WANG),
        ("王\tB-PER\t\n明\tI-PER\t\n在\tO\t\n北\tB-LOC\t\n京\tI-LOC\t\n", WANG),
        ("1 B-ORG\n2 I-ORG\n3 I-ORG\n", Sentence("123", (Span(0, 3, "ORG"),))),
        ("# O\n! O\n", Sentence("#!", ())),
        ("\t O\n\u3000 O\na O\n", Sentence("\t\u3000a", ())),
        (
            "EU B-ORG\nrejects O\nGerman B-MISC\ncall O\n. O\n",
            Sentence("EU rejects German call.", (Span(0, 2, "ORG"), Span(11, 17, "MISC"))),
        ),
        ("Hong B-LOC\nKong I-LOC\n的 O\n", Sentence("Hong Kong的", (Span(0, 9, "LOC"),))),
        ("I B-ORG\nB I-ORG\nM I-ORG\n", Sentence("IBM", (Span(0, 3, "ORG"),))),
    ],
)
def test_columns_are_read_as_they_are_meant(tmp_path: Path, content: str, sentence: Sentence) -> None:
    assert read(tmp_path, content).sentences == [sentence]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("王\tB-PER\n明\tNN\tI-PER\n", "data.txt:2: .*there are 3 columns, but 2 in line 1"),
        ("王\tB-PER\nNew York B-LOC\n", "data.txt:2: .*there are 3 columns, but 2 in line 1"),
        ("王 NN B-PER\n明 I-PER\n", "data.txt:2: .*there are 2 columns, but 3 in line 1"),
        ("1\t王\tB\t\n", "data.txt:1: .*unknown tag 'B'"),
        ("s1 1 王 B-PER\ns1 2 明 I-PER\n\ns2 1 好 O\n", "data.txt:1: column 1 is the same .*remove both columns"),
        ("王\x02\x02京\tO B-LOC I-LOC\n", "data.txt:1: token 2 of 3 is empty"),
        ("王\tB-PER\n\tx\n", "data.txt:2: .*unknown tag 'x'"),
        ("王\tNN\tB-PER\n\tNN\tO\n", "data.txt:2: .*the token is empty"),
        ("王 明\tB-PER I-PER O\n", "data.txt:1: 2 tokens, but 3 tags"),
        ("王 明\tB-PER I-PER\nNew York\tB-LOC\n", "data.txt:2: 2 tokens, but 1 tags"),
        ("王 明\tB-PER I-PER\n在 O\n", "data.txt:2: expected tokens, a tab and as many tags"),
        ("1 a O\n2 b O\n\n1 c O\n2 d O\n\n5 e O\n5 f O\n", "data.txt:7: the first column counts up in most sentences"),
        ("王 B-PER\n# 明 I-PER\n明 I-X-PER y\n", "data.txt:3: .*there are 3 columns, but 2"),
    ],
)
def test_rows_that_do_not_fit_are_refused_by_line(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        read(tmp_path, content)


def test_a_sentence_a_line_is_no_row_of_bio(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"data.txt:1: .*unknown tag 'B-PER O'.* its format is tagged-lines"):
        read(tmp_path, "王 明\tB-PER O\n", "bio")


def test_a_labelled_sentence_that_begins_with_a_hash_is_not_dropped(tmp_path: Path) -> None:
    reading = read(tmp_path, "# 春 节 #\tO B-T I-T O\n好\tO\n")
    assert reading.format == "tagged-lines"
    assert [sentence.text for sentence in reading.sentences] == ["#春节#", "好"]
    with pytest.raises(CorpusError, match=r"data.txt:1: .* its format is tagged-lines"):
        read(tmp_path, "# 春 节 #\tO B-T I-T O\n好\tO\n", "bio")


def test_what_is_not_read_is_told(tmp_path: Path) -> None:
    content = "# a\n1 王 NN x B-PER\n2 明 NN x I-PER\n#\n\n-DOCSTART- -X- O O O\n\n1 在 P x O\n2 京 N x B-LOC\n"
    reading = read(tmp_path, content)
    assert [sentence.text for sentence in reading.sentences] == ["王明", "在京"]
    assert reading.lines == [2, 8]
    assert reading.troubles == [
        Trouble(1, "2 comment lines not read", NOTE),
        Trouble(2, "column 1 counts up and is taken for an index; the token is column 2", NOTE),
        Trouble(2, "columns 3 to 4 of 5 not read", NOTE),
    ]


def test_an_index_may_stand_before_single_tokens(tmp_path: Path) -> None:
    reading = read(tmp_path, "1\t王\tB-PER\n\n1\t京\tB-LOC\n")
    assert [sentence.text for sentence in reading.sentences] == ["王", "京"]


@pytest.mark.parametrize("row", ["{} O\n", "a{} O\n", "{} x O\n"])
def test_a_token_may_have_thousands_of_digits(tmp_path: Path, row: str) -> None:
    digits = "1" * 5000
    reading = read(tmp_path, row.format(digits) * 2)
    assert digits in reading.sentences[0].text
    with pytest.raises(CorpusError, match=r"data.txt:1: "):
        read(tmp_path, f"王{digits}\tO\n", "weibo")


def test_weibo_and_tokens_that_look_like_it_are_not_guessed_apart(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"data.txt: may be bio and weibo; name one: --from NAME"):
        read(tmp_path, "A0\tB-PER\nB1\tI-PER\n")
    assert read(tmp_path, "A0\tB-PER\nB1\tI-PER\n", "weibo").sentences[0].text == "AB"
    assert read(tmp_path, "A0\tB-PER\nB1\tI-PER\n", "bio").sentences[0].text == "A0 B1"
    assert read(tmp_path, "A1\tB-PER\nB7\tI-PER\n").format == "bio"
