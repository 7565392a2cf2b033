"""Numbers about a service for Prometheus; docs/serving.md says what each means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from edgener.serve.engine import Statistics
from edgener.serve.instruments import Counter, Gauge, Histogram, Registry
from edgener.serve.numbers import Kind, Numbers, total
from edgener.serve.observer import Observer
from edgener.serve.process_numbers import ProcessNumbers

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
RUN_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
ROWS = (1, 2, 4, 8, 16, 32)
TOKENS = (16, 32, 64, 128, 256, 512, 1024)


class Metrics(Observer):
    """The counters of one process of a service, and what its engine tells."""

    def __init__(self, place: int = 0, places: Sequence[Numbers] | None = None) -> None:
        """Count at one of ``places``, beside other processes and on from what was counted there; without, alone."""
        self._places = places or [Numbers()]
        self._registry = registry = Registry(self._places[place])

        def counter(name: str, text: str, *labels: str) -> Counter:
            return registry.counter(f"edgener_{name}_total", text, *labels)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return registry.histogram(f"edgener_{name}", text, buckets)

        def gauge(name: str, text: str, *labels: str, kind: Kind = Kind.STATE) -> Gauge:
            return registry.gauge(f"edgener_{name}", text, *labels, kind=kind)

        self._requests = counter("requests", "Requests that were answered, by route and status.", "route", "status")
        self.refused = counter("refused", "Requests that were not taken, by reason.", "reason")
        self._expired = counter("expired", "Requests whose deadline passed.")
        self._cancelled = counter("cancelled", "Requests whose client left before the answer.")
        self.texts = counter("texts", "Texts that were answered.")
        self._tokens = counter("tokens", "Tokens that were computed, without padding.")
        self._padding = counter("padding_tokens", "Tokens of padding that were computed.")
        self._entities = counter("entities", "Entities that were found, by type.", "label")
        self.switches = counter("model_switches", "Changes of the model, by result.", "result")
        self.request_duration = histogram(
            "request_duration_seconds", "Time from request to answer, but for streams of lines.", SECONDS
        )
        self._queue_duration = histogram("queue_duration_seconds", "Time until the first window is computed.", SECONDS)
        self._run_duration = histogram("run_duration_seconds", "Time of a run of the model.", RUN_SECONDS)
        self._run_rows = histogram("run_rows", "Windows of a run.", ROWS)
        self._run_tokens = histogram("run_tokens", "Tokens of a run, with padding.", TOKENS)
        self._queue_requests = gauge("queue_requests", "Requests that wait.")
        self._queue_tokens = gauge("queue_tokens", "Tokens that wait.")
        self._queue_seconds = gauge("queue_seconds", "Time that the queue takes; scale on this.", kind=Kind.GREATEST)
        self._workers = gauge("workers", "Threads that compute.")
        self._workers_busy = gauge("workers_busy", "Threads that compute something now.")
        self.connections = gauge("connections", "Open connections.")
        self._model = gauge("model_info", "The model in use; the value is 1.", "name", "digest", kind=Kind.GREATEST)
        self._model_labels: tuple[str, str] | None = None
        self.on_retired: Callable[[], None] = lambda: None
        """Called when no request needs the model of before any more."""
        self._process = None if places else ProcessNumbers(registry)

    def request(self, route: str, status: int) -> None:
        """Note a request that was answered."""
        self._requests.inc(route, str(status))

    def began(self, queue_seconds: float) -> None:
        self._queue_duration.observe(queue_seconds)

    def ran(self, seconds: float, rows: int, tokens: int, padding: int) -> None:
        self._run_duration.observe(seconds)
        self._run_rows.observe(rows)
        self._run_tokens.observe(tokens + padding)
        self._tokens.inc(by=tokens)
        self._padding.inc(by=padding)

    def answered(self, labels: Mapping[str, int]) -> None:
        for label, count in labels.items():
            self._entities.inc(label, by=count)

    def expired(self) -> None:
        self._expired.inc()

    def cancelled(self) -> None:
        self._cancelled.inc()

    def retired(self, model: str) -> None:  # noqa: ARG002
        self.on_retired()

    def use_model(self, name: str, digest: str) -> None:
        """Show the model that is used from now on."""
        if self._model_labels:
            self._model.remove(*self._model_labels)
        self._model_labels = (name, digest)
        self._model.set(1, name, digest)

    def update(self, statistics: Statistics, connections: int) -> None:
        """Set the gauges to the engine's present state."""
        self._queue_requests.set(statistics.queue_requests)
        self._queue_tokens.set(statistics.queue_tokens)
        self._queue_seconds.set(statistics.queue_seconds)
        self._workers.set(statistics.workers)
        self._workers_busy.set(statistics.workers_busy)
        self.connections.set(connections)

    def page(self) -> bytes:
        """Return all numbers, those of the other processes included, as Prometheus reads them."""
        if self._process:
            self._process.update()
        return self._registry.page(total(self._places))
