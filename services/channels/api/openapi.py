"""Response models and OpenAPI fragments that the routes share."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import orjson
from fastapi import Response
from pydantic import BaseModel, Field, create_model

from contracts.base import Json
from services.channels.api import response_models


class Kinds:
    """The models of a channel's documents, `item` and `guide`, and of `changes`, which contains both."""

    def __init__(self, channel: str) -> None:
        module = f"services.channels.{channel}.documents"
        own: Any = import_module(module) if find_spec(module) else None
        self.item: type[BaseModel] = own.ItemDocument if own else response_models.ItemDocument
        self.guide: type[BaseModel] = own.GuideDocument if own else response_models.GuideDocument
        one_of: Any = self.item | self.guide | None
        change: Any = create_model(
            "Change",
            __base__=response_models.Change,
            __doc__="The newest state of a key: its document or a tombstone.",
            document=(one_of, Field(description="Null: no longer shown; the reader deletes its copy.")),
        )
        self.changes: type[BaseModel] = create_model(
            "Changes",
            __base__=response_models.Changes,
            __doc__="Changes in order, at most one per key.",
            changes=(list[change], ...),
        )


def problem_answer(description: str) -> Json:
    """Return an entry of `responses=` for an error that clients should handle by its status."""
    return {
        "description": description,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def as_json(content: Json) -> Response:
    """Return `content` as a JSON response."""
    return Response(orjson.dumps(content), media_type="application/json")


UNCHANGED: Json = {"description": "The reader already has this version, see If-None-Match"}
IF_NONE_MATCH: Json = {
    "parameters": [
        {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "description": "ETag of the response that the reader has.",
            "schema": {"type": "string"},
        }
    ]
}
"""`openapi_extra` of routes with an ETag. The edge reads the header; no endpoint does."""

CONDITIONAL: Any = {"responses": {304: UNCHANGED}, "openapi_extra": IF_NONE_MATCH}
"""Keyword arguments of a route with an ETag."""
