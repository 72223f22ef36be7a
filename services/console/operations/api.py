"""The same as JSON below `/console/v1/operations`, for programs with an API token."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from contracts.base import Json
from services.console.operations import inquiry
from services.console.operations.actions import MOST_AT_ONCE, Action
from services.console.operations.inbox import Inbox
from services.console.operations.inbox_routes import Days, FeedbackId, ScreenName, States
from services.console.operations.readings import getting
from services.console.operations.room import CaseReader, Channel, Editor, Operator, Reader, Room
from services.console.operations.troubles import TROUBLES
from shared.web.edge import Key, Number

Reason = Annotated[str, Field(title="理由", min_length=2, max_length=300)]


class WithReason(BaseModel):
    """Why it is done; recorded."""

    reason: Reason


class ParkedChoice(WithReason):
    """Which parked entries."""

    positions: Annotated[list[Number], Field(min_length=1, max_length=MOST_AT_ONCE)]


class FeedbackAnswer(BaseModel):
    """What was done about it; empty: it is closed without an answer."""

    answer: str = Field(default="", max_length=2000)


def api(room: Room) -> APIRouter:
    """Return the JSON routes."""
    routes = APIRouter(prefix="/v1/operations", tags=["operations"])
    services = room.desk.services

    @routes.get("", summary="Read how far every part of the pipeline is, and what is wrong")
    def picture(person: Reader) -> Json:
        return room.observatory.picture(person).as_json()

    @routes.get("/trace/{key}", summary="Follow one key from its source to each channel")
    def trace(key: Key, person: Reader) -> Json:
        return inquiry.traced(services, room.desk.channel_titles, person, key)

    @routes.get("/actions", summary="List what operators did, newest first")
    def actions(_person: Reader, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> Json:
        return {"actions": room.actions.record.newest(limit)}

    @routes.get("/troubles", summary="List common troubles and what to do about them")
    def troubles(_person: Reader) -> Json:
        return {"troubles": [one._asdict() for one in TROUBLES]}

    @routes.get("/jobs", summary="Read the newest rebuild or drill of each channel and its progress")
    def jobs(_person: Reader) -> Json:
        return {"jobs": [job.as_json() for job in room.jobs.newest().values()]}

    routes.include_router(_channels(room))
    routes.include_router(_inbox(room))
    return routes


def _channels(room: Room) -> APIRouter:
    routes = APIRouter(prefix="/channels/{name}")
    services = room.desk.services

    @routes.get("/parked", summary="List a channel's parked entries")
    def parked(name: Channel, person: Reader) -> Json:
        room.require(name)
        found: Json = getting(services, name, person)("parked")
        return found

    @routes.get("/parked/{position}", summary="Read a parked entry and compare it with the ledger")
    def one(name: Channel, position: Number, person: Reader) -> Json:
        room.require(name)
        return inquiry.parked_entry(services, name, position, person)

    def settled(person: Operator, action: Action, name: str, wanted: ParkedChoice) -> Json:
        room.require(name)
        results = room.actions.settle(person, action, name, wanted.positions, wanted.reason)
        return {"results": [result.as_json() for result in results]}

    @routes.post("/parked/replay", summary="Try parked entries again; a result for each")
    def replay(name: Channel, wanted: ParkedChoice, person: Operator) -> Json:
        return settled(person, Action.REPLAY, name, wanted)

    @routes.post("/parked/drop", summary="Give up parked entries; a result for each")
    def drop(name: Channel, wanted: ParkedChoice, person: Operator) -> Json:
        return settled(person, Action.DROP, name, wanted)

    @routes.post("/pause", summary="Let a channel take no more entries")
    def pause(name: Channel, wanted: WithReason, person: Operator) -> Json:
        room.require(name)
        return room.actions.pause(person, name, wanted.reason)

    @routes.post("/resume", summary="Let a paused channel go on")
    def resume(name: Channel, wanted: WithReason, person: Operator) -> Json:
        room.require(name)
        return room.actions.resume(person, name, wanted.reason)

    @routes.post("/rebuild", status_code=202, summary="Begin a rebuild; see `jobs`")
    def rebuild(name: Channel, wanted: WithReason, person: Operator) -> Json:
        room.require(name)
        return room.jobs.begin(person, Action.REBUILD, name, wanted.reason).as_json()

    @routes.post("/drill", status_code=202, summary="Begin a drill; see `jobs`")
    def drill(name: Channel, wanted: WithReason, person: Operator) -> Json:
        room.require(name)
        return room.jobs.begin(person, Action.DRILL, name, wanted.reason).as_json()

    return routes


def _inbox(room: Room) -> APIRouter:
    routes = APIRouter()
    inbox = Inbox(room.desk.services, room.desk.channel_titles)

    @routes.get("/feedback", summary="List what readers said about the guides of one's departments")
    def feedback(person: Reader, state: States = "open", after: Number = 0) -> Json:
        return inbox.feedback(person, state, after)

    @routes.post("/feedback/{feedback_id}", summary="Answer feedback, or close it without an answer")
    def settle(feedback_id: FeedbackId, wanted: FeedbackAnswer, person: Editor) -> Json:
        return inbox.settle(person, feedback_id, wanted.answer.strip())

    @routes.get("/deadlines", summary="List cases whose promised day is near or over, of one's departments")
    def deadlines(person: CaseReader, days: Days = 5) -> Json:
        return inbox.deadlines(person, days)

    @routes.get("/searches", summary="List queries that found nothing and were asked often")
    def searches(person: Reader) -> Json:
        return inbox.searches(person)

    @routes.get("/screens", summary="List the screens of the hall")
    def screens(person: Reader) -> Json:
        return inbox.screens(person)

    @routes.post("/screens/{name}/revoke", summary="Revoke a screen")
    def revoke(name: ScreenName, wanted: WithReason, person: Operator) -> Json:
        return room.actions.revoke_screen(person, name, wanted.reason)

    return routes
