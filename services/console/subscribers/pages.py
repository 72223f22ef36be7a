"""Renders the pages of subscribers from what the service answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import Request, Response

from contracts.base import Json
from services.console.pages.frame import page
from services.console.subscribers import views
from services.console.subscribers.filters import KIND_CHOICES, OP_CHOICES
from services.console.subscribers.form import TypedSubscription
from services.console.subscribers.roles import SENDERS
from services.console.subscribers.upstream import SubscribersUpstream
from services.console.subscribers.words import DELIVERY_STATES, DONE, SCOPES, errors_of
from shared.errors import NotFound, Refused, TongyuanError
from shared.tokens.person import Person, StaffRole

DOWN = "订阅服务现在没有回答，没有保存；填写的内容还在，请过一会儿再试"
SMALL_FORM: Mapping[str, Any] = {
    **dict.fromkeys(("reason", "first", "last", "days", "old_keys_hours"), ""),
    "overlap_hours": "24",
    "revision": "",
    "scopes": tuple(SCOPES),
}
"""Fields of the small forms on the page of one subscriber, with what they begin with."""


@dataclass(frozen=True)
class Refusal:
    """Why a form was refused, and what it had sent: `typed` of the form for changes, `small` fields of the others."""

    error: TongyuanError
    typed: TypedSubscription | None = None
    small: Mapping[str, Any] | None = None

    @property
    def errors(self) -> dict[str, str]:
        """Field → message."""
        return errors_of(self.error) if isinstance(self.error, Refused) else {"": DOWN}


@dataclass(frozen=True)
class Pages:
    """The pages of this folder."""

    upstream: SubscribersUpstream

    def listed(self, request: Request, person: Person) -> Response:
        """Show all subscribers; where the service does not answer, that."""
        found, log, problem = list[Json](), None, ""
        try:
            found, log = self.upstream.listed(person), self.upstream.log(person)
        except TongyuanError as error:
            problem = str(error)
        alive, revoked = views.listed(found, datetime.now(UTC))
        values: Json = {"alive": alive, "revoked": revoked, "log": log, "problem": problem}
        return page(request, "subscribers.html", person=person, **values, **_rights(person))

    def one(self, request: Request, person: Person, subscription: str, refusal: Refusal | None = None) -> Response:
        """Show one subscriber; `refusal`: of the form that was just sent. Raises what the service answers."""
        one = self.upstream.one(person, subscription)
        has_deliveries = one["delivery"] == "webhook" and one["state"] != views.REVOKED
        state = request.query_params.get("state", "")
        state = state if state in DELIVERY_STATES else ""
        before = request.query_params.get("before", "")
        sent = (
            self.upstream.deliveries(person, subscription, state, _number(before))
            if has_deliveries
            else {"deliveries": [], "next": None}
        )
        typed = (refusal and refusal.typed) or TypedSubscription.of_subscription(one)
        values: Json = {
            "one": views.shown(one, datetime.now(UTC)),
            "deliveries": [views.delivery(row) for row in sent["deliveries"]],
            "following": sent["next"],
            "has_deliveries": has_deliveries,
            "state": state,
            "states": DELIVERY_STATES,
            "scopes": SCOPES,
            "now": datetime.now(UTC).isoformat(),
            "errors": refusal.errors if refusal else {},
            "changing": refusal is not None and refusal.typed is not None,
            "small": {**SMALL_FORM, **((refusal and refusal.small) or {})},
            "done": _done(request),
            **_choices(typed),
        }
        status = refusal.error.status if refusal else 200
        return page(request, "subscriber.html", person=person, status=status, **values, **_rights(person))

    def new(
        self, request: Request, person: Person, typed: TypedSubscription, refused: TongyuanError | None = None
    ) -> Response:
        """Show the form for a new subscriber."""
        errors = Refusal(refused).errors if refused else {}
        status = refused.status if refused else 200
        return page(request, "subscriber_new.html", person=person, status=status, errors=errors, **_choices(typed))

    def delivery(self, request: Request, person: Person, subscription: str, position: int) -> Response:
        """Show the calls of one delivery. Raises what the service answers."""
        one, found = self.upstream.one(person, subscription), self.upstream.calls(person, subscription, position)
        values = {"one": one, "position": position, "calls": found["calls"], "done": _done(request)}
        return page(request, "subscriber_delivery.html", person=person, **values, **_rights(person))

    def secrets(self, request: Request, person: Person, title: str, one: Json, **shown: Any) -> Response:
        """Show keys and secrets, once. `shown`: `key`, and `webhook` with its secret; None where there is none."""
        values = {"key": None, "webhook": None, "until": None, **shown}
        return page(request, "subscriber_secret.html", person=person, title=title, one=one, **values)


def require_shown(error: TongyuanError) -> None:
    """Raise an error that no form can show: there is no such subscriber."""
    if isinstance(error, NotFound):
        raise error


def _choices(typed: TypedSubscription) -> Json:
    return {"typed": typed, "kinds": KIND_CHOICES, "ops": OP_CHOICES}


def _rights(person: Person) -> Json:
    return {
        "may_send": bool(person.roles & set(SENDERS)),
        "may_decide": StaffRole.ADMINISTRATOR in person.roles,
    }


def _done(request: Request) -> str:
    opened = request.query_params.get("opened", "")
    if opened.isascii() and opened.isdigit():
        return f"{opened[:7]} 条已重新排队。" if int(opened[:7]) else "没有可以再送的：范围里没有已经结束的投递。"
    return DONE.get(request.query_params.get("done", ""), "")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < len("1000000000000000") else None
