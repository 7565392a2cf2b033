"""``edgener-export rules``: words, exclusions, lowest scores and types, written into a bundle."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.built_in import bundle_directory
from edgener.command_line import Command
from edgener.errors import InputError, UsageError
from edgener.options import add_rules
from edgener.standard_streams import log

if TYPE_CHECKING:
    from edgener.bundle import Manifest
    from edgener.bundle_rules import BundleRules
    from edgener.rules import Rules


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=bundle_directory, metavar="BUNDLE", help="directory of the bundle")
    add_rules(parser)
    parser.add_argument("--output", type=Path, metavar="DIR", help="bundle to write; default: BUNDLE itself")


def _rules(options: argparse.Namespace) -> None:
    from edgener import Recognizer, Rules
    from edgener.built_in import DEFAULT_BUNDLE
    from edgener.bundle import MANIFEST, SIGNATURE, read_manifest
    from edgener.bundle_rules import DICTIONARY, EXCLUDE
    from edgener.options import rules_of
    from edgener_export.pipeline.amend import amend_bundle

    if options.bundle == DEFAULT_BUNDLE and not options.output:
        raise UsageError("the built-in bundle is not changed; name a directory with --output")
    rules = rules_of(options)
    if rules == Rules():
        raise UsageError("give rules to write, as --dictionary FILE; --no-bundle-rules alone removes all rules")
    given = {DICTIONARY: options.dictionary, EXCLUDE: options.exclude}
    for path in filter(None, given.values()):
        _refuse_pipe(path)
    source: Path = options.bundle
    target = options.output or source
    brought = read_manifest(source / MANIFEST).files if rules.of_bundle else {}
    own = {name: source / name for name in given if name in brought}
    words = {name: path or own.get(name) for name, path in given.items()}
    together = replace(rules, of_bundle=False, dictionary=words[DICTIONARY], exclude=words[EXCLUDE])
    Recognizer.load(source, rules=together)  # which says what is wrong with the rules
    files: dict[str, bytes | None] = {name: _content(path) for name, path in given.items() if path}
    if not rules.of_bundle:
        files = {**dict.fromkeys(given), **files}
    had_signature = (target / SIGNATURE).exists()
    manifest = amend_bundle(source, target, lambda manifest: _with(manifest, rules, files), files)
    log(f"{target}: {'no rules' if manifest.rules is None else 'rules written'}")
    if had_signature:
        log(f"{target}: its signature was removed; sign it again: edgener sign {target}")


def _with(manifest: Manifest, rules: Rules, files: dict[str, bytes | None]) -> Manifest:
    """Return the manifest with the given rules, which replace those of the same kind, or all of the bundle's."""
    from edgener.bundle_rules import DICTIONARY, EXCLUDE, BundleRules

    before = manifest.rules if manifest.rules and rules.of_bundle else BundleRules()
    after = BundleRules(
        dictionary=DICTIONARY if files.get(DICTIONARY) is not None else before.dictionary,
        exclude=EXCLUDE if files.get(EXCLUDE) is not None else before.exclude,
        min_score=_scores(manifest, rules, before),
        types=before.types if rules.types is None else tuple(rules.types),
    )
    return replace(manifest, rules=None if after == BundleRules() else after)


def _scores(manifest: Manifest, rules: Rules, before: BundleRules) -> dict[str, float] | None:
    """Return the lowest score of each type; a number for all types becomes one for each."""
    scores = rules.scores_over(before.min_score or {})
    by_label = {label: scores.get(label, scores.get("", 0.0)) for label in manifest.tag_set.labels}
    return {label: score for label, score in by_label.items() if score} or None


def _refuse_pipe(path: Path) -> None:
    """Raise InputError for what cannot be read twice: once to verify it, and once to write it."""
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is no regular file; write its lines to a file, and name that")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


RULES = Command(
    name="rules",
    summary="write rules into a bundle: words, exclusions, lowest scores, types",
    description=(
        "Write rules into a bundle, which then hold on every device, unless its operator overrides them. A dictionary, "
        "a list of excluded texts and a list of types replace the one that the bundle has, lowest scores those of the "
        "same types; with --no-bundle-rules, nothing of the bundle's own rules stays. The rules are verified first; "
        "golden cases and digests are made anew; sign the bundle afterwards."
    ),
    examples="""\
edgener-export rules ./my-bundle --dictionary products.tsv --exclude exclude.txt
edgener-export rules ./my-bundle --min-score PER=0.8,LOC=0.6 --output ./stricter
edgener-export rules ./my-bundle --no-bundle-rules           a bundle without rules""",
    add_arguments=_add_arguments,
    run=_rules,
)
