"""`tongyuan up`: the whole county in one process, SQLite files and in-process delivery; nothing to install.

source ──relay(lane)──► ledger ──relay(channel)──► channel      every arrow: outbox, confirm, cursor, as with a broker
"""

import fcntl
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from pydantic import SecretStr

from contracts.topology import (
    AUDITOR,
    BACKFILL_EXCHANGE,
    CHANNELS,
    FEEDBACK_CHANNELS,
    FEEDBACK_EXCHANGE,
    FEEDBACK_QUEUE,
    GUIDES_QUEUE,
    LANE_EXCHANGES,
    PUBLICATIONS_EXCHANGE,
    SOURCES,
    SOURCES_EXCHANGE,
)
from services.applications.background import background as applications_background
from services.auditing import auditor_api
from services.catalog.commands import ENDS_SECONDS
from services.guides import feedback
from services.guides.following import ItemWatch
from services.ledger import queries
from services.ledger.feed import LedgerFeed
from services.ledger.intake import Intake, Pace
from services.ledger.memory import WouldFork
from services.local import LocalLedger, LocalSource
from services.openapi import serving_document
from services.parts import ChannelParts, Parts, kept_token
from shared.config import Settings, SettingsError
from shared.delivery import Handler, Message, Publisher, Refusal
from shared.inprocess import InProcessBus
from shared.outbox import SourceFeed
from shared.relay import Relay, run_together
from shared.serve import Background, periodically

SERVICES = (*SOURCES, "ledger", *CHANNELS, AUDITOR)
PAGE_SECONDS = 0.1


@dataclass
class Embedded:
    """Everything of one county in this process. Holds the lock of the data folder until `close`."""

    settings: Settings
    parts: Parts = field(init=False)
    channels: dict[str, ChannelParts] = field(init=False)
    _bus: InProcessBus = field(default_factory=InProcessBus)
    _lock: int = field(init=False)

    def __post_init__(self) -> None:
        folder = self.settings.data_dir
        self._lock = _lock_folder(folder)
        self.settings = self.settings.model_copy(
            update={
                "admin_token": self.settings.admin_token or SecretStr(kept_token(folder / "admin-token")),
                "service_token": self.settings.service_token or SecretStr(kept_token(folder / "service-token")),
                "database_url": None,
            }
        )
        self.parts = Parts(self.settings)
        self.parts.catalog_reader = LocalSource(self.parts.database("catalog"), "catalog")
        for service in SERVICES:
            self.parts.migrate(service)
        self._wire()

    def apis(self) -> dict[str, FastAPI]:
        """HTTP app of every service."""
        sources = {name: self.parts.source_api(name) for name in SOURCES}
        channels = {name: channel.api(self.settings) for name, channel in self.channels.items()}
        apis = {**sources, "ledger": self.parts.ledger_api(), **channels, AUDITOR: auditor_api(self.parts)}
        return {name: serving_document(name, api) for name, api in apis.items()}

    def reconcile(self) -> None:
        """Every hop compares with upstream and takes what is missing; the head is signed anew.

        While the signer refuses, the ledger takes nothing, and the channels show what they have.
        """
        with suppress(WouldFork):
            self.intake.reconcile()
            self.parts.standing.sign()
        for channel in self.channels.values():
            channel.channel.reconcile()

    def background(self) -> dict[str, Background]:
        """Everything that runs beside HTTP, by name."""
        work: dict[str, Background] = {
            "heads": periodically(self.settings.head_interval, self.parts.standing.sign, name="head"),
            "ledger-reconcile": periodically(
                self.settings.reconcile_interval, partial(self.intake.reconcile, patient=True), name="ledger-reconcile"
            ),
            "planned-ends": periodically(ENDS_SECONDS, self.parts.catalog.withdraw_cancelled, name="planned-ends"),
            **applications_background(self.parts.applications),
            "guides-reconcile": periodically(
                self.settings.reconcile_interval, self.watch.reconcile, name="guides-reconcile"
            ),
        }
        for service, relays in self._relays().items():
            work[f"relay-{service}"] = partial(run_together, relays)
        for name, channel in self.channels.items():
            work |= channel.background()
            work[f"{name}-pages"] = periodically(PAGE_SECONDS, channel.channel.turn_pages, name=f"{name}-pages")
            work[f"{name}-reconcile"] = periodically(
                self.settings.reconcile_interval,
                partial(channel.channel.reconcile, patient=True),
                name=f"{name}-reconcile",
            )
        return work

    def close(self) -> None:
        """Close the databases and give the data folder free."""
        self.parts.close()
        os.close(self._lock)

    def _wire(self) -> None:
        ledger = self.parts.database("ledger")
        readers = {name: LocalSource(self.parts.database(name), name) for name in SOURCES}
        self.intake = Intake(ledger, readers, self.parts.signer, self.parts.standing.require)
        self.channels = {name: self.parts.channel(name, LocalLedger(ledger)) for name in CHANNELS}
        pace = Pace(self._ledger_size, self._positions, self.settings.backfill_lag)
        self._bus.bind(SOURCES_EXCHANGE, self.intake.take, "ledger.sources")
        self._bus.bind(BACKFILL_EXCHANGE, _paced(pace, self.intake.take), "ledger.backfill")
        self.watch = ItemWatch(self.parts.guides, LocalLedger(ledger))
        self._bus.bind(_channel_exchange("guides"), self.watch.take, GUIDES_QUEUE)
        self._bus.bind(FEEDBACK_EXCHANGE, partial(feedback.take, self.parts.database("guides")), FEEDBACK_QUEUE)
        for name, channel in self.channels.items():
            self._bus.bind(_channel_exchange(name), channel.channel.take, f"{name}.publications")

    def _relays(self) -> dict[str, list[Relay]]:
        """By service; those of one database take turns in one thread."""
        relays: dict[str, list[Relay]] = {}
        for name in SOURCES:
            relays[name] = [
                Relay(self.parts.database(name), SourceFeed(name, lane), str(lane), self._publisher(exchange))
                for lane, exchange in LANE_EXCHANGES.items()
            ]
        for name in FEEDBACK_CHANNELS:
            relays[name] = [self.parts.feedback_relay(name, self._publisher(FEEDBACK_EXCHANGE))]
        relays["ledger"] = [self._ledger_relay(name) for name in (*CHANNELS, "guides")]
        return relays

    def _ledger_relay(self, name: str) -> Relay:
        feed = LedgerFeed(self.settings.region)
        publisher = self._publisher(_channel_exchange(name))
        return Relay(self.parts.database("ledger"), feed, name, publisher, idle=feed.head_message)

    def _publisher(self, exchange: str) -> Callable[[], Publisher]:
        return lambda: self._bus.publisher(exchange)

    def _ledger_size(self) -> int:
        with self.parts.database("ledger").read() as session:
            return queries.size(session)

    def _positions(self) -> list[int]:
        return [channel.channel.position() for channel in self.channels.values()]


def _channel_exchange(name: str) -> str:
    """One binding a channel, so that each has a cursor of its own and one that fails holds up no other."""
    return f"{PUBLICATIONS_EXCHANGE}.{name}"


def _paced(pace: Pace, take: Handler) -> Handler:
    def paced(messages: Sequence[Message]) -> Sequence[Refusal]:
        pace.wait()
        return take(messages)

    return paced


def _lock_folder(folder: Path) -> int:
    """One `up` a data folder. Raises `SettingsError` while another holds it, or when it cannot be one of ours."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingsError(f"TONGYUAN_DATA_DIR: {folder}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise SettingsError(f"TONGYUAN_DATA_DIR: {folder} is in use by another `tongyuan up`") from None
    return handle
