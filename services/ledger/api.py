"""HTTP API of the ledger: head, entries, tiles, proofs, keys. Everything except the bodies of cases is public."""

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Response

from contracts.base import Json
from services.ledger import queries
from services.ledger.erasure import http
from services.ledger.log import tiles
from services.ledger.log.cached_trees import CachedTrees
from services.ledger.scrub.rounds import told
from services.ledger.signing.refusal import refusal
from services.ledger.snapshots import snapshot
from services.ledger.snapshots.state_tree import StateTree
from services.ledger.sources import http as sources_http
from shared.audit.http import audit_router
from shared.config import Settings
from shared.database.engine import Database
from shared.tokens.access import guard, sees_bodies
from shared.tokens.rights import Right
from shared.web.admission import List
from shared.web.edge import After, Key, Number, etag_response, make_api


def make(db: Database, settings: Settings) -> FastAPI:
    """Return the ASGI app."""

    def ready() -> dict[str, Any]:
        with db.read() as session:
            return {"size": queries.size(session), "signing": refusal(session) is None}

    api = make_api("ledger", "Tongyuan ledger", settings, ready)
    api.include_router(_entries(db))
    api.include_router(_keys(db))
    api.include_router(_signatures(db, settings.log_origin))
    api.include_router(_trees(db))
    api.include_router(tiles.router(db))
    api.include_router(snapshot.router(db))
    api.include_router(http.router(db))
    api.include_router(sources_http.router(db))
    api.include_router(audit_router(db))
    return api


def _entries(db: Database) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["entries"])

    @router.get("/head", summary="Read the newest signed head")
    def head(response: Response) -> Json:
        response.headers["Cache-Control"] = "no-cache"
        with db.read() as session:
            return queries.head(session)

    @router.get("/entries", dependencies=[List], summary="List entries in order of position")
    def entries(
        request: Request,
        first: Annotated[Number, Query(alias="from", ge=1)] = 1,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        proofs: Annotated[bool, Query(description="Add a C2SP tlog-proof to each entry.")] = False,
    ) -> Response:
        """Where bodies are large, fewer than `limit` are returned: continue after the last one, until `size`."""
        trusted = sees_bodies(request)
        with db.read() as session:
            rows = queries.entries(session, first, limit)
            documents = queries.documents(session, rows, trusted=trusted, proofs=proofs)
            size = queries.size(session)
        return _json(f'{{"entries":[{",".join(documents)}],"size":{size}}}', cache="no-cache")

    @router.get("/entries/{position}", summary="Read one entry")
    def entry(request: Request, position: Number) -> Response:
        trusted = sees_bodies(request)
        with db.read() as session:
            (document,) = queries.documents(session, [queries.entry(session, position)], trusted=trusted)
        if trusted:
            return _json(document, cache="no-store")
        # The law may require the body's erasure later: a cache must revalidate its copy each time.
        etag = hashlib.sha256(document.encode()).hexdigest()[:32]
        return etag_response(request, document.encode(), etag, headers={"Vary": "Authorization"})

    return router


def _keys(db: Database) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["entries"])

    @router.get("/current", summary="List the newest version of every key, in order of keys")
    def current(after: After = "", limit: Annotated[int, Query(ge=1, le=1000)] = 500) -> Json:
        with db.read() as session:
            return {"keys": queries.current(session, after, limit), "size": queries.size(session)}

    @router.get("/versions/{key}", summary="List the entries of a key in order of versions, without bodies")
    def versions(
        key: Key,
        after: Annotated[Number, Query(description="`next` of the previous page.")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    ) -> Json:
        """`next` is null on the last page."""
        with db.read() as session:
            found = queries.versions(session, key, after, limit + 1)
        return {"versions": found[:limit], "next": found[limit - 1]["version"] if len(found) > limit else None}

    @router.get("/sources", summary="Read the recorded sequence of each lane of each source")
    def sources() -> Json:
        with db.read() as session:
            return {"sources": queries.marks(session)}

    return router


def _signatures(db: Database, origin: str) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["proofs"])

    @router.get(
        "/keys", summary="List the present and former public keys for heads, and those for the sources' releases"
    )
    def keys(response: Response) -> Json:
        response.headers["Cache-Control"] = "no-cache"
        with db.read() as session:
            return {
                "keys": queries.signing_keys(session, datetime.now(UTC)),
                "second_keys": queries.second_keys(session),
                "source_keys": queries.source_keys(session, origin),
            }

    @router.get(
        "/statement", summary="Read the signed statement of the newest head, its period of validity and the state root"
    )
    def statement(response: Response) -> Json:
        response.headers["Cache-Control"] = "no-cache"
        with db.read() as session:
            return queries.statement(session)

    @router.get(
        "/signer",
        dependencies=[guard(Right.RECORDING)],
        summary="Read whether the ledger signs and records, and why not",
    )
    def signer() -> Json:
        with db.read() as session:
            return queries.recording(session)

    @router.get(
        "/scrub",
        dependencies=[guard(Right.INSPECT)],
        summary="Read the progress of the ledger's self-check and the damage found",
    )
    def scrub(response: Response) -> Json:
        """`damaged`: position, key and part of what differs from what was recorded; `problem`: why it is not mended."""
        response.headers["Cache-Control"] = "no-store"
        with db.read() as session:
            return told(session)

    return router


def _trees(db: Database) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["proofs"])
    states = CachedTrees(StateTree)

    @router.get(
        "/state/{key}", summary="Prove the newest version of a key under the newest statement, or that there is none"
    )
    def state(key: Key, response: Response) -> Json:
        response.headers["Cache-Control"] = "no-cache"
        with db.read() as session:
            return queries.state_proof(states, db, session, key)

    @router.get("/proof/inclusion", summary="Prove that an entry is in the tree")
    def inclusion(position: Number, size: Number | None = None) -> Json:
        with db.read() as session:
            return queries.inclusion(session, position, size)

    @router.get("/proof/consistency", summary="Prove that a larger tree continues a smaller one")
    def consistency(first: Number, second: Number | None = None) -> Json:
        with db.read() as session:
            return queries.consistency(session, first, second)

    return router


def _json(content: str, *, cache: str) -> Response:
    return Response(content, media_type="application/json", headers={"Cache-Control": cache, "Vary": "Authorization"})
