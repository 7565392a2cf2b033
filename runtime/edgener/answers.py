"""Answers to documents as lines of output, which the command line and the service have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from edgener.line_reader import Document
from edgener.recognizer import Recognizer
from edgener.writers import Place, Writer


class Answers:
    """A function that answers the documents of one file or connection, and counts them as lines."""

    def __init__(
        self,
        recognizer: Recognizer,
        writer: Writer,
        file: str | None = None,
        *,
        join_lines: bool = False,
        first_line: int = 1,
        left_out: Callable[[], int] = lambda: 0,
    ) -> None:
        """Take the recognizer and the writer.

        ``file`` is the name that the output has; ``join_lines`` is that of a recognizer's call;
        ``first_line`` is the number of the first document; ``left_out`` returns how many code points of the file stand
        before it, once it has begun.
        """
        self._recognizer, self._writer, self._file = recognizer, writer, file
        self._join_lines = join_lines
        self._line, self._left_out = first_line, left_out

    def __call__(self, documents: Iterable[Document]) -> Iterator[str]:
        """Yield the output for ``documents``, each piece as soon as it is known."""
        for segment in self._recognizer.segments(documents, join_lines=self._join_lines):
            yield self._writer(Place(self._file, self._line, self._left_out()), segment)
            self._line += segment.is_last
