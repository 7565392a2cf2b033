"""One token and its tag a line, with an empty line between sentences: CoNLL, in each tagging scheme.

MSRA and People's Daily are BIO or BMES, Resume is BMES, CoNLL-2003 is IOB1 with four columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from edgener_export.corpus.columns import layout_of, looks_tagged, read_tagged, word_places
from edgener_export.corpus.labelled_file import Format, LabelledFile
from edgener_export.corpus.schemes import FILE_SCHEMES, spans_to_tags
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.writing import BLANK, HALF_PAIR, LINE_BREAK, writable, write_pieces

SUMMARIES = {
    "bio": "a token and its tag a line, B at the start of a name and I inside (IOB2)",
    "iob1": "the same, with B only between touching names of one type (CoNLL-2003)",
    "bioes": "the same, with E at the end of a name and S for names of one token",
    "bmes": "the same, with M inside (People's Daily, Resume, MSRA)",
    "bilou": "the same, with L at the end and U for names of one token (spaCy's BILUO)",
}


def recognizes(file: LabelledFile, scheme: str) -> bool:
    """Tell whether the first row ends in a tag, and all tags have the letters of this scheme."""
    if not looks_tagged(file):
        return False
    layout = file.once(layout_of)
    return layout.scheme == scheme and not layout.has_tag_lists and file.once(word_places) != "surely"


def write(sentences: Iterable[Sentence], path: Path, scheme: str) -> None:
    """Write one character and its tag a line."""
    checked = writable(sentences, scheme, texts=(LINE_BREAK, HALF_PAIR), types=(BLANK, HALF_PAIR), empty=False)
    write_pieces(_rows(checked, scheme), path)


def _rows(sentences: Iterable[Sentence], scheme: str) -> Iterator[str]:
    for sentence in sentences:
        tags = spans_to_tags(len(sentence.text), sentence.spans, scheme)
        yield "".join(f"{character} {tag}\n" for character, tag in zip(sentence.text, tags, strict=True)) + "\n"


FORMATS = tuple(
    Format(
        name=scheme,
        summary=SUMMARIES[scheme],
        recognizes=partial(recognizes, scheme=scheme),
        read=partial(read_tagged, scheme=scheme),
        write=partial(write, scheme=scheme),
    )
    for scheme in FILE_SCHEMES
)
