"""HTTP of the ledger: head, entries, tiles, proofs, keys. Everything but application bodies is public."""

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Response

from contracts.base import Json
from services.ledger import queries, retention_api, snapshot, tiles
from services.ledger.kept_trees import KeptTrees
from services.ledger.refusal import refusal
from services.ledger.state import StateTree
from shared.config import Settings
from shared.database import Database
from shared.http import After, Key, Number, Service, etag_response, is_service, make_api


def make(db: Database, settings: Settings) -> FastAPI:
    """The ASGI app."""

    def ready() -> dict[str, Any]:
        with db.read() as session:
            return {"size": queries.size(session), "signing": refusal(session) is None}

    api = make_api("ledger", "Tongyuan ledger", settings, ready)
    api.include_router(_entries(db))
    api.include_router(_proofs(db))
    api.include_router(tiles.router(db))
    api.include_router(snapshot.router(db))
    api.include_router(retention_api.router(db))
    return api


def _entries(db: Database) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["entries"])

    @router.get("/head", summary="The newest signed head")
    def head(response: Response) -> Json:
        response.headers["Cache-Control"] = "no-cache"
        with db.read() as session:
            return queries.head(session)

    @router.get("/entries", summary="Entries in order of position")
    def entries(
        request: Request,
        first: Annotated[Number, Query(alias="from", ge=1)] = 1,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        proofs: Annotated[bool, Query(description="Each with its C2SP tlog-proof.")] = False,
    ) -> Response:
        trusted = is_service(request)
        with db.read() as session:
            rows = queries.entries(session, first, limit)
            documents = queries.documents(session, rows, trusted=trusted, proofs=proofs)
            size = queries.size(session)
        return _json(f'{{"entries":[{",".join(documents)}],"size":{size}}}', cache="no-cache")

    @router.get("/entries/{position}", summary="One entry")
    def entry(request: Request, position: Number) -> Response:
        trusted = is_service(request)
        with db.read() as session:
            (document,) = queries.documents(session, [queries.entry(session, position)], trusted=trusted)
        if trusted:
            return _json(document, cache="no-store")
        # Law may have the body erased tomorrow: whoever keeps a copy asks each time whether it still holds.
        etag = hashlib.sha256(document.encode()).hexdigest()[:32]
        return etag_response(request, document.encode(), etag, headers={"Vary": "Authorization"})

    @router.get("/current", summary="Newest version of every key, in order of keys")
    def current(after: After = "", limit: Annotated[int, Query(ge=1, le=1000)] = 500) -> Json:
        with db.read() as session:
            return {"keys": queries.current(session, after, limit), "size": queries.size(session)}

    @router.get("/versions/{key}", summary="Every entry of a key, without bodies")
    def versions(key: Key) -> Json:
        with db.read() as session:
            return {"versions": queries.versions(session, key)}

    @router.get("/sources", summary="How far each lane of each source has been taken")
    def sources() -> Json:
        with db.read() as session:
            return {"sources": queries.marks(session)}

    return router


def _proofs(db: Database) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["proofs"])
    states = KeptTrees(StateTree)

    @router.get("/keys", summary="Public keys that sign the heads, or once did")
    def keys(response: Response) -> Json:
        response.headers["Cache-Control"] = "no-cache"
        with db.read() as session:
            return {
                "keys": queries.signing_keys(session, datetime.now(UTC)),
                "second_keys": queries.second_keys(session),
            }

    @router.get("/statement", summary="The newest head with its time, its end and the root of the state, signed")
    def statement(response: Response) -> Json:
        response.headers["Cache-Control"] = "no-cache"
        with db.read() as session:
            return queries.statement(session)

    @router.get("/signer", dependencies=[Service], summary="Why the signer refuses the ledger as it is now")
    def signer() -> Json:
        with db.read() as session:
            return {"refuses": refusal(session)}

    @router.get("/state/{key}", summary="The newest version of a key under the newest statement, or that it has none")
    def state(key: Key, response: Response) -> Json:
        response.headers["Cache-Control"] = "no-cache"
        with db.read() as session:
            return queries.state_proof(states, db, session, key)

    @router.get("/proof/inclusion", summary="An entry is in the tree")
    def inclusion(position: Number, size: Number | None = None) -> Json:
        with db.read() as session:
            return queries.inclusion(session, position, size)

    @router.get("/proof/consistency", summary="A larger tree continues a smaller one")
    def consistency(first: Number, second: Number | None = None) -> Json:
        with db.read() as session:
            return queries.consistency(session, first, second)

    return router


def _json(content: str, *, cache: str) -> Response:
    return Response(content, media_type="application/json", headers={"Cache-Control": cache, "Vary": "Authorization"})
