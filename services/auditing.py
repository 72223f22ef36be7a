"""The auditor put together: its own store, the channels' pure functions, and everybody's address."""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from importlib import import_module
from threading import Event

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from contracts.base import Json
from contracts.topology import AUDITOR, CHANNELS
from services.auditor import api
from services.auditor.following import LedgerReading
from services.auditor.model import Buckets, Digesting, Line, Sight
from services.auditor.pacing import Pace
from services.auditor.reading import Stranger
from services.auditor.repairing import Mender
from services.auditor.rounds import Auditor
from services.auditor.watching import Plan, Tools, Watch
from services.channels import digests
from services.channels.commands import document_row
from services.channels.port import adapters
from services.channels.reader import Freshness
from services.channels.rendering import Place
from services.parts import Parts
from shared.config import Settings
from shared.database import Database
from shared.serve import Background
from shared.upstream import client

BEHIND = 10
"""Niceness, see setpriority(2)."""

Connect = Callable[[str, SecretStr | None], httpx.Client]
"""A client of a service, with a token or as anybody."""


def auditor_api(parts: Parts) -> FastAPI:
    """HTTP app of the auditor."""
    return api.make(parts.database(AUDITOR), parts.settings)


def auditing(parts: Parts, settings: Settings | None = None) -> dict[str, Background]:
    """What runs beside the auditor's HTTP. `settings`: where the county answers, when it is not the parts' own."""

    def run(stop: Event) -> None:
        # Of this thread alone: on a small machine whoever publishes comes first, and the auditor takes what is left.
        # Never upwards: who was started further back has no right to come forward.
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(BEHIND, os.getpriority(os.PRIO_PROCESS, thread)))
        config = settings or parts.settings
        make_auditor(parts.database(AUDITOR), config, partial(_connect, config), stop).run(stop)

    return {AUDITOR: run}


def make_auditor(
    db: Database, settings: Settings, connect: Connect, stop: Event, channels: Sequence[str] = CHANNELS
) -> Auditor:
    """The auditor of these channels. `stop` ends its waiting."""
    readers = {name: connect(name, None) for name in channels}
    sights = {name: sight(name, settings.county, settings.origin_for(origin(readers[name]))) for name in channels}
    plan = Plan(
        settings.audit_poll, settings.audit_interval, timedelta(seconds=settings.allowed_delay), settings.audit_repair
    )
    pace = Pace(settings.audit_rate, settings.audit_peak, stop)
    ledger = LedgerReading(connect("ledger", settings.service_token), sights)
    tools = Tools(db, ledger, Digesting(_buckets, digests.bucket_of), pace, plan)
    watches = [
        Watch(tools, Stranger(name, readers[name], pace), Mender(name, connect(name, settings.admin_token)))
        for name in channels
    ]
    return Auditor(tools, watches)


def at_one_address(settings: Settings, address: str) -> Settings:
    """The settings of a county whose services all answer at `address`, as in `tongyuan up`."""
    own = {f"{name}_url": None for name in ("ledger", *CHANNELS)}
    return settings.model_copy(update={"base_url": address, **own})


def _connect(settings: Settings, service: str, token: SecretStr | None) -> httpx.Client:
    return client(settings.url_for(service), token.get_secret_value() if token else "", settings.tls)


def origin(reader: httpx.Client) -> str:
    """What a channel sees that it was asked as."""
    url = reader.base_url
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def sight(name: str, county: str, origin: str) -> Sight:
    """How a channel should be seen. `origin`: what its QR codes lead to, for who reads as the auditor does."""
    adapter = adapters()[name]
    place: Place = import_module(f"services.channels.{name}.pages").PLACE
    return Sight(name, partial(document_row, adapter), adapter.summary, partial(_page, place, county, origin))


def _page(place: Place, county: str, origin: str, item: Json, guide: Json | None) -> str:
    """The page's footer tells how fresh it is, which is not compared."""
    template = place.templates.get_template("item.html")
    return template.render(county=county, origin=origin, freshness=Freshness(0), item=item, guide=guide)


def _buckets(lines: Iterable[Line]) -> Buckets:
    return digests.digest_lines(digests.Line(*line) for line in lines).buckets
