"""`/v1/subscriptions`: what operators do with subscriptions."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from contracts.base import Json
from services.subscriptions.amqp.commands import QueueCommands
from services.subscriptions.registry.lag import Lags
from services.subscriptions.registry.requests import (
    ChangedSubscription,
    NewKey,
    NewSubscription,
    Redelivery,
    Replay,
    Rotation,
)
from services.subscriptions.registry.store import Registry
from services.subscriptions.webhooks.deliveries import DeliveryLog
from shared.text.validation import parse
from shared.tokens.access import By, guard
from shared.tokens.rights import Right
from shared.web.edge import Content, IfMatch, Number, takes

CREATED = 201
SubscriptionId = Annotated[str, Path(pattern=r"^sub_[0-9a-f]{24}$", description="`id` of a subscription.")]
KeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="`id` of a key.")]
Reason = Annotated[str, Query(min_length=1, max_length=200, description="Why; the subscriber is told.")]
State = Annotated[str, Query(pattern=r"^(open|delivered|given_up)?$", description="Only deliveries in this state.")]
Before = Annotated[Number | None, Query(description="`next` of the previous page.")]
Limit = Annotated[int, Query(ge=1, le=200)]
READ: Any = [guard(Right.INSPECT)]
ACT: Any = [guard(Right.OPERATE)]
NO_STORE = {"Cache-Control": "no-store"}


def registry_router(registry: Registry, deliveries: DeliveryLog, lags: Lags) -> APIRouter:
    """Return the routes of operators."""
    router = APIRouter(prefix="/v1/subscriptions", tags=["subscriptions"])
    _reading(router, registry, deliveries, lags)
    _changing(router, registry)
    _keys(router, registry)
    _sending(router, deliveries)
    _queues(router, QueueCommands(registry))
    return router


def _reading(router: APIRouter, registry: Registry, deliveries: DeliveryLog, lags: Lags) -> None:
    @router.get("", dependencies=READ, summary="List all subscriptions and how far each is behind, without secrets")
    def listed(response: Response) -> Json:
        """`lag.events`: how many events wait, null: not known, as with a reader of the feed."""
        response.headers.update(NO_STORE)
        return {"subscriptions": lags.added_to(registry.listed())}

    @router.get("/{subscription}", dependencies=READ, summary="Read one subscription and its keys, without secrets")
    def one(subscription: SubscriptionId, response: Response) -> Json:
        (found,) = lags.added_to([registry.one(subscription)])
        response.headers.update({**NO_STORE, "ETag": f'"{found["revision"]}"'})
        return found

    @router.get(
        "/{subscription}/deliveries", dependencies=READ, summary="List the deliveries of a webhook, newest first"
    )
    def listed_deliveries(
        subscription: SubscriptionId, response: Response, state: State = "", before: Before = None, limit: Limit = 50
    ) -> Json:
        response.headers.update(NO_STORE)
        return deliveries.page(subscription, state, before, limit)

    @router.get(
        "/{subscription}/deliveries/{position}",
        dependencies=READ,
        summary="Read the calls of a delivery with their answers",
    )
    def calls(subscription: SubscriptionId, position: Number, response: Response) -> Json:
        """Requests and answers are shortened, and kept for a week."""
        response.headers.update(NO_STORE)
        return deliveries.calls(subscription, position)


def _changing(router: APIRouter, registry: Registry) -> None:
    @router.post(
        "",
        dependencies=ACT,
        status_code=CREATED,
        openapi_extra=takes(NewSubscription),
        summary="Add a subscription; its key and webhook secret are in this answer only",
    )
    def add(content: Content, by: By, response: Response) -> Json:
        response.headers.update(NO_STORE)
        return registry.add(parse(NewSubscription, content), by)

    @router.put(
        "/{subscription}",
        dependencies=ACT,
        openapi_extra=takes(ChangedSubscription),
        summary="Change filters, address, rate or payload limit; what is absent stays",
    )
    def change(subscription: SubscriptionId, content: Content, by: By, revision: IfMatch) -> Json:
        return registry.change(subscription, parse(ChangedSubscription, content), revision, by)

    @router.post("/{subscription}/pause", dependencies=ACT, summary="Stop calling a webhook or filling a queue")
    def pause(subscription: SubscriptionId, by: By, reason: Reason) -> Json:
        return registry.pause(subscription, reason, by)

    @router.post("/{subscription}/resume", dependencies=ACT, summary="Go on after a pause; what waits is due")
    def resume(subscription: SubscriptionId, by: By) -> Json:
        return registry.resume(subscription, by)

    @router.delete("/{subscription}", dependencies=ACT, status_code=204, summary="Revoke a subscription for good")
    def revoke(subscription: SubscriptionId, by: By) -> Response:
        registry.revoke(subscription, by)
        return Response(status_code=204)


def _keys(router: APIRouter, registry: Registry) -> None:
    @router.post(
        "/{subscription}/keys",
        dependencies=ACT,
        status_code=CREATED,
        openapi_extra=takes(NewKey),
        summary="Give out a further key, in this answer only",
    )
    def add_key(subscription: SubscriptionId, content: Content, by: By, response: Response) -> Json:
        response.headers.update(NO_STORE)
        return registry.add_key(subscription, parse(NewKey, content), by)

    @router.delete("/{subscription}/keys/{key}", dependencies=ACT, status_code=204, summary="Revoke one key at once")
    def revoke_key(subscription: SubscriptionId, key: KeyId, by: By) -> Response:
        registry.revoke_key(subscription, key, by)
        return Response(status_code=204)

    @router.post(
        "/{subscription}/secrets",
        dependencies=ACT,
        status_code=CREATED,
        openapi_extra=takes(Rotation),
        summary="Make new webhook secrets, in this answer only; old and new ones sign for a while",
    )
    def rotate(subscription: SubscriptionId, content: Content, by: By, response: Response) -> Json:
        response.headers.update(NO_STORE)
        return registry.rotate(subscription, parse(Rotation, content), by)


def _sending(router: APIRouter, deliveries: DeliveryLog) -> None:
    @router.post(
        "/{subscription}/redeliveries",
        dependencies=ACT,
        openapi_extra=takes(Redelivery),
        summary="Send ended deliveries of a range of positions again",
    )
    def redeliver(subscription: SubscriptionId, content: Content, by: By) -> Json:
        return deliveries.redeliver(subscription, parse(Redelivery, content), by)

    @router.post("/{subscription}/test", dependencies=ACT, summary="Send a test event to this subscription only")
    def test(subscription: SubscriptionId, by: By) -> Json:
        return deliveries.test(subscription, by)


def _queues(router: APIRouter, commands: QueueCommands) -> None:
    @router.post(
        "/{subscription}/account",
        dependencies=ACT,
        summary="Note that queue and account were made at the broker; the queue is filled from now on",
    )
    def note_account(subscription: SubscriptionId, by: By) -> Json:
        return commands.note_account(subscription, by)

    @router.post(
        "/{subscription}/replays",
        dependencies=ACT,
        openapi_extra=takes(Replay),
        summary="Put all events after a position into the queue again, in order",
    )
    def replay(subscription: SubscriptionId, content: Content, by: By) -> Json:
        return commands.replay(subscription, parse(Replay, content), by)
