"""Counters, gauges and histograms, and the page of text on which Prometheus reads them.

The format is version 0.0.4 of Prometheus' text-based exposition format
(https://prometheus.io/docs/instrumenting/exposition_formats/). prometheus_client writes it too, but what it imports
takes a twentieth of the memory of a service.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeVar

from edgener.serve.numbers import Kind, Numbers

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Family:
    """Numbers of one name with different labels."""

    def __init__(self, registry: Registry, name: str, text: str, labels: Sequence[str], kind: Kind) -> None:
        self.name, self.text, self.samples = name, text, (name,)
        self._labels, self._kind = labels, kind
        self._numbers, self._lock = registry.numbers, registry.lock
        self._places: dict[tuple[str, ...], int] = {}
        if not labels:
            self._place(())

    def _place(self, labels: tuple[str, ...]) -> int:
        """Return the place of the number with these values of the labels; the caller holds the lock."""
        place = self._places.get(labels)
        if place is None:
            sample = f"{self.name}{_braced(self._labels, labels)}"
            place = self._places[labels] = self._numbers.place_of(sample, self._kind)
        return place


class Counter(_Family):
    """A number of events, for each combination of labels."""

    kind = "counter"

    def inc(self, *labels: str, by: float = 1.0) -> None:
        """Count so many events with these values of the labels."""
        with self._lock:
            self._numbers[self._place(labels)] += by

    def rise_to(self, value: float) -> None:
        """Show as many events as were counted elsewhere."""
        with self._lock:
            self._numbers[self._place(())] = value


class Gauge(_Family):
    """A number that rises and falls, for each combination of labels."""

    kind = "gauge"

    def set(self, value: float, *labels: str) -> None:
        """Show this value from now on."""
        with self._lock:
            self._numbers[self._place(labels)] = value

    def remove(self, *labels: str) -> None:
        """Show no value with these labels until one is set."""
        with self._lock:
            self._numbers.hide(self._place(labels))


class Histogram:
    """A distribution of values over buckets."""

    kind = "histogram"

    def __init__(self, registry: Registry, name: str, text: str, buckets: Sequence[float]) -> None:
        """Take the largest value of each bucket, in ascending order; one more bucket holds what is larger."""
        self.name, self.text = name, text
        self.samples = (f"{name}_bucket", f"{name}_sum")
        self._buckets = buckets
        self._numbers, self._lock = registry.numbers, registry.lock
        bounds = [*(repr(float(bound)) for bound in buckets), "+Inf"]
        names = [f"{name}_bucket{_braced(('le',), (bound,))}" for bound in bounds]
        self._widest = names[-1]
        self._bucket_places = [self._numbers.place_of(sample, Kind.COUNT) for sample in names]
        self._sum = self._numbers.place_of(f"{name}_sum", Kind.COUNT)

    def observe(self, value: float) -> None:
        """Count a value in each bucket that is wide enough for it.

        The widest comes first, so that others, who read from the narrowest on, never see a wider one with less in it.
        """
        first = bisect_left(self._buckets, value)
        numbers = self._numbers
        with self._lock:
            for place in reversed(self._bucket_places[first:]):
                numbers[place] += 1
            numbers[self._sum] += value

    def count_of(self, values: Mapping[str, float]) -> str:
        """Return the line of the page with the number of all values, which is that of the widest bucket."""
        return f"{self.name}_count {values[self._widest]!r}"


_Instrument = TypeVar("_Instrument", Counter, Gauge, Histogram)


class Registry:
    """The instruments of a process, which all of its threads may use."""

    def __init__(self, numbers: Numbers) -> None:
        """Keep what is counted in ``numbers``, and go on from the counts that they have."""
        self.numbers, self.lock = numbers, threading.Lock()
        self._instruments: list[Counter | Gauge | Histogram] = []

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """Return a new counter, whose name ends with ``_total``."""
        return self._keep(Counter(self, name, text, labels, Kind.COUNT))

    def gauge(self, name: str, text: str, *labels: str, kind: Kind = Kind.STATE) -> Gauge:
        """Return a new gauge."""
        return self._keep(Gauge(self, name, text, labels, kind))

    def histogram(self, name: str, text: str, buckets: Sequence[float]) -> Histogram:
        """Return a new histogram; ``buckets`` are the largest value of each bucket, in ascending order."""
        return self._keep(Histogram(self, name, text, buckets))

    def page(self, values: Mapping[str, float]) -> bytes:
        """Return the page that shows numbers; each family has its samples in a row, as the format wants it."""
        families: defaultdict[str, list[str]] = defaultdict(list)
        for sample, value in values.items():
            families[sample.partition("{")[0]].append(f"{sample} {value!r}")
        lines = []
        for instrument in self._instruments:
            lines.append(f"# HELP {instrument.name} {instrument.text}")
            lines.append(f"# TYPE {instrument.name} {instrument.kind}")
            for name in instrument.samples:
                lines += families[name]
            if isinstance(instrument, Histogram):
                lines.append(instrument.count_of(values))
        return "".join(f"{line}\n" for line in lines).encode()

    def _keep(self, instrument: _Instrument) -> _Instrument:
        self._instruments.append(instrument)
        return instrument


def _braced(names: Sequence[str], values: Sequence[str]) -> str:
    """Return labels, in the order of their names, as the format writes them after the name of a number."""
    escaped = [value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"") for value in values]
    pairs = ",".join(f'{name}="{value}"' for name, value in sorted(zip(names, escaped, strict=True)))
    return f"{{{pairs}}}" if pairs else ""
