"""A bundle with another manifest, other rules or another calibration, whose model stays as it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from edgener.bundle import CARD, FP16_GOLDEN, GOLDEN, GRAPH, MANIFEST, Manifest, load_bundle, read_manifest
from edgener.errors import OutputError, UsageError
from edgener.golden import Case, Cases, read_cases, write_cases
from edgener.score_calibration import Calibration, rescaled
from edgener_export.pipeline.pack import bundle_draft, record_golden, score_note, verify_target


def amend_bundle(
    source: Path,
    target: Path,
    change: Callable[[Manifest], Manifest],
    files: Mapping[str, bytes | None] | None = None,
    golden_texts: Sequence[str] | None = None,
    *,
    keeps_entities: bool = False,
) -> Manifest:
    """Write the bundle ``source`` with a changed manifest to ``target``, in one step; both may be the same directory.

    ``files`` are added or replaced; where one is None it is left out. Golden cases are recorded anew with
    ``golden_texts`` or the texts that they have, the card says whether scores are calibrated, and the digests are
    those of the new files. The new bundle has no signature. Returns its manifest. With ``keeps_entities``, changed
    rules find what the former ones do, as lowest scores that follow the calibration.
    Raises BundleError for a damaged bundle, OutputError where it cannot be written or another model would be lost, and
    UsageError for changed rules or another normalization where there is a graph for GPUs, whose golden cases only a
    build can record.
    """
    verify_target(target)
    bundle = load_bundle(source)
    _verify_same_model(bundle.manifest, target)
    before, manifest = bundle.manifest, change(bundle.manifest)
    is_other = manifest.normalization != before.normalization or (not keeps_entities and manifest.rules != before.rules)
    if FP16_GOLDEN in before.files and is_other:
        raise UsageError(
            f"{source}: has a graph for GPUs, whose answers with other rules can only be recorded by a build; "
            "give the rules to edgener itself"
        )
    with bundle_draft(target) as draft:
        for name in before.files:
            shutil.copyfile(bundle.path(name), draft / name)
        for name, content in (files or {}).items():
            (draft / name).unlink(missing_ok=True) if content is None else (draft / name).write_bytes(content)
        _renew_card(draft / CARD, before, manifest)
        if FP16_GOLDEN in before.files:
            _renew_scores(draft / FP16_GOLDEN, before.calibration, manifest.calibration)
        texts = [case.text for case in read_cases(draft / GOLDEN)] if golden_texts is None else golden_texts
        record_golden(draft, manifest, texts)
    return load_bundle(target).manifest


def _verify_same_model(manifest: Manifest, target: Path) -> None:
    """Raise OutputError where ``target`` is a bundle of another model, because it would be replaced and lost."""
    if not (target / MANIFEST).exists():
        return
    other = read_manifest(target / MANIFEST)
    if any(other.files.get(name) != manifest.files.get(name) for name in (GRAPH, f"{GRAPH}.data")):
        raise OutputError(f"{target}: is a bundle of another model, {other.name}; choose another path or delete it")


def _renew_card(card: Path, before: Manifest, after: Manifest) -> None:
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace(score_note(before), score_note(after)), encoding="utf-8")


def _renew_scores(golden: Path, before: Calibration | None, after: Calibration | None) -> None:
    """Replace the scores of golden cases whose graph does not run here; the entities stay."""

    def renewed(case: Case) -> Case:
        return replace(
            case, entities=tuple(replace(it, score=rescaled(it.score, before, after)) for it in case.entities)
        )

    write_cases(Cases(tuple(map(renewed, read_cases(golden)))), golden)
