"""`tongyuan run <service>-worker`: the nameko process of one service. Imported after eventlet has patched all."""

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from contracts.topology import CHANNELS
from services.applications.worker import make_worker as applications_worker
from services.catalog.worker import make_worker as catalog_worker
from services.channels.worker import make_worker as channel_worker
from services.guides.following import ItemWatch
from services.guides.worker import make_worker as guides_worker
from services.ledger.refusal import refusal
from services.ledger.standing import Standby
from services.ledger.worker import make_worker as ledger_worker
from services.parts import Parts
from services.process import amqp_url, settle_memory
from shared import log
from shared.config import Settings
from shared.database import Database
from shared.errors import TongyuanError, Unavailable
from shared.messaging import run_worker
from shared.timers import quietly
from shared.tls_watch import watching
from shared.upstream import client, get
from shared.worker_http import serve_health

LEAD_SECONDS = 0.5
BEHIND = {"guides": 5}
"""Niceness of who hears of the same publications as the channels: on a small machine the screens come first."""

_log = log.get("worker")


def run(name: str, settings: Settings) -> None:
    """Run the worker of `<service>-worker` until told to stop. Ends with a status other than 0 when it dies."""
    service = name.removesuffix("-worker")
    parts = Parts(settings)
    parts.require_keys(service)
    if settings.metrics_port:
        db = parts.database(service)
        tls = settings.tls.server() if settings.tls else None
        serve_health(name, settings.host, settings.metrics_port, lambda: _require_ready(service, db), tls)
    for work in watching(settings.tls).values():
        threading.Thread(target=work, args=(threading.Event(),), name="tls", daemon=True).start()
    if service in BEHIND:
        os.nice(BEHIND[service])
    worker = _makers(parts)[service]()
    settle_memory()
    try:
        run_worker(worker, amqp_url(settings), tls=settings.tls)
    finally:
        parts.close()


def _makers(parts: Parts) -> Mapping[str, Callable[[], Any]]:
    makers: dict[str, Callable[[], Any]] = {
        "catalog": lambda: catalog_worker(parts.catalog),
        "guides": lambda: guides_worker(ItemWatch(parts.guides, parts.http_ledger())),
        "applications": lambda: applications_worker(parts.applications),
        "ledger": lambda: _leading(parts),
    }
    for channel in CHANNELS:
        makers[channel] = lambda channel=channel: channel_worker(  # type: ignore[misc]  # bound now, not when called
            parts.channel(channel, parts.http_ledger()).channel, parts.settings
        )
    return makers


def _leading(parts: Parts) -> Any:
    """The sequencer: waits until no other holds its lock, and keeps the lock for as long as it lives."""
    ear = parts.database("ledger").bell.ear()
    standby = Standby(parts.database("ledger"), parts.signer)
    waited = threading.Event()
    while not ear.lead("sequencer"):
        _log.info("another sequencer is leading")
        quietly(standby.look, "standby")
        waited.wait(LEAD_SECONDS)
    return ledger_worker(
        parts.database("ledger"),
        dict(parts.http_sources()),
        parts.standing,
        parts.settings,
        still_leading=lambda: ear.lead("sequencer"),
        positions=Positions(parts.settings),
    )


def _require_ready(service: str, db: Database) -> None:
    with db.read() as session:
        session.connection().exec_driver_sql("SELECT 1")
        if service == "ledger" and (refused := refusal(session)):
            raise Unavailable(refused["reason"])


class Positions:
    """Positions of the channels that answer."""

    def __init__(self, settings: Settings) -> None:
        self._clients = {name: client(settings.url_for(name), tls=settings.tls) for name in CHANNELS}

    def __call__(self) -> list[int]:
        found = []
        for channel, http in self._clients.items():
            try:
                found.append(int(get(http, f"/{channel}/v1/position")["position"]))
            except (TongyuanError, KeyError, ValueError) as error:
                _log.debug("position unknown", channel=channel, reason=type(error).__name__)
        return found
