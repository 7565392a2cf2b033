"""A service lives through anything that is sent to it, and never blames itself."""

from __future__ import annotations

from tests.serve.servers import TEXT, Running
from tools.fuzz_serve import fuzz

REQUESTS = 400
"""tools/fuzz_serve.py sends 10,000."""


def test_random_requests_are_answered_without_an_internal_error(service: Running) -> None:
    statuses = fuzz((service.host, service.port), REQUESTS)
    assert statuses[500] == 0
    assert {200, 400, 404, 405, 415, 422} <= statuses.keys()
    assert [line for line in service.log if "internal error" in line] == []
    assert 'status="500"' not in service.get("/metrics").body.decode()
    assert len(service.ask({"inputs": TEXT}).json) == 2
