"""Measures of a service, each a function that returns figures."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tools.measured import children_seconds
from tools.serving.figures import Figure
from tools.serving.load import OK, Sample, closed_loop, connect, open_loop
from tools.serving.sentences import endless, long_text, short_texts
from tools.serving.service import ROOT, Service, running

MICRO = 1e6
TOKENS = {"greedy": "greedy-0123456789abcdef", "polite": "polite-0123456789abcdef"}


@dataclass(frozen=True)
class Plan:
    """The size of a measurement."""

    model: Path | None
    """Directory of the model; the built-in one if None."""
    sentences: Sequence[str]
    workers: int
    texts: int
    """Texts of each measurement of processor time."""
    rounds: int
    """Repetitions, in which what is compared takes turns; the median counts."""
    seconds: float
    """Time under overload."""

    @property
    def options(self) -> list[str]:
        """Return the options of the service."""
        return ["--workers", str(self.workers)]


def cpu_against_command(plan: Plan) -> list[Figure]:
    """Compare the processor time of a sentence with that of ``edgener --file``, in one run."""
    loads = {"32 clients": (32, 1, 1.25), "64 clients": (64, 1, 1.15), "4 clients of 32 texts": (4, 32, 1.10)}
    found: dict[str, list[float]] = {name: [] for name in ("edgener --file", *loads)}
    http: dict[str, list[float]] = {name: [] for name in loads}
    with running(*plan.options, "--queue-seconds", "1000", model=plan.model) as service:
        cpu_of_load(service, plan.sentences, 64, texts=200)
        for _ in range(plan.rounds):
            found["edgener --file"].append(cpu_of_command(plan))
            for name, (clients, texts_each, _) in loads.items():
                before = service.http_seconds()
                found[name].append(cpu_of_load(service, plan.sentences, clients, plan.texts, texts_each))
                http[name].append((service.http_seconds() - before) / plan.texts)
    command = found.pop("edgener --file")
    figures = [Figure("CPU a sentence, edgener --file", statistics.median(command) * MICRO, "us")]
    for name, costs in found.items():
        ratio = statistics.median(cost / base for cost, base in zip(costs, command, strict=True))
        figures.append(Figure(f"CPU a sentence, {name}", statistics.median(costs) * MICRO, "us"))
        figures.append(Figure(f"its part for HTTP, {name}", statistics.median(http[name]) * MICRO, "us"))
        figures.append(Figure(f"CPU a sentence over edgener --file, {name}", ratio, "", ("<=", loads[name][2])))
    return figures


def batching(plan: Plan) -> list[Figure]:
    """Compare the processor time without batching with that of a service that batches, in one run."""
    loads = {
        "mixed, 32 clients": (plan.sentences, 32, 1.2),
        "short, 64 clients": (short_texts(plan.sentences), 64, 1.7),
        "mixed, one client": (plan.sentences, 1, 0.95),
    }
    figures = []
    options = (*plan.options, "--queue-seconds", "1000")
    with ExitStack() as stack:
        on = stack.enter_context(running(*options, model=plan.model))
        off = stack.enter_context(running(*options, "--no-batching", model=plan.model))
        for service in (on, off):
            cpu_of_load(service, plan.sentences, 64, texts=200)
        for name, (texts, clients, bound) in loads.items():
            ratios = [
                cpu_of_load(off, texts, clients, plan.texts) / cpu_of_load(on, texts, clients, plan.texts)
                for _ in range(plan.rounds)
            ]
            figures.append(Figure(f"CPU of batching off over on, {name}", statistics.median(ratios), "", (">=", bound)))
    return figures


def memory(plan: Plan) -> list[Figure]:
    """Measure the time until the service is ready, and its memory: idle, and after 20 changes of the model."""
    with running(*plan.options, model=plan.model) as service:
        figures = [
            Figure("ready after", service.ready_seconds, "s", ("<=", 1.0)),
            Figure("CPU until ready", service.cpu_seconds(), "s"),
            Figure("memory idle", service.memory_mb(), "MB", ("<=", 85)),
        ]
        cpu_of_load(service, plan.sentences, 32, texts=200)
        for _ in range(20):
            service.switch()
            cpu_of_load(service, plan.sentences, 32, texts=32)
        figures.append(Figure("memory after 20 switches", service.memory_mb(), "MB", ("<=", 110)))
    return figures


def overload(plan: Plan) -> list[Figure]:
    """Offer twice the capacity on 512 connections: what is answered, when, and what it takes."""
    queue_seconds = 1.0
    with running(*plan.options, "--queue-seconds", str(queue_seconds), model=plan.model) as service:

        async def load() -> tuple[float, float, float, list[Sample], float]:
            texts = endless(plan.sentences)
            few = await connect(service.host, service.port, 32)
            began = time.monotonic()
            fitting = await closed_loop(few, texts, seconds=plan.seconds / 4)
            capacity = len(fitting) / (time.monotonic() - began)
            connections = few + await connect(service.host, service.port, 480)  # idle ones would be closed by now
            await open_loop(connections, texts, rate=2 * capacity, seconds=min(3.0, plan.seconds))
            before = service.memory_mb()
            began = time.monotonic()
            samples = await open_loop(connections, texts, rate=2 * capacity, seconds=plan.seconds)
            seconds = time.monotonic() - began
            after = service.memory_mb()
            return capacity, before, after, samples, seconds

        capacity, before, after, samples, seconds = asyncio.run(load())
    accepted = sorted(sample.seconds for sample in samples if sample.status == OK)
    refused = sorted(sample.seconds for sample in samples if sample.status == 429)
    other = len(samples) - len(accepted) - len(refused)
    return [
        Figure("capacity, 32 clients", capacity, "/s"),
        Figure("offered", len(samples) / seconds, "/s"),
        Figure("goodput at twice the capacity, over the capacity", len(accepted) / seconds / capacity, "", (">=", 0.9)),
        Figure("accepted, p99 over --queue-seconds", quantile(accepted, 0.99) / queue_seconds, "", ("<=", 2.5)),
        Figure("refused", len(refused)),
        Figure("refused, p50", quantile(refused, 0.5) * 1000, "ms"),
        Figure("answers that are neither 200 nor 429", other, "", ("<=", 0)),
        Figure("memory after the overload", after, "MB", ("<=", 100)),
        Figure("growth of memory in the overload", after - before, "MB", ("<=", 2)),
    ]


def fairness(plan: Plan) -> list[Figure]:
    """Let a client with one connection ask beside one with 64, and a short request beside one of 9,000 characters."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tokens"
        file.write_text("".join(f"{name} {token}\n" for name, token in TOKENS.items()), encoding="utf-8")
        with running(*plan.options, "--token-file", str(file), model=plan.model) as service:
            greedy, polite = asyncio.run(_greedy_and_polite(service, plan))
    with running(*plan.options, model=plan.model) as service:
        long, short = asyncio.run(_long_and_short(service, plan))
    return [
        Figure("greedy client, p50", greedy * 1000, "ms"),
        Figure("polite client's p50 over that", polite / greedy, "", ("<=", 0.3)),
        Figure("request of 9,000 characters, p50", long * 1000, "ms"),
        Figure("short request beside it, p50 over that", short / long, "", ("<=", 0.15)),
    ]


async def _greedy_and_polite(service: Service, plan: Plan) -> tuple[float, float]:
    texts = endless(plan.sentences)
    many = await connect(service.host, service.port, 64)
    one = await connect(service.host, service.port, 1)
    greedy, polite = await asyncio.gather(
        closed_loop(many, texts, seconds=plan.seconds / 2, token=TOKENS["greedy"]),
        closed_loop(one, texts, seconds=plan.seconds / 2, token=TOKENS["polite"]),
    )
    return median_of(greedy), median_of(polite)


async def _long_and_short(service: Service, plan: Plan) -> tuple[float, float]:
    texts = endless(plan.sentences)
    for_long, for_short = await connect(service.host, service.port, 2)
    text = long_text(plan.sentences, 9000)
    long: list[Sample] = []
    short: list[Sample] = []
    for _ in range(max(3, plan.rounds)):
        asked = asyncio.ensure_future(for_long.ask([text]))
        await asyncio.sleep(0.02)
        while not asked.done():
            short.extend(await closed_loop([for_short], texts, requests=1))
        long.append(await asked)
        short.pop()  # it may have been asked when the long one had ended
    return median_of(long), median_of(short)


def disconnects(plan: Plan) -> list[Figure]:
    """Measure the time from the moment when all clients leave until the queue is empty."""
    with running(*plan.options, "--queue-seconds", "1000", model=plan.model) as service:

        async def leave() -> float:
            texts = endless(plan.sentences)
            connections = await connect(service.host, service.port, 128)
            for connection in connections:
                connection.send([next(texts) for _ in range(20)])
            await asyncio.sleep(0.5)
            for connection in connections:
                connection.close()
            began = time.monotonic()
            while await asyncio.to_thread(service.metric, "edgener_queue_tokens"):
                pass
            return time.monotonic() - began

        seconds = statistics.median(asyncio.run(leave()) for _ in range(plan.rounds))
        run = service.metric("edgener_run_duration_seconds_sum") / service.metric("edgener_run_duration_seconds_count")
    return [
        Figure("mean run", run * 1000, "ms"),
        Figure("queue empty after all clients left", seconds * 1000, "ms", ("<=", run * 1000 + 50)),
    ]


MEASURES: dict[str, Callable[[Plan], list[Figure]]] = {
    "cpu": cpu_against_command,
    "batching": batching,
    "memory": memory,
    "overload": overload,
    "fairness": fairness,
    "disconnects": disconnects,
}


def cpu_of_load(service: Service, sentences: Sequence[str], clients: int, texts: int, texts_each: int = 1) -> float:
    """Return the processor time of the service for each of so many texts, in seconds."""

    async def load(source: Iterator[str]) -> None:
        connections = await connect(service.host, service.port, clients)
        samples = await closed_loop(connections, source, requests=texts // texts_each, texts_each=texts_each)
        if any(sample.status != OK for sample in samples):
            raise RuntimeError("a request was not answered")
        for connection in connections:
            connection.close()

    before = service.cpu_seconds()
    asyncio.run(load(endless(sentences)))
    return (service.cpu_seconds() - before) / (texts // texts_each * texts_each)


def cpu_of_command(plan: Plan) -> float:
    """Return the processor time that ``edgener --file`` takes for a further sentence, in seconds."""
    source = endless(plan.sentences)
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder) / "few", Path(folder) / "many"
        few.write_text("\n".join(next(source) for _ in range(64)), encoding="utf-8")
        many.write_text("\n".join(next(source) for _ in range(64 + plan.texts)), encoding="utf-8")
        return (_cpu_of_file(plan, many) - _cpu_of_file(plan, few)) / plan.texts


def _cpu_of_file(plan: Plan, file: Path) -> float:
    command = [sys.executable, "-m", "edgener", "--file", str(file), "--threads", "1"]
    if plan.model:
        command += ["--model", str(plan.model)]
    before = children_seconds()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "runtime")}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return children_seconds() - before


def median_of(samples: Sequence[Sample]) -> float:
    """Return the median time of the requests that were answered."""
    return statistics.median(sample.seconds for sample in samples if sample.status == OK)


def quantile(ascending: Sequence[float], share: float) -> float:
    """Return the value that ``share`` of the values do not exceed; 0 where there are none."""
    return ascending[min(int(share * len(ascending)), len(ascending) - 1)] if ascending else 0.0
