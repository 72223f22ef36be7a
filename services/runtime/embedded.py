"""`tongyuan up`: the whole county in one process, with SQLite files and in-process delivery; nothing to install.

source ──relay(lane)──► ledger ──relay(channel)──► channel      every arrow: outbox, confirm, cursor, as with a broker
"""

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from pydantic import SecretStr

from contracts.envelope.publication import Lane
from contracts.topology import (
    AUDITOR,
    BACKFILL_EXCHANGE,
    CONSOLE,
    FEEDBACK_EXCHANGE,
    FEEDBACK_QUEUE,
    GUIDES_QUEUE,
    IMPORTING,
    LANE_EXCHANGES,
    PUBLICATIONS_EXCHANGE,
    SOURCES,
    SOURCES_EXCHANGE,
    SUBSCRIPTIONS,
)
from services.applications.background import background as applications_background
from services.catalog.commands import ENDS_SECONDS
from services.console.accounts.administration import Administration
from services.console.accounts.demo import make_demo_people
from services.guides.feedback import FeedbackStore
from services.guides.files.upkeep import UPKEEP_SECONDS, FileUpkeep
from services.guides.following import ItemWatch
from services.ledger import queries
from services.ledger.log.feed import LedgerFeed
from services.ledger.log.intake import ImportPace, Intake
from services.ledger.scrub.rounds import STEP_SECONDS, Scrub
from services.ledger.signing.signed_head_store import WouldFork
from services.runtime import county_birth
from services.runtime.assembly.channels import ChannelWiring
from services.runtime.assembly.importing import embedded_importing
from services.runtime.assembly.subscriptions import assembled as assembled_subscriptions
from services.runtime.auditor import at_one_address, auditor_api
from services.runtime.console import callers_within, console_background, embedded_api
from services.runtime.local_hooks import LocalCaseHooks
from services.runtime.local_readers import LocalFiles, LocalLedger, LocalPublicLedger, LocalSource
from services.runtime.manifests import AUDITED, CHANNELS, FEEDBACK_CHANNELS, SERVICES
from services.runtime.openapi.document import serving_document
from services.runtime.wiring import Wiring, kept_token
from shared.audit.removal import EVERY_SECONDS as REMOVAL_SECONDS
from shared.audit.removal import AuditRemoval
from shared.config import Settings, SettingsError
from shared.county.identity import Identity
from shared.disk_space import measure_disk
from shared.feeds.outbox import SourceFeed
from shared.feeds.relay import Relay, at_once, run_together
from shared.messaging.delivery import Publisher
from shared.messaging.in_process import InProcessBus
from shared.security.data_folder import Tightened, make_private, require_own_folder, tighten
from shared.timers import Background, periodically
from shared.tokens.person import SYSTEM

PAGE_SECONDS = 0.1


@dataclass
class Embedded:
    """Every service of one county in this process. Holds the lock of the data folder until `close`.

    `demo`: start the demonstration. Raises `SettingsError` when the data folder holds another county, or is in use.
    """

    settings: Settings
    demo: bool = False
    county: Identity = field(init=False)
    wiring: Wiring = field(init=False)
    channels: dict[str, ChannelWiring] = field(init=False)
    address: str | None = None
    """Where this process answers; known when it listens."""
    tightened: Tightened = field(init=False)
    first_password: str | None = None
    """The one-time password of the first administrator, where this start has created the account."""
    _desk_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    """With it desk and imports sign their tokens. It is made anew at each start and stored nowhere."""
    _desk_work: dict[str, Background] = field(default_factory=dict)
    _bus: InProcessBus = field(default_factory=InProcessBus)
    _lock: int = field(init=False)

    def __post_init__(self) -> None:
        folder = self.settings.data_dir
        self._lock = _lock_folder(folder)
        self.tightened = tighten(folder)
        # Three sources share the folder: each has a store and a key file of its own.
        self.settings = self.settings.model_copy(update={"database_url": None, "source_key_file": None})
        self.wiring = Wiring(self.settings)
        measure_disk(folder)
        try:
            self._open(folder)
        except BaseException:
            self.close()
            raise
        self._wire()

    def _open(self, folder: Path) -> None:
        """Determine the county first: a refused start writes nothing, not even a token."""
        county_birth.require_no_lost_store(self.wiring)
        self.county = county_birth.county_of(self.wiring, SERVICES, demo=self.demo)
        self.settings = self.settings.model_copy(
            update={
                "admin_token": self.settings.admin_token or SecretStr(kept_token(folder / "admin-token")),
                "service_token": self.settings.service_token or SecretStr(kept_token(folder / "service-token")),
            }
        )
        self.wiring.settings = self.settings
        self.wiring.catalog_reader = LocalSource(self.wiring.database("catalog"), "catalog")
        self.wiring.recording = LocalLedger(self.wiring.database("ledger")).recording
        for service in SERVICES:
            county_birth.settle(self.wiring, service, self.county)
            self.wiring.require_keys(service)
        people = self.wiring.database(CONSOLE)
        if self.county.demo:
            make_demo_people(people)
        else:
            self.first_password = Administration(people).first_administrator(SYSTEM)

    def apis(self) -> dict[str, FastAPI]:
        """Return the HTTP app of every service."""
        sources = {name: self.wiring.source_api(name) for name in SOURCES}
        channels = {name: channel.api(self.settings) for name, channel in self.channels.items()}
        desk = embedded_api(self.wiring, self._desk_key, self._reached, demo=bool(self.county.demo))
        self._desk_work = console_background(desk, lambda: self.address is not None)
        inspecting = {AUDITOR: auditor_api(self.wiring), CONSOLE: desk, IMPORTING: self._importing.api}
        inspecting[SUBSCRIPTIONS] = self._subscriptions.api
        apis = {**sources, "ledger": self.wiring.ledger_api(), **channels, **inspecting}
        for name, api in apis.items():
            api.state.county = self.county
            api.state.callers = callers_within(name, self._desk_key)
        return {name: serving_document(name, api) for name, api in apis.items()}

    def _reached(self) -> Settings:
        """Return the settings by which the desk reaches the other services in this process."""
        return at_one_address(self.settings, self.address) if self.address else self.settings

    def reconcile(self) -> None:
        """Let every follower fetch what is missing upstream, and sign a new head.

        While the signer refuses, the ledger records nothing, and the channels keep showing what they have.
        """
        with suppress(WouldFork):
            self.intake.reconcile()
            self.wiring.signing_guard.sign()
        for channel in self.channels.values():
            channel.channel.reconcile()

    def background(self) -> dict[str, Background]:
        """Return everything that runs beside HTTP, by name."""
        work: dict[str, Background] = {
            "heads": periodically(self.settings.head_interval, self.wiring.signing_guard.sign, name="head"),
            "ledger-reconcile": periodically(
                self.settings.reconcile_interval, partial(self.intake.reconcile, patient=True), name="ledger-reconcile"
            ),
            "ledger-scrub": periodically(STEP_SECONDS, self.scrub.step, name="ledger-scrub"),
            "planned-ends": periodically(ENDS_SECONDS, self.wiring.catalog.withdraw_cancelled, name="planned-ends"),
            **applications_background(self.wiring.applications),
            "audit-removal": periodically(REMOVAL_SECONDS, self._remove_old_audit_rows, name="audit-removal"),
            **self.wiring.canary("applications"),
            "guides-files": periodically(UPKEEP_SECONDS, FileUpkeep(self.watch.db, "guides").step, name="guides-files"),
            **self._desk_work,
            **self._importing.background(),
            **self._subscriptions.background(),
            "guides-reconcile": periodically(
                self.settings.reconcile_interval, self.watch.reconcile, name="guides-reconcile"
            ),
        }
        for service, relays in self.relays().items():
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

    def _remove_old_audit_rows(self) -> None:
        for service in AUDITED:
            AuditRemoval(self.wiring.database(service)).run()

    def relays(self) -> dict[str, list[Relay]]:
        """Return the relays by service; those of one database share a thread."""
        relays: dict[str, list[Relay]] = {}
        for name in SOURCES:
            relays[name] = [self._source_relay(name, lane) for lane in LANE_EXCHANGES]
        for name in FEEDBACK_CHANNELS:
            relays[name] = [self.wiring.feedback_relay(name, self._publisher(FEEDBACK_EXCHANGE))]
        relays["ledger"] = [self._ledger_relay(name) for name in (*CHANNELS, "guides")]
        return relays

    def close(self) -> None:
        """Close the databases and release the lock of the data folder."""
        self.wiring.close()
        os.close(self._lock)

    def _wire(self) -> None:
        self._importing = embedded_importing(self.wiring, self._desk_key, self._reached)
        ledger = self.wiring.database("ledger")
        public = LocalPublicLedger(ledger)
        self._subscriptions = assembled_subscriptions(self.wiring, public, demo=bool(self.county.demo))
        readers = {name: LocalSource(self.wiring.database(name), name) for name in SOURCES}
        require = self.wiring.signing_guard.require
        self.scrub = Scrub(ledger, readers, self.settings.scrub_interval)
        self.intake = Intake(
            ledger, readers, self.wiring.signer, require, self.settings.region, source_keys=self.settings.source_keys
        )
        files = LocalFiles(self.wiring.database("guides"))
        hooks = LocalCaseHooks(self._subscriptions.hooks)
        self.channels = {name: self.wiring.channel(name, LocalLedger(ledger), files, hooks) for name in CHANNELS}
        self._bus.bind(SOURCES_EXCHANGE, self.intake.take, "ledger")
        self._bus.bind(BACKFILL_EXCHANGE, self.intake.take, "ledger (imports)")
        self.watch = ItemWatch(self.wiring.guides, LocalLedger(ledger), self.settings.log_origin)
        self._bus.bind(_channel_exchange("guides"), self.watch.take, GUIDES_QUEUE)
        self._bus.bind(FEEDBACK_EXCHANGE, FeedbackStore(self.wiring.database("guides")).take, FEEDBACK_QUEUE)
        for name, channel in self.channels.items():
            self._bus.bind(_channel_exchange(name), channel.channel.take, f"{name}.publications")

    def _source_relay(self, name: str, lane: Lane) -> Relay:
        feed, publisher = SourceFeed(name, lane), self._publisher(LANE_EXCHANGES[lane])
        # Imports wait here and not in the ledger's handler: both lanes of a source take turns in one thread.
        pace = ImportPace(self._ledger_size, self._positions, self.settings.backfill_lag)
        is_ready = pace.is_ready if lane == Lane.BACKFILL else at_once
        return Relay(self.wiring.database(name), feed, str(lane), publisher, is_ready=is_ready)

    def _ledger_relay(self, name: str) -> Relay:
        feed = LedgerFeed(self.settings.region)
        publisher = self._publisher(_channel_exchange(name))
        return Relay(self.wiring.database("ledger"), feed, name, publisher, idle=feed.head_message)

    def _publisher(self, exchange: str) -> Callable[[], Publisher]:
        return lambda: self._bus.publisher(exchange)

    def numbers(self) -> dict[str, int]:
        """Return the ledger's number of entries, and how many of them each channel has applied."""
        return {"ledger": self._ledger_size(), **{name: one.channel.position() for name, one in self.channels.items()}}

    def _ledger_size(self) -> int:
        with self.wiring.database("ledger").read() as session:
            return queries.size(session)

    def _positions(self) -> list[int]:
        return [channel.channel.position() for channel in self.channels.values()]


def _channel_exchange(name: str) -> str:
    """Return the exchange of one channel: each has its own binding and cursor, so a failing one delays no other."""
    return f"{PUBLICATIONS_EXCHANGE}.{name}"


def _lock_folder(folder: Path) -> int:
    """Lock the data folder for this process. Raises `SettingsError` when it is in use or is not ours."""
    try:
        make_private(folder)
        require_own_folder(folder)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingsError(f"TONGYUAN_DATA_DIR: {folder}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise SettingsError(f"TONGYUAN_DATA_DIR: {folder} is in use by another `tongyuan up`") from None
    return handle
