"""Pages for operators. Everybody of the staff may look; operators act."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from services.console.accounts.rights import form_of
from services.console.operations import inquiry
from services.console.operations.actions import ACTION_TITLES, Action, Result
from services.console.operations.picture import HEALTH_TITLES
from services.console.operations.readings import getting
from services.console.operations.room import JOB_ACTIONS, PARKED_ACTIONS, Channel, Operator, Reader, Room
from services.console.operations.troubles import TROUBLES
from services.console.pages.frame import page, see_other
from shared.errors import Invalid, NotFound, TongyuanError
from shared.tokens.person import Person, StaffRole
from shared.web.edge import Number

FormData = Annotated[Any, Depends(form_of)]
LONGEST_KEY = 128


def pages(room: Room) -> APIRouter:
    """Return the routes of pages."""
    routes = APIRouter(prefix="/operations", include_in_schema=False)

    @routes.get("")
    def overview(request: Request, person: Reader) -> Response:
        picture = room.observatory.picture(person)
        newest = room.actions.record.newest(10)
        return page(request, "operations.html", person=person, picture=picture, jobs=room.jobs.newest(), newest=newest)

    @routes.get("/trace")
    def trace(request: Request, person: Reader, key: Annotated[str, Query(max_length=LONGEST_KEY)] = "") -> Response:
        found, problem = None, ""
        if key:
            try:
                found = inquiry.traced(room.desk.services, room.desk.channel_titles, person, key.strip())
            except Invalid as error:
                problem = error.violations[0].message
        channels = room.desk.channel_titles
        return page(request, "trace.html", person=person, key=key, found=found, problem=problem, channels=channels)

    @routes.get("/troubles")
    def troubles(request: Request, person: Reader) -> Response:
        return page(request, "troubles.html", person=person, troubles=TROUBLES)

    @routes.get("/actions")
    def done(request: Request, person: Reader) -> Response:
        return page(request, "actions.html", person=person, newest=room.actions.record.newest(500))

    routes.include_router(_channel_pages(room))
    return routes


def _channel_pages(room: Room) -> APIRouter:
    routes = APIRouter(prefix="/channels/{name}")

    @routes.get("")
    def channel(request: Request, name: Channel, person: Reader) -> Response:
        room.require(name)
        return _channel_page(room, request, name, person)

    @routes.get("/parked/{position}")
    def parked(request: Request, name: Channel, position: Number, person: Reader) -> Response:
        title = room.require(name)
        found = inquiry.parked_entry(room.desk.services, name, position, person)
        acting = StaffRole.OPERATOR in person.roles
        return page(request, "parked.html", person=person, name=name, title=title, found=found, acting=acting)

    @routes.post("/actions/{action}")
    def act(request: Request, name: Channel, action: Action, person: Operator, sent: FormData) -> Response:
        room.require(name)
        reason = str(sent.get("reason", ""))
        chosen = [int(one) for one in sent.getlist("position") if str(one).isascii() and str(one).isdigit()]
        typed = {"reason": reason, "chosen": chosen, "action": action}
        try:
            results = _acted(room, person, name, action, chosen, reason)
        except Invalid as error:
            errors = {one.field: one.message for one in error.violations}
            return _channel_page(room, request, name, person, status=422, errors=errors, typed=typed)
        except TongyuanError as error:
            errors = {"": str(error)}
            return _channel_page(room, request, name, person, status=error.status, errors=errors, typed=typed)
        if results:
            return _channel_page(room, request, name, person, results=results)
        return see_other(f"operations/channels/{name}")

    return routes


def _acted(room: Room, person: Person, name: str, action: Action, chosen: list[int], reason: str) -> list[Result]:
    """Carry out an action; return a result for each parked entry, nothing for other actions."""
    if action in PARKED_ACTIONS:
        return room.actions.settle(person, action, name, chosen, reason)
    if action in JOB_ACTIONS:
        room.jobs.begin(person, action, name, reason)
    elif action == Action.PAUSE:
        room.actions.pause(person, name, reason)
    elif action == Action.RESUME:
        room.actions.resume(person, name, reason)
    else:
        raise NotFound(f"{action} is no action on a channel")
    return []


def _channel_page(room: Room, request: Request, name: str, person: Person, status: int = 200, **more: Any) -> Response:
    """Render a channel's page; where the channel does not answer, with what is known without it."""
    picture = room.observatory.picture(person)
    parked, problem = [], ""
    try:
        parked = getting(room.desk.services, name, person)("parked")["parked"]
    except TongyuanError as error:
        problem = str(error)
    given: dict[str, Any] = {"errors": {}, "typed": {"reason": "", "chosen": [], "action": ""}, "results": [], **more}
    return page(
        request,
        "channel.html",
        person=person,
        status=status,
        name=name,
        title=room.desk.channel_titles[name],
        picture=picture,
        part=picture.channel(name),
        parked=parked,
        problem=problem,
        jobs=room.jobs.newest(),
        newest=room.actions.record.newest(20, name),
        acting=StaffRole.OPERATOR in person.roles,
        titles=ACTION_TITLES,
        health=HEALTH_TITLES,
        **given,
    )
