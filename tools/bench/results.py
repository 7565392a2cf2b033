"""What is measured, as it stands in the JSON file. Times are wall clock, memory is in megabytes of 2^20 bytes."""

from __future__ import annotations

from dataclasses import dataclass

from edgener.environment import Environment


@dataclass(frozen=True)
class Machine:
    """Where and when."""

    environment: Environment
    """Processor, memory, versions of what this project runs on."""
    load_average_before: float
    """Of the last minute, before the first measurement."""
    load_average_after: float
    """Of the last minute, after the last one."""
    date: str
    """Day of the run."""
    revision: str
    """Of the source tree."""


@dataclass(frozen=True)
class Settings:
    """How much was measured."""

    sentences: int
    """MSRA test sentences of quality and memory."""
    turn_sentences: int
    """Of them, for speed."""
    rounds: int
    """Turns of each of the two that are compared."""
    latency_seconds: float
    """For each length."""
    starts: int
    """Processes started."""


@dataclass(frozen=True)
class Start:
    """A process that answers one sentence; medians."""

    first_answer_s: float
    """From the start of the process to the answer."""
    import_s: float
    """Part of it: importing the library."""
    load_s: float
    """Part of it: loading the model."""


@dataclass(frozen=True)
class Rate:
    """Speed over the same sentences, turn by turn with the reference."""

    characters_per_second: float
    """Median of the turns."""
    sentences_per_second: float
    """Median of the turns."""
    reference_times_faster: float
    """Median of its time over the reference's time, in adjacent turns; 1 for the reference itself."""


@dataclass(frozen=True)
class Latency:
    """Of one text at a time."""

    characters: int
    """Length of the texts."""
    runs: int
    """How many were measured."""
    p50_ms: float
    """Half of the runs took no longer."""
    p95_ms: float
    """95% of them took no longer."""
    p99_ms: float
    """99% of them took no longer."""


@dataclass(frozen=True)
class Memory:
    """Of the process."""

    peak_one_mb: float
    """After one sentence, the most until then."""
    peak_first_mb: float
    """After the first hundred."""
    peak_all_mb: float
    """After all."""
    resident_first_mb: float
    """After the first hundred, at that moment."""
    resident_all_mb: float
    """After all, at that moment."""


@dataclass(frozen=True)
class Quality:
    """Micro-averaged, in percent."""

    precision: float
    """Exact spans and types."""
    recall: float
    """Exact spans and types."""
    f1: float
    """Exact spans and types."""
    f1_longer: float
    """Exact, of spans of two and more characters alone."""
    f1_overlap: float
    """A span counts when it shares a character with one of its type."""


@dataclass(frozen=True)
class Entry:
    """One contender with one number of threads."""

    name: str
    """As in the tables."""
    about: str
    """What it is."""
    license: str
    """Of code and model."""
    threads: int
    """That it computed on."""
    is_ours: bool
    """This project."""
    requirements: tuple[str, ...]
    """What was installed."""
    installed_mb: float | None
    """Megabytes of 10^6 bytes of libraries, package and model; None where the environment holds more."""
    one_by_one: Rate
    """A call for each sentence."""
    batched: Rate
    """All sentences in a call."""
    streamed_characters_per_second: float | None
    """All sentences through the command line, its start included; None without one."""
    start: Start | None
    """On one thread."""
    latencies: tuple[Latency, ...]
    """On one thread, by length."""
    memory: Memory | None
    """On one thread."""
    quality: Quality | None
    """On one thread; None with random weights."""


@dataclass(frozen=True)
class Failure:
    """A contender that could not be measured."""

    name: str
    """As in the tables."""
    reason: str
    """The end of its error message."""


@dataclass(frozen=True)
class Share:
    """Part of a time."""

    name: str
    """What was done."""
    seconds: float
    """How long it took."""


@dataclass(frozen=True)
class Split:
    """Where the recognizer's time goes over the speed sentences."""

    batch_size: int
    """Most windows at once; 1: one by one."""
    seconds: float
    """Of one pass."""
    parts: tuple[Share, ...]
    """Tokenizing, integer products, attention products, other graph time, decoding, other Python; their sum is it."""
    operators: tuple[Share, ...]
    """The graph's part by operator, slowest first."""
    padding: float
    """Share of the computed tokens that are padding."""


@dataclass(frozen=True)
class Limit:
    """The recognizer against the products of its own graph, at one batch shape."""

    batch_size: int
    """Rows."""
    tokens: int
    """Tokens of every row, special tokens included."""
    recognizer_ms: float
    """Text to entities, one batch."""
    graph_ms: float
    """The same batch through the graph alone."""
    integer_products_ms: float
    """The graph's integer matrix products alone, same shapes and weights."""
    all_products_ms: float
    """Those and the attention's products of floats."""
    over_integer_products: float
    """Median over turns of recognizer / integer products."""
    over_all_products: float
    """Median over turns of recognizer / all products."""
    integer_gmacs: float
    """Integer multiply-accumulates a second that the products alone reach, in 10^9."""


@dataclass(frozen=True)
class Limits:
    """Of one bundle."""

    name: str
    """As in the tables."""
    threads: int
    """That computed."""
    peak_gmacs: float
    """What the machine reaches on a large integer product, in 10^9 multiply-accumulates a second."""
    limits: tuple[Limit, ...]
    """By batch shape."""
    splits: tuple[Split, ...]
    """By batch size."""


@dataclass(frozen=True)
class Report:
    """A run."""

    machine: Machine
    settings: Settings
    reference: str
    """Name of the entry, on one thread, that the others are compared with."""
    entries: tuple[Entry, ...]
    failures: tuple[Failure, ...]
    limits: tuple[Limits, ...]

    def comparable_speed(self, entry: Entry) -> float:
        """Characters a second in batches, as if the machine had been as quick as when the reference was measured.

        Machines change their speed within an hour; the ratio to the reference, measured in turns, does not.
        """
        reference = next(other for other in self.entries if (other.name, other.threads) == (self.reference, 1))
        return reference.batched.characters_per_second / entry.batched.reference_times_faster
