"""A component of spaCy that finds entities with edgener, loaded or as a service: python spacy_component.py TEXT."""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import filter_spans

from edgener import Entity, Recognizer
from edgener.client import Client


class EntityFinder:
    """A component that sets ``doc.ents``."""

    def __init__(self, finder: Recognizer | Client) -> None:
        """Take what finds the entities; a recognizer and a client of a service are called alike."""
        self.finder = finder

    def __call__(self, doc: Doc) -> Doc:
        """Set the entities of one document."""
        return _with_entities(doc, self.finder(doc.text))

    def pipe(self, docs: Iterable[Doc], batch_size: int = 64) -> Iterator[Doc]:
        """Set the entities of many documents, which are computed together."""
        iterator = iter(docs)
        while batch := list(islice(iterator, batch_size)):
            found = self.finder.batch([doc.text for doc in batch])
            for doc, entities in zip(batch, found, strict=True):
                yield _with_entities(doc, entities)


def _with_entities(doc: Doc, entities: Iterable[Entity]) -> Doc:
    """Set the entities; one that ends within a token is widened to the token's end."""
    spans = (doc.char_span(one.start, one.end, one.label, alignment_mode="expand") for one in entities)
    doc.ents = tuple(filter_spans([span for span in spans if span is not None]))
    return doc


@Language.factory("edgener", default_config={"model": "default", "address": ""})
def make_component(nlp: Language, name: str, model: str, address: str) -> EntityFinder:  # noqa: ARG001
    """Return the component: of the service at ``address`` if there is one, else with a model in this process."""
    return EntityFinder(Client(address) if address else Recognizer.load(model))


if __name__ == "__main__":
    pipeline = spacy.blank("zh")  # characters are its tokens, so that every entity fits them
    pipeline.add_pipe("edgener")
    for span in pipeline(sys.argv[1]).ents:
        print(span.start_char, span.end_char, span.label_, span.text)
