"""The steps of a recipe's training: adapt, fine-tune, distil."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from edgener.built_in import bundle_directory
from edgener.tags import TagSet
from edgener_export.checkpoint.load import Checkpoint
from edgener_export.corpus.name_swap import NameSwapper, read_all_names
from edgener_export.corpus.splits import Corpus, Sentence
from edgener_export.corpus.text_file import verify_text
from edgener_export.errors import CorpusError
from edgener_export.recipe.encoder import encoder_of
from edgener_export.recipe.settings import AdaptSettings, DistilSettings, FinetuneSettings, Recipe
from edgener_export.training.adapt import PreTrainer, read_adapt_text
from edgener_export.training.batches import Example, count_names, cut_by_tokens, encode_sentences
from edgener_export.training.class_weights import tag_weights, verify_class_weights
from edgener_export.training.distil import Distiller, attention_matcher, hidden_state_matcher, verify_matches
from edgener_export.training.finetune import FineTuner, Learner
from edgener_export.training.hardware import hardware
from edgener_export.training.teacher import Teacher, open_teacher, with_teachers
from edgener_export.training.teacher_tags import StudentTags, corrected_by_labels
from edgener_export.training.trainer import EpochExamples
from edgener_export.training.unlabelled import read_texts, unlabelled_examples
from edgener_export.training.word_segmenter import require_segmenter

Log = Callable[[str], None]

NEAR = 5
"""Code points on each side of a name that is shown as an example."""


class Training:
    """The steps of a recipe, on one checkpoint. A step that is done takes its weights from its saved state."""

    def __init__(
        self,
        recipe: Recipe,
        run: Path,
        corpus: Corpus,
        tag_set: TagSet,
        checkpoint: Checkpoint,
        log: Log,
    ) -> None:
        self._recipe, self._run, self._corpus, self._tag_set = recipe, run, corpus, tag_set
        self._checkpoint, self._log = checkpoint, log
        self._encoder = encoder_of(recipe.model, checkpoint.tokenizer)

    def run(self) -> None:
        """Train the checkpoint's model in place."""
        recipe = self._recipe
        self._verify()
        if recipe.adapt:
            self._adapt(recipe.adapt)
        if recipe.finetune:
            self._finetune(recipe.finetune)
        if recipe.distil:
            self._distil(recipe.distil)

    def _adapt(self, settings: AdaptSettings) -> None:
        require_segmenter()
        path = Path(settings.text)
        text = read_adapt_text(path, settings, self._encoder, self._recipe.model.max_tokens)
        directory = self._run / "adapt"
        trainer = PreTrainer(self._checkpoint.model, self._encoder, self._checkpoint.mask_id, settings, directory)
        self._log(f"adapt: dev {trainer.run(text.train, text.dev)}")

    def _finetune(self, settings: FinetuneSettings) -> None:
        train, dev = self._examples(self._corpus.train), self._examples(self._corpus.dev)
        self._log_what_is_not_learned(self._corpus.train, train)
        tuner = FineTuner(self._learner(settings, train), settings, self._run / "finetune")
        swapped = self._swapped(settings) if settings.swap_probability else lambda _epoch: train
        more = self._examples(self._corpus.more)

        def examples(epoch: int) -> list[Example]:
            return [*swapped(epoch), *more]

        self._log(f"fine-tune: dev {tuner.run(examples, dev)}")

    def _distil(self, settings: DistilSettings) -> None:
        directory = self._run / "distil"
        directory.mkdir(exist_ok=True)
        model = self._checkpoint.model
        teachers = self._teachers(settings)
        first = teachers[0]
        matchers = hidden_state_matcher(settings, model.config, first), attention_matcher(settings, model, first)
        train, dev = self._examples(self._corpus.train), self._examples(self._corpus.dev)
        self._log_what_is_not_learned(self._corpus.train, train)
        unlabelled = self._unlabelled(settings)
        if settings.swap_probability:
            labelled = self._swapped_and_taught(settings, teachers, directory)
            texts = self._taught(unlabelled, teachers, settings, directory / "teacher") if unlabelled else []
        else:
            taught = self._taught([*train, *unlabelled], teachers, settings, directory / "teacher")
            labelled, texts = (lambda _epoch: taught[: len(train)]), taught[len(train) :]
        more = self._taught_more(settings, directory)
        examples = in_turn(labelled, texts, settings.unlabelled_parts, more)
        distiller = Distiller(self._learner(settings, train), settings, directory, *matchers)
        self._log(f"distil: dev {distiller.run(examples, dev)}")

    def _learner(self, settings: FinetuneSettings, train: Sequence[Example]) -> Learner:
        weights = tag_weights(settings.class_weights, settings.balance_classes, self._tag_set, train)
        checkpoint, unlabelled = self._checkpoint, self._corpus.unlabelled_types
        return Learner(checkpoint.model, self._encoder, checkpoint.mask_id, self._tag_set, weights, unlabelled)

    def _verify(self) -> None:
        """Raise an ExportError for what a later step would refuse: before the hours of training, not after."""
        for settings in (self._recipe.finetune, self._recipe.distil):
            if settings:
                verify_class_weights(settings.class_weights, self._tag_set)
            if settings and settings.swap_probability:
                read_all_names(settings.swap_names, self._tag_set.labels)
        distil = self._recipe.distil
        if distil:
            first, *_ = self._teachers(distil)
            verify_matches(distil, self._checkpoint.model, first)
            self._more_teachers(distil)
        if distil and distil.unlabelled:
            verify_text(Path(distil.unlabelled))

    def _teachers(self, settings: DistilSettings) -> list[Teacher]:
        """Open the teachers; the first one shows its layers if the student is to match any."""
        first = self._teacher(settings.teacher, settings, shows_layers=settings.matches_layers)
        return [first, *(self._teacher(name, settings) for name in settings.teachers)]

    def _more_teachers(self, settings: DistilSettings) -> list[Teacher]:
        return [self._teacher(name, settings) for name in settings.more_teachers]

    def _teacher(self, name: str, settings: DistilSettings, *, shows_layers: bool = False) -> Teacher:
        return open_teacher(
            bundle_directory(name),
            self._checkpoint.tokenizer,
            StudentTags(self._tag_set, self._corpus.unlabelled_types, self._recipe.model.types),
            max_tokens=self._recipe.model.max_tokens,
            shows_layers=shows_layers,
            precision=settings.precision,
        )

    def _examples(self, sentences: Sequence[Sentence]) -> list[Example]:
        return encode_sentences(sentences, self._encoder, self._tag_set, self._recipe.model.max_tokens)

    def _log_what_is_not_learned(self, sentences: Sequence[Sentence], examples: Sequence[Example]) -> None:
        names = sum(len(sentence.spans) for sentence in sentences)
        lost = names - count_names(examples, self._tag_set)
        if lost:
            self._log(
                f"train: {lost} of {names} names are whole in no window of the model and are not learned: they hold a "
                f"sentence end or a line break, or are longer than {self._recipe.model.max_tokens} tokens"
            )
        if lost == names > 0:
            raise CorpusError(
                "no name can be learned, since none is whole in a window of the model; label shorter ones"
            )
        cut = list(cut_by_tokens(sentences, self._encoder))
        if cut:
            sentence, (start, end, _) = cut[0]
            near = sentence.text[max(0, start - NEAR) : end + NEAR]
            self._log(
                f"train: {len(cut)} of {names} names begin or end inside a token of the model, which cannot find them "
                f"exactly, such as {sentence.text[start:end]!r} in {near!r}; label whole words and numbers"
            )

    def _unlabelled(self, settings: DistilSettings) -> list[Example]:
        if not settings.unlabelled:
            return []
        texts = read_texts(Path(settings.unlabelled), settings.unlabelled_sentences)
        return list(unlabelled_examples(texts, self._encoder, self._recipe.model.max_tokens))

    def _swapped(self, settings: FinetuneSettings) -> EpochExamples:
        more = read_all_names(settings.swap_names, self._tag_set.labels)
        swapper = NameSwapper(self._corpus.train, settings.swap_probability, settings.seed, more)
        return lambda epoch: self._examples(swapper.epoch(epoch))

    def _swapped_and_taught(self, settings: DistilSettings, teachers: list[Teacher], directory: Path) -> EpochExamples:
        """Return the examples of each epoch; a teacher's outputs are kept until their sentences do not come again."""
        swapped = self._swapped(settings)

        def examples_of(epoch: int) -> list[Example]:
            variant = epoch % settings.swap_variants if settings.swap_variants else epoch
            cache = directory / f"teacher-{variant}"
            taught = self._taught(swapped(variant), teachers, settings, cache)
            if hardware().is_main and not settings.swap_variants:
                for earlier in directory.glob("teacher-*"):
                    if earlier != cache:
                        shutil.rmtree(earlier)
            return taught

        return examples_of

    def _taught_more(self, settings: DistilSettings, directory: Path) -> list[Example]:
        """Return the examples whose labels are not the corpus's own, with what their own teachers say of them."""
        more = self._examples(self._corpus.more)
        if not (more and settings.more_teachers):
            return more
        teachers, cache = self._more_teachers(settings), directory / "more-teacher"
        with hardware().main_first():
            taught = with_teachers(more, teachers, (), cache, self._encoder.pad_id)
        return [replace(example, hard_share=settings.more_hard_share) for example in taught]

    def _taught(
        self, examples: Sequence[Example], teachers: Sequence[Teacher], settings: DistilSettings, cache: Path
    ) -> list[Example]:
        layers = [layer for _, layer in settings.match_layers]
        with hardware().main_first():
            taught = with_teachers(examples, teachers, layers, cache, self._encoder.pad_id)
        unlabelled = self._corpus.unlabelled_types
        return corrected_by_labels(taught, self._tag_set, unlabelled) if unlabelled else taught


def in_turn(labelled: EpochExamples, texts: Sequence[Example], parts: int, more: Sequence[Example]) -> EpochExamples:
    """Return the examples of each epoch: its labelled ones, one of the ``parts`` of the texts in turn, and ``more``."""
    return lambda epoch: [*labelled(epoch), *texts[epoch % parts :: parts], *more]
