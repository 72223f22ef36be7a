"""Keeping a copy: changes by cursor, and digests by which a reader proves that its copy is the channel's.

What a reader must do is in docs/integrating/mirror.md; `mirror.py` beside it does it.
"""

import hashlib
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from services.channels import answers, describing, queries
from services.channels.commands import Channel, state
from shared.http import etag_response, problem

Limit = Annotated[int, Query(ge=1, le=500)]
Bucket = Annotated[str, Path(pattern=r"^[0-9a-f]{2}$", description="First byte of SHA-256 over the key, in hex.")]


def router(channel: Channel) -> APIRouter:
    """Routes by which a reader keeps a copy of all public documents."""
    routes = APIRouter(prefix="/v1", tags=["sync"])
    db = channel.db

    @routes.get(
        "/changes",
        summary="What changed since a cursor: documents and tombstones, in order",
        response_model=describing.Kinds(channel.adapter.name).changes,
        responses={304: describing.UNCHANGED, 410: describing.problem_answer("Start over from since=0")},
        openapi_extra=describing.IF_NONE_MATCH,
    )
    def changes(request: Request, since: Annotated[str, Query(max_length=64)] = "0", limit: Limit = 200) -> Response:
        """`more` false: up to date. Status 410: the cursor is of another life of this channel; start from 0."""
        with db.read() as session:
            after = queries.cursor(session, since)
            rows = queries.changes(session, after, limit)
            at = state(session)
        more = len(rows) == limit
        cursor = f"{at.epoch}.{rows[-1].change if more else at.change}"
        joined = ",".join(queries.change_json(row) for row in rows)
        text = f'{{"changes":[{joined}],"cursor":"{cursor}","more":{str(more).lower()}}}'
        return etag_response(request, text.encode(), f"{at.epoch}.{at.change}")

    _digests(routes, channel)
    return routes


def _digests(routes: APIRouter, channel: Channel) -> None:
    db = channel.db

    @routes.get(
        "/source",
        summary="How far this channel is, its newest signed head, and digests of what it serves",
        response_model=answers.Source,
        **describing.CONDITIONAL,
    )
    def source(request: Request) -> Response:
        with db.read() as session:
            mark = queries.freshness(session)
            found = queries.digests(session)
        body = {
            "channel": channel.adapter.name,
            **mark,
            "digests": {"root": found.root, "buckets": found.buckets, "counts": found.counts},
        }
        content = orjson.dumps(body)
        return etag_response(request, content, hashlib.sha256(content).hexdigest())

    @routes.get(
        "/source/{kind}/{bucket}",
        summary="What one bucket of the digests is made of: which document is altered, missing or too many",
        response_model=answers.BucketLines,
        **describing.CONDITIONAL,
    )
    def lines(request: Request, kind: Literal["item", "guide"], bucket: Bucket) -> Response:
        """Cases are in no list."""
        with db.read() as session:
            cursor = queries.freshness(session)["cursor"]
            found = queries.bucket(session, kind, bucket)
        content = orjson.dumps({"cursor": cursor, "lines": found})
        return etag_response(request, content, hashlib.sha256(content).hexdigest())

    @routes.get("/position", summary="How far this channel is", response_model=answers.Position)
    def position() -> Response:
        with db.read() as session:
            return describing.as_json(queries.freshness(session))


async def start_over(_request: Request, error: queries.StartOver) -> Response:
    """The answer to a cursor of another life of this channel."""
    return problem(410, error.title, str(error), snapshot="changes?since=0")
