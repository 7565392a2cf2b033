"""A report as Markdown tables, each under the name that documents refer to it by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from tools.bench.results import Entry, Limits, Rate, Report, Split

T = TypeVar("T")
MISSING = "–"
CHINESE = {
    "one core": "单核",
    "characters/s": "字/秒",
    "start to answer": "启动到首个结果",
    "memory": "内存",
    "installed": "安装体积",
    "12 x 768, fp32, transformers pipeline": "12 层、768 维，fp32，transformers pipeline",
    "3 x 768, fp32, transformers pipeline": "3 层、768 维，fp32，transformers pipeline",
    "our int8 graph, ORTModelForTokenClassification": "本项目的 int8 计算图，ORTModelForTokenClassification",
    "GRU and CRF, 32 MB": "GRU + CRF，32 MB",
    "BiLSTM and CRF, trained on this data": "BiLSTM + CRF，用同一份数据训练",
    "posseg: dictionary and HMM": "posseg：词典 + HMM",
    "jieba in Rust": "Rust 版 jieba",
}
"""Words of the headline in Chinese; a word that is not here stays as it is."""


def tables(report: Report) -> dict[str, str]:
    """Markdown by section name, in the order in which people want to read it."""
    return {
        "headline": _headline(report, {}),
        "headline_zh": _headline(report, CHINESE),
        "machine": _machine(report),
        "quality": _quality(report),
        "speed": _speed(report),
        "latency": _latency(report),
        "start": _start(report),
        "memory": _memory(report),
        "limit": "\n\n".join(_limit(limits) for limits in report.limits),
        "split": "\n\n".join(_split(limits) for limits in report.limits),
        "failures": "\n".join(f"- {failure.name}: {failure.reason}" for failure in report.failures) or "None.",
    }


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a Markdown table whose columns after the first are aligned to the right."""
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))


def _headline(report: Report, words: Mapping[str, str]) -> str:
    rows = [
        [
            _named(replace(entry, about=words.get(entry.about, entry.about))),
            _of(entry.quality, lambda quality: f"{quality.f1:.1f}"),
            f"{report.comparable_speed(entry):,.0f}",
            _of(entry.start, lambda start: f"{start.first_answer_s:.2f} s"),
            _of(entry.memory, lambda memory: f"{memory.peak_one_mb:.0f} MB"),
            _megabytes(entry.installed_mb),
        ]
        for entry in report.entries
        if entry.threads == 1
    ]
    header = ["one core", "F1", "characters/s", "start to answer", "memory", "installed"]
    return markdown_table([words.get(name, name) for name in header], rows)


def _machine(report: Report) -> str:
    machine, settings = report.machine, report.settings
    environment = machine.environment
    libraries = ", ".join(f"{name} {version}" for name, version in environment.libraries.items())
    rows = [
        ["processor", environment.processor or environment.machine],
        ["features", ", ".join(environment.cpu_features) or "none for int8"],
        ["cores", str(environment.cores)],
        ["memory", f"{environment.memory_total_mb} MB"],
        ["system", f"{environment.system}, Python {environment.python}"],
        ["measuring process", f"edgener {environment.edgener} ({machine.revision}), {libraries}"],
        ["load average", f"{machine.load_average_before:.2f} before, {machine.load_average_after:.2f} after"],
        ["date", machine.date],
        *([["quality of edgener", f"measured again on {report.scored_again}"]] if report.scored_again else []),
        ["sentences", f"{settings.sentences} for quality and memory, {settings.turn_sentences} for speed"],
        ["turns", f"{settings.rounds} of each, in alternation with {report.reference}"],
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (["machine", ""], ["---", "---"], *rows))


def _quality(report: Report) -> str:
    rows = []
    for entry in report.entries:
        quality = entry.quality
        if quality:
            figures = (quality.precision, quality.recall, quality.f1, quality.f1_longer, quality.f1_overlap)
            rows.append([_named(entry), *(f"{figure:.1f}" for figure in figures), entry.license])
    header = ["", "P", "R", "F1", "F1, two and more characters", "F1, any overlap", "license"]
    return markdown_table(header, rows)


def _speed(report: Report) -> str:
    rows = [
        [
            _named(entry),
            str(entry.threads),
            *_rate(entry.one_by_one),
            *_rate(entry.batched),
            _of(entry.streamed_characters_per_second, lambda speed: f"{speed:,.0f}"),
        ]
        for entry in report.entries
    ]
    rate = ["characters/s", "sentences/s", "time / ours"]
    return markdown_table(
        ["", "threads", *(f"one by one: {rate[0]}", *rate[1:]), *(f"batched: {rate[0]}", *rate[1:]), "streamed"], rows
    )


def _latency(report: Report) -> str:
    lengths = sorted({latency.characters for entry in report.entries for latency in entry.latencies})
    rows = []
    for entry in report.entries:
        if entry.latencies:
            by_length = {latency.characters: latency for latency in entry.latencies}
            cells = [
                _of(by_length.get(length), lambda it: f"{it.p50_ms:.1f} / {it.p95_ms:.1f} / {it.p99_ms:.1f}")
                for length in lengths
            ]
            rows.append([_named(entry), *cells])
    return markdown_table(["ms, p50 / p95 / p99", *(f"{length} characters" for length in lengths)], rows)


def _start(report: Report) -> str:
    rows = [
        [
            _named(entry),
            f"{entry.start.first_answer_s:.2f} s",
            f"{entry.start.import_s:.2f} s",
            f"{entry.start.load_s:.2f} s",
            _megabytes(entry.installed_mb),
            ", ".join(entry.requirements),
        ]
        for entry in report.entries
        if entry.start
    ]
    return markdown_table(["", "start to answer", "import", "load", "installed", "what was installed"], rows)


def _memory(report: Report) -> str:
    rows = []
    for entry in report.entries:
        memory = entry.memory
        if memory:
            figures = (
                memory.peak_one_mb,
                memory.peak_first_mb,
                memory.peak_all_mb,
                memory.resident_first_mb,
                memory.resident_all_mb,
            )
            rows.append([_named(entry), *(f"{figure:.0f}" for figure in figures)])
    every = f"all {report.settings.sentences}"
    header = ["MB", "peak, one sentence", "peak, first 100", f"peak, {every}", "then, first 100", f"then, {every}"]
    return markdown_table(header, rows)


def _limit(limits: Limits) -> str:
    rows = [
        [
            f"{limit.batch_size} x {limit.tokens}",
            f"{limit.recognizer_ms:.2f}",
            f"{limit.graph_ms:.2f}",
            f"{limit.integer_products_ms:.2f}",
            f"{limit.all_products_ms:.2f}",
            f"{limit.over_integer_products:.2f}",
            f"{limit.over_all_products:.2f}",
            f"{limit.integer_gmacs:.0f}",
            f"{100 * limit.integer_gmacs / limits.peak_gmacs:.0f} %",
        ]
        for limit in limits.limits
    ]
    header = ["rows x tokens", "recognizer, ms", "graph, ms", "int8 products, ms", "with attention's, ms"]
    header += ["recognizer / int8 products", "recognizer / all products", "GMAC/s", "of peak"]
    about = f"{limits.name}, {limits.threads} thread(s); peak {limits.peak_gmacs:.0f} GMAC/s on one large product."
    return f"{about}\n\n{markdown_table(header, rows)}"


def _split(limits: Limits) -> str:
    first, *_ = limits.splits
    names = [part.name for part in first.parts]
    rows = [
        [
            "one by one" if split.batch_size == 1 else f"batches of {split.batch_size}",
            f"{split.seconds:.2f} s",
            *(f"{100 * part.seconds / split.seconds:.1f} %" for part in split.parts),
            f"{100 * split.padding:.1f} %",
        ]
        for split in limits.splits
    ]
    table = markdown_table(["", "time", *names, "padding"], rows)
    operators = "\n\n".join(_operators(split) for split in limits.splits)
    return f"{limits.name}, {limits.threads} thread(s):\n\n{table}\n\n{operators}"


def _operators(split: Split) -> str:
    shares = ", ".join(f"{share.name} {100 * share.seconds / split.seconds:.1f} %" for share in split.operators[:12])
    return f"By operator, batches of {split.batch_size}: {shares}."


def _named(entry: Entry) -> str:
    name = f"**{entry.name}**" if entry.is_ours else entry.name
    return f"{name} ({entry.about})"


def _rate(rate: Rate) -> list[str]:
    times = rate.reference_times_faster
    return [
        f"{rate.characters_per_second:,.0f}",
        f"{rate.sentences_per_second:,.0f}",
        f"{times:.2f}" if times >= 1 else f"{times:.3f}",
    ]


def _megabytes(value: float | None) -> str:
    return _of(value, lambda megabytes: f"{megabytes:.0f} MB")


def _of(value: T | None, text: Callable[[T], str]) -> str:
    return MISSING if value is None else text(value)
