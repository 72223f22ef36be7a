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
    @routes.get("/{source}/{number}")
    def one(request: Request, person: Reader, source: Source, number: Number, after: After = "") -> Response:
        return _shown(acts, request, person, source, number, after=after)

    @routes.post("/{source}/{number}/sign")
    def sign(request: Request, person: Staff, source: Source, number: Number, sent: FormData) -> Response:
        gates = [Gate(one) for one in texts(sent, "gate") if one in set(Gate)]
        said = {name: text(sent, name) for name in ("opinion", "verdict", "digest")}
        reasons = {name: text(sent, name) for name in sent if name.startswith("why.")}
        overrides = [{"finding": name.removeprefix("why."), "reason": one} for name, one in reasons.items() if one]
        try:
            if not gates:
                raise Invalid(Violation("gate", "missing", NO_GATE))
            acts.sign_some(person, source, number, gates, {**said, "overrides": overrides})
        except Refused as error:
            if isinstance(error, NotAllowed) and not acts.desk.delegations.signers(person):
                raise
            typed = {**said, **reasons, "gates": gates}
            return _shown(acts, request, person, source, number, errors=_told(error), typed=typed, status=error.status)
        return see_other(f"reviews/{source}/{number}")

    @routes.post("/{source}/{number}/take-back")
    def take_back(request: Request, person: Submitter, source: Source, number: Number) -> Response:
        try:
            acts.desk.reviews.take_back(person, source, number)
        except Refused as error:
            return _shown(acts, request, person, source, number, errors=_told(error), status=error.status)
        return see_other(f"reviews/{source}/{number}")

    @routes.post("/{source}/{number}/second")
    def second(request: Request, person: Withdrawer, source: Source, number: Number) -> Response:
        try:
            done = acts.confirm(person, source, number)
        except Refused as error:
            return _shown(acts, request, person, source, number, errors=_told(error), status=error.status)
        return see_other(f"release/receipts/{done['receipt']}" if done["receipt"] else f"reviews/{source}/{number}")


def _shown(acts: Acts, request: Request, person: Person, source: str, number: int, **given: Any) -> Response:
    """Render a review; `given`: `errors` and what was `typed`, `after` which member, and the `status`."""
    values: Json = {"errors": {}, "typed": {}, "after": "", "status": 200, **given}
    desk = acts.desk
    found = desk.page_of(person, source, number, values.pop("after"))
    code = found["members"][0]["code"] if found["members"] else ""
    others = (desk.of_code(person, code) or []) if code else []
    submitted = person.name == found["review"]["submitted_by"]
    releases = StaffRole.RELEASER in person.roles
    may = {
        "take_back": releases or (submitted and StaffRole.EDITOR in person.roles),
        "second": not submitted and (releases or StaffRole.DUTY_OFFICER in person.roles),
        "release": releases,
    }
    beside = [one for one in others if one["source"] != source]
    # What a reviewer of the other document has written about the same finding is offered, and still to be signed here.
    signed = (gate for one in beside for gate in one["gates"].values())
    reasons = {f"why.{one['finding']}": one["reason"] for gate in signed for one in gate["overrides"]}
    values["typed"] = reasons | values["typed"]
    return page(request, "review.html", person=person, words=WORDS, may=may, beside=beside, **values, **found)


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
