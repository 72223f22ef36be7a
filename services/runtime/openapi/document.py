"""The OpenAPI document of one service, completed from what its HTTP app declares.

FastAPI knows paths and parameters. This module adds, from the routes: the token that an operation needs, the common
shape of errors, the shape of a draft, and the stream, which is mounted beside the routes. It imports no service: every
process serves the document of its own.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import partial

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel

from contracts.base import Json
from contracts.content.guides import Guide
from contracts.content.items import Item
from contracts.generators.json_schema import GENERATED
from contracts.topology import SUBSCRIPTIONS
from services.runtime.manifests import CHANNELS
from shared.tokens.access import DeclaredAccess
from shared.web.edge import PROBLEM_TYPE

DRAFTS: dict[str, type[BaseModel]] = {"/v1/items/{code}": Item, "/v1/guides/{code}": Guide}
"""Path → model of the body of a PUT to it. The routes read any JSON, in order to report every mistake at once."""

SCREEN_COOKIE = "tongyuan_screen"
PROBLEM_REF = {"$ref": "#/components/responses/Problem"}
TEXT = {"type": "string"}
PROBLEM = {
    "title": "Problem",
    "description": "Problem document of RFC 9457; `errors` lists every field that breaks a rule.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {**TEXT, "format": "uri-reference"},
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "rule", "message"],
                "properties": {"field": TEXT, "rule": TEXT, "message": TEXT, "value": TEXT},
            },
        },
    },
}
SECURITY_SCHEMES = {
    "admin": {
        "type": "http",
        "scheme": "bearer",
        "description": (
            "The admin token at the sources and in `tongyuan up`. In production, a token of a caller with the right "
            "stated here (`tongyuan token SERVICE`)."
        ),
    },
    "service": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of a caller with the right stated here, or an admin token that grants it.",
    },
    "person": {
        "type": "http",
        "scheme": "bearer",
        "description": (
            "An API token of a person of the desk who has one of the roles stated here (none: any person). A browser's "
            "session counts as well, for a write only with its header X-CSRF-Token; giving out credentials takes no "
            "API token. People are administered with an operator's token, too (`tongyuan token console`)."
        ),
    },
    "subscriber": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of a subscription (`tysub_…`) with the scope stated here.",
    },
    "screen": {
        "type": "apiKey",
        "in": "cookie",
        "name": SCREEN_COOKIE,
        "description": "Token of an enrolled screen of the hall.",
    },
}
STREAM = {
    "get": {
        "tags": ["sync"],
        "summary": "Stream changes and heads as server-sent events",
        "description": (
            "Begins with `sync` (up to date), the missed `change`s and then `sync`, or `reset` (start over from "
            "`/v1/changes`); then follow each `change` and each signed `head`. A comment every few seconds keeps the "
            "connection open."
        ),
        "operationId": "stream_v1_stream_get",
        "parameters": [
            {"name": "Last-Event-ID", "in": "header", "required": False, "schema": TEXT},
            {"name": "last_event_id", "in": "query", "required": False, "schema": TEXT},
        ],
        "responses": {
            "200": {"description": "The event stream", "content": {"text/event-stream": {"schema": TEXT}}},
            "default": PROBLEM_REF,
        },
    }
}

EVENTS = {
    "get": {
        "tags": ["feed"],
        "summary": "Stream your events as server-sent events",
        "description": (
            "Each `event` is a CloudEvent, with a cursor as its id; `sync` tells that you are up to date. `reset`: the "
            "cursor cannot be continued, start from `/v1/snapshot`; the stream ends."
        ),
        "operationId": "stream_v1_stream_get",
        "security": [{"subscriber": ["feed"]}],
        "parameters": [
            {"name": "Last-Event-ID", "in": "header", "required": False, "schema": TEXT},
            {"name": "cursor", "in": "query", "required": False, "schema": TEXT},
        ],
        "responses": {
            "200": {"description": "The event stream", "content": {"text/event-stream": {"schema": TEXT}}},
            "default": PROBLEM_REF,
        },
    }
}


def document(service: str, api: FastAPI) -> Json:
    """Return the complete OpenAPI document of a service's app."""
    found = deepcopy(FastAPI.openapi(api))
    tokens = _security(api)
    components = found.setdefault("components", {})
    components.setdefault("schemas", {})
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _complete(operation, tokens.get((path, method)))
            if path in DRAFTS and method == "put":
                _give_body(operation, DRAFTS[path])
            _lift_definitions(found, operation)
    if service in CHANNELS:
        found["paths"]["/v1/stream"] = deepcopy(STREAM)
    elif service == SUBSCRIPTIONS:
        found["paths"]["/v1/stream"] = deepcopy(EVENTS)
    components["schemas"] = _schemas(components["schemas"])
    components["responses"] = {
        "Problem": {
            "description": "The request failed; the body gives the reason",
            "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    }
    components["securitySchemes"] = SECURITY_SCHEMES
    servers = [{"url": f"/{service}", "description": "Path below the county's address"}]
    return {"openapi": found.pop("openapi"), "x-generated": GENERATED, "servers": servers, **found}


def serving_document(service: str, api: FastAPI) -> FastAPI:
    """Make the app serve its complete document at `/openapi.json`; return the app."""
    api.openapi = partial(document, service, api)  # type: ignore[method-assign]  # FastAPI's documented way
    return api


def tokens_of(api: FastAPI) -> dict[tuple[str, str], str]:
    """Return, by path and method, the token that the route's dependencies require, for those that require one."""
    return {place: next(iter(asked)) for place, asked in _security(api).items()}


def _security(api: FastAPI) -> dict[tuple[str, str], Json]:
    """Return, by path and method, the token that the route's dependencies require and the right in it."""
    return {
        (str(context.path), method.lower()): call.openapi_security()
        for context in iter_route_contexts(api.routes)
        if isinstance(context.original_route, APIRoute)
        for call in _calls(context.dependant)
        if isinstance(call, DeclaredAccess)
        for method in context.methods or ()
    }


def _calls(dependant: Dependant) -> Iterator[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def _complete(operation: Json, token: Json | None) -> None:
    """Declare a problem as the answer to every error; FastAPI's own 422 is never sent."""
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = PROBLEM_REF
    if token:
        operation["security"] = [token]


def _give_body(operation: Json, model: type[BaseModel]) -> None:
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": model.model_json_schema()}},
    }


def _lift_definitions(found: Json, operation: Json) -> None:
    """Move definitions of a body's schema to the components: OpenAPI cannot refer to them inside a body."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = json.loads(json.dumps(content["schema"]).replace('"#/$defs/', '"#/components/schemas/'))
        found["components"]["schemas"].update(schema.pop("$defs", {}))
        content["schema"] = schema


def _schemas(found: Json) -> Json:
    kept = {name: schema for name, schema in found.items() if name not in ("HTTPValidationError", "ValidationError")}
    return dict(sorted({**kept, "Problem": PROBLEM}.items()))
