"""Draw the three pictures of docs/architecture.md: text to entities, recipe to bundle, device to one file.

    python tools/architecture_pictures.py

Each picture is a column of boxes, top to bottom: what a step makes, how, and the module that does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parent.parent / "docs"
WIDTH, BOX_HEIGHT, GAP, MARGIN = 760, 62, 26, 12
STYLE = (
    "text{font-family:system-ui,'Noto Sans CJK SC','Microsoft YaHei',sans-serif;fill:#1c1917}"
    ".what{font-size:16px;font-weight:600}.how{font-size:13px}.module{font-size:12px;font-family:monospace;fill:#1d4ed8}"
    "rect{fill:#fafaf9;stroke:#a8a29e}.end{fill:#dbeafe;stroke:#1d4ed8}path{stroke:#57534e;fill:none}"
)


class Step(NamedTuple):
    """A box of a picture."""

    what: str
    """The thing that the step makes."""
    how: str
    """A few words on how it is made."""
    module: str = ""
    """Path of the module that does it, from the root of the repository; empty for what comes from outside."""


PICTURES: dict[str, Sequence[Step]] = {
    "architecture-recognize.svg": (
        Step("text", "any length, in one piece or in many"),
        Step("sentences", "cut at sentence ends, in chunks of bounded size", "runtime/edgener/segmentation.py"),
        Step("characters that the model knows", "look-alikes replaced, one for one", "runtime/edgener/aliases.py"),
        Step("token ids with offsets", "one token a Chinese character, mostly", "runtime/edgener/tokenizer.py"),
        Step("windows in batches", "overlapping where a sentence is too long", "runtime/edgener/recognizer.py"),
        Step("logits: rows x tokens x tags", "the int8 graph, in onnxruntime", "runtime/edgener/session.py"),
        Step("spans with scores", "the best valid sequence of tags", "runtime/edgener/decode.py"),
        Step("whole spans", "corrected by the rules of the bundle", "runtime/edgener/span_rules/registry.py"),
        Step("entities", "offsets into the caller's own string", "runtime/edgener/entity.py"),
    ),
    "architecture-export.svg": (
        Step("recipe", "one TOML file, checked before anything starts", "export/edgener_export/recipe/read.py"),
        Step("labelled sentences", "any of the field's file formats", "export/edgener_export/corpus/reading.py"),
        Step("checkpoint", "pre-trained, with a pruned vocabulary", "export/edgener_export/checkpoint/load.py"),
        Step("trained model", "adapt, fine-tune, distil; resumable", "export/edgener_export/training/steps.py"),
        Step("fp32 graph", "ONNX through optimum, optimized", "export/edgener_export/graph/export.py"),
        Step("int8 graph", "SmoothQuant, exact integer products", "export/edgener_export/graph/int8.py"),
        Step("scores and report", "through the runtime; the gate decides", "export/edgener_export/pipeline/gate.py"),
        Step("bundle", "with manifest and golden cases", "export/edgener_export/pipeline/pack.py"),
    ),
    "architecture-device.svg": (
        Step("device and bundle", "a name such as pi4, and a model", "edge/edgener_edge/devices.py"),
        Step("pinned packages", "each by version and SHA-256", "edge/edgener_edge/lock.py"),
        Step("downloads", "from Debian and PyPI, verified", "edge/edgener_edge/cache.py"),
        Step("folder", "interpreter, C library, wheels, model", "edge/edgener_edge/device_folder.py"),
        Step(".run", "unpacks itself on the device", "edge/edgener_edge/archive.py"),
        Step("proof", "the host's answers under QEMU", "edge/edgener_edge/verify.py"),
    ),
}


def main() -> None:
    """Write the pictures."""
    for name, steps in PICTURES.items():
        (DOCS / name).write_text(picture(steps), encoding="utf-8")


def picture(steps: Sequence[Step]) -> str:
    """Draw the steps as an SVG image."""
    height = len(steps) * (BOX_HEIGHT + GAP) - GAP + 2 * MARGIN
    boxes = "".join(_box(step, number, number in (0, len(steps) - 1)) for number, step in enumerate(steps))
    arrows = "".join(_arrow(number) for number in range(1, len(steps)))
    title = f"{steps[0].what} to {steps[-1].what}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>{boxes}{arrows}</svg>\n"
    )


def _top(number: int) -> int:
    return MARGIN + number * (BOX_HEIGHT + GAP)


def _box(step: Step, number: int, is_end: bool) -> str:
    top = _top(number)
    shape = "end" if is_end else "step"
    return (
        f'<rect class="{shape}" x="{MARGIN}" y="{top}" width="{WIDTH - 2 * MARGIN}" height="{BOX_HEIGHT}" rx="8"/>'
        f'<text class="what" x="{MARGIN + 16}" y="{top + 27}">{escape(step.what)}</text>'
        f'<text class="how" x="{MARGIN + 16}" y="{top + 48}">{escape(step.how)}</text>'
        f'<text class="module" x="{WIDTH - MARGIN - 16}" y="{top + 36}" text-anchor="end">{escape(step.module)}</text>'
    )


def _arrow(number: int) -> str:
    """Draw the arrow that leads to a step."""
    middle, tip = WIDTH // 2, _top(number) - 2
    return f'<path d="M{middle} {tip - GAP + 4}V{tip}M{middle - 5} {tip - 6}L{middle} {tip}L{middle + 5} {tip - 6}"/>'


if __name__ == "__main__":
    main()
