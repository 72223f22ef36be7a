"""HTTP for operators: parked entries, pauses, rebuilds, repairs, drills, and whether the channel follows its ledger."""

from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from contracts.base import Contract, Timestamp
from services.channels.api import openapi, queries, response_models
from services.channels.api.response_models import Answer
from services.channels.core import release_sets
from services.channels.core.channel import Channel
from services.channels.core.parked import drop_parked, replay_parked
from services.channels.recovery.drill import Drill, drilled
from services.channels.recovery.rebuild import Rebuild
from services.channels.recovery.repair import RepairRequest, repair
from services.channels.search.unanswered import UnansweredQueries
from services.channels.trust import anchor, ledger_keys
from shared.errors import Conflict, NotFound
from shared.log import get
from shared.tokens.access import By, guard, require
from shared.tokens.rights import Right
from shared.web.edge import Key, Number

NO_STORE = {"Cache-Control": "no-store"}
_log = get("operate")


class Pause(Contract):
    """Why a channel is paused; operators and the desk show it."""

    reason: Annotated[str, Field(title="理由", min_length=1, max_length=300)]


class ParkedInFull(response_models.ParkedEntry):
    """A parked entry as it came, and what the channel shows of its key instead; `withheld`: its body is not public."""

    withheld: bool
    entry: dict[str, Any]
    shown: response_models.Trace | None


class Unanswered(Answer):
    """Queries asked at least `least` times in vain since the process started, most often first."""

    since: Timestamp
    least: int
    queries: list[response_models.Query]


class VersionOfKey(Answer):
    """One version of a key."""

    key: str
    version: int


class WaitingSet(Answer):
    """A set that is not complete here: its members wait, whatever their time."""

    act: str = Field(description="Key of the act that completes the set.")
    act_recorded_at: Timestamp | None = Field(description="Null: the act is not here.")
    starts_at: Timestamp | None = Field(description="From when the set is to be shown.")
    here: list[VersionOfKey]
    missing: list[VersionOfKey] = Field(description="Members that the act names and this channel does not have.")


class WaitingSets(Answer):
    """Sets that are not complete here, in order of their acts."""

    sets: list[WaitingSet]


class Lines(StreamingResponse):
    """One JSON object per line and step; the last one has `done` or `failed`."""

    media_type = "application/x-ndjson"


def entries(channel: Channel) -> APIRouter:
    """Routes for single entries: trace, and list, replay or drop parked ones."""
    router = APIRouter(prefix="/v1", tags=["operators"])

    @router.get(
        "/parked",
        dependencies=[guard(Right.INSPECT)],
        summary="List parked entries, which could not be shown",
        response_model=response_models.Parked,
    )
    def parked() -> Response:
        with channel.db.read() as session:
            return openapi.as_json({"parked": queries.parked(session)})

    @router.get(
        "/sets",
        dependencies=[guard(Right.INSPECT)],
        summary="List the sets that are not complete here, so that nothing of them is shown",
        response_model=WaitingSets,
    )
    def sets() -> Response:
        with channel.db.read() as session:
            return openapi.as_json({"sets": release_sets.waiting(session)})

    @router.get(
        "/trace/{key}",
        dependencies=[guard(Right.INSPECT)],
        summary="Read this channel's state of a key",
        response_model=response_models.Trace,
    )
    def trace(key: Key) -> Response:
        with channel.db.read() as session:
            found = queries.trace(session, key)
        if found is None:
            raise NotFound(f"{channel.adapter.name} has nothing for this key")
        return openapi.as_json(found)

    _one_parked(router, channel)
    return router


def _one_parked(router: APIRouter, channel: Channel) -> None:
    @router.get(
        "/parked/{position}",
        dependencies=[guard(Right.INSPECT)],
        summary="Read a parked entry; the body of a kind that is not public is withheld",
        response_model=ParkedInFull,
    )
    def parked_one(position: Number) -> Response:
        with channel.db.read() as session:
            found = queries.parked_entry(session, position)
        if found is None:
            raise NotFound(f"no parked entry at position {position}")
        return openapi.as_json(found)

    @router.post(
        "/parked/{position}/replay",
        dependencies=[guard(Right.REPAIR)],
        summary="Try a parked entry again",
        response_model=response_models.Shown,
    )
    def replay(position: Number) -> Response:
        return openapi.as_json({"shown": replay_parked(channel, position)})

    @router.delete(
        "/parked/{position}",
        dependencies=[guard(Right.OPERATE)],
        summary="Drop a parked entry",
        response_model=response_models.Dropped,
    )
    def drop(position: Number) -> Response:
        return openapi.as_json({"dropped": drop_parked(channel.db, position)})


def proofs(channel: Channel) -> APIRouter:
    """Routes that show whether the channel follows its ledger and equals what the ledger gives."""
    router = APIRouter(prefix="/v1", tags=["operators"])

    @router.get(
        "/lineage",
        dependencies=[guard(Right.INSPECT)],
        summary="Read the head that the ledger must continue, and why the channel is halted",
        response_model=response_models.Lineage,
    )
    def anchored() -> Response:
        with channel.db.read() as session:
            return openapi.as_json(anchor.lineage(session))

    @router.get(
        "/witness",
        dependencies=[guard(Right.INSPECT)],
        summary="Read the trusted ledger keys and the last refused head",
        response_model=response_models.Witnessed,
    )
    def witnessed() -> Response:
        with channel.db.read() as session:
            return openapi.as_json(ledger_keys.facts(session))

    _pauses(router, channel)
    _rebuilds(router, channel)
    _drills(router, channel)
    return router


def searches(unanswered: UnansweredQueries) -> APIRouter:
    """Routes about what readers looked for in vain."""
    router = APIRouter(prefix="/v1", tags=["operators"])

    @router.get(
        "/unanswered",
        dependencies=[guard(Right.INSPECT)],
        summary="List queries that found nothing and were asked often since this process started, without who asked",
        response_model=Unanswered,
    )
    def unanswered_queries() -> Response:
        return openapi.as_json(unanswered.told())

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
    def rebuild(request: Request, new_epoch: bool = False, full: bool = False, accept_loss: bool = False) -> Lines:
        """`new_epoch`: accept the ledger as it is, even if it went back; all clients start over. For operators only.

        `full`: read every entry instead of a snapshot. `accept_loss`: swap even if documents that are shown would be
        removed without an entry that says so, for operators only; otherwise such a rebuild fails, names the keys and
        changes nothing.
        """
        if new_epoch or accept_loss:
            require(request, Right.OPERATE)
        _require_not_paused(channel)
        steps = Rebuild(channel, new_epoch=new_epoch, full=full, accept_loss=accept_loss).run
        return Lines(_lines(steps), headers=NO_STORE)

    @router.post(
        "/repair",
        dependencies=[guard(Right.REPAIR)],
        summary="Rebuild some keys from the ledger",
        response_model=response_models.Repaired,
    )
    def mend(wanted: RepairRequest) -> Response:
        """`changed`: the keys that differed from the ledger. Nothing else is touched."""
        return openapi.as_json({"changed": repair(channel, wanted)})


def _drills(router: APIRouter, channel: Channel) -> None:
    @router.post(
        "/drill",
        dependencies=[guard(Right.OPERATE)],
        summary="Run a drill: rebuild separately and compare, without changes; one JSON line per step",
        response_class=Lines,
    )
    def drill() -> Lines:
        return Lines(_lines(Drill(channel).run), headers=NO_STORE)

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


def _lines(steps: Callable[[], Any]) -> Any:
    try:
        for step in steps():
            yield orjson.dumps(step.as_json()) + b"\n"
    except Exception as error:  # noqa: BLE001  # the status line is already sent: the reason goes into the stream
        yield orjson.dumps({"failed": f"{type(error).__name__}: {error}"}) + b"\n"
