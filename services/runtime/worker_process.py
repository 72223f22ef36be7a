"""`tongyuan run <service>-worker`: the nameko process of one service. Import it only after eventlet has patched.

Only the modules of that service are imported.
"""

import os
import threading
from typing import Any

from contracts.topology import SOURCES
from services.runtime.county_check import CountyGate
from services.runtime.manifests import CHANNELS, topology
from services.runtime.wiring import Wiring
from shared import log
from shared.config import Settings
from shared.database.connection_limits import WORKING
from shared.database.engine import Database
from shared.disk_space import measure_disk
from shared.errors import TongyuanError, Unavailable
from shared.feeds.upstream import client, get
from shared.messaging.worker import run_worker
from shared.process_memory import freeze_what_is_loaded
from shared.security.certificate_watch import watching
from shared.timers import quietly
from shared.web.worker_http import serve_health

# ruff: noqa: PLC0415  # see above

LEAD_SECONDS = 0.5
BEHIND = {"guides": 5}
"""Niceness of workers that consume the same publications as the channels: on a small machine channels come first."""

_log = log.get("worker")


def run(name: str, settings: Settings) -> None:
    """Run `<service>-worker` until it is told to stop. Exits with a status other than 0 when the worker dies.

    It consumes nothing until the store has named this process's county.
    """
    service = name.removesuffix("-worker")
    wiring = Wiring(settings, name, WORKING)
    wiring.require_keys(service)
    measure_disk(settings.data_dir)
    if settings.metrics_port:
        db = wiring.database(service)
        tls = settings.tls.server() if settings.tls else None
        serve_health(name, settings.host, settings.metrics_port, lambda: _require_ready(service, db), tls)
    for work in watching(settings.tls).values():
        threading.Thread(target=work, args=(threading.Event(),), name="tls", daemon=True).start()
    broker = settings.required_amqp_url()
    freeze_what_is_loaded()  # before the first wait, and again with what the service loads
    CountyGate(wiring.database(service), settings).wait(threading.Event())
    if service in BEHIND:
        os.nice(BEHIND[service])
    worker = _worker(service, wiring)
    freeze_what_is_loaded()
    try:
        run_worker(worker, broker, tls=settings.tls, watched=[queue.name for queue in topology().queues])
    finally:
        wiring.close()


def _worker(service: str, wiring: Wiring) -> Any:
    """Return the nameko service class of the service."""
    if service == "catalog":
        from services.catalog.worker import make_worker as catalog_worker

        return catalog_worker(wiring.catalog)
    if service == "guides":
        from services.guides.following import ItemWatch
        from services.guides.worker import make_worker as guides_worker

        return guides_worker(ItemWatch(wiring.guides, wiring.http_ledger(), wiring.settings.log_origin))
    if service == "applications":
        from services.applications.worker import make_worker as applications_worker

        return applications_worker(wiring.applications)
    if service == "ledger":
        return _leading(wiring)
    from services.channels.worker import make_worker as channel_worker

    return channel_worker(wiring.channel(service, wiring.http_ledger()).channel, wiring.settings)


def _leading(wiring: Wiring) -> Any:
    """Return the sequencer's worker, once no other process holds its lock.

    The lock is held while this process lives.
    """
    from services.ledger.signing.signing_guard import Standby
    from services.ledger.worker import make_worker

    listener = wiring.database("ledger").notifier.listener()
    standby = Standby(wiring.database("ledger"), wiring.signer)
    waited = threading.Event()
    while not listener.lead("sequencer"):
        _log.info("another sequencer is leading")
        quietly(standby.look, "standby")
        waited.wait(LEAD_SECONDS)
    return make_worker(
        wiring.database("ledger"),
        {name: wiring.http_source(name) for name in SOURCES},
        wiring.signing_guard,
        wiring.settings,
        still_leading=lambda: listener.lead("sequencer"),
        positions=Positions(wiring.settings),
    )


def _require_ready(service: str, db: Database) -> None:
    db.ping()
    if service == "ledger":
        from services.ledger.signing.refusal import refusal

        with db.read() as session:
            refused = refusal(session)
        if refused:
            raise Unavailable(refused["reason"])


class Positions:
    """Returns the positions of the channels that answer."""

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
