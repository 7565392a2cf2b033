"""Answers to the lines of a file by several threads that share one recognizer, in the order of the lines.

A thread takes the documents that the recognizer would look at together anyway, so that the output has the same bytes
however many threads there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from edgener.errors import MachineError
from edgener.line_reader import Document
from edgener.parts import POOL_CODE_POINTS, POOL_DOCUMENTS
from edgener.segmentation import CHUNK


class Run(NamedTuple):
    """Documents that follow each other."""

    first_line: int
    """Number of the first document, from 1."""
    documents: Sequence[Document]
    """The documents; a long line is a run of its own, whose pieces are still to be read."""
    is_long_line: bool
    """The document is a long line."""


Answer = Callable[[Run], Iterator[str]]
"""A function that returns the output for a run in pieces; called by several threads at once."""


def answers_in_threads(
    groups: Iterable[Sequence[Document]], answer: Answer, threads: int, abandon: Callable[[], None]
) -> Iterator[str]:
    """Yield the output for groups of lines, in their order; ``abandon`` is called if it is not wanted to the end.

    Few runs are held at once, and a long line is answered piece by piece, so that memory does not grow with the file.
    What ``groups`` raises is raised when all that came before is yielded.
    """
    pending: deque[Future[str]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            source = runs(groups)
            error: Exception | None = None
            while error is None:
                try:
                    run = next(source)
                except StopIteration:
                    break
                except Exception as caught:
                    error = caught
                    break
                while pending and (run.is_long_line or len(pending) > threads):
                    yield _next_output(pending)
                if run.is_long_line:
                    yield from answer(run)
                else:
                    pending.append(_submitted(pool, answer, run))
            while pending:
                yield _next_output(pending)
            if error is not None:
                raise error
        finally:
            if pending:
                abandon()
                pool.shutdown(wait=False, cancel_futures=True)


def runs(groups: Iterable[Sequence[Document]]) -> Iterator[Run]:
    """Yield the documents of all groups in runs, each of which is a pool of the recognizer.

    Where a document is cut into chunks, its whole group is a run.
    """
    line = 1
    for group in groups:
        for documents in _pools(group):
            yield Run(line, documents, not isinstance(documents[0], tuple))
            line += len(documents)


def _pools(group: Sequence[Document]) -> Iterator[Sequence[Document]]:
    lengths = [len(document[0]) if isinstance(document, tuple) else CHUNK + 1 for document in group]
    if max(lengths) > CHUNK:
        yield group
        return
    start = code_points = 0
    for end, length in enumerate(lengths, 1):
        code_points += length
        if end - start == POOL_DOCUMENTS or code_points >= POOL_CODE_POINTS or end == len(group):
            yield group[start:end]
            start, code_points = end, 0


def _submitted(pool: ThreadPoolExecutor, answer: Answer, run: Run) -> Future[str]:
    try:
        return pool.submit(_joined, answer, run)
    except RuntimeError as error:
        raise MachineError(f"no further thread can be started ({error}); take fewer --threads") from error


def _next_output(pending: deque[Future[str]]) -> str:
    """Wait for the first output and take it; while it is waited for, it is still pending, and may be abandoned."""
    output = pending[0].result()
    pending.popleft()
    return output


def _joined(answer: Answer, run: Run) -> str:
    return "".join(answer(run))
