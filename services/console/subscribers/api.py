"""The same actions as JSON: `/console/v1/subscribers…`. Bodies and answers are those of the subscriptions' own API."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from contracts.base import Json
from services.console.subscribers.form import reason_of
from services.console.subscribers.roles import Administrator, KeyGiver, Reader, Sender
from services.console.subscribers.routes import KeyId, SubscriptionId
from services.console.subscribers.upstream import SubscribersUpstream
from shared.web.edge import Content, IfMatch, Number

CREATED, NO_CONTENT = 201, 204
ANY_OBJECT: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
}
State = Annotated[str, Query(pattern=r"^(open|delivered|given_up)?$")]
Before = Annotated[Number | None, Query(description="`next` of the previous page.")]
Reason = Annotated[str, Query(min_length=2, max_length=200, description="Why; the subscriber is told.")]
NO_STORE = {"Cache-Control": "no-store"}


def api_of(upstream: SubscribersUpstream) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/v1/subscribers", tags=["subscribers"])

    @routes.get("", summary="List subscribers and how far each is behind")
    def listed(person: Reader) -> Json:
        return {"subscriptions": upstream.listed(person), "log": upstream.log(person)}

    @routes.get("/{subscription}", summary="Read one subscriber and its keys, without secrets")
    def one(person: Reader, subscription: SubscriptionId) -> Json:
        return upstream.one(person, subscription)

    @routes.get("/{subscription}/deliveries", summary="List the deliveries of a webhook, newest first")
    def deliveries(person: Reader, subscription: SubscriptionId, state: State = "", before: Before = None) -> Json:
        return upstream.deliveries(person, subscription, state, before)

    @routes.get("/{subscription}/deliveries/{position}", summary="Read the calls of a delivery with their answers")
    def calls(person: Reader, subscription: SubscriptionId, position: Number) -> Json:
        return upstream.calls(person, subscription, position)

    _sending(routes, upstream)
    _deciding(routes, upstream)
    _credentials(routes, upstream)
    return routes


def _sending(routes: APIRouter, upstream: SubscribersUpstream) -> None:
    @routes.post("/{subscription}/pause", summary="Stop calling a webhook; its events wait")
    def pause(person: Sender, subscription: SubscriptionId, reason: Reason) -> Json:
        return upstream.pause(person, subscription, reason_of(reason))

    @routes.post("/{subscription}/resume", summary="Call a paused webhook again")
    def resume(person: Sender, subscription: SubscriptionId) -> Json:
        return upstream.resume(person, subscription)

    @routes.post("/{subscription}/test", summary="Send a test event to this subscriber only")
    def test(person: Sender, subscription: SubscriptionId) -> Json:
        return upstream.test(person, subscription)

    @routes.post(
        "/{subscription}/redeliveries",
        openapi_extra=ANY_OBJECT,
        summary="Send ended deliveries of a range of positions again",
    )
    def redeliver(person: Sender, subscription: SubscriptionId, content: Content) -> Json:
        return upstream.redeliver(person, subscription, content)


def _deciding(routes: APIRouter, upstream: SubscribersUpstream) -> None:
    @routes.put("/{subscription}", openapi_extra=ANY_OBJECT, summary="Change filters, address, rate or payload limit")
    def change(person: Administrator, subscription: SubscriptionId, content: Content, revision: IfMatch) -> Json:
        return upstream.change(person, subscription, content, "" if revision is None else str(revision))

    @routes.delete("/{subscription}/keys/{key}", status_code=NO_CONTENT, summary="Revoke one key at once")
    def revoke_key(person: Administrator, subscription: SubscriptionId, key: KeyId) -> Response:
        upstream.revoke_key(person, subscription, key)
        return Response(status_code=NO_CONTENT)

    @routes.delete("/{subscription}", status_code=NO_CONTENT, summary="Revoke a subscription for good")
    def revoke(person: Administrator, subscription: SubscriptionId) -> Response:
        upstream.revoke(person, subscription)
        return Response(status_code=NO_CONTENT)


def _credentials(routes: APIRouter, upstream: SubscribersUpstream) -> None:
    @routes.post("", status_code=CREATED, openapi_extra=ANY_OBJECT, summary="Add a subscription; secrets only here")
    def add(person: KeyGiver, content: Content, response: Response) -> Json:
        response.headers.update(NO_STORE)
        return upstream.add(person, content)

    @routes.post(
        "/{subscription}/keys", status_code=CREATED, openapi_extra=ANY_OBJECT, summary="Give out a further key"
    )
    def add_key(person: KeyGiver, subscription: SubscriptionId, content: Content, response: Response) -> Json:
        response.headers.update(NO_STORE)
        return upstream.add_key(person, subscription, content)

    @routes.post(
        "/{subscription}/secrets",
        status_code=CREATED,
        openapi_extra=ANY_OBJECT,
        summary="Make new webhook secrets; old and new ones sign for a while",
    )
    def rotate(person: KeyGiver, subscription: SubscriptionId, content: Content, response: Response) -> Json:
        response.headers.update(NO_STORE)
        return upstream.rotate(person, subscription, content)
