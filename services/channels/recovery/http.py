"""HTTP for operators: pause and resume a channel, rebuild or repair it from the ledger, and drill.

Each act has rows in the channel's audit log; of what takes long, one when it begins and one when it ends.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from contracts.base import Contract
from services.channels.api import openapi, response_models
from services.channels.core.audit import note, object_of
from services.channels.core.channel import Channel
from services.channels.recovery.aside import Progress
from services.channels.recovery.drill import Drill, drilled
from services.channels.recovery.rebuild import Rebuild
from services.channels.recovery.repair import RepairRequest, repair
from services.channels.trust import anchor
from shared.audit.recording import AuditEntry, record
from shared.errors import Conflict
from shared.log import get
from shared.tokens.access import By, guard, require
from shared.tokens.person import Actor
from shared.tokens.rights import Right

NO_STORE = {"Cache-Control": "no-store"}
MOST_NAMED = 50
_log = get("operate")


class Pause(Contract):
    """Why a channel is paused; operators and the desk show it."""

    reason: Annotated[str, Field(title="理由", min_length=1, max_length=300)]


class Lines(StreamingResponse):
    """One JSON object per line and step; the last one has `done` or `failed`."""

    media_type = "application/x-ndjson"


def router_of(channel: Channel) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["operators"])
    _pauses(router, channel)
    _rebuilds(router, channel)
    _drills(router, channel)
    return router


def _pauses(router: APIRouter, channel: Channel) -> None:
    @router.post(
        "/pause",
        dependencies=[guard(Right.OPERATE)],
        summary="Let the channel take no more entries until it is resumed; it keeps what it shows",
        response_model=response_models.Lineage,
    )
    def pause(wanted: Pause, by: By) -> Response:
        """It takes effect within a second. Versions that the channel already has begin and end at their times."""
        with channel.db.write() as session:
            now = anchor.pause(session, wanted.reason)
            record(session, by, AuditEntry("pause", object_of(channel.db), None, {"reason": wanted.reason}))
        channel.continuity.look_again()
        _log.warning("channel paused", channel=channel.service, by=by.name)
        return openapi.as_json(now)

    @router.post(
        "/resume",
        dependencies=[guard(Right.OPERATE)],
        summary="Let a paused channel take entries again, from where it stopped",
        response_model=response_models.Lineage,
    )
    def resume(by: By) -> Response:
        with channel.db.write() as session:
            now = anchor.resume(session)
            record(session, by, AuditEntry("resume", object_of(channel.db)))
        channel.continuity.look_again()
        _log.warning("channel resumed", channel=channel.service, by=by.name)
        return openapi.as_json(now)


def _rebuilds(router: APIRouter, channel: Channel) -> None:
    @router.post(
        "/rebuild",
        dependencies=[guard(Right.REPAIR)],
        summary="Rebuild the channel from the ledger; one JSON line per step",
        response_class=Lines,
    )
    def rebuild(
        request: Request, by: By, new_epoch: bool = False, full: bool = False, accept_loss: bool = False
    ) -> Lines:
        """`new_epoch`: accept the ledger as it is, even if it went back; all clients start over. For operators only.

        `full`: read every entry instead of a snapshot. `accept_loss`: swap even if documents that are shown would be
        removed without an entry that says so, for operators only; otherwise such a rebuild fails, names the keys and
        changes nothing.
        """
        if new_epoch or accept_loss:
            require(request, Right.OPERATE)
        _require_not_paused(channel)
        asked = {"new_epoch": new_epoch, "full": full, "accept_loss": accept_loss}
        return Lines(_lines(channel, by, "rebuild", Rebuild(channel, **asked).run, asked), headers=NO_STORE)

    @router.post(
        "/repair",
        dependencies=[guard(Right.REPAIR)],
        summary="Rebuild some keys from the ledger",
        response_model=response_models.Repaired,
    )
    def mend(wanted: RepairRequest, by: By) -> Response:
        """`changed`: the keys that differed from the ledger. Nothing else is touched."""
        changed = repair(channel, wanted)
        # If we die here, the keys equal the ledger, and only the row is missing.
        note(channel.db, by, "repair", {"changed": changed[:MOST_NAMED], "count": len(changed)})
        return openapi.as_json({"changed": changed})


def _drills(router: APIRouter, channel: Channel) -> None:
    @router.post(
        "/drill",
        dependencies=[guard(Right.OPERATE)],
        summary="Run a drill: rebuild separately and compare, without changes; one JSON line per step",
        response_class=Lines,
    )
    def drill(by: By) -> Lines:
        return Lines(_lines(channel, by, "drill", Drill(channel).run, {}), headers=NO_STORE)

    @router.get(
        "/drill",
        dependencies=[guard(Right.INSPECT)],
        summary="Read time and result of the newest drill",
        response_model=response_models.DrillReport,
    )
    def newest_drill() -> Response:
        with channel.db.read() as session:
            return openapi.as_json(drilled(session))


def _require_not_paused(channel: Channel) -> None:
    """Raise `Conflict` for a paused channel: a rebuild would show what the pause keeps from being shown."""
    with channel.db.read() as session:
        if anchor.lineage(session)["paused"]:
            raise Conflict("the channel is paused: resume it first")


def _lines(
    channel: Channel, by: Actor, action: str, steps: Callable[[], Iterable[Progress]], asked: dict[str, bool]
) -> Iterator[bytes]:
    """Yield the steps as lines. If we die in between, the log has the row of the beginning and none of an end."""
    note(channel.db, by, f"{action}.begun", asked or None)
    try:
        for step in steps():
            yield orjson.dumps(step.as_json()) + b"\n"
    except Exception as error:  # noqa: BLE001  # the status line is already sent: the reason goes into the stream
        reason = f"{type(error).__name__}: {error}"
        note(channel.db, by, f"{action}.failed", {"problem": reason[:500]})
        yield orjson.dumps({"failed": reason}) + b"\n"
    else:
        note(channel.db, by, f"{action}.done", None)
