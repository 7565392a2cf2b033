"""``edgener-export select``: the unlabelled sentences that are worth an annotator's time."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgener.command_line import Command
from edgener.errors import UsageError
from edgener.lone_surrogates import LONE_SURROGATE, STAND_INS
from edgener.standard_streams import log, write

TEXT_HELP = "file with a sentence or short text a line, or JSON lines (.jsonl) with a text; also .xz"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", type=Path, metavar="TEXT", help=TEXT_HELP)
    help_text = "number of sentences to choose; default: %(default)s"
    parser.add_argument("--number", type=int, default=200, metavar="N", help=help_text)
    help_text = "directory of the bundle that is to learn; default: the built-in one"
    parser.add_argument("--model", default="default", metavar="BUNDLE", help=help_text)
    help_text = "weight from 0 to 1 of how little a sentence is like those chosen before it; default: %(default)s"
    parser.add_argument("--diversity", type=float, default=0.5, metavar="W", help=help_text)
    help_text = "print what the model does not know of a sentence before it, with a tab"
    parser.add_argument("--scores", action="store_true", help=help_text)

    help_text = "encoding of the text, such as gb18030; default: %(default)s"
    parser.add_argument("--encoding", default="utf-8", help=help_text)


def _select(options: argparse.Namespace) -> None:
    from tqdm import tqdm

    from edgener import Recognizer
    from edgener_export.corpus.text_file import NAME_ENCODING
    from edgener_export.errors import CorpusError
    from edgener_export.labelling.kind_text import read_kind_texts
    from edgener_export.labelling.select import MOST_CANDIDATES, POOL, candidates, diverse

    if options.number < 1:
        raise UsageError(f"--number is {options.number}; it must be at least 1")
    if not 0 <= options.diversity <= 1:
        raise UsageError(f"--diversity is {options.diversity}; it must be between 0 and 1")
    recognizer = Recognizer.load(options.model)
    texts = (each.text for each in read_kind_texts(options.text, "modern", options.encoding, NAME_ENCODING))
    lines = tqdm(texts, disable=None, desc="select", unit="text")
    keep = max(options.number, min(POOL * options.number, MOST_CANDIDATES))
    found = candidates(lines, recognizer, keep)
    chosen = broken = halves = 0
    for candidate in diverse(found, options.number, options.diversity):
        chosen += 1
        text = " ".join(candidate.text.splitlines())
        broken += text != candidate.text
        halves += LONE_SURROGATE.search(text) is not None
        text = text.translate(STAND_INS)
        write(f"{candidate.uncertainty:.4f}\t{text}\n" if options.scores else f"{text}\n")
    if broken:
        log(f"{options.text}: {broken} of the chosen texts hold line breaks, which are written as blanks")
    if halves:
        log(f"{options.text}: {halves} of the chosen texts hold half a surrogate pair, which is written as U+FFFD")
    if not chosen:
        raise CorpusError(f"{options.text}: holds no text")
    if chosen < options.number:
        log(f"{options.text}: has only {chosen} different sentences")


SELECT = Command(
    name="select",
    summary="choose the unlabelled sentences whose labels would teach a model most",
    description=(
        "Print the sentences of a text that a bundle is least certain of (maximum normalized log-probability, Shen et "
        "al., 2018) and that are unlike each other (maximal marginal relevance, Carbonell and Goldstein, 1998), for "
        "annotators to label first. The text is read once, however long it is; the same text gives the same sentences."
    ),
    examples="""\
edgener-export select posts.txt --number 200 > to-label.txt
edgener-export select posts.txt.xz --model ./my-bundle --diversity 0.3 --scores
edgener --format label-studio --file to-label.txt > tasks.json       labels to correct""",
    add_arguments=_add_arguments,
    run=_select,
)
