"""A recognizer of Presidio that finds the names in Chinese text with edgener: python presidio_recognizer.py TEXT."""

import sys

import spacy
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine

from edgener import Recognizer
from edgener.client import Client

TYPES = {"PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION"}
"""Presidio's names of our entity types."""


class ChineseNames(EntityRecognizer):
    """A recognizer of people, places and organizations."""

    def __init__(self, finder: Recognizer | Client) -> None:
        """Take what finds the entities; a recognizer and a client of a service are called alike."""
        self._finder = finder
        super().__init__(supported_entities=list(TYPES.values()), supported_language="zh", name="edgener")

    def load(self) -> None:
        """Do nothing: the finder is loaded already."""

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: NlpArtifacts | None = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """Return the places of the wanted types in a text."""
        return [
            RecognizerResult(TYPES[one.label], one.start, one.end, one.score)
            for one in self._finder(text)
            if TYPES.get(one.label) in entities
        ]


class BlankChinese(SpacyNlpEngine):
    """Presidio's language engine without a model, since only our recognizer needs to understand the text."""

    def __init__(self) -> None:
        super().__init__()
        self.nlp = {"zh": spacy.blank("zh")}  # type: ignore[assignment]


def analyzer(finder: Recognizer | Client) -> AnalyzerEngine:
    """Return an analyzer of Chinese text that knows our recognizer."""
    registry = RecognizerRegistry(recognizers=[ChineseNames(finder)], supported_languages=["zh"])
    return AnalyzerEngine(registry=registry, nlp_engine=BlankChinese(), supported_languages=["zh"])


if __name__ == "__main__":
    for result in analyzer(Recognizer.load()).analyze(sys.argv[1], language="zh"):
        print(result.start, result.end, result.entity_type, sys.argv[1][result.start : result.end])
