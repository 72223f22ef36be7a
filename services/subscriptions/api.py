"""HTTP of subscriptions: operators' routes, and the feed of subscribers."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Response
from starlette.routing import Route

from contracts.base import Json
from services.subscriptions.case_hooks.routes import case_hooks_router
from services.subscriptions.case_hooks.store import CaseHookStore
from services.subscriptions.feed.cursors import Cursors, StartOver
from services.subscriptions.feed.hub import Hub
from services.subscriptions.feed.reading import FeedReader
from services.subscriptions.feed.routes import feed_router, start_over
from services.subscriptions.feed.stream import FeedStream
from services.subscriptions.keys import MasterKey
from services.subscriptions.log.store import LogStore
from services.subscriptions.registry.access import ReadsAs, Subscriber, SubscriberDoor
from services.subscriptions.registry.lag import Lags
from services.subscriptions.registry.restart import Restart
from services.subscriptions.registry.routes import NO_STORE, registry_router
from services.subscriptions.registry.store import Registry
from services.subscriptions.webhooks.deliveries import DeliveryLog
from shared.audit.http import audit_router
from shared.config import Settings
from shared.tokens.access import By, guard
from shared.tokens.rights import Right
from shared.web.edge import STREAM, Number, make_api
from shared.webhooks.addresses import AddressRules


@dataclass
class Subscriptions:
    """The parts of the service that its HTTP needs."""

    log: LogStore
    key: MasterKey
    rules: AddressRules
    hub: Hub
    hooks: CaseHookStore
    has_broker: bool = False


def make(parts: Subscriptions, settings: Settings) -> FastAPI:
    """Return the ASGI app."""
    db = parts.log.db
    deliveries = DeliveryLog(parts.log)
    registry = Registry(db, parts.log, parts.key, parts.rules, broker=parts.has_broker)
    door = SubscriberDoor(db)
    # Requests find the key made: the process makes it before it serves.
    reader = FeedReader(parts.log, Cursors(parts.key, parts.log))

    def ready() -> dict[str, Any]:
        state = parts.log.state()
        return {"position": state.position, "ledger_position": state.ledger_position, "halted": state.halted}

    api = make_api("subscriptions", "Tongyuan subscriptions", settings, ready)
    api.add_exception_handler(StartOver, start_over)  # type: ignore[arg-type]  # starlette types the base class only
    api.include_router(registry_router(registry, deliveries, Lags(parts.log)))
    api.include_router(_log_router(parts.log))
    api.include_router(feed_router(door, reader, parts.hub))
    api.include_router(_own_deliveries(door, deliveries))
    api.include_router(case_hooks_router(parts.hooks))
    api.include_router(audit_router(db))
    api.router.routes.append(Route(STREAM, FeedStream(door, reader, parts.hub), methods=["GET"]))
    return api


def _log_router(log: LogStore) -> APIRouter:
    router = APIRouter(prefix="/v1/log", tags=["subscriptions"])
    restart = Restart(log)

    @router.get(
        "", dependencies=[guard(Right.INSPECT)], summary="Read how far the log of events is, and whether it grows"
    )
    def state() -> Json:
        found = log.state()
        return {name: getattr(found, name) for name in ("epoch", "position", "ledger_position", "halted")}

    @router.post(
        "/restart",
        dependencies=[guard(Right.OPERATE)],
        summary="Begin a new epoch: read the ledger anew; subscribers are told to start from the snapshot",
    )
    def begin_anew(by: By, reason: Annotated[str, Query(min_length=1, max_length=200)]) -> Json:
        return {"epoch": restart.restart(reason, by)}

    return router


def _own_deliveries(door: SubscriberDoor, deliveries: DeliveryLog) -> APIRouter:
    router = APIRouter(prefix="/v1/deliveries", tags=["feed"])
    may_see: Any = Depends(ReadsAs(door, "deliveries"))
    position_of = Annotated[Number, Path(description="Position of the event.")]

    @router.get("", summary="List the deliveries of your webhook, newest first")
    def listed(
        response: Response,
        subscriber: Subscriber = may_see,
        state: Annotated[str, Query(pattern=r"^(open|delivered|given_up)?$")] = "",
        before: Number | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Json:
        response.headers.update(NO_STORE)
        return deliveries.page(subscriber.subscription.id, state, before, limit)

    @router.get("/{position}", summary="Read the calls of one delivery with your answers")
    def calls(position: position_of, response: Response, subscriber: Subscriber = may_see) -> Json:
        response.headers.update(NO_STORE)
        return deliveries.calls(subscriber.subscription.id, position)

    return router
