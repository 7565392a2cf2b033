"""The OpenAPI document of a service, for programs that make clients, pages and tests of it."""

from __future__ import annotations

from typing import Any

from edgener import __version__
from edgener.serve.ask import STRATEGIES
from edgener.serve.limits import Limits
from edgener.serve.lines import WRITERS
from edgener.serve.problem import ERROR_TYPES

Json = dict[str, Any]

MEANINGS = {
    400: "The body is no JSON, or the Host or Origin header names somebody else.",
    401: "No token, or one that is not known.",
    408: "The request did not arrive in time.",
    413: "The body, or a line, is too large.",
    415: "The body is of another type, or compressed.",
    422: "The body is JSON, but does not say what a request says.",
    429: "The service is overloaded; Retry-After says in how many seconds to ask again.",
    503: "The service ends, or has too many connections or unread bytes; Retry-After says when to ask again.",
    504: "The deadline passed before the answer.",
}
JSON_BODY = "application/json"


def document(limits: Limits, *, has_tokens: bool, has_page: bool) -> Json:
    """Return the document of a service with these limits."""
    ner = _ner_operation(limits)
    paths: dict[str, Json] = {
        "/v1/ner": {"post": {**ner, "operationId": "ner"}},
        "/": {"post": {**ner, "operationId": "nerAtRoot", "summary": f"{ner['summary']}, for Hugging Face's clients"}},
        "/v1/lines": {"post": _lines_operation()},
        "/health": {"get": _get("health", "Say that the process lives", _object(status=_string()))},
        "/ready": {"get": _ready_operation()},
        "/info": {"get": _get("info", "Describe the model and the limits", _info(), errors=(400, 401, 503))},
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "Numbers for Prometheus",
                "responses": {"200": _text_answer("text/plain"), **_errors(400, 401)},
            }
        },
        "/openapi.json": {"get": _get("openapi", "This document", {"type": "object"})},
    }
    if has_page:
        page = {"operationId": "page", "summary": "The page on which people try it"}
        paths["/"]["get"] = {**page, "responses": {"200": _text_answer("text/html"), **_errors(400, 503)}}
    for path in ("/health", "/ready", "/openapi.json", *(["/"] if has_page else [])):
        paths[path]["get"]["security"] = []
    components: Json = {"schemas": {"Entity": _entity(), "Error": _error()}}
    whole: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "edgener",
            "version": __version__,
            "description": "Finds people, places and organizations in Chinese text.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": components,
    }
    if has_tokens:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        whole["security"] = [{"token": []}]
    return whole


def _ner_operation(limits: Limits) -> Json:
    list_of_entities = {"type": "array", "items": {"$ref": "#/components/schemas/Entity"}}
    text = {"type": "string", "examples": ["王小明在北京大学工作。"]}
    parameters = {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            "min_score": {
                "type": ["number", "null"],
                "minimum": 0,
                "maximum": 1,
                "description": "Lowest score of entities that are returned.",
            },
            "ignore_labels": {
                "type": ["array", "null"],
                "items": _string(),
                "description": "Entity types that are left out.",
            },
            "aggregation_strategy": {
                "enum": [*STRATEGIES, None],
                "description": "Taken for the sake of Hugging Face's clients; entities are always whole.",
            },
            "stride": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "Taken for the sake of Hugging Face's clients; long texts are always cut with overlap.",
            },
        },
    }
    body = {
        "type": "object",
        "required": ["inputs"],
        "additionalProperties": False,
        "properties": {
            "inputs": {
                "description": "One text, or a list of texts.",
                "anyOf": [text, {"type": "array", "items": text, "maxItems": limits.most_texts}],
            },
            "parameters": parameters,
            "options": {"type": ["object", "null"], "description": "Ignored; older clients of Hugging Face send it."},
        },
    }
    answer = {
        "description": "The entities of a text; for a list of texts, a list with the entities of each.",
        "content": {JSON_BODY: {"schema": {"anyOf": [list_of_entities, {"type": "array", "items": list_of_entities}]}}},
        "headers": {"Server-Timing": {"schema": _string(), "description": "Milliseconds in the queue and computing."}},
    }
    timeout = {
        "name": "X-Request-Timeout",
        "in": "header",
        "description": "Seconds after which the answer is of no use; the service has a limit of its own.",
        "schema": {"type": "number", "exclusiveMinimum": 0},
    }
    return {
        "summary": "Find entities",
        "parameters": [timeout],
        "requestBody": {"required": True, "content": {JSON_BODY: {"schema": body}}},
        "responses": {"200": answer, **_errors(*MEANINGS)},
    }


def _lines_operation() -> Json:
    query = [
        ("format", {"enum": list(WRITERS)}, "JSON lines as the command line prints, or a character and its tag a row."),
        ("min_score", {"type": "number", "minimum": 0, "maximum": 1}, "Lowest score of entities that are returned."),
        ("ignore_labels", _string(), "Entity types that are left out, with commas between them."),
    ]
    answers = {"application/x-ndjson": {"schema": _string()}, "text/plain": {"schema": _string()}}
    return {
        "operationId": "lines",
        "summary": "Answer each line of a stream, while more is sent",
        "parameters": [
            {"name": name, "in": "query", "schema": schema, "description": text} for name, schema, text in query
        ],
        "requestBody": {"required": True, "content": {"text/plain": {"schema": _string()}}},
        "responses": {
            "200": {"description": "An answer for each line, in order.", "content": answers},
            **_errors(*MEANINGS),
        },
    }


def _ready_operation() -> Json:
    content = _object(status=_string(), model=_string())
    return _get("ready", "Say whether new requests are welcome", content, errors=(400, 503))


def _get(name: str, summary: str, content: Json, errors: tuple[int, ...] = (400, 503)) -> Json:
    answer = {"description": "As its schema says.", "content": {JSON_BODY: {"schema": content}}}
    return {"operationId": name, "summary": summary, "responses": {"200": answer, **_errors(*errors)}}


def _errors(*statuses: int) -> Json:
    content = {JSON_BODY: {"schema": {"$ref": "#/components/schemas/Error"}}}
    answers: Json = {str(status): {"description": MEANINGS[status], "content": content} for status in statuses}
    for status in {"429", "503"} & answers.keys():
        answers[status] = {**answers[status], "headers": {"Retry-After": {"schema": {"type": "string"}}}}
    return answers


def _text_answer(media_type: str) -> Json:
    return {"description": "Lines of text.", "content": {media_type: {"schema": _string()}}}


def _entity() -> Json:
    return {
        **_object(
            entity_group={**_string(), "description": "Type: PER, LOC, ORG or another one of the model's."},
            score={"type": "number", "minimum": 0, "maximum": 1},
            word={**_string(), "description": "The text's own characters."},
            start={"type": "integer", "minimum": 0, "description": "First code point."},
            end={"type": "integer", "minimum": 1, "description": "One past the last code point."},
        ),
        "additionalProperties": False,
    }


def _error() -> Json:
    error_type = {"enum": sorted(ERROR_TYPES.values())}
    return _object(error={**_string(), "description": "One sentence for people."}, error_type=error_type)


def _info() -> Json:
    number = {"type": "number"}
    model = _object(
        name=_string(),
        digest=_string(),
        labels={"type": "array", "items": _string()},
        max_tokens={"type": "integer"},
    )
    limits = _object(bytes=number, texts=number, connections=number, deadline_seconds=number)
    count = {"type": "integer"}
    return _object(version=_string(), model=model, workers=count, processes=count, limits=limits)


def _object(**properties: Json) -> Json:
    return {"type": "object", "required": list(properties), "properties": properties}


def _string() -> Json:
    return {"type": "string"}
