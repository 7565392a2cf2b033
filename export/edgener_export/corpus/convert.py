"""Labelled text written in another format without loss: the draft is read back before it gets its name."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from edgener.errors import OutputError
from edgener_export.corpus.formats import DEFAULT, FORMATS, WRITABLE
from edgener_export.corpus.labelled_file import Format
from edgener_export.corpus.reading import Reading, read_labelled
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.text_file import suffix_inside
from edgener_export.errors import CorpusError


def convert(source: Reading, target: Path, format_name: str) -> int:
    """Write the sentences of ``source`` as ``target``, and return how many were left out because they have no text.

    A file is packed if it is called .xz or .gz. ``target`` is replaced in one step, or stays as it was; a directory
    must be new or empty. Raises OutputError where it cannot be written, and CorpusError where the format cannot hold a
    sentence.
    """
    known = FORMATS[format_name]
    if known.write is None:
        raise CorpusError(f"{format_name} can only be read; formats to write: {', '.join(WRITABLE)}")
    kept = [sentence for sentence in source.sentences if sentence.text or known.holds_empty_texts]
    draft = _draft_of(target, known)
    try:
        known.write(kept, draft)
        _flush(draft)
        _verify(draft, kept, format_name)
        draft.replace(target)
    except CorpusError as error:
        raise CorpusError(f"{source.path}: cannot become {target}: {error}") from error
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror}; nothing was changed") from error
    finally:
        if draft.is_dir():
            shutil.rmtree(draft)
        else:
            draft.unlink(missing_ok=True)
    return len(source.sentences) - len(kept)


def format_by_name(target: Path) -> str:
    """Return the format that a file to be written is meant to have by its name: BIO unless its suffix says another."""
    suffix = suffix_inside(target)
    return next((name for name, known in FORMATS.items() if suffix in known.suffixes), DEFAULT)


def _verify(draft: Path, sentences: list[Sentence], format_name: str) -> None:
    if sentences and read_labelled(draft, format_name).sentences != sentences:
        raise CorpusError(f"what {format_name} makes of it is not what it was; please report this fault of edgener's")


def _draft_of(target: Path, known: Format) -> Path:
    try:
        if known.is_directory:
            if target.exists() and not _is_empty_directory(target):
                raise OutputError(
                    f"{target}: exists, and {known.name} is a directory; choose another path or delete it"
                )
            draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        else:
            file, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=target.suffix)
            os.close(file)
            draft = Path(name)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror}; nothing was changed") from error
    umask = os.umask(0)
    os.umask(umask)
    draft.chmod((0o777 if known.is_directory else 0o666) & ~umask)
    return draft


def _is_empty_directory(path: Path) -> bool:
    return path.is_dir() and next(path.iterdir(), None) is None


def _flush(draft: Path) -> None:
    """Wait until all of a file, or of the files of a directory, is on the disk."""
    for path in sorted(draft.iterdir()) if draft.is_dir() else [draft]:
        with path.open("rb") as file:
            os.fsync(file.fileno())
