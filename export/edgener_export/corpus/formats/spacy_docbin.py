"""spaCy's .spacy files (DocBin), read and written with spaCy itself. The only file that imports spaCy.

The binary layout depends on spaCy's string hashes, and nothing else defines it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgener.errors import how_to_install
from edgener.tags import Span
from edgener_export.corpus.labelled_file import LEFT_OUT, NOTE, Format, Labelled, LabelledFile, Trouble
from edgener_export.corpus.overlaps import without_overlaps
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.text_file import open_packed
from edgener_export.corpus.writing import HALF_PAIR, writable
from edgener_export.errors import CorpusError

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.tokens import Span as SpacySpan

NAME = "spacy"
EXTRA = "formats"
MISSING = 0
"""spaCy's ``ent_iob`` of a token of which nobody said whether it is in an entity."""
DEFAULT_GROUP = "sc"
"""The span group that spaCy's span categorizer reads and writes by default."""


def recognizes(file: LabelledFile) -> bool:
    """Tell whether a file is called .spacy."""
    return file.suffix == ".spacy"


def read(file: LabelledFile) -> Iterator[Labelled]:
    """Yield the documents; the line of each is its number. One that is not wholly annotated is left out, and told."""
    docbin, vocabulary = _libraries(file.path)
    try:
        documents = docbin().from_bytes(file.content())
        yield from (_labelled(document, number) for number, document in enumerate(documents.get_docs(vocabulary()), 1))
    except CorpusError:
        raise
    except Exception as error:  # whatever msgpack, zlib or spaCy say
        raise CorpusError(f"{file.path}: is no .spacy file of spaCy 3: {error}") from error


def write(sentences: Iterable[Sentence], path: Path) -> None:
    """Write each sentence as a document, with one token a character as in spaCy's own Chinese tokenizer."""
    docbin, vocabulary = _libraries(path)
    from spacy.tokens import Doc
    from spacy.tokens import Span as SpacySpan

    vocab = vocabulary()
    documents = docbin(store_user_data=False)
    for sentence in writable(sentences, NAME, texts=(HALF_PAIR,), types=(HALF_PAIR,)):
        document = Doc(vocab, words=list(sentence.text), spaces=[False] * len(sentence.text))
        document.set_ents([SpacySpan(document, span.start, span.end, label=span.label) for span in sentence.spans])
        documents.add(document)
    with open_packed(path, "wb") as file:
        file.write(documents.to_bytes())


def _libraries(path: Path) -> tuple[Any, Any]:
    """Return spaCy's DocBin and Vocab. Raises CorpusError with the command that installs it."""
    if find_spec("spacy") is None:
        raise CorpusError(f"{path}: .spacy files need spaCy: {how_to_install('export', EXTRA)}")
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    return DocBin, Vocab


def _labelled(document: Doc, number: int) -> Labelled:
    key = _group_read(document)
    missing = sum(token.ent_iob == MISSING for token in document) if key is None else 0
    if missing:
        return Labelled(number, None, (Trouble(number, _missing(missing, len(document)), LEFT_OUT),))
    spans = _spans(document.ents if key is None else document.spans[key])
    troubles = [] if key is None else [Trouble(number, f"entities are those of the span group {key!r}", NOTE)]
    others = {name: sum(span not in spans for span in _spans(group)) for name, group in document.spans.items()}
    for name, count in others.items():
        if count:
            troubles.append(Trouble(number, f"{count} spans of the group {name!r} are left out", LEFT_OUT))
    if document.cats:
        troubles.append(Trouble(number, f"{len(document.cats)} categories of the text are left out", LEFT_OUT))
    text: str = document.text
    kept, left_out, overlaps = without_overlaps(text, spans, number)
    return Labelled(number, Sentence(text, kept, left_out=left_out), (*troubles, *overlaps))


def _group_read(document: Doc) -> str | None:
    """Return the name of the span group that is read in place of entities; None if those are read.

    Where nobody said whether there are entities, they are the spans of spaCy's default group, or of the only one.
    """
    if not document.spans or any(token.ent_iob != MISSING for token in document):
        return None
    names = list(document.spans)
    return DEFAULT_GROUP if DEFAULT_GROUP in names else names[0] if len(names) == 1 else None


def _missing(tokens: int, of: int) -> str:
    if tokens == of:
        return "the document has no entity annotation and is left out"
    return f"{tokens} of {of} tokens have no entity annotation; the document is left out"


def _spans(found: Iterable[SpacySpan]) -> list[Span]:
    return [Span(span.start_char, span.end_char, span.label_) for span in found]


FORMATS = (
    Format(
        name=NAME,
        summary=f"spaCy 3's .spacy files (DocBin); needs the extra {EXTRA}",
        recognizes=recognizes,
        read=read,
        write=write,
        suffixes=(".spacy",),
        holds_empty_texts=True,
        is_binary=True,
    ),
)
