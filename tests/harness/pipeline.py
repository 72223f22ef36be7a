"""A small county without threads or sockets: sources, ledger and channels in this process, moved on step by step.

county = Pipeline(tmp_path)              # or a PostgreSQL URL
county.release(item(1)); county.flow()   # every relay, until nothing moves
county.get("web/v1/items/" + item(1).code)
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.applications import CaseProgress
from contracts.catalog import Item
from contracts.guides import Guide
from contracts.identifiers import org9_check_character, uscc_check_character
from contracts.publication import Lane, Op, Release
from contracts.topology import CHANNELS, SOURCES
from services.applications import api as applications_api
from services.applications.commands import Applications
from services.catalog import api as catalog_api
from services.catalog.commands import Catalog
from services.channels import api as channels_api
from services.channels.live import Indexer, Live
from services.channels.port import adapters
from services.channels.rebuild import Progress, Rebuild
from services.channels.search import SearchIndex
from services.channels.starting import StartingChannel
from services.guides import api as guides_api
from services.guides.commands import Guides
from services.guides.following import ItemWatch
from services.ledger import api as ledger_api
from services.ledger import queries
from services.ledger.feed import LedgerFeed
from services.ledger.intake import Intake
from services.ledger.signing import Signer
from services.ledger.standing import Standing, tree_of
from services.ledger.verify import page as verify_page
from services.local import LocalLedger, LocalSource
from shared import editions
from shared.case_ref import case_ref
from shared.config import Settings
from shared.database import Database
from shared.delivery import Message
from shared.editions import EditionRow, Period, State
from shared.inprocess import InProcessBus
from shared.outbox import Draft, SourceFeed, emit
from shared.relay import Relay
from shared.serve import mount
from tests.harness import projecting
from tests.harness.stores import store

REGION = projecting.REGION
ADMIN, SERVICE = "admin-token-of-a-test", "service-token-of-a-test"
PROJECT_NO, QUERY_CODE = "37-2020-1", "ZZZZ-ZZZZ-ZZZZ"
AT_ONCE = Period()
_UNIT = "1133992100399101"


def unit_code() -> str:
    """A well-formed 统一社会信用代码 of this county."""
    organisation = _UNIT[8:]
    first = _UNIT + org9_check_character(organisation)
    return first + uscc_check_character(first)


def code_of(number: int) -> str:
    """实施编码 of the county's item `number` (0 to 9999)."""
    return f"{unit_code()}4{_catalog_code(number)}"


def item(number: int = 1, name: str = "居民身份证办理", **fields: Any) -> Item:
    """An acceptable item that every channel shows, the hall's kiosk too."""
    least = {
        "code": code_of(number),
        "catalog_code": _catalog_code(number),
        "dept_code": unit_code(),
        "task_name": name,
        "is_entry_center": True,
    }
    return projecting.item(**least | fields)


def guide(number: int = 1, name: str = "居民身份证办理", **fields: Any) -> Guide:
    """An acceptable guide that every channel shows."""
    windows = [{"address": "云溪县政务服务中心一楼", "window_no": "A01"}]
    return projecting.guide(**{"code": code_of(number), "task_name": name, "windows": windows} | fields)


def progress(**fields: Any) -> CaseProgress:
    """A case in the middle of its way."""
    return projecting.progress(**{"item_code": code_of(1)} | fields)


class Pipeline:
    """All services of one county over SQLite files in a folder, or over the schemas of one PostgreSQL database."""

    def __init__(
        self, place: Path | str, folder: Path | None = None, channels: Sequence[str] = CHANNELS, **settings: Any
    ) -> None:
        """`folder` keeps the signing key where `place` is a URL."""
        self.place = place
        self.settings = Settings(
            admin_token=SecretStr(ADMIN),
            service_token=SecretStr(SERVICE),
            data_dir=folder or Path(place),
            region=REGION,
            **settings,
        )
        self.dbs = {service: self._database(service) for service in (*SOURCES, "ledger", *channels)}
        self.catalog = Catalog(self.dbs["catalog"], REGION)
        self.guides = Guides(self.dbs["guides"], REGION)
        self.signer = Signer.of_folder(self.settings.data_dir, self.settings.log_origin)
        self.readers = {name: LocalSource(self.dbs[name], name) for name in SOURCES}
        self.standing = Standing(self.dbs["ledger"], self.signer)
        self.intake = Intake(self.dbs["ledger"], self.readers, self.signer, self.standing.require)
        self.ledger = LocalLedger(self.dbs["ledger"])
        self.watch = ItemWatch(self.guides, self.ledger)
        self.channels = {name: StartingChannel(self.dbs[name], adapters()[name], self.ledger) for name in channels}
        self.lives = {name: Live(self.dbs[name], name) for name in channels}
        self.bus = InProcessBus()
        self.relays = [*self._source_relays(), *self._ledger_relays()]

    def flow(self) -> None:
        """Sign the head, then let every relay go on until nothing moves; the search indexes follow."""
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
        self, one: Item | Guide, effective_at: datetime | None = None, expires_at: datetime | None = None
    ) -> Release:
        """Save and release it as its next version."""
        save, release = (
            (self.catalog.save_item, self.catalog.release_item)
            if isinstance(one, Item)
            else (self.guides.save_guide, self.guides.release_guide)
        )
        db = self.dbs["catalog" if isinstance(one, Item) else "guides"]
        save(one.code, one.model_dump(mode="json"), _revision(db, one.code))
        _, made = release(one.code, Period(effective_at, expires_at), None)
        assert made is not None, "exactly this is released already"
        return made

    def withdraw(self, one: Item | Guide, state: State = State.WITHDRAWN, period: Period = AT_ONCE) -> None:
        """Take it off every channel."""
        source = self.catalog if isinstance(one, Item) else self.guides
        with source.db.write() as session:
            editions.withdraw(session, source.who, one.code, state, period)

    def release_case(
        self, one: CaseProgress | None, version: int = 1, project_no: str = PROJECT_NO, query_code: str = QUERY_CODE
    ) -> str:
        """Release what the public may see of a case (None: no more); its ledger key."""
        key = f"application:{_reference(project_no, query_code)}"
        body = None if one is None else one.model_dump(mode="json")
        self.emit("applications", key, body, version)
        return key

    def emit(self, name: str, key: str, body: dict[str, Any] | None, version: int = 1, **period: Any) -> Release:
        """Release a body as it is, unchecked: what an older or newer peer might send."""
        draft = Draft(key, version, Op.WITHDRAW if body is None else Op.RELEASE, REGION, body, **period)
        with self.dbs[name].write() as session:
            return emit(session, name, [draft])[0]

    def accept_ledger(self) -> None:
        """What an operator does with `tongyuan keys accept`: the signer takes the ledger as it is now."""
        with self.dbs["ledger"].read() as session:
            tree, _ = tree_of(session, queries.size(session))
        self.signer.memory.set(tree)

    def ledger_messages(self) -> list[Message]:
        """Every entry as the relay sends it."""
        return LedgerFeed(REGION).messages(self.dbs["ledger"], 0, 1000)

    def rebuild(self, channel: str, **how: Any) -> Progress:
        """Rebuild a channel from the ledger; the last step's report. `how`: see `Rebuild`."""
        return list(Rebuild(self.channels[channel], **how).run())[-1]

    def execute(self, service: str, statement: str, **values: Any) -> Any:
        """One statement behind the service's back: this is how a test does damage."""
        with self.dbs[service].engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return result.all() if result.returns_rows else result.rowcount

    @cached_property
    def http(self) -> TestClient:
        """Everything under one address: `/<service>/v1/…`, as in embedded mode."""
        apis = {name: _WhenAsked(partial(self._api, name)) for name in (*self.dbs, "verify", "V")}
        return TestClient(mount(apis), raise_server_exceptions=False, follow_redirects=False)

    def get(self, path: str, token: str | None = None, **params: Any) -> httpx.Response:
        """GET `/<path>`, as anybody or with a token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer: httpx.Response = self.http.get(f"/{path}", params=params or None, headers=headers)
        return answer

    def close(self) -> None:
        """Close every database."""
        for db in self.dbs.values():
            db.close()

    def _api(self, service: str) -> ASGIApp:
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
            case "V":
                return verify_page.make_short(self.settings)
            case _:
                return channels_api.make(self.channels[service], self.settings, SearchIndex(db), self.lives[service])

    def _database(self, service: str) -> Database:
        url = f"sqlite:///{self.place}/{service}.db" if isinstance(self.place, Path) else self.place
        return store(service, url, "channels" if service in CHANNELS else None)

    def _source_relays(self) -> Iterator[Relay]:
        self.bus.bind("sources", self.intake.take, "ledger.sources")
        for name in SOURCES:
            for lane in Lane:
                yield Relay(self.dbs[name], SourceFeed(name, lane), str(lane), lambda: self.bus.publisher("sources"))

    def _ledger_relays(self) -> Iterator[Relay]:
        takers = {name: channel.take for name, channel in self.channels.items()} | {"guides": self.watch.take}
        for name, take in takers.items():
            self.bus.bind(name, take, name)
            feed = LedgerFeed(REGION)
            publisher = lambda name=name: self.bus.publisher(name)  # noqa: E731
            yield Relay(self.dbs["ledger"], feed, name, publisher, idle=feed.head_message)


class _WhenAsked:
    """An app that is made when it is first asked: a test asks one or two of eight, and making one takes time."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make

    @cached_property
    def _app(self) -> ASGIApp:
        return self._make()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


@contextmanager
def pipeline(
    place: Path | str, folder: Path | None = None, channels: Sequence[str] = CHANNELS, **settings: Any
) -> Iterator[Pipeline]:
    """A county that is closed at the end. `settings` are those of `shared.config`."""
    county = Pipeline(place, folder, channels, **settings)
    try:
        yield county
    finally:
        county.close()


def source(folder: Path, name: str = "catalog") -> Database:
    """A source's database alone."""
    return store(name, f"sqlite:///{folder}/{name}.db")


def shown(answer: httpx.Response) -> Sequence[str]:
    """Codes of the items in a list or in search results."""
    return [one["code"] for one in answer.json()["items"]]


@cache
def _reference(project_no: str, query_code: str) -> str:
    """It is dear on purpose."""
    return case_ref(project_no, query_code)


def _catalog_code(number: int) -> str:
    return f"0007{number:05d}000"


def _revision(db: Database, code: str) -> int | None:
    with db.read() as session:
        row = session.get(EditionRow, code)
        return row.revision if row else None
