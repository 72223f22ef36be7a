"""HTTP for operators: parked entries, vain searches, and whether the channel follows its ledger."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from contracts.base import Timestamp
from services.channels.api import openapi, queries, response_models
from services.channels.api.response_models import Answer
from services.channels.core import release_sets
from services.channels.core.channel import Channel
from services.channels.core.parked import drop_parked, replay_parked
from services.channels.search.unanswered import UnansweredQueries
from services.channels.trust import anchor, ledger_keys
from shared.errors import NotFound
from shared.log import get
from shared.tokens.access import By, guard
from shared.tokens.rights import Right
from shared.web.edge import NAME, Key, Number

NO_STORE = {"Cache-Control": "no-store"}
MOST_TRACES = 100
_log = get("operate")


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


class Traces(Answer):
    """The stored rows of the keys that were asked for, in order of their keys."""

    traces: list[response_models.Trace]


Keys = Annotated[
    list[Annotated[str, StringConstraints(pattern=NAME)]],
    Query(min_length=1, max_length=MOST_TRACES, description="Ledger keys; the parameter is repeated."),
]


def entries(channel: Channel) -> APIRouter:
    """Routes for entries: traces, and list, replay or drop parked ones."""
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

    @router.get(
        "/traces",
        dependencies=[guard(Right.INSPECT)],
        summary="Read this channel's states of several keys; those that it does not have are left out",
        response_model=Traces,
    )
    def traces(key: Keys) -> Response:
        with channel.db.read() as session:
            return openapi.as_json({"traces": queries.traces(session, key)})

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
    def replay(position: Number, by: By) -> Response:
        return openapi.as_json({"shown": replay_parked(channel, position, by)})

    @router.delete(
        "/parked/{position}",
        dependencies=[guard(Right.OPERATE)],
        summary="Drop a parked entry",
        response_model=response_models.Dropped,
    )
    def drop(position: Number, by: By) -> Response:
        return openapi.as_json({"dropped": drop_parked(channel.db, position, by)})


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
