"""The desk for tests: over a store of its own, with people of every role, and browsers that are signed in."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from starlette.testclient import TestClient

from contracts.topology import CONSOLE
from services.console import api
from services.console.accounts.administration import Administration
from services.console.accounts.demo import DEMO_PASSWORD, make_demo_people
from services.console.accounts.people import new_account
from services.console.accounts.rights import SECURE_COOKIE
from services.console.accounts.sessions import Arrival, Sessions, Stage, csrf_of
from services.console.desk import Desk
from services.console.upstream.services import Services
from services.runtime.console import channel_titles
from services.runtime.manifests import CHANNELS
from shared.config import Settings
from shared.database.engine import Database
from shared.tokens.minting import Minter
from shared.tokens.person import Person, StaffRole
from shared.web.server.process import mount
from tests.harness.stores import store

ORIGIN = "https://desk.test"
GOOD_PASSWORD = "turnip lantern quarry"  # of accounts that tests make
Connect = Callable[[str], httpx.Client]


def nothing_answers(service: str) -> httpx.Client:
    """Return a client of a service that is down."""

    def refused(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    return httpx.Client(base_url=f"http://{service}.test", transport=httpx.MockTransport(refused))


class Browser(TestClient):
    """A client that keeps cookies and sends forms as pages of the desk do."""

    __test__ = False

    @property
    def csrf(self) -> str:
        """The CSRF token of the session."""
        return csrf_of(self.cookies[SECURE_COOKIE])

    def submit(self, path: str, **fields: Any) -> httpx.Response:
        """POST a form."""
        answer: httpx.Response = self.post(path, data={"csrf": self.csrf, **fields})
        return answer

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Call the JSON API as a script of the page does."""
        answer: httpx.Response = self.request(method, path, json=body, headers={"x-csrf-token": self.csrf})
        return answer


class TestDesk:
    """A desk with the people of the demonstration. `app` answers below `/console`."""

    __test__ = False

    def __init__(self, db: Database, settings: Settings, connect: Connect, *, demo: bool) -> None:
        self.db, self.key = db, Ed25519PrivateKey.generate()
        services = Services(connect, lambda service: Minter(CONSOLE, self.key, service))
        self.desk = Desk(db, settings, services, demo, CHANNELS, channel_titles())
        self.api: FastAPI = api.make(self.desk)
        self.people = Administration(db)

    def browser(self, name: str | None = None, password: str = DEMO_PASSWORD) -> Browser:
        """Return a browser, signed in with a password; None: not signed in."""
        client = Browser(mount({CONSOLE: self.api}), f"{ORIGIN}/console", follow_redirects=False)
        client.headers["sec-fetch-site"] = "same-origin"
        if name is not None:
            answer = client.post("/sign-in", data={"name": name, "password": password})
            assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        return client

    def session(self, name: str, stage: Stage = Stage.COMPLETE) -> Browser:
        """Return a browser with a session of that stage, without the time that a password takes."""
        client = self.browser()
        client.cookies.set(SECURE_COOKIE, Sessions(self.db).begin(name, stage, Arrival("testclient", "a test")))
        return client

    def person(self, name: str, *roles: StaffRole, password: str = GOOD_PASSWORD) -> str:
        """Create an account with a password of its own; return its name."""
        with self.db.write() as session:
            session.add(new_account(Person(name, f"{name} 的姓名", frozenset(roles)), password, one_time=False))
        return name


@contextmanager
def desk(folder: Path, connect: Connect = nothing_answers, *, demo: bool = True, **stated: Any) -> Iterator[TestDesk]:
    """Yield a desk over a new store in `folder`. `stated`: more settings."""
    settings = Settings(data_dir=folder, **stated)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{CONSOLE}.db"
    if not file.exists():
        file.write_bytes(_with_people())
    db = store(CONSOLE, settings.database_url_for(CONSOLE))
    try:
        yield TestDesk(db, settings, connect, demo=demo)
    finally:
        db.close()


@cache
def _with_people() -> bytes:
    """Return a new store with the people of the demonstration, whose passwords take half a second to hash."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / f"{CONSOLE}.db"
        db = store(CONSOLE, f"sqlite:///{file}")
        make_demo_people(db)
        db.close()
        return file.read_bytes()


def csrf(browser: Browser) -> str:
    """Return the CSRF token of a browser's session."""
    return browser.csrf
