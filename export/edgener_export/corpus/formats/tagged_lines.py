"""One sentence a line: its tokens, a tab, and as many tags; blanks (or the control character 2) between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from edgener_export.corpus.columns import TAG_SHAPE, Row, is_column_tag, layout_of, sentence_of, split_list
from edgener_export.corpus.json_rows import is_json
from edgener_export.corpus.labelled_file import Format, Labelled, LabelledFile
from edgener_export.corpus.schemes import detect_scheme, spans_to_tags
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.writing import (
    ANY_LINE_END,
    BLANK,
    BLANK_OR_TAB,
    HALF_PAIR,
    LEADING_MARK,
    writable,
    write_pieces,
)

NAME = "tagged-lines"


def recognizes(file: LabelledFile) -> bool:
    """Tell whether some row has several tags behind its tab."""
    return not file.path.is_dir() and not is_json(file) and file.once(layout_of).has_tag_lists


def read(file: LabelledFile) -> Iterator[Labelled]:
    """Yield the sentences. Raises CorpusError for a row without a tab, or with more tokens than tags or fewer."""
    scheme = detect_scheme(tags for _, _, tags in _rows(file))
    if not scheme:
        raise file.error(1, "the letters of the tags are those of no one scheme (BIO, BIOES, BMES, BILOU)")
    for number, tokens, tags in _rows(file):
        rows = [Row(number, [token, tag]) for token, tag in zip(tokens, tags, strict=True)]
        yield sentence_of(rows, tokens, scheme)


def write(sentences: Iterable[Sentence], path: Path) -> None:
    """Write each sentence as its characters and BIO tags."""
    refused = (ANY_LINE_END, BLANK_OR_TAB, HALF_PAIR, LEADING_MARK)
    write_pieces(
        (
            f"{' '.join(sentence.text)}\t{' '.join(spans_to_tags(len(sentence.text), sentence.spans, 'bio'))}\n"
            for sentence in writable(sentences, NAME, texts=refused, types=(BLANK, HALF_PAIR), empty=False)
        ),
        path,
    )


def _rows(file: LabelledFile) -> Iterator[tuple[int, list[str], list[str]]]:
    for number, line in file.numbered_lines():
        words, tab, labels = line.partition("\t")
        tokens, tags = split_list(words), split_list(labels)
        wrong = next((tag for tag in tags if not is_column_tag(tag)), None)
        if not tab or not words:
            raise file.error(number, f"expected tokens, a tab and as many tags, not {line!r:.60}")
        if wrong is not None:
            raise file.error(number, f"unknown tag {wrong!r:.40}; {TAG_SHAPE}")
        if len(tokens) != len(tags):
            raise file.error(number, f"{len(tokens)} tokens, but {len(tags)} tags; a blank separates both")
        if not all(tokens):
            raise file.error(number, f"token {tokens.index('') + 1} of {len(tokens)} is empty")
        yield number, tokens, tags


FORMATS = (
    Format(
        name=NAME,
        summary="a sentence a line: tokens, a tab, and as many tags",
        recognizes=recognizes,
        read=read,
        write=write,
    ),
)
