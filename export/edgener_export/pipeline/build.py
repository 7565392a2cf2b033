"""The build of a bundle from a recipe, in stages that leave their results in the run's directory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edgener.built_in import bundle_directory
from edgener.bundle import GOLDEN, TOKENIZER, Manifest, Quality, load_bundle
from edgener.tags import TagSet
from edgener_export.checkpoint.classifier import is_bundle, load_classifier, tokenizer_file, trained_tags
from edgener_export.checkpoint.load import Checkpoint, load_checkpoint, load_pruned
from edgener_export.checkpoint.vocabulary import unknown_share
from edgener_export.corpus.rule_conflicts import rule_conflicts
from edgener_export.errors import CheckpointError, RecipeError
from edgener_export.evaluation.recognize import Evaluation, evaluate
from edgener_export.files.atomic import draft_of
from edgener_export.graph.export import export_graph, external_data_path, optimize_graph
from edgener_export.graph.fp16 import Fp16, convert_graph
from edgener_export.graph.int8 import quantize_graph, verify_quantized
from edgener_export.pipeline.fingerprint import Origin, claim, origin_of, origin_of_model
from edgener_export.pipeline.gate import check_gate, pass_gate
from edgener_export.pipeline.inputs import ingredients_of, read_golden_texts, read_recipe_corpus, with_origin_of
from edgener_export.pipeline.pack import GpuIngredients, Ingredients, verify_target, write_bundle
from edgener_export.pipeline.stages import (
    CONVERT,
    EXPORT,
    PACK,
    QUANTIZE,
    REPORT,
    SCORE_FP16,
    SCORE_FP32,
    SCORE_INT8,
    TRAIN,
    Stages,
)
from edgener_export.recipe.encoder import encoder_of
from edgener_export.recipe.settings import Recipe
from edgener_export.recipe.shape import layer_faults, read_shape
from edgener_export.report.collect import ScoredGraph, bundle_bytes, collect_report
from edgener_export.report.record import Fp16Figures, GateCheck
from edgener_export.report.render import render_report
from edgener_export.training.batches import calibration_rows
from edgener_export.training.hardware import hardware
from edgener_export.training.steps import Log, Training


class Pipeline:
    """The build of one recipe in the directory of a run, which keeps all intermediate results."""

    def __init__(self, recipe: Recipe, run: Path, cache: Path, log: Log) -> None:
        self._recipe, self._run, self._cache = recipe, run, cache
        self._log = log if hardware().is_main else _say_nothing
        self._stages = Stages(self._log, fp16=recipe.gpu.fp16)
        with hardware().main_first():
            self._corpus = read_recipe_corpus(recipe, cache, self._log)
        self._tag_set = TagSet.of(recipe.scheme, self._corpus.types())
        self._texts = read_golden_texts(Path(recipe.golden))
        self._trained = run / "model"
        self._tokenizer = run / TOKENIZER
        self._packed_tokenizer = run / "packed-tokenizer.json"
        self._adopted: Origin | None = None

    def build(self, target: Path) -> tuple[Quality, ...]:
        """Train, export, quantize, score and pack into ``target``; return the scores of all graphs, fp32 included.

        A process that only helps another to train has done its part with the training, and has no scores.
        """
        verify_target(target)
        trained = self.train()
        if not hardware().is_main:
            return ()
        fp32 = self.export(trained)
        int8 = self.quantize(fp32)
        fp16 = self.convert(fp32) if self._recipe.gpu.fp16 else None
        return self.pack(fp32, int8, fp16, target)

    def adopt(self, source: Path) -> None:
        """Take the model of another training or of a bundle in place of the one that this recipe would train.

        The lineage and the aliases become those of the bundle, and so do the span rules where the recipe names none.
        Its calibration and its rules are left behind, and that is told. Raises CheckpointError if this run has another
        model, or if the model has fewer positions than the recipe asks for.
        """
        self._adopted = origin_of_model(source)
        claim(self._run, self._adopted)
        if is_bundle(source):
            manifest = load_bundle(source).manifest
            self._recipe = with_origin_of(manifest, self._recipe)
            for line in _left_behind(manifest):
                self._log(f"{source}: {line}")
        if not (self._trained.exists() and self._tokenizer.exists()):
            self._copy(source)
        shape, max_tokens = read_shape(self._trained), self._recipe.model.max_tokens
        if shape and max_tokens > shape.positions:
            raise CheckpointError(
                f"{source}: has {shape.positions} positions; model.max_tokens is {max_tokens} and must not be more"
            )

    def _copy(self, source: Path) -> None:
        """Copy a trained model and its tokenizer into the run."""
        tokenizer = tokenizer_file(source)
        model = load_classifier(source)
        with draft_of(self._trained) as draft:
            model.save_pretrained(draft)
            shutil.copyfile(tokenizer, draft / TOKENIZER)
        with draft_of(self._tokenizer) as draft:
            shutil.copyfile(tokenizer, draft)

    def train(self) -> Path:
        """Train the model, unless that is done, and return its directory."""
        trained = self._trained
        self._stages.begin(TRAIN)
        if hardware().is_main:
            claim(self._run, self._adopted or origin_of(self._recipe, self._corpus))
        if trained.exists():
            _verify_trained(trained, self._tag_set, self._tokenizer)
            self._log(f"train: {trained} is there already")
            return trained
        with hardware().main_first():
            checkpoint = load_checkpoint(self._recipe.model, self._tag_set, self._tokenizer, self._cache)
        faults = list(layer_faults(self._recipe, checkpoint.model.config.num_hidden_layers))
        if faults:
            raise RecipeError("; ".join(faults))
        if checkpoint.head:
            self._log(f"train: {checkpoint.head}")
        more = f" and {len(self._corpus.more)} more" if self._corpus.more else ""
        labelled = f"{len(self._corpus.train)} labelled sentences{more}"
        self._log(f"train: {_parameters(checkpoint):.1f} M parameters, {labelled}")
        for conflict in rule_conflicts(self._recipe.model.span_rules, self._corpus.train):
            self._log(
                f"train: the span rule {conflict.rule} would change {conflict.changed} labelled entities, such as "
                f"{conflict.example!r}; name in model.span_rules only rules that fit the labels"
            )
        Training(self._recipe, self._run, self._corpus, self._tag_set, checkpoint, self._log).run()

        if hardware().is_main:
            with draft_of(trained) as draft:
                checkpoint.model.save_pretrained(draft)
                shutil.copyfile(self._tokenizer, draft / TOKENIZER)
        return trained

    def export(self, model: Path) -> Path:
        """Export the trained model and return the path of its fp32 graph."""
        self._stages.begin(EXPORT)
        graph = self._run / "fp32.onnx"
        settings = self._recipe.model
        pruned = load_pruned(model, settings.packed_vocabulary, self._packed_tokenizer, settings.aliases)
        difference = export_graph(pruned, graph, settings.max_tokens)
        self._log(f"export: logits differ from torch by at most {difference:.1e}")
        for part, sentences in (("training", self._corpus.train), ("test", self._corpus.test)):
            share = unknown_share(settings, self._packed_tokenizer, [sentence.text for sentence in sentences])
            self._log(f"vocabulary: {share:.3f} % of the {part} characters become [UNK]")
        return graph

    def quantize(self, fp32: Path) -> Path:
        """Quantize the fp32 graph and return the path of the int8 graph."""
        self._stages.begin(QUANTIZE)
        graph = self._run / "int8.onnx"
        quantize_graph(fp32, graph, self._calibration(), self._recipe.quantize)
        return graph

    def convert(self, fp32: Path) -> Fp16:
        """Convert the fp32 graph into the one for GPUs."""
        self._stages.begin(CONVERT)
        fp16 = convert_graph(fp32, self._run / "fp16", self._calibration())
        self._log(f"fp16: logits differ from fp32 by at most {fp16.largest_difference:.1e}")
        return fp16

    def _calibration(self) -> list[NDArray[np.int64]]:
        return calibration_rows(
            self._corpus.learned,
            self._recipe.quantize.sentences,
            encoder_of(self._recipe.model, self._packed_tokenizer),
            self._recipe.model.max_tokens,
        )

    def pack(self, fp32: Path, int8: Path, fp16: Fp16 | None, target: Path) -> tuple[Quality, ...]:
        """Score all graphs through the runtime, report, and pack those after fp32 if they pass the gate."""
        self._stages.begin(SCORE_FP32)
        before = self._score(self._ingredients(self._optimized(fp32, "fp32"), "fp32"))
        self._stages.begin(SCORE_INT8)
        ingredients = self._ingredients(self._optimized(int8, "int8"), "int8")
        after = self._score(ingredients)
        if fp16:
            self._stages.begin(SCORE_FP16)
        imitated = self._score(self._ingredients(fp16.imitation, "fp16")) if fp16 else None
        scores = before.quality, after.quality, *((imitated.quality,) if imitated else ())
        write_bundle(ingredients, scores, after.bundle)
        gate = check_gate(
            self._recipe.gate,
            before.quality,
            after.quality,
            sum(len(sentence.spans) for sentence in self._corpus.test),
            bundle_bytes(after.bundle),
            imitated.quality if imitated else None,
        )
        report = self._report(ScoredGraph(fp32, before), ScoredGraph(int8, after), _figures(fp16, imitated), gate)
        for check in gate:
            self._log(f"gate: {check.name}: {check.measured}, {check.wanted}")
        pass_gate(gate, report)
        self._stages.begin(PACK)
        if fp16 and imitated:
            ingredients = replace(ingredients, gpu=GpuIngredients(fp16.graph, imitated.bundle / GOLDEN))
        write_bundle(ingredients, scores, target)
        self._log(f"pack: {target}")
        return scores

    def _report(
        self, fp32: ScoredGraph, int8: ScoredGraph, fp16: Fp16Figures | None, gate: tuple[GateCheck, ...]
    ) -> Path:
        """Write the report of this run and return the path of its page."""
        self._stages.begin(REPORT)
        recipe = self._recipe
        teacher = bundle_directory(recipe.distil.teacher) if recipe.distil and not self._has_own_test else None
        collect_report(
            self._run,
            recipe,
            fp32,
            int8,
            teacher=teacher,
            test=self._corpus.test,
            calibration=self._calibration(),
            gate=gate,
            fp16=fp16,
        ).write(self._run)
        page = render_report(self._run)
        self._log(f"report: {page}")
        return page

    @property
    def _has_own_test(self) -> bool:
        """Return True if the test sentences lie in the run: no other bundle has a score on them, whatever it says."""
        test = self._recipe.data.test
        return bool(test) and Path(test).resolve().parent == self._run.resolve()

    def _optimized(self, graph: Path, precision: str) -> Path:
        optimized = self._run / precision / "model.onnx"
        optimize_graph(graph, optimized)
        if precision == "int8":
            verify_quantized(optimized, self._recipe.quantize)
        return optimized

    def _ingredients(self, graph: Path, precision: str) -> Ingredients:
        return ingredients_of(self._recipe, precision, graph, self._packed_tokenizer, self._tag_set, self._texts)

    def _score(self, ingredients: Ingredients) -> Evaluation:
        draft = self._run / f"{ingredients.precision}-draft"
        write_bundle(ingredients, (), draft)
        name = f"{self._recipe.data.corpus or Path(self._recipe.data.test).name} test"
        evaluation = evaluate(draft, self._corpus.test, name, torch.get_num_threads(), self._corpus.labels())
        measured = evaluation.quality
        self._log(f"score: {measured.graph} F1 {measured.f1:.2f} on {measured.sentences} sentences")
        return evaluation


def _figures(fp16: Fp16 | None, imitated: Evaluation | None) -> Fp16Figures | None:
    if not (fp16 and imitated):
        return None
    return Fp16Figures(
        precision=imitated.quality.precision,
        recall=imitated.quality.recall,
        f1=imitated.quality.f1,
        bytes=sum(path.stat().st_size for path in (fp16.graph, external_data_path(fp16.graph))),
        largest_difference=fp16.largest_difference,
    )


def _left_behind(manifest: Manifest) -> Iterator[str]:
    """Yield one sentence for each thing of a bundle that a new graph of its model does not get."""
    if manifest.calibration:
        yield (
            "is calibrated, and the new bundle is not, because its graph has other scores; calibrate it with "
            "edgener-export calibrate"
        )
    if manifest.rules:
        yield "has rules, and the new bundle has none; give it some with edgener-export rules"


def _say_nothing(_message: str) -> None:
    pass


def _parameters(checkpoint: Checkpoint) -> float:
    return sum(parameter.numel() for parameter in checkpoint.model.parameters()) / 1e6


def _verify_trained(model: Path, tag_set: TagSet, tokenizer: Path) -> None:
    """Raise CheckpointError if the model of an earlier run does not fit the recipe."""
    tags, known = trained_tags(model), list(tag_set.tags)
    if tags != known:
        raise CheckpointError(f"{model}: was trained for the tags {tags}, not {known}; name another --run or remove it")
    if not tokenizer.exists() or tokenizer.read_bytes() != (model / tokenizer.name).read_bytes():
        raise CheckpointError(f"{model}: was trained with another {tokenizer}; name another --run or remove it")
