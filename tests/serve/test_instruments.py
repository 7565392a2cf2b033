"""Numbers are shown as Prometheus reads them, alone and summed over processes."""

from __future__ import annotations

import time
from threading import Thread

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Counter as TheirCounter
from prometheus_client import Gauge as TheirGauge
from prometheus_client import Histogram as TheirHistogram
from prometheus_client.parser import text_string_to_metric_families

from edgener.serve.instruments import Registry
from edgener.serve.numbers import Kind, Numbers, total

LABELS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
BUCKETS = (0.5, 1.0, 10.0)


def samples(page: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the samples of a page by name and labels, as Prometheus' client reads them."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def shown(registry: Registry, *others: Numbers) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the samples that a registry shows for its own numbers and those of other processes."""
    return samples(registry.page(total([registry.numbers, *others])))


@given(
    st.lists(st.tuples(LABELS, st.integers(0, 9))),
    st.floats(allow_nan=False),
    st.lists(st.sampled_from([0.1, 1, 5, 50])),
)
def test_a_page_says_what_the_page_of_prometheus_own_client_says(
    events: list[tuple[str, int]], state: float, values: list[float]
) -> None:
    registry, theirs = Registry(Numbers()), CollectorRegistry()
    counter = registry.counter("c_total", "Text.", "kind")
    their_counter = TheirCounter("c", "Text.", ["kind"], registry=theirs)
    for label, count in events:
        counter.inc(label, by=count)
        their_counter.labels(label).inc(count)
    registry.gauge("g", "Text.").set(state)
    TheirGauge("g", "Text.", registry=theirs).set(state)
    histogram = registry.histogram("h", "Text.", BUCKETS)
    their_histogram = TheirHistogram("h", "Text.", buckets=BUCKETS, registry=theirs)
    for value in values:
        histogram.observe(value)
        their_histogram.observe(value)
    assert shown(registry) == samples(generate_latest(theirs))


def test_a_value_on_the_edge_of_a_bucket_is_in_it() -> None:
    registry = Registry(Numbers())
    histogram = registry.histogram("h", "Text.", BUCKETS)
    histogram.observe(1.0)
    values = registry.numbers.shown()
    assert [values[f'h_bucket{{le="{bound}"}}'][1] for bound in ("0.5", "1.0", "10.0", "+Inf")] == [0, 1, 1, 1]


def test_counts_of_processes_are_added_and_states_are_added_or_the_greatest() -> None:
    registry = Registry(Numbers())
    registry.counter("c_total", "Text.").inc(by=2)
    registry.gauge("sum", "Text.").set(3)
    registry.gauge("most", "Text.", kind=Kind.GREATEST).set(4)
    other = Registry(Numbers())
    other.counter("c_total", "Text.").inc(by=10)
    other.gauge("sum", "Text.").set(20)
    other.gauge("most", "Text.", kind=Kind.GREATEST).set(5)
    found = {name: value for (name, _), value in shown(registry, other.numbers).items()}
    assert found == {"c_total": 12, "sum": 23, "most": 5}


def test_a_state_that_was_removed_is_not_shown() -> None:
    registry = Registry(Numbers())
    gauge = registry.gauge("g", "Text.", "name")
    gauge.set(1, "old")
    gauge.set(1, "new")
    gauge.remove("old")
    assert list(registry.numbers.shown()) == ['g{name="new"}']


class SlowNumbers(Numbers):
    """Numbers between whose reading and writing other threads have their turn."""

    def __getitem__(self, place: int) -> float:
        value = super().__getitem__(place)
        time.sleep(0)
        return value


def test_no_event_of_several_threads_is_lost() -> None:
    registry = Registry(SlowNumbers())
    counter, histogram = registry.counter("c_total", "Text."), registry.histogram("h", "Text.", [1])

    def count() -> None:
        for _ in range(200):
            counter.inc()
            histogram.observe(1)

    threads = [Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {value for _, value in registry.numbers.shown().values()} == {800}


class ReadNumbers(Numbers):
    """Numbers that others read whenever one is written."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[list[float]] = []

    def __setitem__(self, place: int, value: float) -> None:
        super().__setitem__(place, value)
        self.read.append([value for name, (_, value) in self.shown().items() if "le=" in name])


def test_a_wider_bucket_never_has_less_than_a_narrower_one() -> None:
    numbers = ReadNumbers()
    Registry(numbers).histogram("h", "Text.", BUCKETS).observe(0.1)
    assert len(numbers.read) > len(BUCKETS)
    assert all(values == sorted(values) for values in numbers.read)


def test_a_registry_goes_on_from_the_counts_that_numbers_have() -> None:
    numbers = Numbers()
    for _ in range(2):
        registry = Registry(numbers)
        registry.counter("c_total", "Text.", "kind").inc("a", by=2)
        registry.histogram("h", "Text.", BUCKETS).observe(7)
    found = {name: value for (name, _), value in shown(registry).items() if not name.endswith("bucket")}
    assert found == {"c_total": 4, "h_sum": 14, "h_count": 2}
