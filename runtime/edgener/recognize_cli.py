"""``edgener TEXT`` and ``edgener --file FILE``: entities of texts, files and pipes on standard output."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from edgener.command_line import Command, refuse_repeated_options
from edgener.encodings import Inspection, known_encoding
from edgener.errors import InputError, UsageError
from edgener.line_reader import UTF_8, Document, line_groups, whole_file
from edgener.options import (
    add_model,
    add_provider,
    add_rules,
    add_threads,
    load_recognizer_class,
    model_of,
    rules_of,
    threads_of,
)
from edgener.progress import Progress
from edgener.standard_streams import say, write

if TYPE_CHECKING:
    from edgener.answers import Answers
    from edgener.recognizer import Recognizer
    from edgener.writers import Writer

STANDARD_INPUT = "-"


class _Run:
    """Documents through one recognizer to standard output."""

    def __init__(
        self,
        recognizer: Recognizer,
        output_format: str,
        encoding: str,
        title: str,
        *,
        join_lines: bool,
        threads: int = 1,
    ) -> None:
        """Prepare for files, pipes and texts; so many ``threads`` answer the documents of a file at the same time."""
        from edgener.output_formats import FORMATS, Look

        shows_colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._recognizer, self._encoding = recognizer, encoding
        look, self._format = Look(title, recognizer.manifest.tag_set.labels, shows_colour), FORMATS[output_format]
        self._head = self._format.head(look)
        self._new_writer: Callable[[], Writer] = partial(self._format.writer, look)
        self._is_first = True
        self._threads = threads
        self._join_lines = join_lines
        self._said: set[str] = set()
        self._left_out = 0

    def end(self) -> None:
        """Write what stands after all documents."""
        self._write(self._format.tail)

    def read(self, fd: int, file: str | None) -> None:
        """Answer all lines of an open file; raise InputError where it cannot be read or is no text."""
        name = "standard input" if file in (None, STANDARD_INPUT) else file
        status = os.fstat(fd)
        progress = Progress(name, status.st_size, is_typed=os.isatty(fd))
        inspection = Inspection(name, self._encoding, is_pipe=not stat.S_ISREG(status.st_mode))
        self._left_out = 0

        def inspect(text: str) -> None:
            inspection.add(text)
            self._warn_once(inspection.warning)

        try:
            if self._join_lines or self._format.reads_whole_files:
                groups = whole_file(fd, progress.advance, inspect, self._encoding, self._note_mark)
            else:
                groups = line_groups(fd, progress.advance, inspect, self._encoding)
            with closing(self._answer_groups(groups, file)) as pieces:
                for piece in pieces:
                    self._write(piece)
            inspection.end()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise InputError(f"{name}: cannot be read: {error.strerror}") from error
        except UnicodeError as error:
            reason = getattr(error, "reason", error)
            remedy = "name its encoding" if self._encoding == UTF_8 else "name another one"
            raise InputError(f"{name}: is not {self._encoding}: {reason}; {remedy} with --encoding") from error
        finally:
            progress.close()

    def answer(self, documents: Iterable[Document]) -> None:
        """Write the answers to ``documents``, each as soon as it is known."""
        for piece in self._answers(None)(documents):
            self._write(piece)

    def _write(self, output: str) -> None:
        """Write output after what stands before all documents, which an input that cannot be opened does not leave."""
        write(self._head + (output.removeprefix(self._format.separator) if self._is_first else output))
        self._head, self._is_first = "", False

    def _answer_groups(self, groups: Iterable[Sequence[Document]], file: str | None) -> Generator[str]:
        if self._threads == 1:
            answers = self._answers(file)
            for group in groups:
                yield from answers(group)
            return
        from edgener.parallel import Run, answers_in_threads

        def answer(run: Run) -> Iterator[str]:
            return self._answers(file, run.first_line)(run.documents)

        yield from answers_in_threads(groups, answer, self._threads, self._recognizer.abandon)

    def _answers(self, file: str | None, first_line: int = 1) -> Answers:
        from edgener.answers import Answers

        return Answers(
            self._recognizer,
            self._new_writer(),
            file,
            join_lines=self._join_lines,
            first_line=first_line,
            left_out=lambda: self._left_out,
        )

    def _note_mark(self) -> None:
        self._left_out = 1

    def _warn_once(self, warning: str) -> None:
        if warning and warning not in self._said:
            self._said.add(warning)
            say(warning)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    refuse_repeated_options(parser)
    parser.add_argument("text", nargs="*", metavar="TEXT", help="text to search; default: lines of standard input")
    parser.add_argument(
        "--file",
        action="append",
        default=[],
        metavar="FILE",
        help="read lines of this file, each a document, which --threads answer at the same time; - is standard input; "
        "may be repeated",
    )
    parser.add_argument(
        "--encoding",
        default="utf-8",
        metavar="NAME",
        help="encoding of files and standard input, as gb18030 or utf-16; a byte order mark is skipped; output is "
        "always UTF-8; default: %(default)s",
    )
    parser.add_argument(
        "--format",
        choices=("jsonl", "conll", "text", "html", "doccano", "label-studio", "brat", "spacy", "hf"),
        default="jsonl",
        help="output: JSON lines, a character and its BIO tag a line, marked text, a page for a browser, or what an "
        "annotation tool imports, so that people correct instead of type (docs/data-formats.md); default: %(default)s",
    )
    parser.add_argument(
        "--join-lines",
        action="store_true",
        help="text is wrapped: names go on in the next line, and a file is one document with offsets from its start",
    )
    add_model(parser)
    add_threads(parser)
    parser.add_argument(
        "--batch-size", type=int, default=8, metavar="N", help="windows per batch, fewer of long ones; default: 8"
    )
    add_rules(parser)
    add_provider(parser)


def _recognize(options: argparse.Namespace) -> None:
    if options.text and options.file:
        raise UsageError("give either texts or --file, not both")
    encoding = known_encoding(options.encoding)
    rules = rules_of(options)
    recognizer_class = load_recognizer_class()
    from edgener.output_formats import FORMATS, require_format
    from edgener.recognizer import check_threads

    if FORMATS[options.format].reads_whole_files and len(options.text) + len(options.file) > 1:
        raise UsageError(f"--format {options.format} describes one file; run edgener once for each")
    threads = threads_of(options.threads)
    check_threads(threads)
    is_one_document = options.join_lines or FORMATS[options.format].reads_whole_files
    by_document = _are_whole_files(options.file) and not is_one_document and threads > 1
    recognizer = recognizer_class.load(
        model_of(options.model),
        threads=1 if by_document else threads,
        batch_size=options.batch_size,
        provider=options.provider,
        rules=rules,
    )
    require_format(options.format, recognizer.labels)
    run = _Run(
        recognizer,
        options.format,
        encoding,
        title=", ".join(options.file) or "edgener",
        join_lines=options.join_lines,
        threads=threads if by_document else 1,
    )
    if options.text:
        for text in filter(os.path.isfile, options.text):
            say(f"{text}: is searched as text, although a file of that name exists; to read it: edgener --file {text}")
        run.answer([(text,) for text in options.text])
    elif options.file:
        for name in options.file:
            with _opened(name) as fd:
                run.read(fd, name)
    else:
        fd = _standard_input()
        if os.isatty(fd):
            say("reading lines from the terminal; Ctrl-D ends, --help explains")
        run.read(fd, None)
    run.end()


def _are_whole_files(names: Sequence[str]) -> bool:
    """Return True if there are files and all their lines are there, so that nobody waits for the answer to one."""
    return bool(names) and all(map(os.path.isfile, names))


def _standard_input() -> int:
    if sys.stdin is None:  # closed by the caller, as in `edgener <&-`
        raise InputError("standard input: is closed; give texts as arguments, or --file")
    return sys.stdin.fileno()


@contextmanager
def _opened(name: str) -> Iterator[int]:
    if not name:
        raise UsageError("--file is empty; name a file, or - for standard input")
    if name == STANDARD_INPUT:
        yield _standard_input()
        return
    try:
        fd = os.open(name, os.O_RDONLY)
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: cannot be opened: {getattr(error, 'strerror', error)}") from error
    try:
        yield fd
    finally:
        os.close(fd)


RECOGNIZE = Command(
    name="",
    summary="find entities in text",
    description="Find people, places and organizations in Chinese text.",
    examples="""\
edgener "王小明在北京大学工作。"            one text
edgener --format text "…"                   marked in the text, in colour on a terminal
edgener --file news.txt > entities.jsonl    a file, one document a line
edgener --format html --file a.txt > a.html a page for a browser, with entities in colour
edgener --file old.txt --encoding gb18030   a file that is not in UTF-8
tail -f log.txt | edgener                   lines as they come, each answered at once
edgener --dictionary drugs.tsv --types PER … words of your own, and one type alone
edgener --model ./my-bundle --threads 4 …   another model, on four cores""",
    add_arguments=_add_arguments,
    run=_recognize,
)
