"""Options that several commands of ``edgener`` share, and the values that they stand for."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.built_in import bundle_directory
from edgener.errors import MachineError, UsageError
from edgener.providers import CPU, PROVIDERS
from edgener.rules import Rules, min_score_of, types_of
from edgener.standard_streams import held_signals

if TYPE_CHECKING:
    from edgener.recognizer import Recognizer


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """Add the argument BUNDLE, which may be left out."""
    help_text = "directory of a model; default: the installed model, else the built-in one"
    parser.add_argument("bundle", nargs="?", type=bundle_directory, metavar="BUNDLE", help=help_text)


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--model``."""
    help_text = "directory of a model; default: the installed model, else the built-in one"
    parser.add_argument("--model", type=bundle_directory, metavar="BUNDLE", help=help_text)


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--threads``; ``threads_of`` gives its value."""
    help_text = "processor cores that compute together; default: EDGENER_THREADS, else 1"
    parser.add_argument("--threads", type=int, metavar="N", help=help_text)


def add_provider(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--provider``."""
    help_text = "execution provider; cuda and tensorrt use the model's fp16 graph, if it has one; default: %(default)s"
    parser.add_argument("--provider", choices=tuple(PROVIDERS), default=CPU, help=help_text)


def add_rules(parser: argparse.ArgumentParser) -> None:
    """Add ``--dictionary``, ``--exclude``, ``--min-score``, ``--types`` and ``--no-bundle-rules`` for ``rules_of``."""
    dictionary = (
        "words that are always entities: a line each with word, tab, type (O for no entity), and if need be tab, "
        "priority from 0 to 9, or +WEIGHT for a hint"
    )
    parser.add_argument("--dictionary", type=Path, metavar="FILE", help=dictionary)
    exclude = "texts that are no entities: a line each, if need be with a tab and the only type that is meant"
    parser.add_argument("--exclude", type=Path, metavar="FILE", help=exclude)
    min_score = (
        "drop entities below this score, from 0 to 1, or below those of their types, as PER=0.9,LOC=0.6; "
        "default: those of the model's own rules, else 0, which keeps all"
    )
    parser.add_argument("--min-score", metavar="P", help=min_score)
    types = "print entities of these types alone; default: those of the model's own rules, else all types"
    parser.add_argument("--types", metavar="TYPE,…", help=types)
    no_bundle_rules = "leave out the rules that the model's bundle brings"
    parser.add_argument("--no-bundle-rules", action="store_true", help=no_bundle_rules)


def rules_of(options: argparse.Namespace) -> Rules:
    """Return the rules that the user gave; raise UsageError for a value that makes no sense."""
    min_score = None if options.min_score is None else min_score_of(options.min_score)
    types = types_of(options.types)
    return Rules(options.dictionary, options.exclude, min_score, types, of_bundle=not options.no_bundle_rules)


def model_of(given: Path | None) -> Path:
    """Return the directory of the model that the user gave, else of the installed one, else of the built-in one."""
    from edgener.installed import current_model

    return given or current_model()


def threads_of(given: int | None) -> int:
    """Return the number of threads that the user gave, else EDGENER_THREADS, which device builds set, else 1.

    Raises UsageError where EDGENER_THREADS is no number of at least 1.
    """
    if given is not None:
        return given
    default = os.environ.get("EDGENER_THREADS") or "1"
    if not default.isdecimal() or int(default) < 1:
        raise UsageError(f"EDGENER_THREADS is {default!r}; it must be a number of at least 1")
    return int(default)


def load_recognizer_class() -> type[Recognizer]:
    """Import onnxruntime, numpy and tokenizers, which takes a while, with Ctrl-C put off; return Recognizer.

    Raises MachineError where one of them is missing, or cannot be loaded on this machine.
    """
    try:
        with held_signals():
            from edgener.recognizer import Recognizer
    except ImportError as error:
        raise MachineError(
            f"a library that edgener needs cannot be imported: {error}; install edgener anew with its libraries"
        ) from error
    return Recognizer
