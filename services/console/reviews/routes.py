"""Pages of reviews: the queues, submitting, and one review with its gates."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from contracts.base import Json
from contracts.content.gates import Gate
from services.console.accounts.rights import form_of
from services.console.pages.forms import text, texts
from services.console.pages.frame import page, see_other
from services.console.reviews.acts import Acts
from services.console.reviews.reading import WORDS
from services.console.reviews.requests import Number, Reader, Source, Staff, Submitter, Withdrawer
from shared.errors import Invalid, NotAllowed, Refused, Violation
from shared.tokens.person import Person, StaffRole

FormData = Annotated[Any, Depends(form_of)]
After = Annotated[str, Query(pattern=r"^([a-z]+:[0-9A-Z]{31,33})?$")]
NO_GATE = "请先勾选要签的关口"


def routes_of(acts: Acts) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/reviews", include_in_schema=False)
    _queues(routes, acts)
    _one(routes, acts)
    return routes


def _queues(routes: APIRouter, acts: Acts) -> None:
    desk = acts.desk

    @routes.get("")
    def queues(request: Request, person: Staff, gate: Gate | None = None) -> Response:
        figures, needed = desk.reviews.figures(person), desk.reviews.is_needed(person)
        found: Json = desk.queues(person, gate) if needed else {}
        own = list(desk.delegations.signers(person))
        given: Json = {"figures": figures, "needed": needed, "queues": found, "gate": gate, "own": own}
        return page(request, "reviews.html", person=person, words=WORDS, **given)


def _one(routes: APIRouter, acts: Acts) -> None:
    desk = acts.desk

    def shown(request: Request, person: Person, source: str, number: int, **given: Any) -> Response:
        values: Json = {"errors": {}, "typed": {}, "after": "", "status": 200, **given}
        found = desk.page_of(person, source, number, values.pop("after"))
        code = found["review"]["members"][0]["code"] if found["members"] else ""
        beside = [one for one in desk.of_code(person, code) or [] if one["source"] != source] if code else []
        may = {
            "take_back": bool(person.roles & {StaffRole.EDITOR, StaffRole.RELEASER})
            and (person.name == found["review"]["submitted_by"] or StaffRole.RELEASER in person.roles),
            "second": bool(person.roles & {StaffRole.RELEASER, StaffRole.DUTY_OFFICER})
            and person.name != found["review"]["submitted_by"],
            "release": StaffRole.RELEASER in person.roles,
        }
        return page(request, "review.html", person=person, words=WORDS, may=may, beside=beside, **values, **found)

    @routes.get("/{source}/{number}")
    def one(request: Request, person: Reader, source: Source, number: Number, after: After = "") -> Response:
        return shown(request, person, source, number, after=after)

    @routes.post("/{source}/{number}/sign")
    def sign(request: Request, person: Staff, source: Source, number: Number, sent: FormData) -> Response:
        gates = [Gate(one) for one in texts(sent, "gate") if one in set(Gate)]
        typed: Json = {"opinion": text(sent, "opinion"), "verdict": text(sent, "verdict"), "gates": gates}
        reasons = {name.removeprefix("why."): text(sent, name) for name in sent if name.startswith("why.")}
        overrides = [{"finding": name, "reason": reason} for name, reason in reasons.items() if reason]
        asked = {**typed, "overrides": overrides, "digest": text(sent, "digest")}
        asked.pop("gates")
        try:
            if not gates:
                raise Invalid(Violation("gate", "missing", NO_GATE))
            acts.sign_some(person, source, number, gates, asked)
        except NotAllowed as error:
            if not acts.desk.delegations.signers(person):
                raise
            given: Json = {"errors": {"": str(error)}, "typed": typed | reasons, "status": error.status}
            return shown(request, person, source, number, **given)
        except Refused as error:
            given = {"errors": _told(error), "typed": typed | reasons, "status": error.status}
            return shown(request, person, source, number, **given)
        return see_other(f"reviews/{source}/{number}")

    @routes.post("/{source}/{number}/take-back")
    def take_back(request: Request, person: Submitter, source: Source, number: Number) -> Response:
        try:
            desk.reviews.take_back(person, source, number)
        except Refused as error:
            return shown(request, person, source, number, errors={"": str(error)}, status=error.status)
        return see_other(f"reviews/{source}/{number}")

    @routes.post("/{source}/{number}/second")
    def second(request: Request, person: Withdrawer, source: Source, number: Number) -> Response:
        try:
            done = acts.confirm(person, source, number)
        except Refused as error:
            return shown(request, person, source, number, errors={"": str(error)}, status=error.status)
        return see_other(f"release/receipts/{done['receipt']}" if done["receipt"] else f"reviews/{source}/{number}")


def _told(error: Refused) -> dict[str, str]:
    """Return what the form shows: a finding that is not settled at its own field `why.<finding>`."""
    if not isinstance(error, Invalid):
        return {"": str(error)}
    found: dict[str, str] = {}
    for one in error.violations:
        if one.field == "overrides" and one.value:
            found[f"why.{one.value}"] = "这一处没有改，也没有写为什么不采纳"
        elif one.field == "opinion":
            found["opinion"] = "退回须写明意见"
        else:
            found[one.field] = one.message
    return found
