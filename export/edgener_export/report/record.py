"""The findings of a run of ``edgener-export build``, as report.json keeps them; reading them needs no model."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.bundle import Source
from edgener.dataclass_json import RecordError, from_plain, to_plain
from edgener.lone_surrogates import JSON_ESCAPES
from edgener_export.errors import ReportError
from edgener_export.files.atomic import write_text

if TYPE_CHECKING:
    from edgener_export.evaluation.score import Score

RECORD = "report.json"


@dataclass(frozen=True)
class TypeScore:
    """Exact-span score of one entity type, in percent."""

    precision: float
    recall: float
    f1: float
    expected: int
    """Entities of that type in the test sentences."""

    @classmethod
    def of(cls, score: Score) -> TypeScore:
        """Return a score with percentages of two decimals."""
        return cls(round(score.precision, 2), round(score.recall, 2), round(score.f1, 2), score.expected)


@dataclass(frozen=True)
class GraphFigures:
    """The quality of one graph, and its cost."""

    name: str
    """``fp32``, ``int8``, or what the teacher is called."""
    precision: float
    """The precision over all entities, in percent, as recall and F1 are."""
    recall: float
    f1: float
    bytes: int
    """All files of its bundle."""
    characters_per_second: float
    """Processor time per sentence on one thread, in batches."""
    milliseconds: float
    """The median processor time of one test sentence that is computed alone."""
    by_type: dict[str, TypeScore] = field(default_factory=dict)
    """The entity types in alphabetical order; empty for a teacher, whose bundle does not name them."""


@dataclass(frozen=True)
class Fp16Figures:
    """The graph for GPUs. It has no speed: the CPU imitates it."""

    precision: float
    """The precision over all entities, in percent, as recall and F1 are."""
    recall: float
    f1: float
    bytes: int
    """Size of the graph and its weights, which are added to the int8 bundle."""
    largest_difference: float
    """Largest difference between its logits and those of fp32."""


@dataclass(frozen=True)
class GateCheck:
    """One thing that the recipe's gate asks for."""

    name: str
    measured: str
    wanted: str
    failure: str
    """The reason of the refusal; empty if the limit is kept."""


@dataclass(frozen=True)
class TrainingPoint:
    """One line of metrics.jsonl."""

    step: int
    loss: float | None
    dev_f1: float | None


@dataclass(frozen=True)
class TrainingStage:
    """The training curve of one stage."""

    name: str
    """Its directory in the run's."""
    points: tuple[TrainingPoint, ...]


@dataclass(frozen=True)
class ProductError:
    """The error of one matrix product after quantization, given the input that it has in fp32."""

    name: str
    """The name of its node, which ``quantize.exclude`` takes."""
    weights: int
    """Weights of its matrix, which are its multiply-accumulates per token."""
    relative_error: float
    """Root mean square of the output's error over that of the output."""

    @property
    def decibels(self) -> float:
        """Signal-to-quantization-noise ratio of the output."""
        return -20 * math.log10(self.relative_error) if self.relative_error else math.inf

    @property
    def fp32_bytes(self) -> int:
        """The bytes that its weights take more in fp32 than in int8."""
        return 3 * self.weights


@dataclass(frozen=True)
class ConfusionRow:
    """Counts of what the expected entities of one type were found as. Numbers of a row with a type add up to those."""

    expected: str
    """Type; empty for what was found where nothing is."""
    found: dict[str, int]
    """Found with both ends right, by the type that was found."""
    other_ends: int
    """Only overlapped by what was found, of whatever type."""
    missed: int
    """Not touched by anything that was found."""


@dataclass(frozen=True)
class Mark:
    """An entity in a text: half-open range of code points with a type."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class LostExample:
    """A sentence that fp32 had right and int8 has wrong."""

    text: str
    expected: tuple[Mark, ...]
    """The entities as they are labelled and as the fp32 graph found them."""
    found: tuple[Mark, ...]
    """The entities that the int8 graph found."""


@dataclass(frozen=True)
class Changes:
    """Sentences that quantization turned from right to wrong, or back."""

    lost: int
    won: int
    examples: tuple[LostExample, ...]
    """The first of the lost ones."""


@dataclass(frozen=True)
class CurvePoint:
    """A point of the learning curve."""

    sentences: int
    """The number of training sentences."""
    f1: float
    """F1 of the torch model on the held-out sentences, in percent."""


@dataclass(frozen=True)
class Report:
    """Everything that report.html and report.md show."""

    name: str
    """The name of the recipe."""
    data: str
    """The data that was scored."""
    sentences: int
    fp32: GraphFigures
    int8: GraphFigures
    teacher: GraphFigures | None
    """The teacher, if the recipe distils and the teacher's bundle names its score on the same sentences."""
    products: int
    """Multiply-accumulates a token with weights, attention's own not counted."""
    integer_products: int
    """Multiply-accumulates that int8 does in integers."""
    processor: str
    """The machine that the speeds were measured on."""
    gate: tuple[GateCheck, ...]
    training: tuple[TrainingStage, ...]
    """The trainings in the order in which they ran."""
    product_errors: tuple[ProductError, ...]
    """The errors of the quantized products, in the order of the graph."""
    confusion: tuple[ConfusionRow, ...]
    """The confusions of the int8 graph."""
    changes: Changes
    recipe: str
    """The recipe with every default and override, as TOML."""
    lineage: tuple[Source, ...]
    versions: dict[str, str]
    """The versions of the libraries that took part."""
    fp16: Fp16Figures | None = None
    """The figures of the graph for GPUs, if the bundle has one."""
    learning_curve: tuple[CurvePoint, ...] = ()
    """The scores after training on parts of the sentences, from few to all; empty where nobody asked for them."""
    kept: dict[str, TypeScore] = field(default_factory=dict)
    """The agreement with the model before about types that nobody labelled, by type; empty without such types."""

    @property
    def graphs(self) -> tuple[GraphFigures, ...]:
        """fp32, int8, and the teacher where there is one."""
        return (self.fp32, self.int8, *((self.teacher,) if self.teacher else ()))

    def write(self, directory: Path) -> None:
        """Keep it as report.json in the run's directory. Raises OutputError where it cannot be written."""
        text = json.dumps(to_plain(self), ensure_ascii=False, indent=1).translate(JSON_ESCAPES)
        write_text(directory / RECORD, text + "\n")


def read_report(directory: Path) -> Report:
    """The report that a run left in ``directory``; raises ReportError where there is none."""
    path = directory / RECORD
    try:
        return from_plain(Report, json.loads(path.read_bytes()))
    except OSError as error:
        raise ReportError(
            f"{path}: cannot be read: {error.strerror}; give the directory of a finished edgener-export build"
        ) from error
    except (ValueError, RecordError) as error:
        raise ReportError(f"{path}: is not a report of this version ({error}); build again") from error
