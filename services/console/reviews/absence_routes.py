"""Pages of absence: who signs a gate for whom, from and until."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from contracts.base import Json
from contracts.content.gates import GATES
from services.console.accounts.rights import form_of
from services.console.pages.forms import by_field, text
from services.console.pages.frame import page, see_other
from services.console.pages.times import typed_time
from services.console.reviews.delegations import Delegations
from services.console.reviews.requests import DelegationRequest, Number, Reviewer, Staff
from shared.errors import Refused
from shared.text.validation import parse
from shared.tokens.person import Person, StaffRole

FormData = Annotated[Any, Depends(form_of)]
FIELDS = ("gate", "taker", "starts_at", "ends_at")
TIMES = ("starts_at", "ends_at")


def routes_of(delegations: Delegations) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/reviews/absence", include_in_schema=False)

    def shown(request: Request, person: Person, typed: Json, errors: Json | None = None, status: int = 200) -> Response:
        own = [gate for gate in GATES if StaffRole.reviewer_of(gate) in person.roles]
        given: Json = {"delegations": delegations.of(person), "gates": GATES, "own": own, "typed": typed}
        return page(request, "absence.html", person=person, status=status, errors=errors or {}, **given)

    @routes.get("")
    def mine(request: Request, person: Staff) -> Response:
        return shown(request, person, dict.fromkeys(FIELDS, ""))

    @routes.post("")
    def give(request: Request, person: Reviewer, sent: FormData) -> Response:
        typed = {name: text(sent, name) for name in FIELDS}
        wanted = {name: typed_time(one) if name in TIMES else one for name, one in typed.items()}
        try:
            asked = parse(DelegationRequest, wanted)
            delegations.give(person, asked.gate, asked.taker, asked.starts_at, asked.ends_at)
        except Refused as error:
            return shown(request, person, typed, by_field(error), error.status)
        return see_other("reviews/absence")

    @routes.post("/{number}/revoke")
    def revoke(person: Reviewer, number: Number) -> Response:
        delegations.revoke(person, number)
        return see_other("reviews/absence")

    return routes
