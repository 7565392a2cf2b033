"""A deployment of Ray Serve, for those who run Ray already: serve run ray_serve:app.

It takes the body of POST /v1/ner with a list of texts, and batches what waits without waiting for more.
"""

from __future__ import annotations

import json
from typing import Any

from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from edgener import Recognizer

Entities = list[dict[str, Any]]


@serve.deployment(ray_actor_options={"num_cpus": 1}, max_ongoing_requests=64, max_queued_requests=256)
class Ner:
    """A replica with a model of its own, which computes with one thread."""

    def __init__(self, model: str = "default") -> None:
        self._recognizer = Recognizer.load(model)

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0)  # type: ignore[untyped-decorator]
    async def find(self, requests: list[list[str]]) -> list[list[Entities]]:
        """Return the entities of each text of each request; the recognizer sorts all of them by length."""
        found = self._recognizer.batch(text for texts in requests for text in texts)
        return [[[entity.to_dict() for entity in next(found)] for _ in texts] for texts in requests]

    async def __call__(self, request: Request) -> Response:
        """Answer one request, checked before it shares a batch with those of others."""
        try:
            body = await request.json()
        except (ValueError, RecursionError):  # UnicodeDecodeError and json.JSONDecodeError are ValueErrors
            return JSONResponse({"error": "the body is no JSON"}, status_code=400)
        texts = body.get("inputs") if isinstance(body, dict) else None
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            return JSONResponse({"error": "inputs must be a list of texts"}, status_code=422)
        found = await self.find(texts)
        return Response(json.dumps(found), media_type="application/json")  # lone surrogates as escapes


app = Ner.bind()  # type: ignore[attr-defined]
