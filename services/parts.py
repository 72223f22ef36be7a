"""The composition root's parts: each service built from settings, the same in both modes."""

import csv
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

from contracts.catalog import Item
from contracts.topology import CHANNELS, SOURCES
from services.applications import api as applications_api
from services.applications import reseal
from services.applications.commands import Applications
from services.catalog import api as catalog_api
from services.catalog.commands import Catalog
from services.channels import api as channels_api
from services.channels.drill import LOOK_SECONDS, drill_if_due
from services.channels.feedback import LANE, FeedbackFeed
from services.channels.lineage import AnchoredChannel
from services.channels.live import Indexer, Live
from services.channels.port import adapters
from services.channels.search import SearchIndex
from services.channels.starting import StartingChannel
from services.guides import api as guides_api
from services.guides.commands import Guides
from services.ledger import api as ledger_api
from services.ledger.second import Sm2File
from services.ledger.signing import Signer
from services.ledger.standing import Standing
from services.ledger.verify import page as verify_page
from shared.config import Settings, SettingsError
from shared.database import Database
from shared.delivery import Publisher
from shared.front import Front
from shared.relay import Relay
from shared.secret_file import kept_secret
from shared.serve import Background, periodically
from shared.sse import StreamApp
from shared.upstream import HttpLedger, HttpSource, LedgerReader, SourceReader
from shared.vault import Vault

MIGRATIONS = dict.fromkeys(CHANNELS, "channels")


@dataclass
class ChannelParts:
    """A channel's pieces."""

    channel: AnchoredChannel
    index: SearchIndex
    live: Live
    indexer: Indexer
    drill_interval: float
    beside: Mapping[str, Background]

    def api(self, settings: Settings) -> FastAPI:
        """The channel's HTTP app."""
        return channels_api.make(self.channel, settings, self.index, self.live)

    def stream(self) -> ASGIApp:
        """The channel's event stream alone."""
        return StreamApp(self.live.stream, self.live.open)

    def background(self) -> dict[str, Background]:
        """What runs beside the channel's HTTP."""
        name = self.channel.service
        work: dict[str, Background] = {f"{name}-live": self.live.run, f"{name}-index": self.indexer.run, **self.beside}
        if self.drill_interval:
            drill = partial(drill_if_due, self.channel, self.drill_interval)
            work[f"{name}-drill"] = periodically(LOOK_SECONDS, drill, name=f"{name}-drill")
        return work


def front(app: ASGIApp, channels: Mapping[str, ChannelParts]) -> Front:
    """`app` behind the answers and streams of these channels, which many ask for."""
    pages = {name: channel.live.page for name, channel in channels.items()}
    return Front(app, pages, {name: channel.stream() for name, channel in channels.items()})


@dataclass
class Parts:
    """Databases are opened when first asked for, so a process opens only its own."""

    settings: Settings
    _databases: dict[str, Database] = field(default_factory=dict)

    def database(self, service: str) -> Database:
        """The service's own database."""
        if service not in self._databases:
            vault = Vault(self.settings.personal_keys) if service == "applications" else None
            self._databases[service] = Database(service, self.settings.database_url_for(service), vault)
        return self._databases[service]

    def migrate(self, service: str) -> None:
        """Bring the service's schema up to date. Raises `Broken` when what is sealed in it has lost its key."""
        db = self.database(service)
        if service == "applications":
            reseal.prepare(db)
        db.migrate(MIGRATIONS.get(service, service))
        if service == "applications":
            reseal.clean(db)

    def require_keys(self, service: str) -> None:
        """What the service's process cannot do without. Raises `Unavailable`, `Broken`: only `migrate` makes keys."""
        if service == "applications":
            Vault(self.settings.personal_keys).ring()

    @cached_property
    def catalog(self) -> Catalog:
        return Catalog(self.database("catalog"), self.settings.region, divisions(self.settings.divisions_file))

    @cached_property
    def guides(self) -> Guides:
        return Guides(self.database("guides"), self.settings.region)

    @cached_property
    def applications(self) -> Applications:
        return Applications(self.database("applications"), self.settings.region, self._item_of)

    @cached_property
    def signer(self) -> Signer:
        signer = Signer.of_folder(self.settings.data_dir, self.settings.log_origin)
        if self.settings.sm2_key_file:
            signer.second = Sm2File(self.settings.sm2_key_file, signer.name)
        return signer

    @cached_property
    def standing(self) -> Standing:
        return Standing(self.database("ledger"), self.signer)

    def channel(self, name: str, ledger: LedgerReader) -> ChannelParts:
        """One channel that follows `ledger`."""
        db = self.database(name)
        channel = StartingChannel(db, adapters()[name], ledger, filter(None, self.settings.ledger_keys.split(",")))
        index = SearchIndex(db)
        own = f"services.channels.{name}.background"
        beside = import_module(own).background(db, self.settings) if find_spec(own) else {}
        return ChannelParts(channel, index, Live(db, name), Indexer(db, index), self.settings.drill_interval, beside)

    def feedback_relay(self, name: str, publisher: Callable[[], Publisher]) -> Relay:
        """What readers say in a channel, on its way to the guides' owner."""
        feed = FeedbackFeed(self.settings.region, name)
        return Relay(self.database(name), feed, LANE, publisher, idle=feed.forget)

    def source_api(self, name: str) -> FastAPI:
        """HTTP app of one source."""
        if name == "catalog":
            return catalog_api.make(self.catalog, self.settings)
        if name == "guides":
            return guides_api.make(self.guides, self.settings)
        return applications_api.make(self.applications, self.settings)

    def ledger_api(self) -> FastAPI:
        """HTTP app of the ledger."""
        return ledger_api.make(self.database("ledger"), self.settings)

    def verify_pages(self) -> dict[str, FastAPI]:
        """The ledger's pages for people, by the path that each stands under."""
        return {
            "verify": verify_page.make(self.database("ledger"), self.settings),
            "V": verify_page.make_short(self.settings),
        }

    def http_sources(self) -> dict[str, HttpSource]:
        """The sources over HTTP."""
        token = self.service_token()
        return {name: HttpSource(self.settings.url_for(name), name, token, self.settings.tls) for name in SOURCES}

    def http_ledger(self) -> HttpLedger:
        """The ledger over HTTP."""
        return HttpLedger(self.settings.url_for("ledger"), self.service_token(), self.settings.tls)

    def service_token(self) -> str:
        """The token among services. Raises `SettingsError` when it is not set."""
        if self.settings.service_token is None:
            raise SettingsError("TONGYUAN_SERVICE_TOKEN: must be set; services read each other's feeds with it")
        return self.settings.service_token.get_secret_value()

    def _item_of(self, code: str) -> Item | None:
        """The item as released last, for the rules of a case that is opened now."""
        newest = self.catalog_reader.newest(f"item:{code}")
        return None if newest is None or newest.body is None else Item.model_validate(newest.body, extra="ignore")

    @cached_property
    def catalog_reader(self) -> SourceReader:
        """Catalog as other services read it; replaced by a local one in the embedded county."""
        return self.http_sources()["catalog"]

    def close(self) -> None:
        """Close every database."""
        for db in self._databases.values():
            db.close()


def divisions(path: Path | None) -> frozenset[str] | None:
    """Known 6-digit 行政区划 codes from a CSV with a column `code`. Raises `SettingsError` when it cannot be read."""
    if path is None:
        return None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return frozenset(row["code"].strip()[:6] for row in csv.DictReader(file))
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise SettingsError(f"TONGYUAN_DIVISIONS_FILE: {path}: {error!r}") from error


def kept_token(path: Path) -> str:
    """The token in a file that only we may read; made when there is none."""
    return kept_secret(path, lambda: secrets.token_urlsafe(24).encode()).decode().strip()
