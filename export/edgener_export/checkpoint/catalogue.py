"""The Chinese checkpoints of BERT's and ELECTRA's kind that can be trained, distilled and exported, as plain data.

Sizes and products are computed from the shapes; times are estimates from them; F1 is what others published.
"""

from __future__ import annotations

from dataclasses import dataclass

POSITIONS = 512
TOKEN_TYPES = 2
BERT_VOCABULARY = 21_128
"""Entries of the vocabulary that all of them share."""
CHINESE_VOCABULARY = 9_349
"""Entries that stay of it with ``vocabulary = "chinese"``, what recipes do unless told otherwise."""
MAX_TOKENS = 128
TAGS = 13
"""The tags of a model with three entity types in BIOES."""
SENTENCE_TOKENS = 32
"""Length of the sentence that times are estimated for."""
FLOAT = 4
"""Bytes of an fp32 number."""


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """An encoder's dimensions, by the names of the BERT paper."""

    layers: int
    width: int
    """Hidden size."""
    heads: int
    ffn: int
    """Width of the feed-forward layer's middle."""
    embedding: int = 0
    """Width of the embeddings where it is not the hidden size: ELECTRA projects them. 0 where it is."""
    vocabulary: int = BERT_VOCABULARY

    @property
    def _embedding_width(self) -> int:
        return self.embedding or self.width

    @property
    def products(self) -> int:
        """Weights of matrices that a token is multiplied with: multiply-accumulates a token, without attention."""
        return self._projection + self.layers * (4 * self.width**2 + 2 * self.width * self.ffn)

    @property
    def parameters(self) -> int:
        """Weights of the encoder without pooler and heads; the published counts hold the pooler too."""
        tables = (self.vocabulary + POSITIONS + TOKEN_TYPES) * self._embedding_width
        return tables + self.products + self._vectors

    @property
    def int8_bytes(self) -> int:
        """Graph of a bundle as recipes make it: a byte a weight, the Chinese vocabulary, 128 tokens, 13 tags."""
        rows = CHINESE_VOCABULARY + MAX_TOKENS
        tables = rows * (self._embedding_width + FLOAT)
        scales = FLOAT * (self.layers * (5 * self.width + self.ffn) + (self.width if self.embedding else 0) + TAGS)
        head = self.width * TAGS + FLOAT * TAGS
        return tables + self.products + FLOAT * self._vectors + scales + head

    def operations(self, tokens: int) -> int:
        """Multiply-accumulates of a sentence, attention over itself included."""
        return tokens * (self.products + 2 * self.width * tokens * self.layers)

    @property
    def _projection(self) -> int:
        return self.embedding * self.width

    @property
    def _vectors(self) -> int:
        """Biases and normalizations, which stay fp32."""
        embeddings = 2 * self._embedding_width + (self.width if self.embedding else 0)
        return embeddings + self.layers * (4 * self.width + self.ffn + self.width + 4 * self.width)


@dataclass(frozen=True, slots=True)
class Published:
    """F1 on the MSRA test set as somebody else reports it, in percent: best run, and mean where it is given."""

    best: float
    mean: float | None
    source: str

    def __str__(self) -> str:
        return f"{self.best:.1f}" if self.mean is None else f"{self.best:.1f} ({self.mean:.1f})"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A checkpoint by its name on the hub."""

    name: str
    shape: EncoderShape
    published: Published | None = None


@dataclass(frozen=True, slots=True)
class Processor:
    """The most multiplications that a device can do."""

    name: str
    core: str
    cores: int
    gigahertz: float
    products_a_cycle: int
    """Multiply-accumulates of bytes that one core does in a cycle."""

    def milliseconds(self, operations: int) -> float:
        """Least time that ``operations`` take on all cores: matrix products alone, no core ever waiting."""
        return operations / (self.cores * self.gigahertz * 1e9 * self.products_a_cycle) * 1e3


PROCESSORS = (
    Processor("Pi 4", "Cortex-A72", 4, 1.8, 8),
    Processor("Pi 5", "Cortex-A76", 4, 2.4, 32),
    Processor("Orin Nano", "Cortex-A78AE", 6, 1.5, 32),
)
LATENCY_CLASSES = ((5.0, "A"), (25.0, "B"), (100.0, "C"), (float("inf"), "D"))
"""Most milliseconds a sentence, and the class's name."""

_LERT = "LERT (Cui et al., 2022)"
_WWM = "Chinese-BERT-wwm (Cui et al., 2021)"
_TEXTBREWER = "TextBrewer (Yang et al., 2020)"
_BASE = EncoderShape(12, 768, 12, 3072)
_LARGE = EncoderShape(24, 1024, 16, 4096)

FAMILY = (
    KnownModel("hfl/minirbt-h256", EncoderShape(6, 256, 8, 1024)),
    KnownModel("hfl/minirbt-h288", EncoderShape(6, 288, 8, 1152)),
    KnownModel("hfl/rbt4-h312", EncoderShape(4, 312, 12, 1200)),
    KnownModel(
        "hfl/chinese-electra-small-discriminator",
        EncoderShape(12, 256, 4, 1024, embedding=128),
        Published(93.48, None, f"{_TEXTBREWER}: ELECTRA-small, distilled from ELECTRA-base"),
    ),
    KnownModel("hfl/chinese-lert-small", EncoderShape(12, 256, 4, 1024)),
    KnownModel("hfl/rbt3", EncoderShape(3, 768, 12, 3072)),
    KnownModel("hfl/rbt4", EncoderShape(4, 768, 12, 3072)),
    KnownModel("hfl/rbtl3", EncoderShape(3, 1024, 16, 4096)),
    KnownModel("hfl/rbt6", EncoderShape(6, 768, 12, 3072)),
    KnownModel("bert-base-chinese", _BASE, Published(95.3, 94.9, _WWM)),
    KnownModel("hfl/chinese-bert-wwm", _BASE, Published(95.4, 95.1, _WWM)),
    KnownModel("hfl/chinese-bert-wwm-ext", _BASE, Published(95.3, 94.9, _LERT)),
    KnownModel("hfl/chinese-roberta-wwm-ext", _BASE, Published(95.5, 95.1, _LERT)),
    KnownModel("hfl/chinese-macbert-base", _BASE, Published(95.3, 95.1, _LERT)),
    KnownModel("hfl/chinese-pert-base", _BASE, Published(95.6, 95.3, _LERT)),
    KnownModel("hfl/chinese-lert-base", _BASE, Published(95.7, 95.4, _LERT)),
    KnownModel(
        "hfl/chinese-electra-base-discriminator",
        _BASE,
        Published(95.14, None, f"{_TEXTBREWER}: ELECTRA-base"),
    ),
    KnownModel("hfl/chinese-roberta-wwm-ext-large", _LARGE, Published(95.5, 95.5, _LERT)),
    KnownModel("hfl/chinese-macbert-large", _LARGE, Published(96.2, 95.9, _LERT)),
    KnownModel("hfl/chinese-pert-large", _LARGE, Published(96.2, 96.0, _LERT)),
    KnownModel("hfl/chinese-lert-large", _LARGE, Published(96.3, 96.0, _LERT)),
)
"""The checkpoints, from small to large."""


def latency_class(milliseconds: float) -> str:
    """Letter of the class that a time belongs to."""
    return next(name for most, name in LATENCY_CLASSES if milliseconds <= most)


@dataclass(frozen=True, slots=True)
class Advice:
    """A leaf of the decision tree."""

    checkpoint: str
    """The name of a checkpoint of ``FAMILY``."""
    why: str


@dataclass(frozen=True, slots=True)
class Question:
    """A branch of the decision tree."""

    text: str
    yes: Question | Advice
    no: Question | Advice


WHICH = Question(
    "Does it stay on the host, as the teacher of a student?",
    yes=Question(
        "Is there a GPU to fine-tune it on?",
        yes=Advice("hfl/chinese-lert-large", "the highest published F1; its size costs the device nothing"),
        no=Advice("hfl/chinese-lert-base", "the highest published F1 of its size; a fourth of the work of a large one"),
    ),
    no=Question(
        "Must the bundle be smaller than 12 MB, or the sentence done in a few milliseconds on a Pi 4?",
        yes=Question(
            "Is there a teacher, and unlabelled text of the domain, to distil with?",
            yes=Advice("hfl/minirbt-h288", "narrow and deep; its authors advise to distil it once more on the task"),
            no=Advice(
                "hfl/chinese-electra-small-discriminator",
                "twelve layers for twice the time, and the smallest with a published F1",
            ),
        ),
        no=Question(
            "Is the device a Pi 4, or busy with other work?",
            yes=Advice("hfl/rbt3", "three wide layers; distil it from a LERT rather than train it on labels alone"),
            no=Question(
                "Is every point of F1 worth four times RBT3's time and three times its size?",
                yes=Advice("hfl/chinese-lert-base", "no student at all; for a Pi 5 or a Jetson with time to spare"),
                no=Advice("hfl/rbt6", "half of a base model; distil it likewise"),
            ),
        ),
    ),
)
"""The decision tree that leads to the checkpoint to start from."""
