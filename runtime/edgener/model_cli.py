"""``edgener inspect`` and ``edgener check``: what a model is, and whether it gives its golden answers."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from edgener.command_line import Command, add_json
from edgener.errors import GoldenError
from edgener.options import add_bundle, add_provider, load_recognizer_class, model_of
from edgener.standard_streams import write
from edgener.table import table

if TYPE_CHECKING:
    from edgener.bundle_rules import BundleRules
    from edgener.score_calibration import Calibration


def _add_inspect(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    add_json(parser, "print the model's manifest, which is JSON")


def _inspect(options: argparse.Namespace) -> None:
    from edgener.bundle import FP16_FILES, load_bundle

    bundle = load_bundle(model_of(options.bundle))
    if options.json:
        write(bundle.manifest.to_json())
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
        ("aliases", ", ".join(manifest.aliases) or "none"),
        ("span rules", ", ".join(manifest.span_rules) or "none"),
        *_calibration_rows(manifest.calibration),
        *_rules_rows(manifest.rules),
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
    write(table(rows))


def _calibration_rows(calibration: Calibration | None) -> list[tuple[str, str]]:
    if calibration is None:
        return [("scores", "the model's own probabilities, not calibrated")]
    return [
        ("scores", f"calibrated, temperature {calibration.temperature:.3f}, offset {calibration.offset:+.3f}"),
        *(
            (
                f"  {one.data}",
                f"expected calibration error {one.error_before:.1f} % before, {one.error_after:.1f} % after",
            )
            for one in calibration.sets
        ),
    ]


def _rules_rows(rules: BundleRules | None) -> list[tuple[str, str]]:
    if rules is None:
        return [("rules", "none")]
    scores = ",".join(f"{label}={score:g}" for label, score in (rules.min_score or {}).items())
    types = f"types {', '.join(rules.types)}" if rules.types else ""
    parts = (rules.dictionary, rules.exclude, scores, types)
    return [("rules", "; ".join(filter(None, parts)))]


def _add_check(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    add_provider(parser)
    add_json(parser)


def _check(options: argparse.Namespace) -> None:
    load_recognizer_class()
    from edgener.bundle import load_bundle
    from edgener.golden import check_case, read_cases
    from edgener.recognizer import open_recognizer

    directory = model_of(options.bundle)
    bundle = load_bundle(directory)
    graph = bundle.graph(options.provider).name
    recognizer = open_recognizer(bundle, provider=options.provider)
    outcomes = [check_case(recognizer, case) for case in read_cases(bundle.golden(options.provider))]
    wrong = [outcome for outcome in outcomes if not outcome.same_entities]
    same_logits = sum(outcome.same_logits for outcome in outcomes)
    if options.json:
        counts = {"cases": len(outcomes), "same_entities": len(outcomes) - len(wrong), "same_logits": same_logits}
        write(json.dumps({"bundle": str(directory), "checksums": "verified", "graph": graph, **counts}) + "\n")
    else:
        rows = [
            ("bundle", str(directory)),
            ("checksums", "verified"),
            ("graph", graph),
            ("entities", f"{len(outcomes) - len(wrong)} of {len(outcomes)} golden cases match"),
            ("logits", f"{same_logits} of {len(outcomes)} golden cases bit-identical to the host's"),
        ]
        write(table(rows))
    if wrong:
        raise GoldenError(
            f"{directory}: {len(wrong)} of {len(outcomes)} golden cases differ, the first one "
            f"{wrong[0].case.text!r:.60}; this onnxruntime or processor does not compute what the host did"
        )


INSPECT = Command(
    name="inspect",
    summary="print a model's size, entity types, sources and scores",
    description="Print what a model is, what it was made from, and what it scores.",
    examples="edgener inspect\nedgener inspect ./my-bundle --json",
    add_arguments=_add_inspect,
    run=_inspect,
)
CHECK = Command(
    name="check",
    summary="verify a model's checksums and its answers on its golden cases",
    description="Verify a model's checksums, and compare its answers on its golden cases with the packed ones.",
    examples="edgener check\nedgener check ./my-bundle --provider cuda --json",
    add_arguments=_add_check,
    run=_check,
)
