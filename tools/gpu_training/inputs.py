"""The rows and the first weights of a training on a GPU, made on a host that needs none."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from edgener.bundle import TOKENIZER
from edgener.tags import TagSet
from edgener.tokenizer import Encoder as TextEncoder
from edgener_export.checkpoint.classifier import load_classifier, tokenizer_file
from edgener_export.corpus.name_swap import NameSwapper, read_all_names
from edgener_export.corpus.rewrite import rewritten
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.pipeline.inputs import read_recipe_corpus
from edgener_export.recipe.settings import Recipe
from edgener_export.training.batches import Example, encode_sentences
from edgener_export.training.unlabelled import read_texts, unlabelled_examples
from tools.gpu_training import plan
from tools.gpu_training.encoder import Encoder, Shape, save_encoder
from tools.gpu_training.rows import write_rows

NAMES = (
    ("bert.embeddings.word_embeddings", "word"),
    ("bert.embeddings.pair_embeddings", "pair"),
    ("bert.embeddings.projection", "projection"),
    ("bert.embeddings.position_embeddings", "position"),
    ("bert.embeddings.LayerNorm", "norm"),
    ("bert.encoder.layer.", "layers."),
    ("attention.self.", ""),
    ("attention.output.dense", "attention_output"),
    ("attention.output.LayerNorm", "attention_norm"),
    ("intermediate.dense", "widen"),
    ("output.dense", "narrow"),
    ("output.LayerNorm", "output_norm"),
    ("classifier", "head"),
)
"""Parts of the names of tensors, there and here."""
SEGMENT = "bert.embeddings.token_type_embeddings.weight"
SWAPPED, MORE_SWAPPED = (1, 2, 3, 4, 5, 6, 7), (8, 9)
"""Passes in which as many names are swapped as the recipe says, and twice as many."""


def write_corpora(
    recipe: Recipe, encoder: TextEncoder, tag_set: TagSet, cache: Path, directory: Path, rewritings: int = 2
) -> None:
    """Write rows of a recipe's corpus, as it is and with names swapped, of what is rewritten, and to score on."""
    assert recipe.distil is not None
    assert recipe.rewrite is not None
    corpus = read_recipe_corpus(replace(recipe, rewrite=None), cache)
    labels = corpus.labels()
    more_names = read_all_names(recipe.distil.swap_names, labels)
    share = recipe.distil.swap_probability
    swapper = NameSwapper(corpus.train, share, recipe.distil.seed, more_names)
    swapped = [sentence for number in SWAPPED for sentence in swapper.epoch(number)]
    swapper = NameSwapper(corpus.train, min(1.0, 2 * share), recipe.distil.seed, more_names)
    swapped += [sentence for number in MORE_SWAPPED for sentence in swapper.epoch(number)]
    names = read_all_names(recipe.rewrite.names, labels)
    copies = [
        sentence
        for seed in range(rewritings)
        for sentence in rewritten(corpus.learned, names, replace(recipe.rewrite, seed=recipe.rewrite.seed + seed))
    ]
    for kind, sentences in (
        (plan.CORPUS, [*corpus.train, *swapped]),
        (plan.REWRITTEN, copies),
        (plan.DEV, list(corpus.dev)),
    ):
        _write(directory, kind, encode_sentences(sentences, encoder, tag_set, recipe.model.max_tokens))


def write_labelled(
    kind: str, paths: Iterable[Path], recipe: Recipe, encoder: TextEncoder, tag_set: TagSet, directory: Path
) -> None:
    """Write the rows of labelled files, equal ones once."""
    sentences: list[Sentence] = [sentence for path in paths for sentence in read_corpus_file(path)]
    _write(directory, kind, _distinct(encode_sentences(sentences, encoder, tag_set, recipe.model.max_tokens)))


def write_texts(paths: Iterable[Path], recipe: Recipe, encoder: TextEncoder, directory: Path) -> None:
    """Write the rows of files of texts, one a line, equal ones once."""
    texts = (text for path in paths for text in read_texts(path, 0) if text)
    _write(directory, plan.TEXT, _distinct(unlabelled_examples(list(texts), encoder, recipe.model.max_tokens)), False)


def write_weights(bundle: Path, path: Path) -> None:
    """Write the weights that a training goes on from, as ``encoder.py`` reads them."""
    model = load_classifier(bundle)
    encoder = Encoder(_shape(model))
    state = model.state_dict()
    encoder.load_state_dict(
        {ours: state[SEGMENT][0] if theirs == SEGMENT else state[theirs] for theirs, ours in _names(state).items()}
    )
    save_encoder(encoder, path)


def write_classifier(encoder: Encoder, bundle: Path, directory: Path) -> None:
    """Write trained weights as a directory for ``edgener-export build --trained``, in the shape of a bundle's model."""
    model = load_classifier(bundle)
    ours, state = encoder.state_dict(), model.state_dict()
    trained = {theirs: ours[name] for theirs, name in _names(state).items()}
    trained[SEGMENT] = trained[SEGMENT][None].expand_as(state[SEGMENT]).contiguous()
    model.load_state_dict(state | trained)
    model.save_pretrained(directory)
    shutil.copyfile(tokenizer_file(bundle), directory / TOKENIZER)


def _names(state: dict[str, torch.Tensor]) -> dict[str, str]:
    """Return our name of each of the tensors of a model."""
    names = {name: name for name in state if not name.endswith("position_ids")}
    for theirs, ours in NAMES:
        names = {name: ours_so_far.replace(theirs, ours) for name, ours_so_far in names.items()}
    return names | {SEGMENT: "segment"}


def _shape(model: Any) -> Shape:
    config, attention = model.config, model.base_model.encoder.layer[0].attention.self
    return Shape(
        vocabulary=config.vocab_size,
        width=config.hidden_size,
        attention_width=attention.all_head_size,
        heads=attention.num_attention_heads,
        feed_forward=config.intermediate_size,
        layers=config.num_hidden_layers,
        positions=config.max_position_embeddings,
        tags=config.num_labels,
        activation=config.hidden_act,
        epsilon=config.layer_norm_eps,
        **getattr(config, "ngrams", {}),
    )


def _distinct(examples: Iterable[Example]) -> list[Example]:
    return list({example.ids.tobytes(): example for example in examples}.values())


def _write(directory: Path, kind: str, examples: Sequence[Example], is_labelled: bool = True) -> None:
    tags = [example.tags for example in examples] if is_labelled else None
    tokens = write_rows(directory, kind, [example.ids for example in examples], tags)
    print(f"{kind}: {len(examples)} rows, {tokens} tokens", flush=True)
