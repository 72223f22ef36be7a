"""Subscriptions before a small county: the service with a store of its own, advanced step by step or by its threads."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from starlette.testclient import TestClient

from services.runtime.assembly.subscriptions import SubscriptionsWiring, assembled
from services.runtime.local_readers import LocalPublicLedger
from services.runtime.wiring import Wiring
from services.subscriptions.amqp.broker import broker_of
from services.subscriptions.webhooks.calling import Calling
from shared.webhooks.addresses import AddressRules, Resolve, resolved
from tests.harness.county import wait_for
from tests.harness.pipeline import ADMIN, Pipeline
from tests.harness.stores import store

NAME = "subscriptions"
TOKEN = {"Authorization": f"Bearer {ADMIN}"}
HERE = "127.0.0.0/8"
QUICK = (0.0,) * 9
"""Seconds after each failure: as many tries as over three days."""


class Subscribers:
    """The service over a county's ledger. `http`: as an operator."""

    def __init__(
        self,
        county: Pipeline,
        folder: Path,
        calling: Calling | None = None,
        url: str | None = None,
        amqp_url: str | None = None,
    ) -> None:
        self.county, self.folder = county, folder
        changed = {"data_dir": folder, "webhook_networks": HERE, "amqp_url": amqp_url}
        settings = county.settings.model_copy(update=changed)
        self._wiring = Wiring(settings)
        self.db = store(NAME, url or f"sqlite:///{folder}/{NAME}.db")
        self._wiring._databases[NAME] = self.db  # noqa: SLF001  # migrated by copy
        self._wiring.require_keys(NAME)
        self.calling = calling or Calling(AddressRules.of(HERE), QUICK, patience=30.0)
        self.parts: SubscriptionsWiring
        self.serve()

    def serve(self, calling: Calling | None = None, still: timedelta = timedelta(0)) -> None:
        """Build the service anew over the same store, as after a restart."""
        self.calling = calling or self.calling
        ledger = LocalPublicLedger(self.county.dbs["ledger"])
        broker = broker_of(self._wiring.settings)
        self.parts = assembled(self._wiring, ledger, self.calling, still, broker=broker)
        self.http = TestClient(self.parts.api, headers=TOKEN, raise_server_exceptions=False)

    def flow(self) -> None:
        """Bring what the county has released into the log."""
        self.county.flow()
        self.read()

    def read(self) -> None:
        """Follow the ledger until nothing moves."""
        while self.parts.reading.step():
            pass

    def add(self, name: str = "某系统", **wanted: Any) -> Any:
        """Add a subscription. Return it with its key and secrets."""
        answer = self.http.post("/v1/subscriptions", json={"name": name, **wanted})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def webhook(self, url: str, name: str = "某系统", **wanted: Any) -> Any:
        """Add a webhook that begins with the first event."""
        return self.add(name, delivery="webhook", url=url, **{"start": "everything", "rate": 100} | wanted)

    def one(self, subscription: Any) -> Any:
        """Return a subscription as operators read it."""
        return self.http.get(f"/v1/subscriptions/{subscription['id']}").json()

    def feed(self, subscription: Any, path: str = "feed", **params: Any) -> httpx.Response:
        """GET as the subscriber."""
        headers = {"Authorization": f"Bearer {subscription['key']}"}
        answer: httpx.Response = self.http.get(f"/v1/{path}", params=params, headers=headers)
        return answer

    def events(self, subscription: Any, **params: Any) -> list[tuple[str, int]]:
        """Return subject and version of each event on one page of the feed."""
        answer = self.feed(subscription, **params)
        assert answer.status_code == 200, answer.text
        return [(one["subject"], one["data"].get("version")) for one in answer.json()["events"]]

    def deliveries(self, subscription: Any, state: str = "") -> list[Any]:
        """Return the deliveries of a webhook, oldest first."""
        params = {"state": state, "limit": 200}
        answer = self.http.get(f"/v1/subscriptions/{subscription['id']}/deliveries", params=params)
        return list(reversed(answer.json()["deliveries"]))

    def calls(self, subscription: Any, position: int) -> list[Any]:
        """Return the calls of one delivery."""
        answer = self.http.get(f"/v1/subscriptions/{subscription['id']}/deliveries/{position}")
        return list(answer.json()["calls"])

    def execute(self, statement: str, **values: Any) -> Any:
        """Run a statement directly in the store."""
        with self.db.engine.begin() as connection:
            result = connection.exec_driver_sql(statement, values)
            return result.all() if result.returns_rows else result.rowcount

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Call webhooks meanwhile."""
        with running(self.parts.sender.run):
            yield

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait for the condition while webhooks are called."""
        with self.sending():
            return wait_for(condition, what)

    def close(self) -> None:
        """Close the store."""
        self._wiring.close()


@contextmanager
def running(*work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run background work meanwhile."""
    stop = threading.Event()
    threads = [threading.Thread(target=one, args=(stop,)) for one in work]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@contextmanager
def subscribers(county: Pipeline, folder: Path, calling: Calling | None = None) -> Iterator[Subscribers]:
    """Yield the service over a new store in `folder`."""
    made = Subscribers(county, folder, calling)
    try:
        yield made
    finally:
        made.close()


def quick(rests: Sequence[float] = QUICK, resolve: Resolve = resolved, networks: str = HERE) -> Calling:
    """Return calls with these rests after failures."""
    return Calling(AddressRules.of(networks), rests, 30.0, resolve)
