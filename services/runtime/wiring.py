"""The composition root: builds each service from the settings, in the same way for one process and for many.

A service's modules are imported when it is built: a process that runs one service does not hold the others.
"""

import csv
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from contracts.content.items import Item
from contracts.kinds import CANARY, KINDS, kind_of
from contracts.topology import CONSOLE, SOURCES, SUBSCRIPTIONS
from services.runtime.manifests import migrations
from shared.config import Settings, SettingsError
from shared.database.connection_limits import SERVING, ConnectionLimits
from shared.database.engine import Database
from shared.errors import Unavailable
from shared.feeds.relay import Relay
from shared.feeds.upstream import HttpLedger, HttpSource, LedgerReader, SourceReader, client
from shared.messaging.delivery import Publisher
from shared.publishing.notices import notice
from shared.publishing.recording_status import Latest, PolledRecording, Recording
from shared.publishing.reviews.findings.word_lists import read_word_lists
from shared.security.secret_files import kept_secret
from shared.security.vault import Vault, make_keys
from shared.timers import Background
from shared.tokens.keys import private_key
from shared.tokens.minting import Minter, Token
from shared.transparency.source_signature import RingReleaseSigner, key_name

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.applications.commands import Applications
    from services.catalog.commands import Catalog
    from services.channels.files.upstream import FileReader
    from services.channels.mobile.case_hooks import CaseHooks
    from services.guides.commands import Guides
    from services.ledger.signing.signer import Signer
    from services.ledger.signing.signing_guard import SigningGuard
    from services.runtime.assembly.channels import ChannelWiring

# ruff: noqa: PLC0415  # see above: a service is imported when it is built


@dataclass
class Wiring:
    """Makes services from settings. A database is opened when it is first used, so a process opens only its own."""

    settings: Settings
    process: str | None = None
    """Name of the process in a production deployment; None where one process runs the whole county."""
    share: ConnectionLimits = SERVING
    _databases: dict[str, Database] = field(default_factory=dict)

    def database(self, service: str) -> Database:
        """Return the service's own database."""
        if service not in self._databases:
            db = Database(service, self.settings.database_url_for(service), self._vault(service), self.share)
            db.release_signer = self.release_signer(service) if service in SOURCES else None
            self._databases[service] = db
        return self._databases[service]

    def _vault(self, service: str) -> Vault | None:
        # A process asks only for the setting of its own keys, as its manifest says.
        if service == "applications":
            return Vault(self.settings.personal_keys)
        return Vault(self.settings.staff_keys) if service == CONSOLE else None

    def release_signer(self, source: str) -> RingReleaseSigner:
        """Return the signer of a source's releases, the same in every process of the source."""
        name = key_name(self.settings.log_origin, source)
        return RingReleaseSigner(name, self.settings.source_keys_of(source))

    def migrate(self, service: str) -> None:
        """Migrate the service's schema. Raises `Broken` when the key of its sealed columns is lost."""
        db = self.database(service)
        if service != "applications":
            db.migrate(*migrations(service))
            return
        from services.applications.privacy import key_rotation

        key_rotation.prepare(db)
        db.migrate(*migrations(service))
        key_rotation.clean(db)

    def require_keys(self, service: str) -> None:
        """Check the keys that the service's process needs. Raises `Unavailable`, `Broken`.

        Only `migrate` creates keys of personal data. The first process of a source creates its signing key, and the
        desk the key of second factors: without the former one people enrol again.
        """
        if service == CONSOLE:
            make_keys(self.settings.staff_keys)
        if service == "applications":
            Vault(self.settings.personal_keys).ring()
        if service in SOURCES:
            self.release_signer(service).make()
        if service == SUBSCRIPTIONS:
            from services.subscriptions.keys import MasterKey

            MasterKey(self.settings.webhook_key).make()

    @cached_property
    def catalog(self) -> "Catalog":
        from services.catalog.commands import Catalog

        settings = self.settings
        known, own = divisions(settings.divisions_file), units(settings.units_file)
        lists = read_word_lists(settings.word_lists)
        db = self.database("catalog")
        return Catalog(db, settings.region, known, own, review=settings.review, lists=lists)

    @cached_property
    def guides(self) -> "Guides":
        from services.guides.commands import Guides

        lists = read_word_lists(self.settings.word_lists)
        return Guides(self.database("guides"), self.settings.region, self.settings.review, lists)

    @cached_property
    def applications(self) -> "Applications":
        from services.applications.commands import Applications

        return Applications(self.database("applications"), self.settings.region, self._item_of)

    def canary(self, source: str) -> dict[str, Background]:
        """Return the background work that releases the canary: at one source only."""
        if source != KINDS[kind_of(CANARY)].source:
            return {}
        from services.applications.canary import canary_work

        return canary_work(self.database(source), self.settings.region, self.settings.canary_interval)

    @cached_property
    def signer(self) -> "Signer":
        from services.ledger.signing.signer import Signer
        from services.ledger.signing.sm2_signature import Sm2File

        signer = Signer.of_folder(self.settings.data_dir, self.settings.log_origin)
        if self.settings.sm2_key_file:
            signer.second = Sm2File(self.settings.sm2_key_file, signer.name)
        return signer

    @cached_property
    def signing_guard(self) -> "SigningGuard":
        from services.ledger.signing.signing_guard import SigningGuard

        return SigningGuard(self.database("ledger"), self.signer)

    def channel(
        self, name: str, ledger: LedgerReader, files: "FileReader | None" = None, hooks: "CaseHooks | None" = None
    ) -> "ChannelWiring":
        """Return the components of one channel that follows `ledger`. `files`, `hooks`: None asks over HTTP."""
        from services.runtime.assembly import channels

        upstream = channels.Upstream.over_http(ledger, self._client, files, hooks)
        return channels.assembled(name, self.database(name), self.settings, upstream)

    def _client(self, service: str) -> httpx.Client:
        return client(self.settings.url_for(service), self.token_for(service), self.settings.tls)

    def feedback_relay(self, name: str, publisher: Callable[[], Publisher]) -> Relay:
        """Return the relay of readers' feedback from a channel to guides."""
        from services.runtime.assembly import channels

        return channels.feedback_relay(name, self.database(name), self.settings.region, publisher)

    def source_api(self, name: str) -> "FastAPI":
        """Return the HTTP app of one source."""
        noticing = partial(notice, self.database(name), name, self.recording)
        if name == "catalog":
            from services.catalog import api as catalog_api

            return catalog_api.make(self.catalog, self.settings, noticing)
        if name == "guides":
            from services.guides import api as guides_api

            return guides_api.make(self.guides, self.settings, noticing)
        from services.applications import api as applications_api

        return applications_api.make(self.applications, self.settings, noticing)

    def ledger_api(self) -> "FastAPI":
        """Return the HTTP app of the ledger."""
        from services.ledger import api as ledger_api

        return ledger_api.make(self.database("ledger"), self.settings)

    def ledger_pages(self) -> dict[str, "FastAPI"]:
        """Return the pages that the ledger's process serves, by the path that each is mounted at."""
        from services.ledger.verify import page as verify_page
        from services.runtime.contract_site import site

        return {
            "docs": site.make(self.settings),
            "verify": verify_page.make(self.database("ledger"), self.settings),
            **{letter: verify_page.make_short(self.settings) for letter in ("V", "v")},
        }

    def http_source(self, name: str) -> HttpSource:
        """Return a reader of a source over HTTP."""
        return HttpSource(self._client(name), name)

    def http_ledger(self) -> HttpLedger:
        """Return a reader of the ledger over HTTP."""
        return HttpLedger(self._client("ledger"))

    def token_for(self, callee: str) -> Token:
        """Return the token with which this process calls another service. Raises `SettingsError` when its key is not
        set.

        A single process for all services calls only itself over HTTP (for the auditor), with the admin token.
        """
        if self.process is None:
            return self._own_token()
        if self.settings.caller_key is None:
            reason = f"must be set; {self.process} signs its tokens for {callee} with it (deploy/secrets.sh makes it)"
            raise SettingsError(f"TONGYUAN_CALLER_KEY: {reason}")
        key = private_key(self.settings.caller_key.get_secret_value(), "TONGYUAN_CALLER_KEY")
        return Minter(self.process, key, callee)

    def _own_token(self) -> str:
        if self.settings.admin_token is None:
            raise SettingsError("TONGYUAN_ADMIN_TOKEN: must be set; `tongyuan up` makes one")
        return self.settings.admin_token.get_secret_value()

    def _item_of(self, code: str) -> Item | None:
        """Return the item as released last, for the rules of a case that is opened now; None if it is not released."""
        newest = self.catalog_reader.newest(f"item:{code}")
        return None if newest is None or newest.body is None else Item.model_validate(newest.body, extra="ignore")

    @cached_property
    def catalog_reader(self) -> SourceReader:
        """The reader of catalog for other services; the embedded county replaces it by a local one."""
        return self.http_source("catalog")

    @cached_property
    def recording(self) -> Latest:
        """What the ledger reports about its recording; the embedded county replaces it by a local reader."""
        return self.polled_recording

    @cached_property
    def polled_recording(self) -> PolledRecording:
        """The same over HTTP, polled in the background instead of for each request."""
        return PolledRecording(self._ledger_recording, self.settings.reconcile_interval)

    def _ledger_recording(self) -> Recording:
        if not (self.settings.stated_url("ledger")):
            raise Unavailable("TONGYUAN_LEDGER_URL is not set")
        return self._http_ledger.recording()

    @cached_property
    def _http_ledger(self) -> HttpLedger:
        return self.http_ledger()

    def close(self) -> None:
        """Close every database."""
        for db in self._databases.values():
            db.close()


def divisions(path: Path | None) -> frozenset[str] | None:
    """Read known 6-digit 行政区划 codes from a CSV with a column `code`.

    Raises `SettingsError` when it cannot be read.
    """
    if path is None:
        return None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return frozenset(row["code"].strip()[:6] for row in csv.DictReader(file))
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise SettingsError(f"TONGYUAN_DIVISIONS_FILE: {path}: {error!r}") from error


def units(path: Path | None) -> frozenset[str]:
    """Read the county's list of units and former divisions. Raises `SettingsError` when it cannot be read."""
    if path is None:
        return frozenset()
    from services.catalog.model import read_units

    try:
        return read_units(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"TONGYUAN_UNITS_FILE: {path}: {error}") from error


def kept_token(path: Path) -> str:
    """Return the token in a file that only this user may read; create the file if there is none."""
    return kept_secret(path, lambda: secrets.token_urlsafe(24).encode()).decode().strip()
