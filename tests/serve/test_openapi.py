"""The OpenAPI document says what the service does: a tester that knows only the document finds nothing."""

from __future__ import annotations

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.schemas import BaseSchema

from tests.serve.servers import TOKEN, Running

EXAMPLES = 8
"""Cases of each operation; tools/fuzz_serve.py and ``st run`` try more."""


def check_all(service: Running, headers: dict[str, str]) -> int:
    """Ask whatever the document allows and what it does not, check each answer, and return the number of requests."""
    document: BaseSchema = schemathesis.openapi.from_url(f"{service.address}/openapi.json")
    asked = 0
    for result in document.get_all_operations():
        operation = result.ok()
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):

            def check(case: schemathesis.Case) -> None:
                nonlocal asked
                asked += 1
                case.call_and_validate(headers=headers)

            strategy = operation.as_strategy(generation_mode=mode)
            quick = settings(
                max_examples=EXAMPLES,
                phases=(Phase.generate,),
                derandomize=True,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            )
            from hypothesis import given

            quick(given(strategy)(check))()
    return asked


def test_a_tester_finds_nothing(service: Running) -> None:
    assert check_all(service, {}) > 40
    assert service.metric('edgener_requests_total{route="/v1/ner",status="500"}') == 0


def test_a_tester_with_a_token_finds_nothing(guarded: Running) -> None:
    assert check_all(guarded, {"Authorization": f"Bearer {TOKEN}"}) > 40


def test_the_document_names_all_routes_and_how_to_show_a_token(service: Running, guarded: Running) -> None:
    document = service.get("/openapi.json").json
    assert set(document["paths"]) == {
        "/", "/v1/ner", "/v1/lines", "/health", "/ready", "/info", "/metrics", "/openapi.json"
    }  # fmt: skip
    assert "security" not in document
    assert guarded.get("/openapi.json").json["security"] == [{"token": []}]
