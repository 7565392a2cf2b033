"""One format of labelled text into another, without loss: the draft is read back before it gets its name."""

from __future__ import annotations

import lzma
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from edgener.errors import OutputError
from edgener_export.corpus.formats import JSONL, Reading, is_json_name, read_labelled, write_labelled
from edgener_export.corpus.sentence import Sentence
from edgener_export.errors import CorpusError


def convert(source: Reading, target: Path, format_name: str) -> int:
    """Write the sentences of ``source`` as ``target``, packed if that is called .xz; how many were left out.

    Those left out have no text: no line-based format can hold them. ``target`` is replaced in one step, or stays as
    it was. Raises OutputError where it cannot be written, and CorpusError where the format cannot hold a sentence.
    """
    kept = [sentence for sentence in source.sentences if sentence.text or format_name == JSONL]
    draft = _draft_of(target)
    try:
        _write(write_labelled(kept, format_name), draft)
        _verify(draft, kept, format_name)
        draft.replace(target)
    except CorpusError as error:
        raise CorpusError(f"{source.path}: cannot become {target}: {error}") from error
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror}; nothing was changed") from error
    finally:
        draft.unlink(missing_ok=True)
    return len(source.sentences) - len(kept)


def format_by_name(target: Path) -> str:
    """What a file is meant to be where nobody says it: JSONL by its name, else BIO."""
    return JSONL if is_json_name(target) else "bio"


def _verify(draft: Path, sentences: list[Sentence], format_name: str) -> None:
    if sentences and read_labelled(draft, format_name).sentences != sentences:
        raise CorpusError(f"what {format_name} makes of it is not what it was; this is an error of edgener's")


def _draft_of(target: Path) -> Path:
    try:
        file, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=target.suffix)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror}; nothing was changed") from error
    os.close(file)
    umask = os.umask(0)
    os.umask(umask)
    draft = Path(name)
    draft.chmod(0o666 & ~umask)
    return draft


def _write(pieces: Iterable[str], draft: Path) -> None:
    """The pieces as UTF-8, all of them on the disk when this returns."""
    with draft.open("wb") as file:
        if draft.suffix == ".xz":
            with lzma.open(file, "wb") as packed:
                _write_pieces(pieces, packed)
        else:
            _write_pieces(pieces, file)
        file.flush()
        os.fsync(file.fileno())


def _write_pieces(pieces: Iterable[str], file: BinaryIO | lzma.LZMAFile) -> None:
    for piece in pieces:
        file.write(piece.encode("utf-8"))
