"""`tongyuan run <service>`: the HTTP server (uvicorn) of one service, and the relay of what the service publishes.

Only the modules of that service are imported.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.envelope.publication import Lane
from contracts.topology import (
    AUDITOR,
    CONSOLE,
    FEEDBACK_EXCHANGE,
    IMPORTING,
    LANE_EXCHANGES,
    PUBLICATIONS_EXCHANGE,
    SOURCES,
    SUBSCRIPTIONS,
)
from services.runtime import manifests
from services.runtime.assembly.front import front
from services.runtime.county_check import CountyGate
from services.runtime.manifests import FEEDBACK_CHANNELS
from services.runtime.openapi.document import serving_document
from services.runtime.pages.error_pages import error_pages
from services.runtime.wiring import Wiring
from shared.audit.removal import EVERY_SECONDS, AuditRemoval
from shared.config import Settings
from shared.disk_space import measure_disk
from shared.feeds.outbox import SourceFeed
from shared.feeds.relay import Relay
from shared.messaging.delivery import Publisher
from shared.messaging.publisher import AmqpPublisher
from shared.process_memory import TRIM_SECONDS, freeze_what_is_loaded, give_back
from shared.security.certificate_watch import watching
from shared.timers import Background, periodically
from shared.web.edge import OF_OPERATORS, problem
from shared.web.limits import Limits
from shared.web.server.process import Threads, listen, mount, serve

if TYPE_CHECKING:
    from services.runtime.assembly.channels import ChannelWiring

# ruff: noqa: PLC0415  # see above


def run(name: str, settings: Settings) -> None:
    """Serve one service until the process is told to stop."""
    wiring = Wiring(settings, name)
    wiring.require_keys(name)
    api, background, channels = _http_app(name, wiring)
    api.state.callers = manifests.callers(name, settings)
    gate = CountyGate(wiring.database(name), settings, partial(setattr, api.state, "county"))
    app = serving_document(name, api)
    tls = settings.tls
    measure_disk(settings.data_dir)
    sock = listen(settings.host, settings.port)
    freeze_what_is_loaded()
    try:
        gate.look()
        pages = wiring.ledger_pages() if name == "ledger" else {}
        everything = _gated(gate, front(mount({name: app, **pages}, app), channels, {name: app}))
        work = {label: gate.behind(one) for label, one in background.items()}
        memory = periodically(TRIM_SECONDS, give_back, name="memory")
        if name in manifests.AUDITED:
            work["audit-removal"] = gate.behind(_removal(name, wiring))
        threads = Threads({"county": gate.watch, "memory": memory, **work, **watching(tls)})
        errors = partial(error_pages, county=settings.county, services=(name,))
        serve(everything, sock, threads, tls=tls.server() if tls else None, limits=Limits.of(settings), errors=errors)
        gate.require()
    finally:
        wiring.close()


def _removal(name: str, wiring: Wiring) -> Background:
    return periodically(EVERY_SECONDS, AuditRemoval(wiring.database(name)).run, name="audit-removal")


def _gated(gate: CountyGate, app: ASGIApp) -> ASGIApp:
    """Wrap the app: until the gate is open, only operators' addresses such as `/healthz` are answered."""

    async def gated(scope: Scope, receive: Receive, send: Send) -> None:
        if gate.is_open or scope["type"] != "http" or scope["path"].endswith(OF_OPERATORS):
            await app(scope, receive, send)
        else:
            closed = problem(503, "Unavailable", "the store has not said yet which county it belongs to")
            await closed(scope, receive, send)

    return gated


def _http_app(name: str, wiring: Wiring) -> tuple[FastAPI, dict[str, Background], dict[str, "ChannelWiring"]]:
    if name in SOURCES:
        relays = [_source_relay(name, lane, exchange, wiring) for lane, exchange in LANE_EXCHANGES.items()]
        work: dict[str, Background] = {f"relay-{relay.name}": relay.run for relay in relays}
        work |= wiring.canary(name)
        return wiring.source_api(name), {**work, "recording": wiring.polled_recording.run}, {}
    if name == "ledger":
        return wiring.ledger_api(), {"relay": _ledger_relay(wiring).run}, {}
    if name == AUDITOR:
        from services.runtime.auditor import auditing, auditor_api

        return auditor_api(wiring), auditing(wiring), {}
    if name == CONSOLE:
        from services.runtime.console import console_api, console_background

        desk = console_api(wiring)
        return desk, console_background(desk), {}
    if name == IMPORTING:
        from services.runtime.assembly.importing import importing

        parts = importing(wiring)
        return parts.api, dict(parts.background()), {}
    if name == SUBSCRIPTIONS:
        from services.runtime.assembly.subscriptions import subscriptions

        service = subscriptions(wiring)
        return service.api, dict(service.background()), {}
    channel = wiring.channel(name, wiring.http_ledger())
    beside = channel.background()
    if name in FEEDBACK_CHANNELS and wiring.settings.amqp_url is not None:
        publisher = _publisher(wiring.settings, FEEDBACK_EXCHANGE, f"{name}-relay-feedback")
        beside[f"{name}-feedback"] = wiring.feedback_relay(name, publisher).run
    return channel.api(wiring.settings), beside, {name: channel}


def _source_relay(name: str, lane: Lane, exchange: str, wiring: Wiring) -> Relay:
    make = _publisher(wiring.settings, exchange, f"{name}-relay-{lane}")
    return Relay(wiring.database(name), SourceFeed(name, lane), str(lane), make)


def _ledger_relay(wiring: Wiring) -> Relay:
    from services.ledger.log.feed import LedgerFeed

    feed = LedgerFeed(wiring.settings.region)
    make = _publisher(wiring.settings, PUBLICATIONS_EXCHANGE, "ledger-relay")
    return Relay(wiring.database("ledger"), feed, "broker", make, idle=feed.head_message)


def _publisher(settings: Settings, exchange: str, name: str) -> Callable[[], Publisher]:
    return partial(
        AmqpPublisher, settings.required_amqp_url(), exchange, connection_name=f"tongyuan.{name}", tls=settings.tls
    )
