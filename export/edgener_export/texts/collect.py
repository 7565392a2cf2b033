"""The texts of a list of sources as one file of JSON lines; what was read before is not read again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from tqdm import tqdm

from edgener_export.corpus.sampling import evenly_spread
from edgener_export.corpus.text_file import open_packed, read_lines
from edgener_export.errors import CorpusError
from edgener_export.files.atomic import draft_of, write_text
from edgener_export.texts.clone import contents_of, files_of, open_clone
from edgener_export.texts.readers import READERS
from edgener_export.texts.sentences import sentences_of
from edgener_export.texts.sources import Source


def collect(
    sources: Sequence[Source], output: Path, cache: Path, clones: Path | None, tell: Callable[[str], None]
) -> int:
    """Write the texts of all sources, each once, and return their number; ``tell`` is given a line for each source.

    Texts of each source are kept in ``cache``. Raises DownloadError for a source that cannot be had, CorpusError for
    texts that are not the pinned ones.
    """
    seen: set[str] = set()
    with draft_of(output) as draft, open_packed(draft, "wb") as file:
        for source in sources:
            texts = texts_of(source, cache, clones)
            tell(f"{source.name}: {len(texts)} texts, SHA-256 {digest_of(texts)}")
            for text in texts:
                if text not in seen:
                    seen.add(text)
                    row = {"text": text, "kind": source.kind, "source": source.name}
                    file.write(f"{json.dumps(row, ensure_ascii=False)}\n".encode())
    return len(seen)


def texts_of(source: Source, cache: Path, clones: Path | None) -> list[str]:
    """Return the texts of a source, from ``cache`` if they were read before. Raises as ``collect`` does."""
    pinned = hashlib.sha256(json.dumps(asdict(replace(source, sha256=""))).encode()).hexdigest()[:12]
    kept = cache / "texts" / f"{source.name}-{pinned}.txt"
    if not kept.exists():
        texts = list(dict.fromkeys(_read(source, cache, clones)))
        write_text(kept, "\n".join(evenly_spread(texts, source.texts or len(texts))))
    texts = read_lines(kept)
    if source.sha256 and digest_of(texts) != source.sha256:
        raise CorpusError(
            f"{kept}: {source.name} has the SHA-256 {digest_of(texts)}, not {source.sha256}; remove the file to read "
            "the repository again, or pin what it holds now"
        )
    return texts


def digest_of(texts: Sequence[str]) -> str:
    """Return the SHA-256 of texts, each with a line end."""
    return hashlib.sha256("".join(f"{text}\n" for text in texts).encode()).hexdigest()


def _read(source: Source, cache: Path, clones: Path | None) -> Iterator[str]:
    clone = open_clone(source, clones, cache / "clones")
    files = files_of(source, clone)
    contents = tqdm(contents_of(clone, files), source.name, len(files), unit="file", disable=None)
    for file, content in zip(files, contents, strict=True):
        try:
            for text in READERS[source.reader](content.decode("utf-8-sig"), source.fields):
                yield from sentences_of(text)
        except (ValueError, SyntaxError) as error:
            raise CorpusError(f"{clone}: {file.path} at {source.commit} is no {source.reader} file: {error}") from error
