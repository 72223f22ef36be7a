"""An auditor of the in-process county, over HTTP only and advanced round by round, with a proxy that can lie.

audited.round()                               # every check once, as if it were due
audited.between.lies["/web/items/1"] = page   # from now on this answer to strangers is altered
audited.inside.lies["/ledger/v1/head"] = head # likewise of an answer to a caller with a token
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from prometheus_client import REGISTRY
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.base import Json
from services.auditor import queries
from services.runtime.auditor import make_auditor
from shared.database.engine import Database
from tests.harness.pipeline import Pipeline

GENTLE = {"audit_interval": 60.0, "audit_poll": 60.0, "audit_rate": 1000.0, "allowed_delay": 0.0}
"""Settings of a county whose auditor is advanced by a test: nothing becomes due by itself."""


@dataclass
class Answer:
    """A complete HTTP answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


Lie = Callable[[Answer], Answer]


class Between:
    """A proxy before the county that records requests. `lies`: path → function that alters the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.lies: dict[str, Lie] = {}
        self.asked: list[httpx.Headers] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        self.asked.append(httpx.Headers(scope["headers"]))
        lie = self.lies.get(scope["path"])
        if lie is None:
            await self._app(scope, receive, send)
            return
        answer = Answer(0)

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                answer.body += message.get("body", b"")

        await self._app(scope, receive, note)
        spoilt = lie(answer)
        headers = {**spoilt.headers, "content-length": str(len(spoilt.body))}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": spoilt.status, "headers": raw})
        await send({"type": "http.response.body", "body": spoilt.body})


class Hurried(threading.Event):
    """Tells the auditor to stop, when it is set. Its waits end at once: no pause takes any time."""

    def wait(self, timeout: float | None = None) -> bool:
        """See `threading.Event`."""
        return self.is_set()


class Audited:
    """One auditor of one county; `now` is its clock, in seconds."""

    def __init__(self, county: Pipeline, db: Database) -> None:
        self.county, self.db = county, db
        self.between, self.inside = Between(county.http.app), Between(county.http.app)
        self.stop = Hurried()
        self.now = 0.0
        self.auditor = make_auditor(
            db, county.settings, self._connect, self.stop, list(county.channels), lambda: self.now
        )

    def round(self) -> None:
        """Run every check that can become due: news, digests, changes, lists, every document and page, repairs."""
        self.now += self.county.settings.audit_interval
        self.auditor.step()

    def findings(self, *, only_open: bool = False) -> list[Json]:
        """Return the findings as the API does."""
        with self.db.read() as session:
            return queries.findings(session, only_open=only_open, before=None, limit=1000)

    def found(self, *, only_open: bool = False) -> set[tuple[str, str, str, str]]:
        """Return channel, surface, verdict and key of each finding."""
        findings = self.findings(only_open=only_open)
        return {(one["channel"], one["surface"], one["verdict"], one["key"]) for one in findings}

    def report(self) -> Json:
        """Return the report as the API does."""
        with self.db.read() as session:
            return queries.report(session)

    def _connect(self, service: str, trusted: bool) -> httpx.Client:
        token = self.county.settings.admin_token if trusted else None
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        app = self.inside if trusted else self.between
        made: httpx.Client = TestClient(app, headers=headers, raise_server_exceptions=False, follow_redirects=False)
        return made


@contextmanager
def auditor_of(county: Pipeline, folder: Path) -> Iterator[Audited]:
    """Return an auditor with a new store, closed at the end."""
    db = Database("auditor", f"sqlite:///{folder}/auditor.db")
    db.migrate("auditor")
    try:
        yield Audited(county, db)
    finally:
        db.close()


def spoilt(**fields: Any) -> Lie:
    """Replace these fields of the answer; headers are added."""
    more = fields.pop("headers", {})
    return lambda answer: replace(answer, headers={**answer.headers, **more}, **fields)


def edited(old: str, new: str) -> Lie:
    """Replace a text in the answer; it must occur."""

    def lie(answer: Answer) -> Answer:
        body = answer.body.replace(old.encode(), new.encode())
        assert body != answer.body, f"{old!r} is not in it"
        return replace(answer, body=body)

    return lie


def sample(name: str, **labels: str) -> float:
    """Return the current value of a metric; 0 before it was first set."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
