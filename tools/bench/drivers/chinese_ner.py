"""ChineseNER 0.1: BiLSTM and CRF over characters, trained on MSRA.

It is of 2019: its masks are bytes, which torch no longer takes, so ``Tensor.byte`` gives booleans in this process.
Its function for one sentence returns names without their places; they are looked for in order. It fails where its tags
begin within a name (one of MSRA's test sentences): no names are then found there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from ChineseNER.model import load as load_model
from ChineseNER.utils import get_mask

from tools.bench.contract import Options, Span

LABELS = {"person": "PER", "location": "LOC", "orgnization": "ORG"}
BATCH = 32
PADDING = 0


class ChineseNerModel:
    """The model in the package."""

    def __init__(self, options: Options) -> None:
        torch.set_num_threads(options.threads)
        torch.Tensor.byte = torch.Tensor.bool  # type: ignore[method-assign]
        self._model = load_model()
        self._model.eval()

    def one(self, text: str) -> list[Span]:
        """Recognize one text by ``get_entity_from_sent``."""
        try:
            found = self._model.get_entity_from_sent(text)
        except IndexError:
            return []
        spans = []
        for kind, names in found.items():
            position = 0
            for name in names:
                start = text.index(name, position)
                position = start + len(name)
                spans.append((start, position, LABELS[kind]))
        return sorted(spans)

    def many(self, texts: Sequence[str]) -> list[list[Span]]:
        """Recognize texts by the module itself, as the package's own evaluation does: longest first, padded."""
        found: list[list[Span]] = [[] for _ in texts]
        order = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        with torch.no_grad():
            for start in range(0, len(order), BATCH):
                batch = order[start : start + BATCH]
                rows = [list(map(self._model.word_vocab.word_to_id, texts[index])) for index in batch]
                ids = torch.full((len(rows), len(rows[0])), PADDING)
                for number, row in enumerate(rows):
                    ids[number, : len(row)] = torch.tensor(row)
                tag_ids = self._model(ids, list(map(len, rows)), get_mask(ids))
                for index, row_of_tags in zip(batch, tag_ids.tolist(), strict=True):
                    found[index] = self._spans(row_of_tags[: len(texts[index])])
        return found

    def _spans(self, tag_ids: Sequence[int]) -> list[Span]:
        """Join entities as ``get_entity_from_sent`` does."""
        spans: list[Span] = []
        for position, tag_id in enumerate(tag_ids):
            prefix, _, label = self._model.label_vocab.id_to_label(tag_id).partition("-")
            if label and (prefix in "BS" or not spans):
                spans.append((position, position + 1, label))
            elif label:
                spans[-1] = (spans[-1][0], position + 1, spans[-1][2])
        return spans


def load(options: Options) -> ChineseNerModel:
    """The model in the package."""
    return ChineseNerModel(options)
