"""The recognizer, which loads a bundle and finds the entities of texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgener.bundle import TOKENIZER, Bundle, Manifest, load_bundle
from edgener.decode import decode
from edgener.entity import Entity
from edgener.errors import TokenizerError, UsageError
from edgener.operator_rules import OperatorRules, layers_of
from edgener.parts import FoundPart, Part, Row, parts, pools
from edgener.providers import CPU
from edgener.rules import Rules
from edgener.segmentation import Chunk
from edgener.session import SerialSession, Session
from edgener.span_rules.registry import apply_rules
from edgener.tags import ScoredSpan
from edgener.text_arguments import checked_documents, checked_pieces, checked_texts, require_text
from edgener.token_windows import SPECIAL_TOKENS, token_windows
from edgener.tokenizer import Encoder

TOKENS_PER_ROW = 32
"""Most tokens of a batch for each window that it may hold, special tokens and padding included: bounds the memory."""
MOST_THREADS = 1024
"""Threads that may be asked for; with more than a machine can make, onnxruntime waits for ever."""
PADDING_SHARE = 0.1
"""Windows share a batch as long as the shortest is padded by no more than this share of the longest."""


class Segment(NamedTuple):
    """A part of a document and the entities that start in it."""

    start: int
    """Code points of the document before ``text``."""
    text: str
    """The caller's own characters; the texts of all segments, joined, are the document."""
    entities: list[Entity]
    """Left to right, never overlapping; offsets count from the start of the document."""
    is_last: bool
    """The document ends here."""


class Recognizer:
    """A loaded model, which threads may share: a call keeps its state to itself.

    >>> recognizer = Recognizer.load()
    >>> [(entity.text, entity.label) for entity in recognizer("王小明在北京大学工作。")]
    [('王小明', 'PER'), ('北京大学', 'ORG')]
    """

    def __init__(
        self,
        manifest: Manifest,
        encoder: Encoder,
        session: Session,
        batch_size: int,
        rules: Rules | None = None,
        bundle_rules: Rules | None = None,
    ) -> None:
        """Take the parts of a bundle; ``rules`` stand over ``bundle_rules``, which the bundle brings."""
        self.manifest = manifest
        self._encoder, self._session, self._batch_size = encoder, session, batch_size
        self._tag_set, self._span_rules = manifest.tag_set, manifest.span_rules
        self._bundle_rules = bundle_rules
        self._rules: OperatorRules | None = None
        layers = layers_of(bundle_rules, rules)
        if layers:
            self._rules = OperatorRules(layers, self._tag_set.labels, encoder.words_of)

    @classmethod
    def load(
        cls,
        path: str | Path = "default",
        *,
        threads: int = 1,
        batch_size: int = 8,
        serial: bool = False,
        provider: str = CPU,
        rules: Rules | None = None,
    ) -> Recognizer:
        """Return the model of the bundle in the directory ``path``, or of the built-in one for ``default``.

        ``threads`` compute one batch together; a batch holds at most ``batch_size`` windows, fewer of long ones. With
        ``serial``, one batch is computed at a time, however many threads of the program ask: memory does not grow with
        them. ``provider`` computes: ``cpu``, ``cuda`` or ``tensorrt``; the latter two take the bundle's fp16 graph,
        if it has one. ``rules`` change the entities that are found; their files are read now.
        Raises TypeError, UsageError, ProviderError, InputError for a file of ``rules``, or a BundleError that names the
        file and the remedy.
        """
        for name, value in (("threads", threads), ("batch_size", batch_size)):
            if not isinstance(value, int):
                raise TypeError(f"expected {name} as an int, got {value!r}")
        if threads < 1 or batch_size < 1:
            raise UsageError(f"threads ({threads}) and batch_size ({batch_size}) must be at least 1")
        _verify_rules(rules)
        bundle = load_bundle(path, provider)
        return open_recognizer(
            bundle, threads=threads, batch_size=batch_size, serial=serial, provider=provider, rules=rules
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the entity types that it may find: those of the model, or fewer by its rules."""
        return tuple(filter(self._rules.finds, self._tag_set.labels)) if self._rules else self._tag_set.labels

    def with_rules(self, rules: Rules | None) -> Recognizer:
        """Return a recognizer with other rules, or with the bundle's alone, that shares this one's model and memory.

        Raises UsageError for rules that do not fit the model, InputError for a fault of their files, and TypeError for
        what is neither Rules nor None.
        """
        _verify_rules(rules)
        return Recognizer(self.manifest, self._encoder, self._session, self._batch_size, rules, self._bundle_rules)

    def __call__(self, text: str, *, join_lines: bool = False) -> list[Entity]:
        """Return the entities of a text of any length, left to right; ``text[e.start:e.end] == e.text`` for each.

        With ``join_lines``, the text is wrapped, as text copied from a PDF is: names go on in the next line, and only
        an empty or an indented line begins a new paragraph. Raises TypeError if ``text`` is not a str.
        """
        require_text(text)
        return next(self.batch([text], join_lines=join_lines))

    def batch(self, texts: Iterable[str], *, join_lines: bool = False) -> Iterator[list[Entity]]:
        """Return an iterator over the entities of each text, in the order of ``texts``, which may be endless.

        Up to POOL_DOCUMENTS texts are read ahead, so that texts of similar length can be computed together.
        ``join_lines`` is that of a call. Raises TypeError if ``texts`` is a single str or holds anything else.
        """
        return self._batch(checked_texts(texts), join_lines)

    def _batch(self, texts: Iterable[str], join_lines: bool) -> Iterator[list[Entity]]:
        entities: list[Entity] = []
        for segment in self._segments(([text] for text in texts), join_lines):
            entities.extend(segment.entities)
            if segment.is_last:
                yield entities
                entities = []

    def stream(self, pieces: Iterable[str], *, join_lines: bool = False) -> Iterator[Segment]:
        """Return an iterator over the segments of one document that arrives in ``pieces``, each as soon as it is known.

        ``join_lines`` is that of a call. Raises TypeError if ``pieces`` is a single str or holds anything else.
        """
        return self._segments([checked_pieces(pieces)], join_lines)

    def segments(self, documents: Iterable[Iterable[str]], *, join_lines: bool = False) -> Iterator[Segment]:
        """Return an iterator over the segments of documents, each of which may arrive in pieces.

        Memory does not grow with the documents' length. A document gives at least one segment; the last one says so.
        ``join_lines`` is that of a call. Raises TypeError if ``documents`` or a document is a single str, or if a
        piece is anything else.
        """
        return self._segments(checked_documents(documents), join_lines)

    def _segments(self, documents: Iterable[Iterable[str]], join_lines: bool) -> Iterator[Segment]:
        found = self._found(self.parts(documents, join_lines=join_lines), join_lines)
        return self.join(found, join_lines=join_lines)

    def _found(self, source: Iterable[Part], join_lines: bool) -> Iterator[FoundPart]:
        """Yield what the model finds in each part; rows of similar length, of several parts, are computed together."""
        for pool in pools(source):
            rows_of_parts = [self.rows(part, join_lines=join_lines) for part in pool]
            rows = list(chain.from_iterable(rows_of_parts))
            found: list[list[ScoredSpan]] = [[] for _ in rows]
            for batch in _batches([row.length for row in rows], self._batch_size):
                for index, spans in zip(batch, self.spans([rows[index] for index in batch]), strict=True):
                    found[index] = spans
            in_order = iter(found)
            for part, own in zip(pool, rows_of_parts, strict=True):
                yield FoundPart(part, list(chain.from_iterable(islice(in_order, len(own)))))

    def parts(self, documents: Iterable[Iterable[str]], *, join_lines: bool = False) -> Iterator[Part]:
        """Return an iterator over the parts of documents, each of which may arrive in pieces.

        This and the next three methods are the steps of ``segments``, for programs that decide themselves what is
        computed together. ``join_lines`` must be the same for all steps.
        """
        ahead = self._rules.text_ahead(join_lines=join_lines) if self._rules else 0
        return parts(documents, join_lines=join_lines, ahead=ahead)

    def rows(self, part: Part, *, join_lines: bool = False) -> list[Row]:
        """Return the rows of tokens in which the model is given a part; one without a token has none."""
        ((ids, offsets),) = self._encoder([part.chunk.text])
        return [
            Row(part, window, ids[window.start : window.end], offsets[window.start : window.end])
            for window in token_windows(part.chunk, offsets, self.manifest.max_tokens, join_lines=join_lines)
        ]

    def spans(self, rows: Sequence[Row]) -> list[list[ScoredSpan]]:
        """Return the spans that each of the rows owns, in code points of its chunk's text; they are computed together.

        The time of a run and its memory grow with the number of rows times the longest of them.
        """
        lengths = np.array([len(row.ids) for row in rows])
        logits = self._logits([row.ids for row in rows])
        if self._rules and self._rules.has_hints:
            for row, its_logits in zip(rows, logits, strict=True):
                its_logits[: len(row.ids)] += self._rules.hints(row, self._tag_set)
        decoded = decode(logits, lengths, self._tag_set)
        return [row.owned(spans) if spans else [] for row, spans in zip(rows, decoded, strict=True)]

    def join(self, found: Iterable[FoundPart], *, join_lines: bool = False) -> Iterator[Segment]:
        """Return an iterator over the segments of documents, given all parts of each, in their order."""
        segments = self._segments_without_rules(found)
        if self._rules:
            return self._rules(segments, join_lines=join_lines)
        return (segment for _, segment in segments)

    def _segments_without_rules(self, found: Iterable[FoundPart]) -> Iterator[tuple[Chunk, Segment]]:
        """Yield the segments, each with the chunk that it is the core of, as the model and its bundle's rules say.

        A rule may move the start of an entity past the end of its segment; the next segment then has it. What one would
        move before its segment, which is written already, begins with the segment.
        """
        owned_until = 0
        entities: list[Entity] = []
        calibration = self.manifest.calibration
        for part, candidates in found:
            offset, text, core_start, core_end, _ = part.chunk
            for (start, end, label), score in apply_rules(self._span_rules, text, candidates):
                start = max(start, core_start)
                if start < end and offset + start >= owned_until:
                    owned_until = offset + end
                    shown = calibration.calibrated(score) if calibration else score
                    entities.append(Entity(offset + start, owned_until, label, text[start:end], shown))
            own = [entity for entity in entities if entity.start < offset + core_end]
            yield part.chunk, Segment(offset + core_start, text[core_start:core_end], own, part.is_last)
            entities = entities[len(own) :]
            if part.is_last:
                owned_until, entities = 0, []

    def logits(self, text: str) -> list[NDArray[np.float32]]:
        """Return the logits of each window of a text, computed alone, with the shape [tokens, tags].

        Special tokens are left out. Raises TypeError if ``text`` is not a str.
        """
        require_text(text)
        return [self._logits([row.ids])[0] for part in parts([[text]]) for row in self.rows(part)]

    def abandon(self) -> None:
        """End calls in other threads with edgener.session.AbandonedError after their batch: the program ends."""
        self._session.abandon()

    def _logits(self, rows: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
        """Return the logits of rows of tokens, with the shape [rows, longest row, tags]; special tokens are added."""
        shape = len(rows), max(map(len, rows)) + SPECIAL_TOKENS
        ids = np.full(shape, self._encoder.pad_id, dtype=np.int64)
        attention_mask = np.zeros(shape, dtype=np.int64)
        for row, row_ids in enumerate(rows):
            end = len(row_ids) + 1
            ids[row, 0], ids[row, 1:end], ids[row, end] = self._encoder.start_id, row_ids, self._encoder.end_id
            attention_mask[row, : end + 1] = 1
        return self._session(ids, attention_mask)[:, 1:-1]


def _batches(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Yield the indices of inputs that are computed in one batch, from short to long."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        is_full = len(batch) == batch_size or (len(batch) + 1) * lengths[index] > batch_size * TOKENS_PER_ROW
        if batch and (is_full or lengths[index] * (1 - PADDING_SHARE) > lengths[batch[0]]):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def check_threads(threads: int) -> None:
    """Raise UsageError for more threads than may be asked for."""
    if threads > MOST_THREADS:
        raise UsageError(f"threads is {threads}; it must be at most {MOST_THREADS}")


def _verify_rules(rules: object) -> None:
    """Raise TypeError for what is neither Rules nor None."""
    if not isinstance(rules, Rules | None):
        raise TypeError(f"expected rules as edgener.Rules or None, got {type(rules).__name__}")


def open_recognizer(
    bundle: Bundle,
    *,
    threads: int = 1,
    batch_size: int = 8,
    serial: bool = False,
    provider: str = CPU,
    rules: Rules | None = None,
) -> Recognizer:
    """Return the model of a bundle that was just verified; options and errors are those of ``Recognizer.load``."""
    check_threads(threads)
    encoder = Encoder(bundle.path(TOKENIZER), bundle.manifest.aliases)
    if encoder.vocabulary_size != bundle.manifest.vocabulary_size:
        raise TokenizerError(
            f"{bundle.path(TOKENIZER)}: has {encoder.vocabulary_size} entries, but the model knows "
            f"{bundle.manifest.vocabulary_size}; export the model again"
        )
    session = (SerialSession if serial else Session)(bundle.graph(provider), bundle.manifest, threads, provider)
    return Recognizer(bundle.manifest, encoder, session, batch_size, rules, bundle.rules)
