"""Lets a client keep a copy: changes by cursor, and digests that prove the copy equals the channel.

docs/integrating/mirror.md says what a client must do; `mirror.py` beside it is a client.
"""

import hashlib
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from contracts.kinds import LISTED
from services.channels.api import openapi, queries, response_models
from services.channels.core.channel import Channel
from services.channels.core.served_digests import ServedDigests
from services.channels.core.store import state
from shared.web.admission import List
from shared.web.edge import etag_response, problem
from shared.web.response_cache import shareable

ListedKind = Annotated[str, Path(pattern=rf"^({'|'.join(LISTED)})$", description="A kind whose documents are listed.")]
Limit = Annotated[int, Query(ge=1, le=500)]
Bucket = Annotated[str, Path(pattern=r"^[0-9a-f]{2}$", description="First byte of SHA-256 over the key, in hex.")]


def router(channel: Channel) -> APIRouter:
    """Return the routes for keeping a copy of all public documents."""
    routes = APIRouter(prefix="/v1", tags=["sync"])
    db = channel.db

    @routes.get(
        "/changes",
        dependencies=[List],
        summary="List the changes since a cursor: documents and tombstones, in order",
        response_model=openapi.Kinds(channel.adapter.name).changes,
        responses={
            304: openapi.UNCHANGED,
            410: openapi.problem_answer("The cursor is no longer valid; start over from since=0"),
        },
        openapi_extra=openapi.IF_NONE_MATCH,
    )
    @shareable
    def changes(request: Request, since: Annotated[str, Query(max_length=64)] = "0", limit: Limit = 200) -> Response:
        """`more` false: the client is up to date. While it is true, fewer than `limit` may come if documents are large.

        Status 410: the cursor is of another epoch of this channel; start from 0.
        """
        with db.read() as session:
            after = queries.cursor(session, since)
            rows, more = queries.changes_page(session, after, limit)
            at = state(session)
        cursor = f"{at.epoch}.{rows[-1].change if more else at.change}"
        joined = ",".join(queries.change_json(row) for row in rows)
        text = f'{{"changes":[{joined}],"cursor":"{cursor}","more":{str(more).lower()}}}'
        return etag_response(request, text.encode(), f"{at.epoch}.{at.change}")

    _digests(routes, channel)
    return routes


def _digests(routes: APIRouter, channel: Channel) -> None:
    db, served = channel.db, ServedDigests(channel.db)

    @routes.get(
        "/source",
        summary="Read this channel's position, its newest signed head and digests of its documents",
        response_model=response_models.Source,
        **openapi.CONDITIONAL,
    )
    @shareable
    def source(request: Request) -> Response:
        at, found = served.read()
        body = {
            "channel": channel.adapter.name,
            **queries.freshness_of(at),
            "digests": {"root": found.root, "buckets": found.buckets, "counts": found.counts},
        }
        content = orjson.dumps(body)
        return etag_response(request, content, hashlib.sha256(content).hexdigest())

    @routes.get(
        "/source/{kind}/{bucket}",
        summary="List the documents of one digest bucket, to find altered, missing or extra ones",
        response_model=response_models.BucketLines,
        **openapi.CONDITIONAL,
    )
    @shareable
    def lines(request: Request, kind: ListedKind, bucket: Bucket) -> Response:
        """Kinds that are not listed, such as cases, have no buckets."""
        with db.read() as session:
            cursor = queries.freshness(session)["cursor"]
            found = queries.bucket(session, kind, bucket)
        content = orjson.dumps({"cursor": cursor, "lines": found})
        return etag_response(request, content, hashlib.sha256(content).hexdigest())

    @routes.get("/position", summary="Read this channel's position", response_model=response_models.Position)
    @shareable
    def position() -> Response:
        with db.read() as session:
            return openapi.as_json(queries.freshness(session))


async def start_over(_request: Request, error: queries.StartOver) -> Response:
    """Answer a cursor of another epoch of this channel."""
    return problem(410, error.title, str(error), snapshot="changes?since=0")
