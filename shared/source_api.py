"""What the HTTP API of every source has: the feed of its releases, and the editing of its editions."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from contracts.base import Contract, Json, Timestamp
from contracts.publication import Lane, Release
from shared import editions
from shared.database import Database
from shared.editions import Period, State
from shared.errors import NotFound
from shared.http import Admin, After, Content, IfMatch, Key, Number, Service, etag_response, takes
from shared.json_text import parse_json
from shared.outbox import SourceFeed, history, released_version
from shared.validation import parse

CodePath = Annotated[str, Path(pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$", description="实施编码 31, 业务办理项编码 33")]
Limit = Annotated[int, Query(ge=1, le=1000)]


class ReleaseRequest(Contract):
    """When the version is shown. Both null: at once, without end."""

    effective_at: Timestamp | None = Field(default=None, title="生效时间")
    expires_at: Timestamp | None = Field(default=None, title="失效时间")

    def period(self) -> Period:
        """As the editions take it."""
        return Period(self.effective_at, self.expires_at)


async def _period(request: Request) -> Period:
    """Of the body, which may be left out."""
    raw = await request.body()
    content = parse_json(raw) if raw else None
    return parse(ReleaseRequest, {} if content is None else content).period()


Edited = tuple[editions.EditionRow, Release | None]
PeriodOfBody = Annotated[Period, Depends(_period)]


def feed_router(db: Database, source: str) -> APIRouter:
    """`/v1/releases…`: what this source released, for the ledger and for auditors with a service's token."""
    router = APIRouter(prefix="/v1/releases", tags=["releases"], dependencies=[Service])

    @router.get("", summary="Releases of a lane, in order")
    def releases(lane: Lane, after: Number = 0, limit: Limit = 200) -> Response:
        feed = SourceFeed(source, lane)
        with db.read() as session:
            documents = feed.documents(session, after, limit)
            head = feed.head(session)
        joined = ",".join(document for _, document in documents)
        return Response(f'{{"releases":[{joined}],"head":{head}}}', media_type="application/json")

    @router.get("/heads", summary="Highest sequence of each lane")
    def heads() -> dict[str, int]:
        with db.read() as session:
            return {str(lane): SourceFeed(source, lane).head(session) for lane in Lane}

    @router.get("/{key}/{version}", summary="One released version")
    def one(key: Key, version: Number) -> Response:
        with db.read() as session:
            document = released_version(session, key, version)
        if document is None:
            raise NotFound(f"{key} has no version {version}")
        return Response(document, media_type="application/json")

    @router.get("/{key}", summary="All versions of a key, without bodies")
    def versions(key: Key) -> list[Json]:
        with db.read() as session:
            return history(session, key)

    return router


def edition_router(
    db: Database,
    who: editions.Publisher,
    *,
    prefix: str,
    save: Callable[[str, Any, int | None], tuple[editions.EditionRow, list[Json]]],
    release: Callable[[str, Period, int | None], Edited],
) -> APIRouter:
    """Drafts and releases of one kind of edition under `prefix`. `save` and `release` are the service's commands."""
    router = APIRouter(prefix=prefix, tags=["editions"], dependencies=[Admin])

    @router.get("", summary="Editions in order of their codes")
    def page(after: After = "", limit: Limit = 100) -> Json:
        with db.read() as session:
            return {"editions": [editions.view(row) for row in editions.page(session, after, limit)]}

    @router.get("/{code}", summary="One edition; its ETag is the revision")
    def read(request: Request, code: CodePath) -> Response:
        with db.read() as session:
            row = editions.find(session, code)
        return etag_response(request, orjson.dumps(editions.view(row)), str(row.revision))

    @router.put("/{code}", summary="Save a draft", response_model=None)
    def put(code: CodePath, content: Content, revision: IfMatch) -> Response:
        row, findings = save(code, content, revision)
        status = 201 if row.revision == 1 else 200
        return _answer(row, status=status, findings=findings)

    def withdraw(code: str, period: Period, revision: int | None, state: State) -> Edited:
        with db.write() as session:
            return editions.withdraw(session, who, code, state, period, revision)

    _step(router, "release", "Release the draft as the next version", release)
    _step(router, "withdraw", "Take it off every channel for good", partial(withdraw, state=State.WITHDRAWN))
    _step(router, "suspend", "Take it off every channel for now", partial(withdraw, state=State.SUSPENDED))
    return router


def _step(router: APIRouter, name: str, summary: str, command: Callable[[str, Period, int | None], Edited]) -> None:
    """`POST …/{code}/<name>`, with the period in the body."""
    path = f"/{{code}}/{name}"

    @router.post(path, name=name, summary=summary, response_model=None, openapi_extra=takes(ReleaseRequest))
    def step(code: CodePath, revision: IfMatch, period: PeriodOfBody) -> Response:
        row, made = command(code, period, revision)
        return _answer(row, release=made)


def _answer(row: editions.EditionRow, status: int = 200, release: Release | None = None, **more: Any) -> Response:
    content = {**editions.view(row), **more}
    if release is not None:
        content["released"] = {
            "key": release.key,
            "version": release.version,
            "sequence": release.sequence,
            "digest": release.digest,
            "released_at": _moment(release.released_at),
        }
    return Response(
        orjson.dumps(content),
        status_code=status,
        media_type="application/json",
        headers={"ETag": f'"{row.revision}"', "Cache-Control": "no-store"},
    )


def _moment(moment: datetime) -> str:
    return moment.isoformat()
