"""The results of a run, as they stand in the JSON file. Times are wall clock, memory is in megabytes of 2^20 bytes."""

from __future__ import annotations

from dataclasses import dataclass

from edgener.environment import Environment


@dataclass(frozen=True)
class Machine:
    """The machine and the day of the run."""

    environment: Environment
    """Processor, memory, versions of what this project runs on."""
    load_average_before: float
    """Load average of the last minute before the first measurement."""
    load_average_after: float
    """Load average of the last minute after the last measurement."""
    date: str
    """Day of the run."""
    revision: str
    """Revision of the source tree."""


@dataclass(frozen=True)
class Settings:
    """The amount of measuring."""

    sentences: int
    """MSRA test sentences of quality and memory."""
    turn_sentences: int
    """Number of these sentences that speed is measured on."""
    rounds: int
    """Turns of each of the two that are compared."""
    latency_seconds: float
    """Seconds of measuring for each length of text."""
    starts: int
    """Processes started."""


@dataclass(frozen=True)
class Start:
    """A process that answers one sentence; medians."""

    first_answer_s: float
    """Seconds from the start of the process to its answer."""
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
    """Latency of one text at a time."""

    characters: int
    """Length of the texts."""
    runs: int
    """Number of runs."""
    p50_ms: float
    """Half of the runs took no longer."""
    p95_ms: float
    """95% of them took no longer."""
    p99_ms: float
    """99% of them took no longer."""


@dataclass(frozen=True)
class Memory:
    """Memory of the process."""

    peak_one_mb: float
    """Peak after one sentence."""
    peak_first_mb: float
    """Peak after the first hundred sentences."""
    peak_all_mb: float
    """Peak after all sentences."""
    resident_first_mb: float
    """Resident memory after the first hundred sentences."""
    resident_all_mb: float
    """Resident memory after all sentences."""


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
    """Name in the tables."""
    about: str
    """The kind of model, in a few words."""
    license: str
    """License of the code and of the model."""
    threads: int
    """Number of threads that it computed on."""
    is_ours: bool
    """True for this project."""
    requirements: tuple[str, ...]
    """Requirements that were installed, with their versions."""
    installed_mb: float | None
    """Megabytes of 10^6 bytes of libraries, package and model; None where the environment holds more."""
    one_by_one: Rate
    """A call for each sentence."""
    batched: Rate
    """All sentences in a call."""
    streamed_characters_per_second: float | None
    """All sentences through the command line, its start included; None without one."""
    start: Start | None
    """Start on one thread; None on more."""
    latencies: tuple[Latency, ...]
    """Latencies on one thread, by length; none on more."""
    memory: Memory | None
    """Memory on one thread; None on more."""
    quality: Quality | None
    """Quality on one thread; None on more, and with random weights."""


@dataclass(frozen=True)
class Failure:
    """A contender that could not be measured."""

    name: str
    """Name in the tables."""
    reason: str
    """The end of its error message."""


@dataclass(frozen=True)
class Share:
    """Part of a time."""

    name: str
    """Name of the part."""
    seconds: float
    """Duration of the part."""


@dataclass(frozen=True)
class Split:
    """The split of the recognizer's time over the speed sentences."""

    batch_size: int
    """Most windows at once; 1: one by one."""
    seconds: float
    """Duration of one pass."""
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
    """Integer products and the attention's products of floats."""
    over_integer_products: float
    """Median over turns of recognizer / integer products."""
    over_all_products: float
    """Median over turns of recognizer / all products."""
    integer_gmacs: float
    """Integer multiply-accumulates a second that the products alone reach, in 10^9."""


@dataclass(frozen=True)
class Limits:
    """The limits of one bundle."""

    name: str
    """Name in the tables."""
    threads: int
    """Number of threads that computed."""
    peak_gmacs: float
    """Speed of the machine on a large integer product, in 10^9 multiply-accumulates a second."""
    limits: tuple[Limit, ...]
    """One limit for each batch shape."""
    splits: tuple[Split, ...]
    """One split for each batch size."""


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
    scored_again: str = ""
    """Day on which the quality of this project's bundles was measured again, if not in the run itself."""

    def comparable_speed(self, entry: Entry) -> float:
        """Characters a second in batches, as if the machine had been as quick as when the reference was measured.

        Machines change their speed within an hour; the ratio to the reference, measured in turns, does not.
        """
        reference = next(other for other in self.entries if (other.name, other.threads) == (self.reference, 1))
        return reference.batched.characters_per_second / entry.batched.reference_times_faster
