"""Requests for entities: what their bodies may say, in the shape of Hugging Face's token classification."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgener.entity import Entity
from edgener.serve.json_text import from_json
from edgener.serve.problem import ProblemError

FIELDS = ("inputs", "parameters", "options")
PARAMETERS = ("aggregation_strategy", "ignore_labels", "min_score", "stride")
STRATEGIES = ("simple", "first", "average", "max")
"""Values of ``aggregation_strategy``, which all mean the same: an entity is always whole."""


@dataclass(frozen=True)
class Wanted:
    """The entities that a client wants to see."""

    min_score: float = 0.0
    """Lowest score."""
    ignored: frozenset[str] = frozenset()
    """Entity types that are left out."""

    def __call__(self, entities: Iterable[Entity]) -> list[Entity]:
        """Return those of ``entities`` that are wanted."""
        return [one for one in entities if one.score >= self.min_score and one.label not in self.ignored]


@dataclass(frozen=True)
class Ask:
    """A request for the entities of texts."""

    texts: Sequence[str]
    """The texts, in order."""
    is_list: bool
    """True if the client sent a list, and gets one list of entities for each text."""
    wanted: Wanted

    def answer(self, found: Sequence[Sequence[Entity]]) -> object:
        """Return the answer as a value of JSON; ``found`` has the entities of each text."""
        lists = [[_to_plain(entity) for entity in self.wanted(entities)] for entities in found]
        return lists if self.is_list else lists[0]


def parse_ask(body: bytes, most_texts: int) -> Ask:
    """Return the request that a body makes.

    Raises ProblemError: 400 where it is no JSON, 422 where it says something else than a request does.
    """
    try:
        value = from_json(body)
    except ValueError as error:
        raise ProblemError(400, str(error)) from None
    fields = _object(value, "the body", FIELDS)
    if "inputs" not in fields:
        raise ProblemError(422, "inputs is missing; it holds a text or a list of texts")
    inputs = fields["inputs"]
    if isinstance(inputs, str):
        texts, is_list = [inputs], False
    else:
        texts, is_list = _texts(inputs, most_texts), True
    _object(fields.get("options"), "options", None)
    return Ask(texts, is_list, _wanted(_object(fields.get("parameters"), "parameters", PARAMETERS)))


def min_score_of(value: object) -> float:
    """Return a lowest score; raise ProblemError where it is no number between 0 and 1."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise ProblemError(422, "min_score must be a number between 0 and 1")


def _texts(inputs: object, most_texts: int) -> list[str]:
    if not isinstance(inputs, list) or not all(isinstance(text, str) for text in inputs):
        raise ProblemError(422, "inputs must be a text or a list of texts")
    if len(inputs) > most_texts:
        raise ProblemError(422, f"inputs holds {len(inputs)} texts; send at most {most_texts} at once")
    return inputs


def _wanted(parameters: dict[str, object]) -> Wanted:
    strategy = parameters.get("aggregation_strategy")
    if strategy == "none":
        raise ProblemError(422, "aggregation_strategy none is not offered: entities are found whole; leave it out")
    if strategy is not None and strategy not in STRATEGIES:
        raise ProblemError(422, f"aggregation_strategy must be one of {', '.join(STRATEGIES)}")
    stride = parameters.get("stride")
    if stride is not None and (type(stride) is not int or stride < 0):
        raise ProblemError(422, "stride must be a whole number of at least 0; long texts are always cut with overlap")
    labels = parameters.get("ignore_labels")
    if labels is None:
        labels = []
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ProblemError(422, "ignore_labels must be a list of entity types")
    min_score = parameters.get("min_score")
    return Wanted(0.0 if min_score is None else min_score_of(min_score), frozenset(labels))


def _object(value: object, name: str, known: Sequence[str] | None) -> dict[str, object]:
    if value is None and name != "the body":
        return {}
    if not isinstance(value, dict):
        raise ProblemError(422, f"{name} must be a JSON object")
    for key in value:
        if known is not None and key not in known:
            raise ProblemError(422, f"{name} holds {key[:40]!r}, which is unknown; known: {', '.join(known)}")
    return value


def _to_plain(entity: Entity) -> dict[str, object]:
    return {
        "entity_group": entity.label,
        "score": round(entity.score, 4),
        "word": entity.text,
        "start": entity.start,
        "end": entity.end,
    }
