"""The HTTP API that every source has: the feed of its releases, and the editing of its editions."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from sqlmodel import Session

from contracts.base import Json
from contracts.envelope.publication import Lane, Release
from shared.database.engine import Database
from shared.errors import NotFound
from shared.feeds.outbox import SourceFeed, history, newest_releases, released_version
from shared.publishing import editions
from shared.publishing.acts import explain
from shared.publishing.editions import Period, Plans
from shared.publishing.overview import add_overview
from shared.publishing.recording_status import Noticing, nothing_to_notice, noticed
from shared.publishing.requests import (
    CancelRequest,
    ReleaseRequest,
    RestoreRequest,
    WantedCancel,
    WantedRelease,
    WantedRestore,
    WantedWithdrawal,
    WithdrawRequest,
)
from shared.tokens.access import By, guard
from shared.tokens.person import Actor
from shared.tokens.rights import Right
from shared.web.admission import List
from shared.web.edge import CREATED, After, Content, IfMatch, Key, Number, etag_response, takes
from shared.web.long_poll import Awaited

CodePath = Annotated[str, Path(pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$", description="实施编码 31, 业务办理项编码 33")]
Limit = Annotated[int, Query(ge=1, le=1000)]

Edited = tuple[editions.EditionRow, Release | None]
Explained = tuple[editions.EditionRow, Release | None, Release | None]
"""An edition, the release of a step, and the act with its reason."""
Answering = Callable[..., Response]
Command = Callable[[Actor, str, Period, int | None, Plans | None, editions.Then | None], Edited]


Since = Annotated[
    str,
    Query(
        pattern=r"^([a-z]{1,16}:[0-9]{1,16}(,[a-z]{1,16}:[0-9]{1,16}){0,3})?$",
        description="What is known: `<lane>:<sequence>`, separated by commas.",
    ),
]
Wait = Annotated[float, Query(ge=0, le=20, description="Seconds.")]


def feed_router(db: Database, source: str) -> APIRouter:
    """`/v1/releases…`: what this source released, for the ledger and for auditors with a service's token."""
    router = APIRouter(prefix="/v1/releases", tags=["releases"], dependencies=[guard(Right.FEED)])

    @router.get("", dependencies=[List], summary="List the releases of a lane in order")
    def releases(lane: Lane, after: Number = 0, limit: Limit = 200) -> Response:
        feed = SourceFeed(source, lane)
        with db.read() as session:
            documents = feed.documents(session, after, limit)
            head = feed.head(session)
        joined = ",".join(document for _, document in documents)
        return Response(f'{{"releases":[{joined}],"head":{head}}}', media_type="application/json")

    def read_heads() -> dict[str, int]:
        with db.read() as session:
            return {str(lane): SourceFeed(source, lane).head(session) for lane in Lane}

    awaited = Awaited(db, read_heads)

    @router.get("/heads", summary="Read the highest sequence of each lane, or wait for the next release")
    async def heads(since: Since = "", wait: Wait = 0.0) -> dict[str, int]:
        """With `wait`, the answer comes when a lane is beyond `since`, and after so many seconds in any case."""
        known = dict(part.split(":") for part in since.split(",")) if since else {}
        return await awaited.get(lambda heads: any(str(heads[lane]) != known.get(lane) for lane in heads), wait)

    @router.get("/newest", dependencies=[List], summary="List the newest version of every key, in order of keys")
    def newest(after: After = "", limit: Limit = 200) -> Response:
        with db.read() as session:
            rows = newest_releases(session, after, limit)
        joined = ",".join(document for _, document in rows)
        return Response(f'{{"releases":[{joined}]}}', media_type="application/json")

    @router.get("/{key}/{version}", summary="Read one released version")
    def one(key: Key, version: Number) -> Response:
        with db.read() as session:
            document = released_version(session, key, version)
        if document is None:
            raise NotFound(f"{key} has no version {version}")
        return Response(document, media_type="application/json")

    @router.get("/{key}", summary="List all versions of a key, without bodies")
    def versions(key: Key) -> list[Json]:
        with db.read() as session:
            return history(session, key)

    return router


def keys_router(db: Database) -> APIRouter:
    """`/v1/keys`: public; each key is endorsed by the one before it."""
    router = APIRouter(prefix="/v1", tags=["keys"])

    @router.get("/keys", summary="List the public keys with which this source signs releases, oldest first")
    def keys(response: Response) -> Json:
        response.headers["Cache-Control"] = "no-cache"
        signer = db.release_signer
        return {"keys": [key.model_dump(mode="json") for key in signer.offer()] if signer else []}

    return router


def edition_router(
    db: Database,
    who: editions.ReleasingSource,
    *,
    prefix: str,
    save: Callable[[Actor, str, Any, int | None], tuple[editions.EditionRow, list[Json]]],
    release: Command,
    notice: Noticing = nothing_to_notice,
) -> APIRouter:
    """Drafts and releases of one kind of edition under `prefix`. `save` and `release` are the service's commands.

    `notice` returns why what is released now does not take effect yet.
    """
    router = APIRouter(prefix=prefix, tags=["editions"], dependencies=[guard(Right.WRITE)])

    @router.get("", dependencies=[List], summary="List editions in order of their codes")
    def page(after: After = "", limit: Limit = 100) -> Json:
        with db.read() as session:
            return {"editions": [editions.view(session, who, row) for row in editions.page(session, after, limit)]}

    add_overview(router, db)

    @router.get("/planned", dependencies=[List], summary="List editions with planned versions or a planned end")
    def planned(after: After = "", limit: Limit = 100) -> Json:
        with db.read() as session:
            found, following = editions.plans(session, who, after, limit)
        return {"editions": found, "next": following}

    @router.get("/{code}", summary="Read one edition; its ETag is the revision")
    def read(request: Request, code: CodePath) -> Response:
        with db.read() as session:
            row = editions.find(session, code)
            content = editions.view(session, who, row)
        return etag_response(request, orjson.dumps(content), _etag(row, content))

    @router.put("/{code}", summary="Save a draft", response_model=None, responses=CREATED)
    def put(by: By, code: CodePath, content: Content, revision: IfMatch) -> Response:
        row, findings = save(by, code, content, revision)
        status = 201 if row.revision == 1 else 200
        return _answer(db, who, row, status=status, findings=findings)

    def answer(row: editions.EditionRow, release: Release | None, **more: Any) -> Response:
        return _answer(db, who, row, release=release, **noticed(notice), **more)

    _release_step(router, who, release, answer)
    _add_steps_of_what_is_released(router, db, who, answer)
    return router


def _add_steps_of_what_is_released(
    router: APIRouter, db: Database, who: editions.ReleasingSource, answer: Answering
) -> None:
    """Add the commands on released versions; they ignore the draft."""
    off = partial(_off, db, who)
    _off_step(router, "withdraw", "Withdraw the edition from every channel", partial(off, editions.withdraw), answer)
    _off_step(router, "suspend", "Suspend the edition on every channel", partial(off, editions.suspend), answer)

    @router.post(
        "/{code}/restore",
        summary="Restore a suspended edition as it was released",
        response_model=None,
        openapi_extra=takes(RestoreRequest),
    )
    def restore(by: By, code: CodePath, revision: IfMatch, _wanted: WantedRestore) -> Response:
        with db.write() as session:
            row, made = editions.restore(session, who, by, code, revision)
        return answer(row, made)

    @router.post(
        "/{code}/cancel-plans",
        summary="Cancel every planned version, and the planned end if wanted",
        response_model=None,
        openapi_extra=takes(CancelRequest),
    )
    def cancel_plans(by: By, code: CodePath, revision: IfMatch, wanted: WantedCancel) -> Response:
        with db.write() as session:
            row, made = editions.cancel_plans(session, who, by, code, revision, ends=wanted.ends)
        return answer(row, made)


def _release_step(router: APIRouter, who: editions.ReleasingSource, command: Command, answer: Answering) -> None:
    """`POST …/{code}/release`, with the period and the reason in the body."""
    summary = "Release the draft as the next version"

    @router.post("/{code}/release", summary=summary, response_model=None, openapi_extra=takes(ReleaseRequest))
    def release(by: By, code: CodePath, revision: IfMatch, wanted: WantedRelease) -> Response:
        why, told = wanted.why(), {}

        def then(session: Session, made: Release | None) -> None:
            if why is not None:
                told["act"] = explain(session, who.source, [made] if made else [], why).key

        row, made = command(by, code, wanted.period(), revision, wanted.plans, then)
        return answer(row, made, **told)


def _off_step(
    router: APIRouter,
    name: str,
    summary: str,
    command: Callable[
        [Actor, str, WithdrawRequest, int | None], tuple[editions.EditionRow, Release | None, Release | None]
    ],
    answer: Answering,
) -> None:
    """`POST …/{code}/<name>`, with the period and the reason in the body."""
    path = f"/{{code}}/{name}"

    @router.post(path, name=name, summary=summary, response_model=None, openapi_extra=takes(WithdrawRequest))
    def step(by: By, code: CodePath, revision: IfMatch, wanted: WantedWithdrawal) -> Response:
        row, made, act = command(by, code, wanted, revision)
        return answer(row, made, **({"act": act.key} if act else {}))


def _off(
    db: Database,
    who: editions.ReleasingSource,
    command: Callable[..., Edited],
    by: Actor,
    code: str,
    wanted: WithdrawRequest,
    revision: int | None,
) -> Explained:
    """Withdraw or suspend a code and, where a reason is given, release it in the same transaction."""
    with db.write() as session:
        row, made = command(session, who, by, code, wanted.period(), revision, wanted.plans)
        why = wanted.why()
        if why is None:
            return row, made, None
        return row, made, explain(session, who.source, [made] if made else [], why)


def _answer(
    db: Database,
    who: editions.ReleasingSource,
    row: editions.EditionRow,
    *,
    status: int = 200,
    release: Release | None = None,
    **more: Any,
) -> Response:
    with db.read() as session:
        content = {**editions.view(session, who, row), **more}
    if release is not None:
        content["overtaken"] = editions.overtaken(db, who, row, release)
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
        headers={"ETag": f'"{_etag(row, content)}"', "Cache-Control": "no-store"},
    )


def _etag(row: editions.EditionRow, content: Json) -> str:
    """The revision; once something was planned, also the version in force, which changes without a revision."""
    if row.planned_until is None:
        return str(row.revision)
    return f"{row.revision}-{content['in_force']['version'] if content['in_force'] else 0}"


def _moment(moment: datetime) -> str:
    return moment.isoformat()
