"""A small grid of quantizations over a trained model, measured on development sentences; the test set is not looked at.

What is done is kept in ``search.json`` and not repeated. Candidates come from the smallest to the largest.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from edgener.bundle import TOKENIZER, describe_file, load_bundle
from edgener.dataclass_json import RecordError, from_plain, to_plain
from edgener.tags import TagSet
from edgener_export.checkpoint.classifier import is_bundle
from edgener_export.checkpoint.load import load_pruned
from edgener_export.checkpoint.vocabulary import prune_vocabulary, unknown_share
from edgener_export.corpus.splits import Sentence
from edgener_export.errors import CheckpointError, ExportError
from edgener_export.evaluation.recognize import evaluate
from edgener_export.files.atomic import write_text, writing
from edgener_export.graph.export import export_graph, optimize_graph
from edgener_export.graph.int8 import integer_share, quantize_graph
from edgener_export.graph.sensitivity import sensitivities
from edgener_export.pipeline.fingerprint import source_of, verify_trained_by
from edgener_export.pipeline.gate import check_figures
from edgener_export.pipeline.inputs import ingredients_of, read_golden_texts, read_recipe_corpus, with_origin_of
from edgener_export.pipeline.pack import write_bundle
from edgener_export.recipe.encoder import encoder_of
from edgener_export.recipe.paths import resolve
from edgener_export.recipe.settings import METHODS, GateSettings, PathKind, QuantizeSettings, Recipe
from edgener_export.report.collect import bundle_bytes
from edgener_export.training.batches import calibration_rows

SMOOTHINGS = (0.0, 0.5, 0.8)
CALIBRATION_SENTENCES = (64, 256)
SENSITIVITY_SENTENCES = 16
SENSITIVE_SHARE = 0.05
"""The share of the products, the most sensitive ones, that half of the grid leaves in fp32."""
SAME_SIZE = 1.01
"""A bundle that is larger by no more than this factor counts as equally small."""
WHOLE = "all"
"""The vocabulary that the model was trained with."""

Log = Callable[[str], None]


@dataclass(frozen=True)
class GridPoint:
    """One quantization of the grid."""

    vocabulary: str
    """The rule for the packed entries of the trained vocabulary: see ``ModelSettings.packed_vocabulary``."""
    quantize: QuantizeSettings


@dataclass(frozen=True)
class Trial:
    """A quantization of the grid with its measured quality and size."""

    candidate: GridPoint
    entries: int
    """The number of entries of the vocabulary."""
    unknown: float
    """The share of the development characters that become [UNK], in percent."""
    size: int
    """The size of the bundle in bytes."""
    f1: float
    """The F1 on development sentences, in percent."""
    loss: float
    """The points of F1 that are lost against the trained model in fp32 with its whole vocabulary."""
    in_integers: int
    """The number of matrix products with constant weights that run in integers."""
    products: int
    """The number of all matrix products with constant weights."""
    kept: str
    """The digest of the kept entries, because the text file of a rule may change."""
    entities: int = 0
    """Entities of the development sentences; 0 in files of an earlier version, for which every difference counts."""

    def passes(self, gate: GateSettings) -> bool:
        """Tell whether the gate would be passed if the development sentences were the test."""
        return not any(check.failure for check in check_figures(gate, self.f1, self.loss, self.entities, self.size))


@dataclass(frozen=True)
class Findings:
    """The content of search.json."""

    model: str
    """The digest of the trained weights and of the data that they are measured with, to refuse stale results."""
    fp32_f1: float
    """The F1 of the fp32 graph on development sentences, in percent."""
    sensitivity: dict[str, float]
    """The fall of the logits' relative error if a product alone stays fp32, by the product's name."""
    trials: tuple[Trial, ...]
    """The trials in the order in which they were made."""


class Search:
    """The grid over the trained model of one run."""

    def __init__(
        self, recipe: Recipe, path: Path, run: Path, cache: Path, vocabularies: Sequence[str], log: Log
    ) -> None:
        """``path`` is the recipe's; empty ``vocabularies`` ask for ``default_vocabularies``.

        Raises CheckpointError where the run has no trained model yet, or one of another recipe.
        """
        self._model, self._results, self._scratch = run / "model", run / "search.json", run / "search"
        if not self._model.exists():
            raise CheckpointError(f"{self._model}: not found; train it first: edgener-export build {path} --run {run}")
        self._source = source_of(run)
        if self._source and is_bundle(self._source):
            recipe = with_origin_of(load_bundle(self._source).manifest, recipe)
        self._recipe, self._path, self._log = recipe, path, log
        self._corpus = read_recipe_corpus(recipe, cache, log)
        verify_trained_by(recipe, self._corpus, run)
        self._tag_set = TagSet.of(recipe.scheme, self._corpus.types())
        self._golden_texts = read_golden_texts(Path(recipe.golden))
        self._kept: dict[str, str] = {}
        self._vocabularies = self._distinct([WHOLE, *(vocabularies or default_vocabularies(self._model))])

    def run(self, stop_at_first: bool) -> Findings:
        """Try every quantization that was not tried yet, or stop at the first that passes the gate."""
        with writing(self._scratch):
            self._scratch.mkdir(exist_ok=True)
        try:
            findings = self._read() or self._begin()
            exported = ""
            for candidate in self._candidates(findings):
                if stop_at_first and recommended(findings.trials, self._recipe.gate):
                    break
                if exported != candidate.vocabulary:
                    self._export(candidate.vocabulary)
                    exported = candidate.vocabulary
                findings = replace(findings, trials=(*findings.trials, self._try(candidate, findings.fp32_f1)))
                self._write(findings)
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)
        return findings

    @property
    def source(self) -> Path | None:
        """The path of the model that the run has in place of one of its own training."""
        return self._source

    def _candidates(self, findings: Findings) -> Iterator[GridPoint]:
        """Yield the quantizations that were not tried yet."""
        tried = [trial.candidate for trial in findings.trials]
        for vocabulary in self._vocabularies:
            for candidate in candidates(vocabulary, self._recipe.quantize, list(findings.sensitivity)):
                if candidate not in tried:
                    yield candidate

    def _distinct(self, vocabularies: Sequence[str]) -> list[str]:
        """Return the rules in the order of their size, one for each set of entries."""
        tokenizer = json.loads((self._model / TOKENIZER).read_bytes())
        by_rows: dict[tuple[int, ...], str] = {}
        for rule in vocabularies:
            rows = tuple(prune_vocabulary(tokenizer, self._resolved(rule), self._recipe.model.aliases)[1])
            by_rows.setdefault(rows, rule)
            self._kept[rule] = hashlib.sha256(repr(rows).encode()).hexdigest()
        return [by_rows[rows] for rows in sorted(by_rows, key=len)]

    def _keeps_now(self, rule: str) -> str:
        """Return the digest of the entries that a rule keeps now, also of one that is not named this time.

        An empty string stands for a rule whose text cannot be read any more.
        """
        if rule not in self._kept:
            try:
                self._distinct([rule])
            except ExportError:
                return ""
        return self._kept[rule]

    def _resolved(self, rule: str) -> str:
        return resolve(PathKind.VOCABULARY, rule, self._path.parent)

    @property
    def _fp32(self) -> Path:
        return self._scratch / "fp32.onnx"

    @property
    def _tokenizer(self) -> Path:
        return self._scratch / TOKENIZER

    def _begin(self) -> Findings:
        self._export(WHOLE)
        rows = calibration_rows(
            self._corpus.learned,
            SENSITIVITY_SENTENCES,
            encoder_of(self._recipe.model, self._tokenizer),
            self._recipe.model.max_tokens,
        )
        findings = Findings(
            model=self._digest(),
            fp32_f1=self._score(self._recipe, self._fp32, "fp32")[0],
            sensitivity=sensitivities(self._fp32, rows, self._recipe.quantize),
            trials=(),
        )
        self._write(findings)
        return findings

    def _export(self, vocabulary: str) -> None:
        pruned = load_pruned(self._model, self._resolved(vocabulary), self._tokenizer, self._recipe.model.aliases)
        export_graph(pruned, self._fp32, self._recipe.model.max_tokens)

    def _try(self, candidate: GridPoint, fp32_f1: float) -> Trial:
        encoder = encoder_of(self._recipe.model, self._tokenizer)
        rows = calibration_rows(
            self._corpus.learned, candidate.quantize.sentences, encoder, self._recipe.model.max_tokens
        )
        graph = self._scratch / "int8.onnx"
        quantize_graph(self._fp32, graph, rows, candidate.quantize)
        f1, size = self._score(replace(self._recipe, quantize=candidate.quantize), graph, "int8")
        share = integer_share(self._scratch / "model.onnx")
        trial = Trial(
            candidate=candidate,
            entries=encoder.vocabulary_size,
            unknown=unknown_share(
                self._recipe.model, self._tokenizer, [sentence.text for sentence in self._corpus.dev]
            ),
            size=size,
            f1=f1,
            loss=round(fp32_f1 - f1, 2),
            in_integers=share.in_integers,
            products=share.products,
            kept=self._kept[candidate.vocabulary],
            entities=sum(len(sentence.spans) for sentence in self._corpus.dev),
        )
        self._log("search: " + "  ".join(cells(trial, self._recipe.gate)))
        return trial

    def _score(self, recipe: Recipe, graph: Path, precision: str) -> tuple[float, int]:
        """Return the F1 on development sentences, and the bytes of the bundle."""
        optimized, bundle = self._scratch / "model.onnx", self._scratch / "bundle"
        optimize_graph(graph, optimized)
        ingredients = ingredients_of(recipe, precision, optimized, self._tokenizer, self._tag_set, self._golden_texts)
        write_bundle(ingredients, (), bundle)
        threads, labels = torch.get_num_threads(), self._corpus.labels()
        measured = evaluate(bundle, self._corpus.dev, "development", threads, labels).quality
        return measured.f1, bundle_bytes(bundle)

    def _digest(self) -> str:
        digest = hashlib.sha256(describe_file(self._model / "model.safetensors").sha256.encode())
        for sentences in (self._corpus.learned, self._corpus.dev):
            digest.update(repr([_plain(sentence) for sentence in sentences]).encode("utf-8", "surrogatepass"))
        model = self._recipe.model
        digest.update(repr((model.max_tokens, self._golden_texts, model.aliases, model.span_rules)).encode())
        return digest.hexdigest()

    def _read(self) -> Findings | None:
        """Return the findings of an earlier search of the same model; None if there are none."""
        if not self._results.exists():
            return None
        try:
            findings = from_plain(Findings, json.loads(self._results.read_bytes()))
        except (RecordError, ValueError) as error:
            raise CheckpointError(f"{self._results}: is not what a search wrote: {error}; remove it") from error
        if findings.model != self._digest():
            self._log(f"search: {self._results} is about another model or other sentences; all is measured anew")
            return None
        trials = [trial for trial in findings.trials if self._keeps_now(trial.candidate.vocabulary) == trial.kept]
        return replace(findings, trials=tuple(trials))

    def _write(self, findings: Findings) -> None:
        write_text(self._results, json.dumps(to_plain(findings), ensure_ascii=False, indent=1) + "\n")


def default_vocabularies(model: Path) -> tuple[str, ...]:
    """Return the rules to try by default: GB2312, if the trained model can lose entries."""
    has_pairs = "ngrams" in json.loads((model / "config.json").read_bytes())
    return () if has_pairs else ("gb2312",)


def candidates(vocabulary: str, base: QuantizeSettings, sensitive: Sequence[str]) -> Iterator[GridPoint]:
    """Yield the grid for one vocabulary, without repetitions; ``sensitive`` names products, the worst first.

    Those without exceptions come first: they are smaller.
    """
    worst = tuple(sensitive[: max(1, round(SENSITIVE_SHARE * len(sensitive)))])
    for exclude, method, smoothing, sentences in itertools.product(
        (base.exclude, (*base.exclude, *worst)), METHODS, SMOOTHINGS, CALIBRATION_SENTENCES
    ):
        needs_calibration = method == "static" or smoothing
        if needs_calibration or sentences == CALIBRATION_SENTENCES[0]:
            yield GridPoint(
                vocabulary, replace(base, method=method, smoothing=smoothing, sentences=sentences, exclude=exclude)
            )


def recommended(trials: Sequence[Trial], gate: GateSettings) -> Trial | None:
    """Return the trial with the best F1 among the smallest that pass the gate; None if none passes."""
    passing = [trial for trial in trials if trial.passes(gate)]
    if not passing:
        return None
    least = min(trial.size for trial in passing)
    return max(
        (trial for trial in passing if trial.size <= least * SAME_SIZE), key=lambda trial: (trial.f1, -trial.size)
    )


HEAD = (
    "vocabulary",
    "entries",
    "unknown",
    "method",
    "smoothing",
    "sentences",
    "MB",
    "F1",
    "loss",
    "in integers",
    "gate",
)


def cells(trial: Trial, gate: GateSettings) -> tuple[str, ...]:
    """Return a trial as a row of the table with the header ``HEAD``."""
    settings = trial.candidate.quantize
    return (
        trial.candidate.vocabulary,
        str(trial.entries),
        f"{trial.unknown:.3f} %",
        settings.method,
        f"{settings.smoothing:g}",
        str(settings.sentences),
        f"{trial.size / 1e6:.2f}",
        f"{trial.f1:.2f}",
        f"{trial.loss:.2f}",
        f"{trial.in_integers} of {trial.products}",
        "passes" if trial.passes(gate) else "fails",
    )


def overrides(candidate: GridPoint) -> list[str]:
    """Return the values of ``--set`` with which ``build`` packs this quantization."""
    settings = candidate.quantize
    return [
        f"model.packed_vocabulary={candidate.vocabulary}",
        f"quantize.method={settings.method}",
        f"quantize.smoothing={settings.smoothing}",
        f"quantize.sentences={settings.sentences}",
        f"quantize.exclude={json.dumps(settings.exclude)}",
    ]


def _plain(sentence: Sentence) -> tuple[str, list[tuple[int, int, str]]]:
    return sentence.text, [(start, end, label) for start, end, label in sentence.spans]
