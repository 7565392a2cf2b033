"""Recipe to bundle, stage by stage. Each stage leaves its result in the run's directory and is not repeated."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch

from edgener import Recognizer
from edgener.bundle import Quality
from edgener.encode import Encoder
from edgener.tags import TagSet
from edgener_export.batches import encode_sentences
from edgener_export.checkpoint import Checkpoint, load_checkpoint
from edgener_export.corpus import Corpus, read_corpus_file
from edgener_export.errors import GateError, RecipeError
from edgener_export.evaluate import quality
from edgener_export.graph import export_graph, optimize_graph
from edgener_export.hardware import hardware
from edgener_export.msra import read_msra
from edgener_export.pack import Ingredients, write_bundle
from edgener_export.quantize import QuantizeSettings, quantize_graph, verify_quantized
from edgener_export.recipe import GateSettings, Recipe
from edgener_export.training import Directories, Log, Training


class Pipeline:
    """One recipe in one directory, which holds everything that was made on the way."""

    def __init__(self, recipe: Recipe, recipe_directory: Path, run: Path, cache: Path, log: Log) -> None:
        self._recipe, self._recipe_directory, self._run = recipe, recipe_directory, run
        self._log = log if hardware().is_main else _say_nothing
        with hardware().main_first():
            self._corpus = _read_corpus(recipe, recipe_directory, cache)
        self._tag_set = TagSet.of(recipe.scheme, self._corpus.labels())
        self._texts = _golden_texts(recipe_directory / recipe.golden)
        self._tokenizer = run / "tokenizer.json"

    def build(self, target: Path) -> tuple[Quality, ...]:
        """Train, export, quantize, score and pack into ``target``; the scores of the fp32 and the int8 graph.

        A process that only helps another to train has done its part with the training, and has no scores.
        """
        trained = self.train()
        if not hardware().is_main:
            return ()
        fp32 = self.export(trained)
        int8 = self.quantize(fp32)
        return self.pack(fp32, int8, target)

    def train(self) -> Path:
        """Directory of the trained model."""
        trained = self._run / "model"
        if trained.exists():
            self._log(f"train: {trained} is there already")
            return trained
        with hardware().main_first():
            checkpoint = load_checkpoint(self._recipe.model, self._tag_set, self._tokenizer)
        self._log(f"train: {_parameters(checkpoint):.1f} M parameters, {len(self._corpus.train)} labelled sentences")
        directories = Directories(self._recipe_directory, self._run)
        Training(self._recipe, directories, self._corpus, self._tag_set, checkpoint, self._log).run()

        def write(directory: Path) -> None:
            checkpoint.model.save_pretrained(directory)
            shutil.copyfile(self._tokenizer, directory / "tokenizer.json")

        if hardware().is_main:
            _write_directory(trained, write)
        return trained

    def export(self, model: Path) -> Path:
        """Path of the fp32 graph as torch gives it."""
        graph = self._run / "fp32.onnx"
        difference = export_graph(model, graph, self._recipe.model.max_tokens)
        self._log(f"export: logits differ from torch by at most {difference:.1e}")
        return graph

    def quantize(self, fp32: Path) -> Path:
        """Path of the int8 graph."""
        settings = self._recipe.quantize
        step = max(1, len(self._corpus.train) // settings.sentences)
        sentences = self._corpus.train[::step][: settings.sentences]
        examples = encode_sentences(sentences, Encoder(self._tokenizer), self._tag_set, self._recipe.model.max_tokens)
        graph = self._run / "int8.onnx"
        quantize_graph(fp32, graph, [example.ids for example in examples], settings)
        return graph

    def pack(self, fp32: Path, int8: Path, target: Path) -> tuple[Quality, Quality]:
        """Score both graphs through the runtime, and pack the int8 one if it passes the gate."""
        before = self._score(self._ingredients(fp32, "fp32"))
        ingredients = self._ingredients(int8, "int8")
        after = self._score(ingredients)
        with tempfile.TemporaryDirectory(dir=self._run) as scratch:
            draft = Path(scratch) / "bundle"
            write_bundle(ingredients, (before, after), draft)
            _gate(self._recipe.gate, before, after, sum(path.stat().st_size for path in draft.iterdir()))
        write_bundle(ingredients, (before, after), target)
        self._log(f"pack: {target}")
        return before, after

    def _ingredients(self, graph: Path, precision: str) -> Ingredients:
        optimized = self._run / precision / "model.onnx"
        optimize_graph(graph, optimized)
        recipe = self._recipe
        if precision == "int8":
            verify_quantized(optimized, recipe.quantize)
        return Ingredients(
            name=f"{recipe.name}-{precision}",
            graph=optimized,
            tokenizer=self._tokenizer,
            tag_set=self._tag_set,
            max_tokens=recipe.model.max_tokens,
            precision=precision,
            quantization=_in_words(recipe.quantize) if precision == "int8" else {},
            lineage=recipe.lineage,
            limits=recipe.limits,
            golden_texts=self._texts,
        )

    def _score(self, ingredients: Ingredients) -> Quality:
        draft = self._run / f"{ingredients.precision}-draft"
        write_bundle(ingredients, (), draft)
        name = f"{self._recipe.data.corpus or Path(self._recipe.data.test).name} test"
        measured = quality(Recognizer.load(draft, threads=torch.get_num_threads()), self._corpus.test, name)
        self._log(f"score: {measured.graph} F1 {measured.f1:.2f} on {measured.sentences} sentences")
        return measured


def _say_nothing(_message: str) -> None:
    pass


def _in_words(settings: QuantizeSettings) -> dict[str, str]:
    return {
        name: ", ".join(value) or "none" if isinstance(value, tuple) else str(value)
        for name, value in asdict(settings).items()
    }


def _gate(gate: GateSettings, before: Quality, after: Quality, size: int) -> None:
    failures = []
    if after.f1 < gate.f1:
        failures.append(f"F1 {after.f1:.2f} is below {gate.f1:.2f}")
    if before.f1 - after.f1 > gate.loss:
        failures.append(f"quantization costs {before.f1 - after.f1:.2f} points of F1, more than {gate.loss:.2f}")
    if size > gate.megabytes * 1e6:
        failures.append(f"{size / 1e6:.1f} MB are more than {gate.megabytes:.1f}")
    if failures:
        raise GateError(f"not packed: {'; '.join(failures)}")


def _read_corpus(recipe: Recipe, recipe_directory: Path, cache: Path) -> Corpus:
    data = recipe.data
    if data.corpus == "msra":
        corpus = read_msra(cache)
    elif data.corpus:
        raise RecipeError(f"data.corpus {data.corpus!r} is unknown; known: msra")
    elif not (data.train and data.dev and data.test):
        raise RecipeError("data: name a corpus, or files for all of train, dev and test")
    else:
        names = (data.train, data.dev, data.test)
        corpus = Corpus(*(read_corpus_file(recipe_directory / name, data.format) for name in names))
    limit = data.limit or None
    return Corpus(corpus.train[:limit], corpus.dev[:limit], corpus.test[:limit])


def _golden_texts(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from error


def _parameters(checkpoint: Checkpoint) -> float:
    return sum(parameter.numel() for parameter in checkpoint.model.parameters()) / 1e6


def _write_directory(target: Path, write: Callable[[Path], object]) -> None:
    """Fill a directory under another name first: what carries the name is complete."""
    draft = target.with_name(f".{target.name}")
    shutil.rmtree(draft, ignore_errors=True)
    write(draft)
    draft.rename(target)
