"""The command line: text in, entities out."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edgener import __version__
from edgener.dataclass_json import to_plain
from edgener.device_cli import COMMANDS as DEVICE_COMMANDS
from edgener.device_cli import DeviceCommand, default_threads
from edgener.errors import EdgenerError, GoldenError, InputError, OutputError, UsageError
from edgener.line_reader import Document, line_groups
from edgener.messages import say
from edgener.progress import Progress
from edgener.providers import CPU, PROVIDERS
from edgener.table import table

if TYPE_CHECKING:
    from edgener.answers import Answers
    from edgener.recognizer import Recognizer
    from edgener.writers import Writer

INTERRUPTED = 130
CLOSED_PIPE = 141
STANDARD_INPUT = "-"

RECOGNIZE_EXAMPLES = """\
examples:
  edgener "王小明在北京大学工作。"            one text
  edgener --format text "…"                   marked in the text, in colour on a terminal
  edgener --file news.txt > entities.jsonl    a file, one document a line
  tail -f log.txt | edgener                   lines as they come, each answered at once
  edgener --model ./my-bundle --threads 4 …   a bundle of your own; four cores

other commands (each has --help):
  edgener inspect [BUNDLE]    what a model is, was made from, and scores
  edgener check [BUNDLE]      checksums and golden cases; the exit code tells
  edgener env                 versions, processor, memory
  edgener doctor              what is wrong with this machine, if anything
  edgener bench               latency, throughput and memory on this machine
  edgener serve               answers on a Unix socket, with the model loaded once
  edgener install BUNDLE      use this model from now on; edgener rollback goes back
  edgener sign BUNDLE         so that a device knows whose it is; edgener keygen makes the keys

exit codes: 0 fine, 2 wrong arguments, 3 unreadable input, 4 output cannot be written, 5 a machine that
edgener cannot run on, 6 no key, 7 a package that is not installed, 8 no such GPU, 10 to 23 a bundle that
cannot be used (docs/bundle.md lists them), 130 interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv``; the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = COMMANDS.get(arguments[0]) if arguments else None
    try:
        if sys.stdout is None:  # closed by the caller, as in `edgener >&-`
            raise OutputError("standard output: is closed")
        if command:
            command(arguments[1:])
        else:
            _recognize(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        discard_output()
        return CLOSED_PIPE
    except EdgenerError as error:
        say(str(error))
        return error.exit_code
    return 0


def _recognize(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="edgener",
        description="Find people, places and organizations in Chinese text.",
        epilog=RECOGNIZE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("text", nargs="*", metavar="TEXT", help="text to look at; without any, lines of standard input")
    parser.add_argument(
        "--file", action="append", default=[], metavar="FILE", help="read lines of this file (- is standard input)"
    )
    parser.add_argument("--format", choices=("jsonl", "conll", "text"), default="jsonl", help="default: %(default)s")
    parser.add_argument(
        "--model", type=Path, metavar="BUNDLE", help="a directory; default: the installed or built-in one"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="cores to compute on; default: EDGENER_THREADS or 1")
    parser.add_argument("--batch-size", type=int, default=8, metavar="N", help="most windows at once; default: 8")
    parser.add_argument("--min-score", type=float, default=0.0, metavar="P", help="leave out less certain entities")
    parser.add_argument("--provider", choices=tuple(PROVIDERS), default=CPU, help="what computes; default: %(default)s")
    parser.add_argument("--version", action="version", version=f"edgener {__version__}")
    options = parser.parse_args(arguments)
    if options.text and options.file:
        raise UsageError("give either texts or --file, not both")

    with _held_interrupts():
        from edgener.answers import check_min_score
        from edgener.installed import current_model
        from edgener.recognizer import Recognizer

    check_min_score(options.min_score)
    threads = default_threads() if options.threads is None else options.threads
    recognizer = Recognizer.load(
        options.model or current_model(), threads=threads, batch_size=options.batch_size, provider=options.provider
    )
    run = _Run(recognizer, options.format, options.min_score)
    if options.text:
        run.write([(text,) for text in options.text])
    elif options.file:
        for name in options.file:
            with _opened(name) as fd:
                run.read(fd, name)
    else:
        fd = _standard_input()
        if os.isatty(fd):
            say("reading lines from the terminal; Ctrl-D ends, --help explains")
        run.read(fd, None)


class _Run:
    """Documents through one recognizer to standard output."""

    def __init__(self, recognizer: Recognizer, output_format: str, min_score: float) -> None:
        from edgener.writers import WRITERS

        shows_colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._recognizer, self._min_score = recognizer, min_score
        self._writer: Writer = WRITERS[output_format](shows_colour)
        self._warned = False

    def read(self, fd: int, file: str | None) -> None:
        """All lines of an open file."""
        answers = self._answers(file)
        progress = Progress(file or "standard input", os.fstat(fd).st_size)
        try:
            for group in line_groups(fd, progress.advance, lambda: self._warn_once(file)):
                for piece in answers(group):
                    _print(piece)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise InputError(f"{file or 'standard input'}: cannot be read: {error.strerror}") from error
        finally:
            progress.close()

    def write(self, documents: Iterable[Document]) -> None:
        """The answers to ``documents``, each written out as soon as it is known."""
        for piece in self._answers(None)(documents):
            _print(piece)

    def _answers(self, file: str | None) -> Answers:
        from edgener.answers import Answers

        return Answers(self._recognizer, self._writer, self._min_score, file)

    def _warn_once(self, file: str | None) -> None:
        if not self._warned:
            self._warned = True
            name = file or "standard input"
            say(f"{name}: holds bytes that are not UTF-8; they are kept as they are")


def _inspect(arguments: Sequence[str]) -> None:
    parser = _bundle_parser("inspect", "Say what a model is, what it was made from, and what it scores.")
    options = parser.parse_args(arguments)

    from edgener.bundle import FP16_FILES, load_bundle

    bundle = load_bundle(options.bundle)
    if options.json:
        _print(bundle.manifest.to_json())
        return
    manifest = bundle.manifest
    for_gpus = sum(file.size for name, file in manifest.files.items() if name in FP16_FILES)
    rows = [
        ("name", manifest.name),
        ("directory", str(bundle.directory)),
        ("format", f"version {manifest.format_version}, written by {manifest.created_by}"),
        ("size", f"{manifest.size / 1e6:.1f} MB in {len(manifest.files)} files"),
        *((("for GPUs", f"fp16, {for_gpus / 1e6:.1f} MB of these"),) if for_gpus else ()),
        ("entities", ", ".join(manifest.tag_set.labels)),
        ("tags", f"{manifest.scheme}, {len(manifest.tags)}"),
        ("window", f"{manifest.max_tokens} tokens; longer text is cut into windows"),
        ("vocabulary", f"{manifest.vocabulary_size} entries"),
        ("precision", manifest.precision),
        *((f"  {name}", value) for name, value in manifest.quantization.items()),
        *(
            (tensor.name, f"{tensor.dtype} [{', '.join(tensor.shape)}]")
            for tensor in manifest.inputs + manifest.outputs
        ),
        *((source.role, f"{source.name} ({source.license}): {source.note}") for source in manifest.lineage),
        *(
            (
                f"{q.graph} quality",
                f"P {q.precision:.2f}  R {q.recall:.2f}  F1 {q.f1:.2f}  on {q.data}, {q.sentences} sentences",
            )
            for q in manifest.quality
        ),
    ]
    _print(table(rows))


def _check(arguments: Sequence[str]) -> None:
    parser = _bundle_parser("check", "Verify a model's checksums, and its answers on its golden cases.")
    parser.add_argument(
        "--provider",
        choices=tuple(PROVIDERS),
        default=CPU,
        help="what computes, and so which graph; default: %(default)s",
    )
    options = parser.parse_args(arguments)
    with _held_interrupts():
        from edgener.bundle import load_bundle
        from edgener.golden import check_case, read_cases
        from edgener.recognizer import open_recognizer

    bundle = load_bundle(options.bundle)
    graph = bundle.graph(options.provider).name
    recognizer = open_recognizer(bundle, provider=options.provider)
    outcomes = [check_case(recognizer, case) for case in read_cases(bundle.golden(options.provider))]
    wrong = [outcome for outcome in outcomes if not outcome.same_entities]
    same_logits = sum(outcome.same_logits for outcome in outcomes)
    if options.json:
        counts = {"cases": len(outcomes), "same_entities": len(outcomes) - len(wrong), "same_logits": same_logits}
        _print(json.dumps({"bundle": str(options.bundle), "checksums": "verified", "graph": graph, **counts}) + "\n")
    else:
        rows = [
            ("bundle", str(options.bundle)),
            ("checksums", "verified"),
            ("graph", graph),
            ("entities", f"{len(outcomes) - len(wrong)} of {len(outcomes)} golden cases as packed"),
            ("logits", f"{same_logits} of {len(outcomes)} golden cases bit-identical to the host's"),
        ]
        _print(table(rows))
    if wrong:
        raise GoldenError(
            f"{options.bundle}: {len(wrong)} of {len(outcomes)} golden cases differ, the first one "
            f"{wrong[0].case.text!r:.60}; this onnxruntime or processor does not compute what the host did"
        )


def _env(arguments: Sequence[str]) -> None:
    from edgener.environment import INT8_FEATURES, read_environment

    parser = argparse.ArgumentParser(
        prog="edgener env", description="Say what this machine offers to the recognizer.", allow_abbrev=False
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(arguments)
    environment = read_environment()
    if options.json:
        _print(json.dumps(to_plain(environment), ensure_ascii=False, indent=1) + "\n")
        return
    features = [f"{name} ({INT8_FEATURES[name]})" for name in environment.cpu_features]
    rows = [
        ("edgener", environment.edgener),
        ("python", environment.python),
        *environment.libraries.items(),
        ("system", environment.system),
        ("machine", f"{environment.machine} {environment.processor}"),
        ("features", "; ".join(features) or "none of those that speed up int8"),
        ("cores", f"{environment.cores}: the most that --threads can use"),
        ("memory", f"{environment.memory_available_mb} of {environment.memory_total_mb} MB available"),
        ("model", environment.default_bundle),
    ]
    _print(table(rows))


def _on_the_device(command: DeviceCommand, arguments: Sequence[str]) -> None:
    command(arguments, _print)


COMMANDS: dict[str, Callable[[Sequence[str]], None]] = {
    "inspect": _inspect,
    "check": _check,
    "env": _env,
    **{name: partial(_on_the_device, command) for name, command in DEVICE_COMMANDS.items()},
}


def _bundle_parser(command: str, description: str) -> argparse.ArgumentParser:
    with _held_interrupts():
        from edgener.installed import current_model

    parser = argparse.ArgumentParser(
        prog=f"edgener {command}",
        description=description,
        epilog=f"examples:\n  edgener {command}\n  edgener {command} ./my-bundle --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("bundle", nargs="?", type=Path, default=current_model(), help="default: the present one")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


@contextmanager
def _held_interrupts() -> Iterator[None]:
    """Put Ctrl-C off while libraries load: onnxruntime would report it as an ImportError."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _standard_input() -> int:
    if sys.stdin is None:  # closed by the caller, as in `edgener <&-`
        raise InputError("standard input: is closed")
    return sys.stdin.fileno()


@contextmanager
def _opened(name: str) -> Iterator[int]:
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


def _print(text: str) -> None:
    """Write to standard output and flush: a consumer behind a pipe must not wait."""
    try:
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_output()
        raise OutputError(f"standard output: cannot be written: {error.strerror}") from error


def discard_output() -> None:
    """Send what is still buffered nowhere, so that the interpreter's own last flush cannot fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
