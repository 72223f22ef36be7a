"""Pages of subscribers: reading, and what operators and administrators do with one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from services.console.pages.forms import Form, text
from services.console.pages.frame import see_other
from services.console.subscribers.form import TypedSubscription, range_content, reason_of
from services.console.subscribers.pages import Pages, Refusal, require_shown
from services.console.subscribers.roles import Administrator, Reader, Sender
from shared.errors import TongyuanError
from shared.tokens.person import Person
from shared.web.edge import Number

SubscriptionId = Annotated[str, Path(pattern=r"^sub_[0-9a-f]{24}$")]
KeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]


def routes_of(pages: Pages) -> APIRouter:
    """Return the routes; those that show secrets are in `credentials`, and come first."""
    routes = APIRouter(prefix="/subscribers", include_in_schema=False)

    @routes.get("")
    def listed(request: Request, person: Reader) -> Response:
        return pages.listed(request, person)

    @routes.get("/{subscription}")
    def one(request: Request, person: Reader, subscription: SubscriptionId) -> Response:
        return pages.one(request, person, subscription)

    @routes.get("/{subscription}/deliveries/{position}")
    def delivery(request: Request, person: Reader, subscription: SubscriptionId, position: Number) -> Response:
        return pages.delivery(request, person, subscription, position)

    routes.include_router(_sending(pages))
    routes.include_router(_deciding(pages))
    return routes


def _sending(pages: Pages) -> APIRouter:
    routes, upstream = APIRouter(prefix="/{subscription}"), pages.upstream

    @routes.post("/pause")
    def pause(request: Request, person: Sender, subscription: SubscriptionId, sent: Form) -> Response:
        def act() -> str:
            upstream.pause(person, subscription, reason_of(text(sent, "reason")))
            return "?done=paused"

        return acted(pages, request, person, subscription, act, {"reason": text(sent, "reason")})

    @routes.post("/resume")
    def resume(request: Request, person: Sender, subscription: SubscriptionId) -> Response:
        def act() -> str:
            upstream.resume(person, subscription)
            return "?done=resumed"

        return acted(pages, request, person, subscription, act)

    @routes.post("/test")
    def test(request: Request, person: Sender, subscription: SubscriptionId) -> Response:
        def act() -> str:
            upstream.test(person, subscription)
            return "?done=tested"

        return acted(pages, request, person, subscription, act)

    @routes.post("/redeliver")
    def redeliver(request: Request, person: Sender, subscription: SubscriptionId, sent: Form) -> Response:
        def act() -> str:
            found = upstream.redeliver(person, subscription, range_content(sent))
            at = f"/deliveries/{text(sent, 'first')}" if text(sent, "from") == "delivery" else ""
            return f"{at}?opened={found['opened']}"

        small = {name: text(sent, name) for name in ("first", "last")}
        return acted(pages, request, person, subscription, act, small)

    return routes


def _deciding(pages: Pages) -> APIRouter:
    routes, upstream = APIRouter(prefix="/{subscription}"), pages.upstream

    @routes.post("/change")
    def change(request: Request, person: Administrator, subscription: SubscriptionId, sent: Form) -> Response:
        return changed(pages, request, person, subscription, sent)

    @routes.post("/keys/{key}/revoke")
    def revoke_key(request: Request, person: Administrator, subscription: SubscriptionId, key: KeyId) -> Response:
        def act() -> str:
            upstream.revoke_key(person, subscription, key)
            return "?done=key-revoked"

        return acted(pages, request, person, subscription, act)

    @routes.post("/revoke")
    def revoke(request: Request, person: Administrator, subscription: SubscriptionId) -> Response:
        def act() -> str:
            upstream.revoke(person, subscription)
            return ""

        return acted(pages, request, person, subscription, act)

    return routes


def acted(
    pages: Pages,
    request: Request,
    person: Person,
    subscription: str,
    act: Callable[[], str],
    small: Mapping[str, Any] | None = None,
) -> Response:
    """Act, then lead to the page of the subscriber with what `act` returns; show there what was refused.

    `small`: what was typed.
    """
    try:
        suffix = act()
    except TongyuanError as error:
        require_shown(error)
        return pages.one(request, person, subscription, Refusal(error, small=small))
    return see_other(f"subscribers/{subscription}{suffix}")


def changed(pages: Pages, request: Request, person: Person, subscription: str, sent: Form) -> Response:
    """Change a subscriber; what was typed is shown again if it is refused."""
    one = pages.upstream.one(person, subscription)
    typed = replace(TypedSubscription.of_form(sent), name=one["name"], delivery=one["delivery"])
    try:
        pages.upstream.change(person, subscription, typed.changed(), text(sent, "revision"))
    except TongyuanError as error:
        require_shown(error)
        # With the revision that was read: a second try must not overwrite a change that its author has not seen.
        refusal = Refusal(error, typed, {"revision": text(sent, "revision")})
        return pages.one(request, person, subscription, refusal)
    return see_other(f"subscribers/{subscription}?done=changed")
