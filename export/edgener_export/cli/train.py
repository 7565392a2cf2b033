"""``edgener-export train``: labelled sentences in, a bundle out, and every setting chosen by their number."""

from __future__ import annotations

import argparse
import shlex
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.command_line import Command
from edgener.errors import UsageError
from edgener.standard_streams import log, write
from edgener_export.cli.data import add_reading, read_sentences
from edgener_export.cli.recipe import GOES_ON, add_cache, cache_of, is_lost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from edgener_export.corpus.rule_conflicts import RuleConflict
    from edgener_export.plan.one_command import Outcome
    from edgener_export.plan.preparation import Request, Types
    from edgener_export.plan.split import Split


LONGEST_SHOWN = 200
"""Characters of a text, at most, that is printed as the argument of a command."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    help_text = "labelled sentences, in any format that `data` reads; several files may have different formats"
    parser.add_argument("data", type=Path, nargs="+", metavar="DATA", help=help_text)
    help_text = "labelled sentences to measure on; default: a fifth of DATA, which is not learned then"
    parser.add_argument("--dev", type=Path, metavar="FILE", help=help_text)
    help_text = (
        "model to start from: small (the built-in one), base, nano, pico, deep, a directory of a bundle or checkpoint, "
        "or a name on the Hugging Face hub; default: %(default)s"
    )
    parser.add_argument("--base", default="small", metavar="MODEL", help=help_text)
    help_text = (
        "keep the entity types that the base model knows and DATA does not label: a place without a label may be one "
        "of them, and the base model says which"
    )
    parser.add_argument("--add", action="store_true", help=help_text)
    help_text = (
        "another name for an entity type of DATA or of the base model; two types with one new name are merged, an "
        "empty one drops a type; may be repeated"
    )
    parser.add_argument("--rename", action="append", default=[], metavar="OLD=NEW", help=help_text)
    help_text = (
        "with --add: unlabelled texts, one a line, also .xz, on which the base model teaches what it knows; default: "
        "sentences of news that a clone of the repository has"
    )
    parser.add_argument("--text", type=Path, metavar="FILE", help=help_text)
    help_text = "directory of the bundle to write; its name is the name of the model"
    parser.add_argument("--output", type=Path, required=True, metavar="BUNDLE", help=help_text)
    help_text = "directory of the recipe and of intermediate results; default: runs/NAME, where BUNDLE is named NAME"
    parser.add_argument("--run", type=Path, metavar="DIR", help=help_text)
    help_text = "leave out the learning curve, which takes about as long again as the training"
    parser.add_argument("--no-curve", action="store_true", help=help_text)
    parser.add_argument("--license", default="not stated", metavar="TEXT", help="license of DATA, for the model's card")
    add_reading(parser)
    add_cache(parser)
    help_text = "another setting of the recipe than the chosen one; may be repeated"
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help=help_text)


def _train(options: argparse.Namespace) -> None:
    from edgener_export.plan.base import find_base, name_of_model, text_of_clone
    from edgener_export.plan.preparation import (
        Request,
        overlapped_types,
        plan_types,
        renamed,
        rules_left_out,
        split_of,
    )

    if options.text and not options.add:
        raise UsageError("--text needs --add: without it no model teaches")
    if options.text and not options.text.is_file():
        raise UsageError(f"--text {options.text}: there is no such file")
    request = Request(
        name=name_of_model(options.output),
        base=find_base(options.base),
        sources=tuple(options.data),
        adds=options.add,
        renames=_renames(options.rename),
        text=options.text or (text_of_clone() if options.add else None),
        license=options.license,
        overrides=options.set,
    )
    if request.base.directory and is_lost(request.base.directory, options.output):
        raise UsageError(
            f"--output {options.output}: is the model of --base, which would be replaced; name another directory"
        )
    given = list(chain.from_iterable(read_sentences(options, path) for path in options.data))
    given_dev = read_sentences(options, options.dev) if options.dev else []
    everything = renamed(request, [*given, *given_dev])
    sentences, dev = everything[: len(given)], everything[len(given) :]
    for label in overlapped_types(sentences):
        log(
            f"{request.source}: all entities of the type {label} overlap others, which are learned instead; drop the "
            "type of those with --rename TYPE= to learn it"
        )
    split = split_of(request, sentences, dev, str(options.dev), log)
    types = plan_types(request, sentences)
    run: Path = options.run or Path("runs") / request.name
    conflicts = rules_left_out(request.base, split)
    for line in _in_words(request, types, split, conflicts):
        log(line)

    # After everything that can be wrong with the arguments, since it loads torch.
    from edgener_export.plan.one_command import SHARES, OneCommand

    command = OneCommand(request, types, split, conflicts, run, cache_of(options), log)
    outcome = command.build(options.output, () if options.no_curve else SHARES)
    if outcome.scores:
        write(summary(outcome, options.output, split, request.base.name, keeps_types=bool(types.kept)))


def _renames(entries: Sequence[str]) -> dict[str, str]:
    """Return the new name of each type. Raises UsageError for an entry that is no OLD=NEW."""
    from edgener.tags import OUTSIDE

    renames: dict[str, str] = {}
    for entry in entries:
        old, equals, new = entry.rpartition("=")
        if not (old and equals) or new == OUTSIDE:
            raise UsageError(f"--rename {entry}: expected OLD=NEW, or OLD= to drop a type")
        if renames.get(old, new) != new:
            raise UsageError(f"--rename {entry}: {old} is renamed to {renames[old] or 'nothing'} too; name it once")
        renames[old] = new
    return renames


def _in_words(request: Request, types: Types, split: Split, conflicts: Iterable[RuleConflict]) -> Iterator[str]:
    """Yield what is going to be trained, on what, and how."""
    from edgener_export.plan.preparation import choices_of

    entities = sum(len(sentence.spans) for sentence in split.held_out)
    yield (
        f"data: {len(split.train)} sentences are learned, {len(split.held_out)} with {entities} entities are held out "
        "to measure on"
    )
    if split.untested:
        yield f"data: {', '.join(split.untested)}: too rare to be measured; all entities of it are learned"
    yield f"types: {', '.join(types.labelled)} are labelled" + (f"; {', '.join(types.kept)} stay" if types.kept else "")
    if types.forgotten:
        yield (
            f"types: {', '.join(types.forgotten)}: {request.base.name} knows them, and the new model will not; --add "
            "keeps them"
        )
    for conflict in conflicts:
        yield (
            f"span rules: {conflict.rule} of {request.base.name} is left out: it would change entities that you "
            f"labelled as {', '.join(conflict.labels)}, such as {conflict.example!r}"
        )
    choices = choices_of(request, types, split)
    yield (
        f"chosen for so many: {choices.epochs} passes in batches of {choices.tokens_per_batch} tokens, learning rate "
        f"{choices.learning_rate:g}, {choices.frozen_layers or 'no'} frozen layers"
        + (f", {choices.swap_probability:.0%} of the names swapped" if choices.swap_probability else "")
        + (f"; changed by --set: {', '.join(request.overrides)}" if request.overrides else "")
    )


def _comparison(outcome: Outcome, base: str, table: str) -> Iterator[str]:
    """Yield what the training brought, where the base model knew all types before it."""
    if outcome.before is None or not outcome.scores:
        return
    after = outcome.scores[-1].f1
    if after < outcome.before:
        yield (
            f"{base} as it is has F1 {outcome.before:.2f} on them: it knows more than these sentences teach; use it as "
            f"it is, label more sentences, or let it change less: --set {table}.learning_rate=5e-5 with another --run"
        )
    else:
        rise = after - outcome.before
        yield f"{base} as it is has F1 {outcome.before:.2f} on them: the training brought {rise:.2f} points"


def summary(outcome: Outcome, output: Path, split: Split, base: str, *, keeps_types: bool = False) -> str:
    """Return the scores, what the learning curve advises, and the commands to go on with.

    ``keeps_types`` says that the base model taught types that nobody labelled, with ``--add``.
    """
    from edgener_export.report.learning_curve import advice

    entities = sum(len(sentence.spans) for sentence in split.held_out)
    scores = "  ".join(f"{measured.graph} F1 {measured.f1:.2f}" for measured in outcome.scores)
    texts = [each.text for each in split.held_out if each.spans and each.text.isprintable()]
    text = min((each for each in texts if len(each) <= LONGEST_SHOWN), key=len, default="王小明在北京。")
    bundle = shlex.quote(str(output))
    lines = [
        f"{output}: {scores} on {len(split.held_out)} held-out sentences with {entities} entities",
        *(f"{point.sentences:>8} sentences  F1 {point.f1:.2f}" for point in outcome.curve if len(outcome.curve) > 1),
        advice(outcome.curve, entities),
        *_comparison(outcome, base, "distil" if keeps_types else "finetune"),
        f"recipe: {outcome.recipe}",
        f"report: {outcome.report}",
        "go on with:",
        f"edgener --model {bundle} {'-- ' if text.startswith('-') else ''}{shlex.quote(text)}",
        f"edgener --model {bundle} --format doccano --file more.txt > more.jsonl   # labels to correct, to train again",
        f"edgener-edge build --device pi4 --bundle {bundle}",
    ]
    return "\n".join(lines) + "\n"


TRAIN = Command(
    name="train",
    summary="train, quantize and pack a model for labelled sentences, with settings chosen for them",
    description="""Make a bundle of labelled sentences in one command. Split, passes, learning rate and gate are chosen
by the number of the sentences, and written down as a recipe. The report says by a learning curve whether more labels
would help. After an interruption, the same command continues where it stopped.""",
    examples="""\
edgener-export train labelled.jsonl --output ./my-bundle
edgener-export train project.json --from label-studio --dev dev.json --output ./my-bundle
edgener-export train drugs.jsonl --add --output ./names-and-drugs       keep PER, LOC and ORG, which nobody labelled
edgener-export train labelled.jsonl --base base --rename NAME=PER --rename TITLE= --output ./my-bundle""",
    add_arguments=_add_arguments,
    run=_train,
    when_interrupted=GOES_ON,
)
