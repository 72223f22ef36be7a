"""The page of urgent withdrawals: by two persons, or by one duty officer; the gates sign afterwards."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from contracts.base import Json
from services.console.accounts.rights import form_of
from services.console.pages.forms import by_field, text
from services.console.pages.frame import page, see_other
from services.console.reviews.acts import Acts
from services.console.reviews.requests import UrgentAt, Withdrawer
from services.console.upstream.editions import PLACES
from shared.errors import Refused
from shared.text.validation import parse
from shared.tokens.person import Person

FormData = Annotated[Any, Depends(form_of)]
URGENT_FIELDS = ("kind", "code", "action", "reason", "note", "successors")
URGENT_WORDS = {
    "code": "请填 31 位实施编码或 33 位业务办理项编码",
    "reason": "请选择原因",
    "note": "请写明为什么撤下，群众会看到",
    "action": "请选择方式",
}


def routes_of(acts: Acts) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/reviews", include_in_schema=False)

    def form(request: Request, person: Person, typed: Json, errors: Json | None = None, status: int = 200) -> Response:
        needed = acts.desk.reviews.is_needed(person)
        given: Json = {"typed": typed, "errors": errors or {}, "needed": needed}
        return page(request, "urgent.html", person=person, status=status, **given)

    @routes.get("/urgent")
    def begin(request: Request, person: Withdrawer, kind: str = "item", code: str = "") -> Response:
        return form(request, person, dict.fromkeys(URGENT_FIELDS, "") | {"kind": kind, "code": code})

    @routes.post("/urgent")
    def withdraw(request: Request, person: Withdrawer, sent: FormData) -> Response:
        typed = {name: text(sent, name) for name in URGENT_FIELDS}
        source = next((place[0] for kind, place in PLACES.items() if kind == typed["kind"]), "catalog")
        successors = [f"item:{code}" for code in typed["successors"].replace("，", " ").split()]
        named = ("code", "action", "reason", "note")
        wanted = {"source": source, **{one: typed[one] for one in named}, "successors": successors}
        try:
            asked = parse(UrgentAt, wanted).model_dump(mode="json", exclude={"source"})
            done = acts.withdraw_urgently(person, source, asked)
        except Refused as error:
            errors = {name: URGENT_WORDS.get(name, words) for name, words in by_field(error).items()}
            return form(request, person, typed, errors, error.status)
        return see_other(
            f"release/receipts/{done['receipt']}" if done["receipt"] else f"reviews/{source}/{done['number']}"
        )

    return routes
