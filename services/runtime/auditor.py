"""Assembles the auditor: its own store, the channels' pure functions, and the addresses of all services."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from importlib import import_module
from threading import Event
from typing import Any

import httpx
import orjson
from fastapi import FastAPI

from contracts.base import Json
from contracts.topology import AUDITOR, SOURCES
from services.auditor import api
from services.auditor.inspection.channel_watch import Plan, Tools, Watch
from services.auditor.inspection.ledger_follower import LedgerReading
from services.auditor.inspection.pacing import Clock, RequestPace
from services.auditor.inspection.public_client import PublicClient
from services.auditor.inspection.repairer import Repairer
from services.auditor.inspection.schedule import Auditor
from services.auditor.inspection.source_comparison import SourceWatch
from services.auditor.model import Buckets, Digesting, ExpectedLine, Projection
from services.channels.core import digests
from services.channels.core.documents import document_row
from services.channels.core.port import adapters
from services.channels.pages.reader import Freshness
from services.channels.pages.rendering import ChannelPages
from services.operations.repeated_facts import as_json, repeated_facts
from services.operations.verification.feeds import ReadFeeds
from services.runtime.manifests import CHANNELS
from services.runtime.wiring import Wiring
from shared.config import Settings
from shared.database.engine import Database
from shared.feeds.outbox import newest_releases
from shared.feeds.upstream import client, get
from shared.timers import Background
from shared.tokens.minting import Token

BEHIND = 10
"""Niceness, see setpriority(2)."""

Connect = Callable[[str, bool], httpx.Client]
"""Makes a client of a service: with the auditor's token (True), or anonymous (False)."""


def auditor_api(wiring: Wiring) -> FastAPI:
    """Return the auditor's HTTP app."""
    releases = NewestReleases(wiring)
    return api.make(wiring.database(AUDITOR), wiring.settings, lambda: as_json(repeated_facts(releases)))


class NewestReleases:
    """Reads the newest releases of the sources, see `FactsReader`: in one process from their stores, else over HTTP."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._clients: dict[str, httpx.Client] = {}

    def get(self, service: str, path: str, **params: Any) -> Any:
        """See `FactsReader`; the path is always `releases/newest`."""
        if self._wiring.process is not None:
            return get(self._http(service), f"/{service}/v1/{path}", **params)
        with self._wiring.database(service).read() as session:
            rows = newest_releases(session, params["after"], params["limit"])
        return {"releases": [orjson.loads(document) for _, document in rows]}

    def _http(self, service: str) -> httpx.Client:
        if service not in self._clients:
            tokens = {service: self._wiring.token_for(service)}
            self._clients[service] = _connect(self._wiring.settings, tokens, service, trusted=True)
        return self._clients[service]


def auditing(wiring: Wiring, settings: Settings | None = None) -> dict[str, Background]:
    """Return the auditor's background work. `settings`: where the county answers, if not the wiring's own.

    Raises `SettingsError` when a key for the tokens is not set.
    """
    # Make the tokens now: without its key the process ends at its start, not in a background thread.
    tokens = {callee: wiring.token_for(callee) for callee in ("ledger", *SOURCES, *CHANNELS)}

    def run(stop: Event) -> None:
        # Lower the priority of this thread only: on a small machine publishing comes first. Never raise it: a process
        # that was started with a lower priority has no right to.
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(BEHIND, os.getpriority(os.PRIO_PROCESS, thread)))
        config = settings or wiring.settings
        make_auditor(wiring.database(AUDITOR), config, partial(_connect, config, tokens), stop).run(stop)

    return {AUDITOR: run}


def make_auditor(
    db: Database,
    settings: Settings,
    connect: Connect,
    stop: Event,
    channels: Sequence[str] = CHANNELS,
    clock: Clock = time.monotonic,
) -> Auditor:
    """Return the auditor of these channels. `stop` ends its waiting; `clock` returns monotonic seconds."""
    readers = {name: connect(name, False) for name in channels}  # see Connect
    sights = {name: sight(name, settings.county, settings.origin_for(origin(readers[name]))) for name in channels}
    plan = Plan(
        settings.audit_poll, settings.audit_interval, timedelta(seconds=settings.allowed_delay), settings.audit_repair
    )
    pace = RequestPace(settings.audit_rate, settings.audit_peak, stop)
    ledger = LedgerReading(connect("ledger", True), sights)
    tools = Tools(db, ledger, Digesting(_buckets, digests.bucket_of), pace, plan, clock)
    watches = [
        Watch(tools, PublicClient(name, readers[name], pace), Repairer(name, connect(name, True))) for name in channels
    ]
    feeds = {source: connect(source, True) for source in SOURCES}

    def read(source: str, path: str, **params: Any) -> Any:
        pace.wait()
        return get(feeds[source], f"/{source}/v1/{path}", **params)

    return Auditor(tools, watches, SourceWatch(db, ledger.entries, ReadFeeds(read), tools.plan.allowed, clock))


def at_one_address(settings: Settings, address: str) -> Settings:
    """Return the settings of a county whose services all answer at `address`, as in `tongyuan up`."""
    own = {f"{name}_url": None for name in ("ledger", *SOURCES, *CHANNELS)}
    return settings.model_copy(update={"base_url": address, **own})


def _connect(
    settings: Settings, tokens: Mapping[str, Token], service: str, trusted: bool
) -> httpx.Client:  # see Connect
    return client(settings.url_for(service), tokens[service] if trusted else "", settings.tls)


def origin(reader: httpx.Client) -> str:
    """Return the origin (scheme and host) under which a channel is asked."""
    url = reader.base_url
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def sight(name: str, county: str, origin: str) -> Projection:
    """Return what a channel should show.

    `origin`: the origin of its QR codes' addresses, as the auditor's reader sees it.
    """
    adapter = adapters()[name]
    place: ChannelPages = import_module(f"services.channels.{name}.pages").PAGES
    return Projection(name, partial(document_row, adapter), adapter.summary, partial(_page, place, county, origin))


def _page(place: ChannelPages, county: str, origin: str, item: Json, guide: Json | None) -> str:
    """Render the page as the channel does, except the footer's freshness, which is not compared."""
    template = place.templates.get_template("item.html")
    return template.render(county=county, origin=origin, freshness=Freshness(), item=item, guide=guide)


def _buckets(lines: Iterable[ExpectedLine]) -> Buckets:
    return digests.digest_lines(digests.DigestLine(*line) for line in lines).buckets
