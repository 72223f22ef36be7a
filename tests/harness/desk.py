"""The desk for tests: over a store of its own, with people of every role, and browsers that are signed in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from starlette.testclient import TestClient

from contracts.topology import CONSOLE
from services.console import api
from services.console.accounts.demo import DEMO_PASSWORD, make_demo_people
from services.console.desk import Desk
from services.console.upstream.services import Services
from services.runtime.manifests import CHANNELS
from services.runtime.wiring import Wiring
from shared.config import Settings
from shared.database.engine import Database
from shared.tokens.minting import Minter

ORIGIN = "https://desk.test"
Connect = Callable[[str], httpx.Client]


def nothing_answers(service: str) -> httpx.Client:
    """Return a client of a service that is down."""

    def refused(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    return httpx.Client(base_url=f"http://{service}.test", transport=httpx.MockTransport(refused))


class TestDesk:
    """A desk with the people of the demonstration. `app` answers below `/console`."""

    __test__ = False

    def __init__(self, db: Database, settings: Settings, connect: Connect, *, demo: bool) -> None:
        self.db, self.key = db, Ed25519PrivateKey.generate()
        services = Services(connect, lambda service: Minter(CONSOLE, self.key, service))
        self.api: FastAPI = api.make(Desk(db, settings, services, demo, CHANNELS))

    def browser(self, name: str | None = None, password: str = DEMO_PASSWORD) -> TestClient:
        """Return a browser, signed in as a person of the demonstration; None: not signed in."""
        client = TestClient(
            self.api, ORIGIN, root_path="/console", follow_redirects=False, raise_server_exceptions=False
        )
        client.headers["sec-fetch-site"] = "same-origin"
        if name is not None:
            answer = client.post("/sign-in", data={"name": name, "password": password})
            assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        return client


@contextmanager
def desk(folder: Path, connect: Connect = nothing_answers, *, demo: bool = True) -> Iterator[TestDesk]:
    """Yield a desk over a new store in `folder`."""
    settings = Settings(data_dir=folder)
    wiring = Wiring(settings)
    try:
        wiring.migrate(CONSOLE)
        make_demo_people(wiring.database(CONSOLE))
        yield TestDesk(wiring.database(CONSOLE), settings, connect, demo=demo)
    finally:
        wiring.close()


def csrf(browser: TestClient) -> str:
    """Return the CSRF token of a browser's session, as a script of the page reads it."""
    text: str = browser.get("/").text
    _, _, rest = text.partition('<meta name="csrf" content="')
    return rest.partition('"')[0]
