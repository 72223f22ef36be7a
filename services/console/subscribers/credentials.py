"""Pages that give out a key or secrets, which are shown once: a new subscriber, a further key, a rotation."""

from typing import Any

from fastapi import APIRouter, Request, Response

from services.console.pages.forms import Form, text, texts
from services.console.subscribers.form import TypedSubscription, key_content, rotation_content
from services.console.subscribers.pages import Pages, Refusal, require_shown
from services.console.subscribers.roles import KeyGiver
from services.console.subscribers.routes import SubscriptionId
from shared.errors import TongyuanError


def routes_of(pages: Pages) -> APIRouter:
    """Return the routes. No subscription's id begins with a plus."""
    routes = APIRouter(prefix="/subscribers", include_in_schema=False)

    @routes.get("/+new")
    def form(request: Request, person: KeyGiver) -> Response:
        return pages.new(request, person, TypedSubscription())

    @routes.post("/+new")
    def add(request: Request, person: KeyGiver, sent: Form) -> Response:
        typed = TypedSubscription.of_form(sent)
        try:
            made = pages.upstream.add(person, typed.added())
        except TongyuanError as error:
            return pages.new(request, person, typed, error)
        return pages.secrets(request, person, "新订阅", made, key=made["key"], webhook=made["webhook"])

    @routes.post("/{subscription}/keys")
    def add_key(request: Request, person: KeyGiver, subscription: SubscriptionId, sent: Form) -> Response:
        small: dict[str, Any] = {name: text(sent, name) for name in ("days", "old_keys_hours")}
        one = pages.upstream.one(person, subscription)
        try:
            made = pages.upstream.add_key(person, subscription, key_content(sent))
        except TongyuanError as error:
            require_shown(error)
            refusal = Refusal(error, small={**small, "scopes": texts(sent, "scopes")})
            return pages.one(request, person, subscription, refusal)
        return pages.secrets(request, person, "新密钥", one, key=made["key"])

    @routes.post("/{subscription}/secrets")
    def rotate(request: Request, person: KeyGiver, subscription: SubscriptionId, sent: Form) -> Response:
        one = pages.upstream.one(person, subscription)
        try:
            made = pages.upstream.rotate(person, subscription, rotation_content(sent))
        except TongyuanError as error:
            require_shown(error)
            small = {"overlap_hours": text(sent, "overlap_hours")}
            return pages.one(request, person, subscription, Refusal(error, small=small))
        return pages.secrets(request, person, "新签名密钥", one, webhook=made, until=made["old_sign_until"])

    return routes
