"""`tongyuan run <service>`: HTTP (uvicorn) of one service, and beside it the relay of what the service publishes."""

from collections.abc import Callable
from functools import partial

from fastapi import FastAPI

from contracts.publication import Lane
from contracts.topology import (
    AUDITOR,
    FEEDBACK_CHANNELS,
    FEEDBACK_EXCHANGE,
    LANE_EXCHANGES,
    PUBLICATIONS_EXCHANGE,
    SOURCES,
)
from services.auditing import auditing, auditor_api
from services.ledger.feed import LedgerFeed
from services.openapi import serving_document
from services.parts import ChannelParts, Parts, front
from services.process import amqp_url, settle_memory
from shared.amqp import AmqpPublisher
from shared.config import Settings
from shared.delivery import Publisher
from shared.outbox import SourceFeed
from shared.relay import Relay
from shared.serve import Background, Threads, listen, mount, serve
from shared.tls_watch import watching


def run(name: str, settings: Settings) -> None:
    """Serve one service until told to stop."""
    parts = Parts(settings)
    parts.require_keys(name)
    api, background, channels = _http_parts(name, parts)
    app = serving_document(name, api)
    tls = settings.tls
    sock = listen(settings.host, settings.port)
    settle_memory()
    try:
        pages = parts.verify_pages() if name == "ledger" else {}
        everything = front(mount({name: app, **pages}, app), channels)
        threads = Threads({**background, **watching(tls)})
        serve(everything, sock, threads, tls=tls.server() if tls else None)
    finally:
        parts.close()


def _http_parts(name: str, parts: Parts) -> tuple[FastAPI, dict[str, Background], dict[str, ChannelParts]]:
    if name in SOURCES:
        relays = [_source_relay(name, lane, exchange, parts) for lane, exchange in LANE_EXCHANGES.items()]
        return parts.source_api(name), {f"relay-{relay.name}": relay.run for relay in relays}, {}
    if name == "ledger":
        return parts.ledger_api(), {"relay": _ledger_relay(parts).run}, {}
    if name == AUDITOR:
        return auditor_api(parts), auditing(parts), {}
    channel = parts.channel(name, parts.http_ledger())
    work = channel.background()
    if name in FEEDBACK_CHANNELS and parts.settings.amqp_url is not None:
        publisher = _publisher(parts.settings, FEEDBACK_EXCHANGE, f"{name}-relay-feedback")
        work[f"{name}-feedback"] = parts.feedback_relay(name, publisher).run
    return channel.api(parts.settings), work, {name: channel}


def _source_relay(name: str, lane: Lane, exchange: str, parts: Parts) -> Relay:
    make = _publisher(parts.settings, exchange, f"{name}-relay-{lane}")
    return Relay(parts.database(name), SourceFeed(name, lane), str(lane), make)


def _ledger_relay(parts: Parts) -> Relay:
    feed = LedgerFeed(parts.settings.region)
    make = _publisher(parts.settings, PUBLICATIONS_EXCHANGE, "ledger-relay")
    return Relay(parts.database("ledger"), feed, "broker", make, idle=feed.head_message)


def _publisher(settings: Settings, exchange: str, name: str) -> Callable[[], Publisher]:
    return partial(AmqpPublisher, amqp_url(settings), exchange, connection_name=f"tongyuan.{name}", tls=settings.tls)
