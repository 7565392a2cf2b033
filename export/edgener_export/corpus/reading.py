"""Files of labelled text as sentences, in a format that is named or recognized."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgener_export.corpus.columns import complaint
from edgener_export.corpus.formats import AUTO, FORMATS, READABLE
from edgener_export.corpus.json_rows import is_empty_array, is_json
from edgener_export.corpus.labelled_file import BROKEN, LEFT_OUT, NOTE, Format, Kind, Labelled, LabelledFile, Trouble
from edgener_export.corpus.offsets import AUTO_UNIT
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.standoff import verify_unit
from edgener_export.corpus.text_file import UTF_8, wide_encoding
from edgener_export.errors import CorpusError

COUNTED: dict[Kind, str] = {NOTE: "notes", LEFT_OUT: "left out", BROKEN: "broken tags that were mended"}
TOLD = 3
"""Most places of a kind that ``Reading.remarks`` names."""
CHOOSE = "name one: --from NAME (in a recipe: format, under [data])"


@dataclass(frozen=True)
class Reading:
    """The content of a labelled file."""

    path: Path
    format: str
    """One of ``formats.READABLE``."""
    sentences: list[Sentence]
    lines: list[int]
    """The line where each sentence starts; the first line of the file is 1."""
    troubles: list[Trouble]
    """Everything that was read in spite of what is wrong with it, left out, or to be remarked; by line."""
    files: list[str]
    """The file inside a directory that each sentence is in; empty strings if the data is one file."""
    options: tuple[str, ...] = ()
    """The options of the command line that say how the file is read, where they are not the default."""

    def troubles_of(self, kind: Kind) -> list[Trouble]:
        """Return the troubles of one kind."""
        return [trouble for trouble in self.troubles if trouble.kind == kind]

    def remarks(self) -> Iterator[str]:
        """Yield for each kind of trouble how often it occurs, and the first places; nothing for a file without any."""
        for kind, what in COUNTED.items():
            troubles = self.troubles_of(kind)
            if troubles:
                command = shlex.join(["edgener-export", "data", str(self.path), *self.options, "--json"])
                yield f"{self.path}: {what}: {len(troubles)}; {command} lists them"
            for trouble in troubles[:TOLD]:
                yield f"{self.path / trouble.file if trouble.file else self.path}:{trouble.line}: {trouble.reason}"


def read_labelled(path: Path, format_name: str = AUTO, encoding: str = UTF_8, offsets: str = AUTO_UNIT) -> Reading:
    """Return the sentences of a file in the named format, or in the one that name and content show.

    Raises CorpusError, which names file, line and remedy: for a row that does not fit the format, for bytes that are
    not in the encoding, for a file that holds no sentence, and for one that several formats fit.
    """
    given = (("--from", format_name, AUTO), ("--encoding", encoding, UTF_8), ("--offsets", offsets, AUTO_UNIT))
    options = tuple(part for option, value, default in given if value != default for part in (option, value))
    format_name, rows = iterate_labelled(path, format_name, encoding, offsets)
    reading = Reading(path, format_name, [], [], [], [], options)
    for row in rows:
        reading.troubles.extend(row.troubles)
        if row.sentence is not None:
            reading.sentences.append(row.sentence)
            reading.lines.append(row.line)
            reading.files.append(row.file)
    if not reading.sentences:
        left_out = f": {reading.troubles[0].reason}" if reading.troubles else ""
        raise CorpusError(f"{path}: holds no sentence{left_out}")
    return reading


def iterate_labelled(
    path: Path, format_name: str = AUTO, encoding: str = UTF_8, offsets: str = AUTO_UNIT
) -> tuple[str, Iterator[Labelled]]:
    """Return the format of a file, and its sentences one by one, as the file is read. Raises as ``read_labelled``."""
    if format_name not in (AUTO, *READABLE):
        raise CorpusError(f"{path}: format {format_name!r} is unknown; known: {', '.join((AUTO, *READABLE))}")
    encoding = wide_encoding(encoding)
    verify_unit(offsets)
    if not path.exists():
        raise CorpusError(f"{path}: cannot be read: there is no such file")
    file = LabelledFile(path, encoding, offsets)
    known = FORMATS[format_name] if format_name != AUTO else detect(file)
    if path.is_dir() and not known.is_directory:
        raise CorpusError(f"{path}: cannot be read: is a directory, and {known.name} is a file")
    return known.name, known.read(file)


def detect(file: LabelledFile) -> Format:
    """Return the one format that fits a file. Raises CorpusError where none does, or several do."""
    fitting = [known for known in FORMATS.values() if known.is_binary and known.recognizes(file)]
    fitting = fitting or [known for known in FORMATS.values() if not known.is_binary and known.recognizes(file)]
    if len(fitting) > 1:
        names = " and ".join(known.name for known in fitting)
        raise CorpusError(f"{file.path}: may be {names}; {CHOOSE}")
    if fitting:
        return fitting[0]
    if file.path.is_dir():
        raise CorpusError(f"{file.path}: cannot be read: it is a directory without .ann files, which brat has")
    line = next(file.numbered_lines(), None)
    if line is None or is_empty_array(file):
        raise CorpusError(f"{file.path}: holds no sentence")
    if is_json(file):
        raise file.error(
            line[0],
            f'expected {{"text": ..., "entities": [...]}} or another JSON format, not {line[1]!r:.60}; {CHOOSE}',
        )
    raise complaint(file)
