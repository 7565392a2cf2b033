"""Lines of a stream in, answers out: what arrives is answered before more is read, so that nothing piles up."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator, Sequence

from edgener.entity import Entity
from edgener.line_reader import BlockDecoder
from edgener.output_formats import Conll, JsonLines
from edgener.recognizer import Segment
from edgener.serve.ask import Wanted
from edgener.serve.problem import ProblemError
from edgener.writers import Place, Writer

WRITERS: dict[str, Callable[[], Writer]] = {"jsonl": JsonLines, "conll": Conll}
MEDIA_TYPES = {"jsonl": "application/x-ndjson", "conll": "text/plain; charset=utf-8"}
GROUP_CODE_POINTS = 16384
"""Code points of the lines that are answered together; one longer line is a group of its own."""


class LineCutter:
    """Bytes in, whole lines out, as the command line reads them: UTF-8, LF or CRLF, without a byte order mark."""

    def __init__(self, longest: int) -> None:
        """Take the most code points that a line may have."""
        self._longest = longest
        self._decode = BlockDecoder()
        self._rest: list[str] = []
        self._rest_length = 0

    def add(self, content: bytes) -> list[str]:
        """Return the lines that end in ``content``; raise ProblemError where one is too long."""
        return self._cut(self._decode(content, is_last=False))

    def end(self) -> list[str]:
        """Return the last line, if it has no line end."""
        lines = self._cut(self._decode(b"", is_last=True))
        last = "".join(self._rest)
        return [*lines, last.removesuffix("\r")] if last else lines

    def _cut(self, text: str) -> list[str]:
        first, *others = text.split("\n")
        self._rest.append(first)
        self._rest_length += len(first)
        lines = []
        if others:
            lines = ["".join(self._rest), *others[:-1]]
            self._rest, self._rest_length = [others[-1]], len(others[-1])
        if self._rest_length > self._longest or any(len(line) > self._longest for line in lines):
            raise ProblemError(413, f"a line has more than {self._longest} characters; cut it, or use the command line")
        return [line.removesuffix("\r") for line in lines]


def groups(lines: Sequence[str], most_lines: int) -> Iterator[Sequence[str]]:
    """Yield the lines in groups that are answered together."""
    group: list[str] = []
    length = 0
    for line in lines:
        if group and (len(group) == most_lines or length + len(line) > GROUP_CODE_POINTS):
            yield group
            group, length = [], 0
        group.append(line)
        length += len(line)
    if group:
        yield group


async def answers(
    content: AsyncIterable[bytes],
    answer: Callable[[Sequence[str]], Awaitable[Sequence[Sequence[Entity]]]],
    output_format: str,
    wanted: Wanted,
    longest: int,
    most_lines: int,
) -> AsyncIterator[bytes]:
    """Yield output for the lines in ``content``, each piece as soon as it is known.

    ``answer`` returns the entities of each of some texts. A line may have ``longest`` code points; at most
    ``most_lines`` are answered together. Raises ProblemError for a longer line.
    """
    cutter, writer = LineCutter(longest), WRITERS[output_format]()
    number = 0
    async for lines in _lines(content, cutter):
        for group in groups(lines, most_lines):
            output = []
            for line, entities in zip(group, await answer(group), strict=True):
                number += 1
                output.append(writer(Place(None, number), Segment(0, line, wanted(entities), is_last=True)))
            yield "".join(output).encode("utf-8", "surrogateescape")


async def _lines(content: AsyncIterable[bytes], cutter: LineCutter) -> AsyncIterator[list[str]]:
    async for block in content:
        yield cutter.add(block)
    yield cutter.end()
