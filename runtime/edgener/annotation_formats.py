"""Formats that annotation tools and training programs import, so that people correct a model's answers.

docs/data-formats.md shows an example of each. Texts are written with U+FFFD for what is no UTF-8.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import ClassVar

from edgener.entity import Entity
from edgener.lone_surrogates import STAND_INS
from edgener.recognizer import Segment
from edgener.writers import InText, Place, encoded

ON_ONE_LINE = STAND_INS | dict.fromkeys(map(ord, "\r\n"), ord(" "))
"""Replacements in the text of a brat entity, one code point for one, as brat makes them."""
LAST_CODE_OF_ONE_UNIT = "\uffff"


class _Utf16:
    """The offsets of a document in UTF-16 code units, which annotation tools that are written in JavaScript count."""

    def __init__(self) -> None:
        self._long: list[int] = []

    def __call__(self, offset: int) -> int:
        """Return an offset in code points as one in UTF-16 code units; the text before it was added."""
        return offset + bisect_left(self._long, offset)

    def add(self, start: int, text: str) -> None:
        """Take the text that follows; ``start`` is the number of code points before it."""
        self._long.extend(start + at for at, character in enumerate(text) if character > LAST_CODE_OF_ONE_UNIT)


class _AfterText:
    """A writer of a text within a JSON string, and of its entities after it."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._entities: list[Entity] = []
        self._unit = _Utf16()

    def __call__(self, _place: Place, segment: Segment) -> str:
        output = []
        if segment.start == 0:
            self._begin()
            output.append(self._opening())
        text = segment.text.translate(STAND_INS)
        self._unit.add(segment.start, text)
        self._entities.extend(segment.entities)
        output.append(encoded(text)[1:-1])
        if segment.is_last:
            output.append(self._closing())
        return "".join(output)

    def _opening(self) -> str:
        raise NotImplementedError

    def _closing(self) -> str:
        raise NotImplementedError


class Doccano(_AfterText):
    """A writer of doccano's JSON lines, ``{"text": "...", "label": [[start, end, label], ...]}``."""

    def _opening(self) -> str:
        return '{"text": "'

    def _closing(self) -> str:
        labels = [[self._unit(it.start), self._unit(it.end), it.label] for it in self._entities]
        return f'", "label": {encoded(labels)}}}\n'


class LabelStudio(_AfterText):
    """A writer of Label Studio's tasks, whose entities are predictions that annotators accept or correct."""

    separator: ClassVar[str] = ","

    def _opening(self) -> str:
        return self.separator + '{"data": {"text": "'

    def _closing(self) -> str:
        results = [
            {
                "from_name": "label",
                "to_name": "text",
                "type": "labels",
                "score": round(it.score, 4),
                "value": {
                    "start": self._unit(it.start),
                    "end": self._unit(it.end),
                    "text": it.text.translate(STAND_INS),
                    "labels": [it.label],
                },
            }
            for it in self._entities
        ]
        predictions = [{"model_version": "edgener", "result": results}]
        return f'"}}, "predictions": {encoded(predictions)}}}\n'


class Brat:
    """A writer of the .ann file that brat has beside a text, whose whole text is one document."""

    def __init__(self) -> None:
        self._number = 0

    def __call__(self, _place: Place, segment: Segment) -> str:
        if segment.start == 0:
            self._number = 0
        first = self._number + 1
        self._number += len(segment.entities)
        return "".join(
            f"T{number}\t{it.label} {it.start} {it.end}\t{it.text.translate(ON_ONE_LINE)}\n"
            for number, it in enumerate(segment.entities, first)
        )


class HuggingFace(InText):
    """A writer of rows of characters and BIO tags, ``{"tokens": [...], "ner_tags": [...]}``."""

    def __init__(self) -> None:
        super().__init__()
        self._tags: list[str] = []
        self._separator = ""

    def __call__(self, place: Place, segment: Segment) -> str:
        opening = ""
        if segment.start == 0:
            opening, self._tags, self._separator = '{"tokens": [', [], ""
        output = opening + super().__call__(place, segment)
        return output.removesuffix("\n") + f'], "ner_tags": {encoded(self._tags)}}}\n' if segment.is_last else output

    def _run(self, text: str, entity: Entity | None) -> str:
        self._tags.extend(
            ("B-" if index == 0 else "I-") + entity.label if entity else "O" for index in range(len(text))
        )
        output = "".join(f", {encoded(character)}" for character in text.translate(STAND_INS))
        output = output if self._separator else output.removeprefix(", ")
        self._separator = self._separator or ("," if output else "")
        return output


class Spacy(InText):
    """A writer of spaCy's JSON training data, which ``spacy convert`` reads; tokens are characters, as in its zh model.

    Tags are BILUO, which is BIOES with other letters.
    """

    separator: ClassVar[str] = ","

    def __init__(self) -> None:
        super().__init__()
        self._is_first = True

    def __call__(self, place: Place, segment: Segment) -> str:
        opening = ""
        if segment.start == 0:
            opening, self._is_first = self.separator + '{"paragraphs": [{"sentences": [{"tokens": [', True
        output = opening + super().__call__(place, segment)
        return output.removesuffix("\n") + "]}]}]}\n" if segment.is_last else output

    def _run(self, text: str, entity: Entity | None) -> str:
        tokens = [
            {"orth": character, "space": "", "ner": tag}
            for character, tag in zip(text.translate(STAND_INS), _biluo(len(text), entity), strict=True)
        ]
        output = "".join(f", {encoded(token)}" for token in tokens)
        output = output.removeprefix(", ") if self._is_first else output
        self._is_first = self._is_first and not output
        return output


def _biluo(length: int, entity: Entity | None) -> Iterator[str]:
    """Yield the tags of the characters of an entity, or of text outside of entities."""
    for index in range(length):
        if not entity:
            yield "O"
        else:
            is_first, is_last = index == 0, index == length - 1
            prefix = "U" if is_first and is_last else "B" if is_first else "L" if is_last else "I"
            yield f"{prefix}-{entity.label}"
