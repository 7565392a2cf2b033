"""Formats that annotation tools and training programs import, so that people correct a model's answers.

docs/data-formats.md shows an example of each. Texts are written with U+FFFD for what is no UTF-8.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import ClassVar

from edgener.entity import Entity
from edgener.lone_surrogates import STAND_INS
from edgener.recognizer import Segment
from edgener.writers import BILUO, BIO, InText, Place, encoded, tags

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


class _AfterText(InText):
    """A writer of a text within a JSON string, and of its entities after it."""

    before: ClassVar[str]
    """Beginning of a document, up to its text."""

    def __init__(self) -> None:
        super().__init__()
        self._entities: list[Entity] = []
        self._unit = _Utf16()

    def _opening(self, _place: Place) -> str:
        self._entities, self._unit = [], _Utf16()
        return self.before

    def _run(self, text: str, entity: Entity | None) -> str:
        self._unit.add(self._written, text)
        if entity:
            self._entities.append(entity)
        return encoded(text.translate(STAND_INS))[1:-1]


class Doccano(_AfterText):
    """A writer of doccano's JSON lines, ``{"text": "...", "label": [[start, end, label], ...]}``."""

    before = '{"text": "'

    def _closing(self) -> str:
        labels = [[self._unit(it.start), self._unit(it.end), it.label] for it in self._entities]
        return f'", "label": {encoded(labels)}}}\n'


class LabelStudio(_AfterText):
    """A writer of Label Studio's tasks, whose entities are predictions that annotators accept or correct."""

    separator: ClassVar[str] = ","
    before = separator + '{"data": {"text": "'

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
    """A writer of the .ann file that brat has beside a text, whose whole text is one document.

    brat counts a byte order mark at the start of the text as a character.
    """

    def __init__(self) -> None:
        self._number = 0

    def __call__(self, place: Place, segment: Segment) -> str:
        if segment.start == 0:
            self._number = 0
        first = self._number + 1
        self._number += len(segment.entities)
        return "".join(
            f"T{number}\t{it.label} {place.left_out + it.start} {place.left_out + it.end}\t"
            f"{it.text.translate(ON_ONE_LINE)}\n"
            for number, it in enumerate(segment.entities, first)
        )


class _Items(InText):
    """A writer of a JSON array with an item for each character."""

    before: ClassVar[str]
    """Beginning of a document, up to the first item."""

    def __init__(self) -> None:
        super().__init__()
        self._separator = ""

    def _opening(self, _place: Place) -> str:
        self._separator = ""
        return self.before

    def _run(self, text: str, entity: Entity | None) -> str:
        items = ", ".join(map(encoded, self._items(text.translate(STAND_INS), entity)))
        if not items:
            return ""
        separator, self._separator = self._separator, ", "
        return separator + items

    def _items(self, text: str, entity: Entity | None) -> Iterable[object]:
        raise NotImplementedError


class HuggingFace(_Items):
    """A writer of rows of characters and BIO tags, ``{"tokens": [...], "ner_tags": [...]}``."""

    before = '{"tokens": ['

    def __init__(self) -> None:
        super().__init__()
        self._tags: list[str] = []

    def _opening(self, place: Place) -> str:
        self._tags = []
        return super()._opening(place)

    def _items(self, text: str, entity: Entity | None) -> Iterable[object]:
        self._tags += tags(len(text), entity, BIO)
        return text

    def _closing(self) -> str:
        return f'], "ner_tags": {encoded(self._tags)}}}\n'


class Spacy(_Items):
    """A writer of spaCy's JSON training data, which ``spacy convert`` reads; tokens are characters, as in its zh model.

    Tags are BILUO, which is BIOES with other letters.
    """

    separator: ClassVar[str] = ","
    before = separator + '{"paragraphs": [{"sentences": [{"tokens": ['

    def _items(self, text: str, entity: Entity | None) -> Iterable[object]:
        for character, tag in zip(text, tags(len(text), entity, BILUO), strict=True):
            yield {"orth": character, "space": "", "ner": tag}

    def _closing(self) -> str:
        return "]}]}]}\n"
