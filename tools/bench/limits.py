"""The distance of the recognizer from the matrix products of its own graph, and the split of the rest of its time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from edgener.decode import decode
from edgener.token_windows import SPECIAL_TOKENS
from edgener_export.graph.node_index import FLOAT_PRODUCTS, INTEGER_PRODUCTS
from tools.bench.instrumented import InstrumentedRecognizer, operator_seconds
from tools.bench.products import Products, peak_gmacs
from tools.bench.results import Limit, Limits, Share, Split
from tools.bench.stopwatch import seconds_of

TOKENS = (16, 32, 64, 128)
BATCH_SIZES = (8, 1)
BATCHES_A_TURN = 4
NOT_CHINESE = re.compile(r"[^\u4e00-\u9fff]")


class Effort(NamedTuple):
    """The number and length of the turns that are measured."""

    rounds: int
    """Turns of each."""
    turn_s: float
    """Seconds that a turn takes at least, if more than one run."""


def measure_limits(
    name: str, bundle: Path, threads: int, sentences: Sequence[str], corpus: Sequence[str], effort: Effort
) -> Limits:
    """Measure one bundle: batches of equal length out of the corpus, and the split over the sentences."""
    text = NOT_CHINESE.sub("", "".join(corpus))
    limits = []
    for batch_size in BATCH_SIZES:
        recognizer = InstrumentedRecognizer(bundle, threads, batch_size)
        integer = Products(recognizer.graph, INTEGER_PRODUCTS, threads)
        every = Products(recognizer.graph, (*INTEGER_PRODUCTS, *FLOAT_PRODUCTS), threads)
        longest = recognizer.recognizer.manifest.max_tokens
        for tokens in (tokens for tokens in TOKENS if tokens <= longest):
            texts = _texts(text, tokens - SPECIAL_TOKENS, batch_size * BATCHES_A_TURN)
            limits.append(_limit(recognizer, integer, every, texts, effort))
    splits = tuple(_split(bundle, threads, batch_size, sentences, effort.rounds) for batch_size in BATCH_SIZES)
    return Limits(name, threads, peak_gmacs(threads), tuple(limits), splits)


def _texts(text: str, length: int, count: int) -> list[str]:
    """Chinese characters alone: one token each, and no sentence end in between."""
    return [text[start : start + length] for start in range(0, length * count, length)]


def _limit(
    instrumented: InstrumentedRecognizer, integer: Products, every: Products, texts: list[str], effort: Effort
) -> Limit:
    instrumented.forget()
    recognize = instrumented.recognizer.batch
    list(recognize(texts))
    (shape,) = {ids.shape for ids, _, _ in instrumented.session.batches}
    batches = len(instrumented.session.batches)
    ids, attention_mask, _ = instrumented.session.batches[0]
    bound_integer, bound_every = integer.bind(ids, attention_mask), every.bind(ids, attention_mask)

    def graph() -> float:
        instrumented.forget()
        instrumented.session(ids, attention_mask)
        return instrumented.session.seconds

    recognizer_turn = _turn(lambda: seconds_of(lambda: list(recognize(texts))), effort.turn_s)
    turns = [_turn(work, effort.turn_s) for work in (graph, bound_integer.run, bound_every.run)]
    measured = [(recognizer_turn() / batches, *(turn() for turn in turns)) for _ in range(effort.rounds)]
    whole, graph_s, integer_s, every_s = (median(column) for column in zip(*measured, strict=True))
    return Limit(
        batch_size=shape[0],
        tokens=shape[1],
        recognizer_ms=whole * 1000,
        graph_ms=graph_s * 1000,
        integer_products_ms=integer_s * 1000,
        all_products_ms=every_s * 1000,
        over_integer_products=median(row[0] / row[2] for row in measured),
        over_all_products=median(row[0] / row[3] for row in measured),
        integer_gmacs=integer.weight_macs(ids) / integer_s / 1e9,
    )


def _split(bundle: Path, threads: int, batch_size: int, sentences: Sequence[str], rounds: int) -> Split:
    instrumented = InstrumentedRecognizer(bundle, threads, batch_size)
    recognizer = instrumented.recognizer

    def one_pass() -> None:
        if batch_size == 1:
            for sentence in sentences:
                recognizer(sentence)
        else:
            list(recognizer.batch(sentences))

    def decoding() -> None:
        for _, attention_mask, logits in instrumented.session.batches:
            lengths = attention_mask.sum(axis=1) - SPECIAL_TOKENS
            decode(logits[:, 1:-1], lengths, recognizer.manifest.tag_set)

    one_pass()
    passes = []
    for _ in range(rounds):
        instrumented.forget()
        whole = seconds_of(one_pass)
        decode_s = seconds_of(decoding)
        passes.append((whole, instrumented.encoder.seconds, instrumented.session.seconds, decode_s))
    whole, encode_s, graph_s, decode_s = sorted(passes)[len(passes) // 2]
    batches = instrumented.session.batches
    operators = operator_seconds(instrumented.graph, batches, threads)
    to_graph = graph_s / sum(operators.values())
    shares = [Share(name, seconds * to_graph) for name, seconds in operators.items()]
    integer_s = sum(share.seconds for share in shares if share.name in INTEGER_PRODUCTS)
    float_s = sum(share.seconds for share in shares if share.name in FLOAT_PRODUCTS)
    parts = (
        Share("tokenizing", encode_s),
        Share("integer products", integer_s),
        Share("attention products", float_s),
        Share("other graph time", graph_s - integer_s - float_s),
        Share("decoding", decode_s),
        Share("other Python", whole - encode_s - graph_s - decode_s),
    )
    computed = sum(ids.size for ids, _, _ in batches)
    padding = 1 - sum(int(attention_mask.sum()) for _, attention_mask, _ in batches) / computed
    return Split(batch_size, whole, parts, tuple(shares), padding)


def _turn(work: Callable[[], float], turn_s: float) -> Callable[[], float]:
    """The mean of as many runs as make a turn, after a warm-up; ``work`` returns its seconds."""
    work()
    runs = max(1, round(turn_s / work()))
    return lambda: sum(work() for _ in range(runs)) / runs
