"""A small county without threads or sockets: sources, ledger and channels in this process, advanced step by step.

county = Pipeline(tmp_path)              # or a PostgreSQL URL
county.release(item(1)); county.flow()   # every relay, until nothing moves
county.get("web/v1/items/" + item(1).code)
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.codes.identifiers import org9_check_character, uscc_check_character
from contracts.content.cases import CaseProgress
from contracts.content.guides import Guide
from contracts.content.items import Item
from contracts.envelope.publication import Lane, Op, Release
from contracts.topology import SOURCES
from services.applications import api as applications_api
from services.applications.commands import Applications
from services.catalog import api as catalog_api
from services.catalog.commands import Catalog
from services.channels.api import app as channels_api
from services.channels.api.live_stream import Indexer, Live
from services.channels.core.channel import Channel
from services.channels.core.port import adapters
from services.channels.files.store import FileStore
from services.channels.recovery.aside import Progress
from services.channels.recovery.bootstrap import starting_channel
from services.channels.recovery.rebuild import Rebuild
from services.channels.search.index import SearchIndex
from services.guides import api as guides_api
from services.guides.commands import Guides
from services.guides.following import ItemWatch
from services.ledger import api as ledger_api
from services.ledger import queries
from services.ledger.log.feed import LedgerFeed
from services.ledger.log.intake import Intake
from services.ledger.signing.signer import Signer
from services.ledger.signing.signing_guard import SigningGuard, tree_of
from services.ledger.verify import page as verify_page
from services.runtime.local_readers import LocalFiles, LocalLedger, LocalSource
from services.runtime.manifests import CHANNELS, migrations
from services.runtime.pages.error_pages import error_pages
from shared.config import Settings
from shared.database.engine import Database
from shared.feeds.outbox import Draft, SourceFeed, emit
from shared.feeds.relay import Relay
from shared.messaging.delivery import Message, Refusal
from shared.messaging.in_process import InProcessBus
from shared.publishing import editions
from shared.publishing.editions import EditionRow, EditionState, Period, Plans
from shared.security.case_ref import case_ref
from shared.web.response_cache import CachedService, ResponseCacheMiddleware, shareable_addresses
from shared.web.server.process import mount
from tests.harness import projecting
from tests.harness.actors import TESTER
from tests.harness.case_hooks import CaseHooksWhenAsked, HookService
from tests.harness.file_source import FileSource
from tests.harness.stores import store

REGION = projecting.REGION
ADMIN, SERVICE = "admin-token-of-a-test", "service-token-of-a-test"
PROJECT_NO, QUERY_CODE = "37-2020-1", "ZZZZ-ZZZZ-ZZZZ"
AT_ONCE = Period()
_UNIT = "1133992100399101"


def unit_code() -> str:
    """Return a valid 统一社会信用代码 of this county."""
    organisation = _UNIT[8:]
    first = _UNIT + org9_check_character(organisation)
    return first + uscc_check_character(first)


def code_of(number: int) -> str:
    """Return the 实施编码 of the county's item `number` (0 to 9999)."""
    return f"{unit_code()}4{_catalog_code(number)}"


def item(number: int = 1, name: str = "居民身份证办理", **fields: Any) -> Item:
    """Return a valid item that every channel shows, including the kiosk."""
    least = {
        "code": code_of(number),
        "catalog_code": _catalog_code(number),
        "dept_code": unit_code(),
        "task_name": name,
        "is_entry_center": True,
    }
    return projecting.item(**least | fields)


def guide(number: int = 1, name: str = "居民身份证办理", **fields: Any) -> Guide:
    """Return a valid guide that every channel shows."""
    windows = [{"address": "云溪县政务服务中心一楼", "window_no": "A01"}]
    return projecting.guide(**{"code": code_of(number), "task_name": name, "windows": windows} | fields)


def progress(**fields: Any) -> CaseProgress:
    """Return a case in progress."""
    return projecting.progress(**{"item_code": code_of(1)} | fields)


class Pipeline:
    """All services of one county over SQLite files in a folder, or over schemas of one PostgreSQL database."""

    def __init__(
        self, place: Path | str, folder: Path | None = None, channels: Sequence[str] = CHANNELS, **settings: Any
    ) -> None:
        """`folder` holds the signing key if `place` is a URL. `clock`, which a test may replace, is the catalogue's."""
        self.place = place
        self.settings = Settings(
            admin_token=SecretStr(ADMIN),
            service_token=SecretStr(SERVICE),
            data_dir=folder or Path(place),
            region=REGION,
            **settings,
        )
        self.dbs = {service: self._database(service) for service in (*SOURCES, "ledger", *channels)}
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        review = self.settings.review
        self.catalog = Catalog(self.dbs["catalog"], REGION, clock=self._now, review=review)
        self.guides = Guides(self.dbs["guides"], REGION, review)
        self.signer = Signer.of_folder(self.settings.data_dir, self.settings.log_origin)
        self.readers = {name: LocalSource(self.dbs[name], name) for name in SOURCES}
        self.standing = SigningGuard(self.dbs["ledger"], self.signer)
        self.intake = Intake(self.dbs["ledger"], self.readers, self.signer, self.standing.require)
        self.ledger = LocalLedger(self.dbs["ledger"])
        self.watch = ItemWatch(self.guides, self.ledger)
        self.channels = {name: starting_channel(self.dbs[name], adapters()[name], self.ledger) for name in channels}
        self.lives = {name: Live(self.dbs[name], name) for name in channels}
        self.file_source = FileSource(LocalFiles(self.dbs["guides"]))
        self.files = {name: FileStore(self.dbs[name], self.file_source) for name in channels}
        self.bus = InProcessBus()
        self.relays = [*self._source_relays(), *self._ledger_relays()]

    def flow(self) -> None:
        """Sign the head, run every relay until nothing moves, and update the search indexes."""
        while sum(relay.step() for relay in self.relays):
            pass
        self.standing.sign()
        for relay in self.relays:
            relay.step()
        for name in self.channels:
            indexer = Indexer(self.dbs[name], SearchIndex(self.dbs[name]))
            while indexer.step():
                pass

    def release(
        self,
        one: Item | Guide,
        effective_at: datetime | None = None,
        expires_at: datetime | None = None,
        plans: Plans | None = None,
    ) -> Release:
        """Save the content and release it as the next version."""
        save, release = (
            (self.catalog.save_item, self.catalog.release_item)
            if isinstance(one, Item)
            else (self.guides.save_guide, self.guides.release_guide)
        )
        db = self.dbs["catalog" if isinstance(one, Item) else "guides"]
        save(TESTER, one.code, one.model_dump(mode="json"), _revision(db, one.code))
        _, made = release(TESTER, one.code, Period(effective_at, expires_at), None, plans)
        assert made is not None, "exactly this is released already"
        return made

    def withdraw(
        self,
        one: Item | Guide,
        state: EditionState = EditionState.WITHDRAWN,
        period: Period = AT_ONCE,
        plans: Plans | None = None,
    ) -> None:
        """Withdraw it from every channel."""
        source = self.catalog if isinstance(one, Item) else self.guides
        with source.db.write() as session:
            off = editions.withdraw if state == EditionState.WITHDRAWN else editions.suspend
            off(session, source.who, TESTER, one.code, period, plans=plans)

    def release_case(
        self, one: CaseProgress | None, version: int = 1, project_no: str = PROJECT_NO, query_code: str = QUERY_CODE
    ) -> str:
        """Release the public state of a case (None: withdraw it). Return its ledger key."""
        key = f"application:{_reference(project_no, query_code)}"
        body = None if one is None else one.model_dump(mode="json")
        self.emit("applications", key, body, version)
        return key

    def emit(self, name: str, key: str, body: dict[str, Any] | None, version: int = 1, **period: Any) -> Release:
        """Release a body unchecked, as an older or newer peer might send it."""
        draft = Draft(key, version, Op.WITHDRAW if body is None else Op.RELEASE, REGION, body, **period)
        with self.dbs[name].write() as session:
            return emit(session, name, [draft])[0]

    def accept_ledger(self) -> None:
        """Make the signer accept the ledger as it is, as `tongyuan keys accept` does."""
        with self.dbs["ledger"].read() as session:
            tree, _ = tree_of(session, queries.size(session))
        self.signer.memory.set(tree)

    def ledger_messages(self) -> list[Message]:
        """Return every entry as the relay sends it."""
        return LedgerFeed(REGION).messages(self.dbs["ledger"], 0, 1000)

    def rebuild(self, channel: str, **how: Any) -> Progress:
        """Rebuild a channel from the ledger and return the last step. `how`: see `Rebuild`."""
        return list(Rebuild(self.channels[channel], **how).run())[-1]

    def execute(self, service: str, statement: str, **values: Any) -> Any:
        """Run a statement directly in a service's database; tests use it to do damage."""
        with self.dbs[service].engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return result.all() if result.returns_rows else result.rowcount

    @cached_property
    def http(self) -> TestClient:
        """All services under one address, `/<service>/v1/…`, as in embedded mode, without the response cache."""
        apis = {name: _WhenAsked(partial(self.api, name)) for name in (*self.dbs, "verify", "V", "v")}
        return TestClient(mount(apis), raise_server_exceptions=False, follow_redirects=False)

    def serve_anew(self) -> None:
        """Make the services' HTTP anew at the next request, with the settings as they are then."""
        self.__dict__.pop("http", None)

    @cached_property
    def front(self) -> ResponseCacheMiddleware:
        """The same with the response cache, as every process serves it."""
        apis = {name: self.api(name) for name in (*self.dbs, "verify", "V", "v")}
        served = {name: CachedService(live.page, shareable_addresses(apis[name])) for name, live in self.lives.items()}
        return ResponseCacheMiddleware(mount(apis), served)

    @cached_property
    def browser(self) -> TestClient:
        """The same as a browser gets it that asks for HTML: with pages in the place of problem details."""
        accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        pages = error_pages(self.front, self.settings.county)
        return TestClient(pages, raise_server_exceptions=False, follow_redirects=False, headers={"Accept": accept})

    def get(self, path: str, token: str | None = None, **params: Any) -> httpx.Response:
        """GET `/<path>`, anonymously or with a token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer: httpx.Response = self.http.get(f"/{path}", params=params or None, headers=headers)
        return answer

    def close(self) -> None:
        """Close every database."""
        for db in self.dbs.values():
            db.close()

    def api(self, service: str) -> FastAPI:
        """Build a service's own app anew."""
        db = self.dbs.get(service, self.dbs["ledger"])
        match service:
            case "catalog":
                return catalog_api.make(self.catalog, self.settings)
            case "guides":
                return guides_api.make(self.guides, self.settings)
            case "applications":
                return applications_api.make(Applications(db, REGION), self.settings)
            case "ledger":
                return ledger_api.make(db, self.settings)
            case "verify":
                return verify_page.make(self.dbs["ledger"], self.settings)
            case "subscriptions":
                return self.case_hooks.api(self.settings)
            case "V" | "v":
                return verify_page.make_short(self.settings)
            case _:
                index, live, files = SearchIndex(db), self.lives[service], self.files[service]
                made = channels_api.make(self.channels[service], self.settings, index, live, files)
                made.state.case_hooks = CaseHooksWhenAsked(lambda: self.case_hooks.over_http(self.settings))
                return made

    @cached_property
    def case_hooks(self) -> HookService:
        """Subscriptions, which calls the apps; it is there once something asks for it."""
        self.dbs["subscriptions"] = self._database("subscriptions")
        return HookService(self.dbs["subscriptions"], self.settings.webhook_key)

    def _now(self) -> datetime:
        return self.clock()

    def _database(self, service: str) -> Database:
        url = f"sqlite:///{self.place}/{service}.db" if isinstance(self.place, Path) else self.place
        return store(service, url, *migrations(service))

    def _source_relays(self) -> Iterator[Relay]:
        self.bus.bind("sources", self.intake.take, "ledger.sources")
        for name in SOURCES:
            for lane in Lane:
                yield Relay(self.dbs[name], SourceFeed(name, lane), str(lane), lambda: self.bus.publisher("sources"))

    def _ledger_relays(self) -> Iterator[Relay]:
        takers: dict[str, Channel | ItemWatch] = {**self.channels, "guides": self.watch}
        for name, taker in takers.items():
            self.bus.bind(name, partial(_take, taker), name)
            feed = LedgerFeed(REGION)
            publisher = lambda name=name: self.bus.publisher(name)  # noqa: E731
            yield Relay(self.dbs["ledger"], feed, name, publisher, idle=feed.head_message)


def _take(taker: Channel | ItemWatch, messages: Sequence[Message]) -> Sequence[Refusal]:
    """Look `take` up at each delivery, since a test may replace it."""
    return taker.take(messages)


class _WhenAsked:
    """Builds an app on the first request: a test uses one or two of eight, and building takes time."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make

    @cached_property
    def app(self) -> ASGIApp:
        return self._make()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@contextmanager
def pipeline(
    place: Path | str, folder: Path | None = None, channels: Sequence[str] = CHANNELS, **settings: Any
) -> Iterator[Pipeline]:
    """Return a county that is closed at the end. `settings`: those of `shared.config`."""
    county = Pipeline(place, folder, channels, **settings)
    try:
        yield county
    finally:
        county.close()


def source(folder: Path, name: str = "catalog") -> Database:
    """Return a source's database alone."""
    return store(name, f"sqlite:///{folder}/{name}.db")


def shown(answer: httpx.Response) -> Sequence[str]:
    """Return the codes of the items in a list or in search results."""
    return [one["code"] for one in answer.json()["items"]]


@cache
def _reference(project_no: str, query_code: str) -> str:
    """Cached: computing it is expensive on purpose."""
    return case_ref(project_no, query_code)


def _catalog_code(number: int) -> str:
    return f"0007{number:05d}000"


def _revision(db: Database, code: str) -> int | None:
    with db.read() as session:
        row = session.get(EditionRow, code)
        return row.revision if row else None
