"""docs/openapi.json is what a service says of itself, word for word."""

from __future__ import annotations

import json

from edgener.serve.limits import Limits
from edgener.serve.openapi import document
from tests.support import ROOT
from tools.openapi_document import text

PAGE = ROOT / "docs/openapi.json"


def test_the_document_is_that_of_the_service() -> None:
    """If this fails: python tools/openapi_document.py > docs/openapi.json."""
    assert PAGE.read_text(encoding="utf-8") == text()


def test_without_tokens_and_a_page_neither_is_in_the_document() -> None:
    whole = json.loads(PAGE.read_text(encoding="utf-8"))
    del whole["security"], whole["components"]["securitySchemes"], whole["paths"]["/"]["get"]
    for methods in whole["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    found = json.loads(json.dumps(document(Limits(), has_tokens=False, has_page=False)))
    for methods in found["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    assert found == whole
