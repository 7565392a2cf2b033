"""Answers to documents as lines of output, which the command line and the service have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edgener.line_reader import Document
from edgener.recognizer import Recognizer
from edgener.writers import Place, Writer


class Answers:
    """A function that answers the documents of one file or connection, and counts them as lines."""

    def __init__(
        self,
        recognizer: Recognizer,
        writer: Writer,
        min_score: float,
        file: str | None = None,
        *,
        join_lines: bool = False,
    ) -> None:
        """Take the recognizer and the writer; entities below ``min_score`` are left out.

        ``file`` is the name that the output has; ``join_lines`` is that of a recognizer's call.
        """
        self._recognizer, self._writer, self._min_score, self._file = recognizer, writer, min_score, file
        self._join_lines = join_lines
        self._line = 1

    def __call__(self, documents: Iterable[Document]) -> Iterator[str]:
        """Yield the output for ``documents``, each piece as soon as it is known."""
        for segment in self._recognizer.segments(documents, join_lines=self._join_lines):
            certain = [entity for entity in segment.entities if entity.score >= self._min_score]
            yield self._writer(Place(self._file, self._line), segment._replace(entities=certain))
            self._line += segment.is_last
