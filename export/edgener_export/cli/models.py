"""``edgener-export models``: the family of checkpoints, and which one to choose when."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from edgener.command_line import Command, add_json
from edgener.standard_streams import write
from edgener_export.checkpoint.catalogue import (
    FAMILY,
    LATENCY_CLASSES,
    PROCESSORS,
    SENTENCE_TOKENS,
    WHICH,
    Advice,
    KnownModel,
    Question,
    latency_class,
)
from edgener_export.cli.json_output import write_json

HEADER = (
    "checkpoint",
    "layers x width",
    "heads",
    "FFN",
    "parameters",
    "int8 bundle",
    "MMAC/token",
    *(f"{processor.name} (estimate)" for processor in PROCESSORS),
    "MSRA F1 (published)",
)


def _models(options: argparse.Namespace) -> None:
    if options.json:
        write_json(as_record())
    else:
        write("\n".join([guide(), *_measured(), ""]))


def as_record() -> dict[str, object]:
    """Return what the command prints, as one JSON object."""
    return {
        "sentence_tokens": SENTENCE_TOKENS,
        "processors": [asdict(processor) for processor in PROCESSORS],
        "models": [
            {
                "name": model.name,
                **asdict(model.shape),
                "parameters": model.shape.parameters,
                "int8_bytes": model.shape.int8_bytes,
                "products_a_token": model.shape.products,
                "estimated_milliseconds": {
                    processor.name: round(_milliseconds(model, index), 2) for index, processor in enumerate(PROCESSORS)
                },
                "published_f1": None if model.published is None else asdict(model.published),
            }
            for model in FAMILY
        ],
        "which": asdict(WHICH),
    }


def guide() -> str:
    """Return the table, its legend and the decision tree, as Markdown that also reads well in a terminal."""
    return "\n".join([*_table(), "", *_legend(), "", "Which one, when:", "", *_branches(WHICH, 0), ""])


def _table() -> Iterator[str]:
    rows = [HEADER, *(_row(model) for model in FAMILY)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    for index, row in enumerate(rows):
        yield _line(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        if index == 0:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"


def _row(model: KnownModel) -> Sequence[str]:
    shape = model.shape
    estimates = (_milliseconds(model, index) for index in range(len(PROCESSORS)))
    return (
        model.name,
        f"{shape.layers} x {shape.width}" + (f", embeddings {shape.embedding}" if shape.embedding else ""),
        str(shape.heads),
        str(shape.ffn),
        f"{shape.parameters / 1e6:.1f} M",
        f"{shape.int8_bytes / 1e6:.1f} MB",
        f"{shape.products / 1e6:.1f}",
        *(f"{latency_class(estimate)}, {estimate:.1f} ms" for estimate in estimates),
        str(model.published) if model.published else "none",
    )


def _milliseconds(model: KnownModel, processor: int) -> float:
    return PROCESSORS[processor].milliseconds(model.shape.operations(SENTENCE_TOKENS))


def _line(cells: Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _legend() -> Iterator[str]:
    yield "- Parameters: of the encoder alone; published counts hold the pooler too, which no bundle needs."
    yield "- int8 bundle: computed for what recipes make, with the vocabulary cut to Chinese, 128 tokens and 13 tags."
    yield "- MMAC/token: million multiply-accumulates with weights; attention adds 2 x width x layers x tokens."
    described = "; ".join(
        f"{p.name}: {p.cores} x {p.core} at {p.gigahertz} GHz, {p.products_a_cycle} a cycle" for p in PROCESSORS
    )
    yield f"- Estimates: least time for {SENTENCE_TOKENS} tokens on all cores, int8 matrix products alone, not measured"
    yield f"  ({described})."
    bounds = [f"{name} up to {most:g} ms" for most, name in LATENCY_CLASSES[:-1]]
    yield f"  Classes: {', '.join(bounds)}, {LATENCY_CLASSES[-1][1]} beyond."
    yield "- F1: best run, with the mean in parentheses, of the fp32 model as others published it:"
    sources = dict.fromkeys(model.published.source for model in FAMILY if model.published)
    yield f"  {'; '.join(sources)}. None: nobody published one; measure it."


def _branches(node: Question | Advice, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if isinstance(node, Advice):
        yield f"{indent}- **{node.checkpoint}**: {node.why}."
        return
    yield f"{indent}- {node.text}"
    for answer, branch in (("Yes", node.yes), ("No", node.no)):
        first, *rest = _branches(branch, depth + 1)
        yield f"{indent}  - {answer}: {first.strip().removeprefix('- ')}"
        yield from rest


def _measured() -> Iterator[str]:
    """Yield a line with the score that the manifest of the built-in bundle tells, if there is that bundle."""
    from edgener.built_in import DEFAULT_BUNDLE
    from edgener.bundle import load_bundle
    from edgener.errors import BundleMissingError

    try:
        manifest = load_bundle(DEFAULT_BUNDLE).manifest
    except BundleMissingError:
        return
    for quality in manifest.quality:
        if quality.graph == manifest.precision:
            score = f"F1 {quality.f1:.2f} on {quality.data}"
            yield f"Measured: the built-in {manifest.name}, {manifest.size / 1e6:.1f} MB, {score}."


MODELS = Command(
    name="models",
    summary="list the checkpoints to start from, and when to choose which",
    description="""Print the family of Chinese checkpoints with size, work and speed, and when to choose which.
Any other checkpoint of the same kind works too, by its name on the hub or, on a machine without the hub, as a
directory with config.json, model.safetensors and tokenizer.json.""",
    examples="""\
edgener-export models
edgener-export models --json | jq '.models[] | select(.int8_bytes < 30e6) | .name'""",
    add_arguments=add_json,
    run=_models,
)
