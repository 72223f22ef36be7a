"""Pages of what waits for a department: feedback, deadlines, vain searches; and the screens of the hall."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from services.console.operations.inbox import Inbox, states
from services.console.operations.room import CaseReader, Editor, Operator, Reader, Room
from services.console.operations.routes import FormData
from services.console.pages.frame import page, see_other
from shared.errors import Conflict, Invalid, TongyuanError
from shared.tokens.person import Person, StaffRole

FeedbackId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
ScreenName = Annotated[str, Path(pattern=r"^[0-9A-Za-z_-]{1,32}$")]
States = Literal["open", "answered", "closed"]
Days = Annotated[int, Query(ge=0, le=60)]
MAY_ANSWER = frozenset({StaffRole.EDITOR, StaffRole.OPERATOR})


def inbox_pages(room: Room) -> APIRouter:
    """Return the routes of pages."""
    routes = APIRouter(prefix="/operations", include_in_schema=False)
    inbox = Inbox(room.desk.services, room.desk.channel_titles)
    routes.include_router(_feedback_pages(inbox))
    routes.include_router(_screen_pages(room, inbox))

    @routes.get("/searches")
    def searches(request: Request, person: Reader) -> Response:
        found = inbox.searches(person)
        return page(request, "searches.html", person=person, found=found, channels=room.desk.channel_titles)

    @routes.get("/deadlines")
    def deadlines(request: Request, person: CaseReader, days: Days = 5) -> Response:
        found, problem = _asked(lambda: inbox.deadlines(person, days))
        return page(request, "deadlines.html", person=person, found=found, problem=problem, days=days)

    return routes


def _feedback_pages(inbox: Inbox) -> APIRouter:
    routes = APIRouter(prefix="/feedback")

    def shown(request: Request, person: Person, state: States, status: int = 200, **more: Any) -> Response:
        found, problem = _asked(lambda: inbox.feedback(person, state))
        given = {"errors": {}, "typed": {}, **more}
        acting = bool(MAY_ANSWER & person.roles)
        return page(
            request, "feedback.html", person=person, status=status, found=found, problem=problem, state=state,
            acting=acting, **given,
        )  # fmt: skip

    @routes.get("")
    def listed(request: Request, person: Reader, state: States = "open") -> Response:
        return shown(request, person, state)

    @routes.post("/{feedback_id}")
    def settle(request: Request, feedback_id: FeedbackId, person: Editor, sent: FormData) -> Response:
        """Answer it, or close it without an answer; what was typed comes back if it cannot be stored."""
        answer = str(sent.get("answer", "")).strip()
        typed = {feedback_id: answer}
        if sent.get("step") == "answer" and not answer:
            errors = {f"answer-{feedback_id}": "请写明处理情况；不需要处理的，请按“不处理，关闭”"}
            return shown(request, person, "open", 422, errors=errors, typed=typed)
        try:
            inbox.settle(person, feedback_id, answer if sent.get("step") == "answer" else "")
        except Invalid as error:
            problem = "处理情况里有个人信息（身份证号、手机号等），请删去" if _personal(error) else "处理情况不符合要求"
            return shown(request, person, "open", 422, errors={f"answer-{feedback_id}": problem}, typed=typed)
        except Conflict:
            errors = {f"answer-{feedback_id}": "这条意见已经关闭"}
            return shown(request, person, "open", 409, errors=errors, typed=typed)
        return see_other("operations/feedback")

    return routes


def _screen_pages(room: Room, inbox: Inbox) -> APIRouter:
    routes = APIRouter(prefix="/screens")

    def shown(request: Request, person: Person, status: int = 200, **more: Any) -> Response:
        found, problem = _asked(lambda: inbox.screens(person))
        given = {"errors": {}, "typed": {}, "counted": states(found) if found else {}, **more}
        acting = StaffRole.OPERATOR in person.roles
        return page(
            request, "screens.html", person=person, status=status, found=found, problem=problem, acting=acting, **given
        )

    @routes.get("")
    def listed(request: Request, person: Reader) -> Response:
        return shown(request, person)

    @routes.post("/{name}/revoke")
    def revoke(request: Request, name: ScreenName, person: Operator, sent: FormData) -> Response:
        reason = str(sent.get("reason", ""))
        try:
            room.actions.revoke_screen(person, name, reason)
        except Invalid as error:
            errors = {f"reason-{name}": error.violations[0].message}
            return shown(request, person, 422, errors=errors, typed={name: reason})
        except TongyuanError as error:
            return shown(request, person, error.status, errors={"": str(error)}, typed={name: reason})
        return see_other("operations/screens")

    return routes


def _personal(error: Invalid) -> bool:
    return any(one.rule == "no_personal_data" for one in error.violations)


def _asked(ask: Any) -> tuple[Any, str]:
    """Return what was asked for and no problem; or None and why there is no answer."""
    try:
        return ask(), ""
    except TongyuanError as error:
        return None, str(error)
