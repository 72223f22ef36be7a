"""P1, P2, P11: hundreds of cases full of persons, and not one byte of them in anything that leaves the service.

Of the files that it keeps the same holds, but for case numbers.

The very same search must find them where they do belong, and wherever a leak is made on purpose.
"""

import io
import json
import logging
import secrets
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import structlog
from prometheus_client import generate_latest
from pydantic import SecretStr
from starlette.testclient import TestClient

from contracts.envelope.publication import Lane
from services.applications import api
from services.applications.lifecycle import recompute
from services.applications.lifecycle.definitions import CaseState
from services.applications.lifecycle.progress import public_progress
from shared import log
from shared.config import Settings
from shared.errors import Unavailable
from shared.feeds.outbox import SourceFeed
from tests.harness.actors import TESTER
from tests.harness.county_cases import ITEM, County, hall, message, moment, notice
from tests.harness.traces_of_people import Citizen, Search, citizens

CASES = 240


@dataclass
class Station:
    """A county with a clerk at its HTTP, halls at its queue, and everything that it says written down."""

    county: County
    client: TestClient
    log: io.StringIO
    people: list[Citizen]
    errors: list[bytes] = field(default_factory=list)

    @property
    def search(self) -> Search:
        return Search([token for person in self.people for token in person.tokens])

    def ask(self, method: str, path: str, content: Any, status: int) -> None:
        answer = self.client.request(method, path, content=orjson.dumps(content))
        assert answer.status_code == status, (status, answer.status_code)
        if status >= 400:
            self.errors.append(answer.content + repr(answer.headers.raw).encode())

    def take(self, *contents: Any) -> None:
        for refusal in self.county.take(*contents):
            self.errors.append(refusal.reason.encode())

    def leaving(self) -> dict[str, bytes]:
        """Everything that leaves the service, by the way it leaves."""
        db = self.county.db
        messages = [one for lane in Lane for one in SourceFeed("applications", lane).messages(db, 0, 100_000)]
        feed = [self.client.get("/v1/releases", params={"lane": lane, "limit": 1000}) for lane in Lane]
        feed += [self.client.get("/v1/releases/heads"), self.client.get("/readyz"), self.client.get("/healthz")]
        feed += [self.client.get(f"/v1/releases/{release['key']}") for release in self.county.releases()[:20]]
        assert all(answer.status_code == 200 for answer in feed)
        return {
            "release documents": orjson.dumps(self.county.releases()),
            "outbox messages": b"".join(
                one.body + f"{one.routing_key} {one.message_id} {one.headers}".encode() for one in messages
            ),
            "feed": b"".join(answer.content + repr(answer.headers.raw).encode() for answer in feed),
            "log": self.log.getvalue().encode(),
            "metrics": generate_latest() + self.client.get("/metrics").content,
            "errors": b"".join(self.errors),
            "lists": self.client.get("/v1/counts").content,
        }

    def leaks(self) -> dict[str, set[str]]:
        """Personal data found, by the way by which they left."""
        search = self.search
        return {way: hits for way, content in self.leaving().items() if (hits := search.tokens(content))}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that is logged from now on, by us and by every library, down to debug."""
    buffer, stderr = io.StringIO(), sys.stderr
    root = logging.getLogger()
    before = root.handlers[:], root.level
    sys.stderr = buffer
    log.configure("applications", "debug")
    root.setLevel(logging.DEBUG)
    # The clerk's own HTTP client writes down where it went; that is not the service.
    monkeypatch.setattr(logging.getLogger("httpx"), "disabled", True)
    monkeypatch.setattr(logging.getLogger("httpcore"), "disabled", True)
    yield buffer
    sys.stderr = stderr
    root.handlers[:], root.level = before
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def station(tmp_path: Path, written: io.StringIO) -> Iterator[Callable[[int], Station]]:
    county = County.embedded(tmp_path)
    county.now = moment(14, 18)
    app = api.make(county.cases, Settings(admin_token=SecretStr("clerk"), service_token=SecretStr("ledger")))
    client = TestClient(app, raise_server_exceptions=False, headers={"Authorization": "Bearer clerk"})
    people = citizens(seed=2020)

    def staffed(cases: int) -> Station:
        return Station(county, client, written, [next(people) for _ in range(cases)])

    with client:
        yield staffed
    county.close()


def at_the_window(station: Station, person: Citizen) -> None:
    """A clerk opens the case and advances it."""
    path = f"/v1/applications/{person.number}"
    name = {"query_code": person.code} if person.code else {"case_ref": random_name()}
    station.ask("PUT", path, {"item_code": ITEM, "promise_day": 3, **name, **person.persons}, 201)
    station.ask("POST", f"{path}/events", event("received", 12, person), 200)
    station.ask("POST", f"{path}/events", event("accepted", 13, person, accept_doc_no="S-1"), 200)


def mistakes_at_the_window(station: Station, person: Citizen) -> None:
    path = f"/v1/applications/{person.number}"
    station.ask("POST", f"{path}/events", event("not_accepted", 13, person), 409)
    station.ask("POST", f"{path}/events", {**event("accepted", 12, person), person.name: person.page_code}, 422)
    station.ask("POST", f"{path}/events", event("accepted", 13, person, result_name=person.story), 422)
    station.ask("PUT", path, {"item_code": person.name, **person.persons}, 422)
    station.ask("PUT", path, {"item_code": ITEM, **person.persons}, 428)
    station.ask("GET", f"/v1/applications/{person.name}", {}, 422)
    station.ask("GET", f"/v1/applications/{person.number}X", {}, 404)


def at_the_queue(station: Station, person: Citizen) -> None:
    """A hall and the exchange report the same case; half of it is wrong."""
    told = {"explain": person.story, "handle_user": person.name, "reason": person.story}
    station.take(
        hall("accept", 13, number=person.number, details={**told, "accept_doc_no": "S-1", "window_no": person.mobile}),
        message({"source": "exchange", "table": "up_pro_accept", "row": person.row, "case_ref": random_name()}),
        message({"source": "exchange", "table": person.name, "row": person.row}),
        message({"source": "exchange", "table": "up_pro_accept", "row": {**person.row, "accept_date": person.name}}),
        hall("jj", 12, number=person.name),
        hall(person.story[:30], 12, number=person.number),
        hall("jj", 12, number=person.number, item_code=ITEM, query_code=person.mobile),
        hall("sendresult", 14, number=person.number, state=person.mobile[:4], details=told),
        hall("specialresult", 14, number=person.number, state="9", details={**told, "special_name": person.story}),
        hall("bz", 14, number=person.number, details={person.name: person.page_code}),
        hall("finishfile", 14, number=person.number, details={**told, "certificate_no": person.card}),
        message(person.story),
        message(person.story.encode()),
    )


def event(name: str, day: int, person: Citizen, **details: Any) -> dict[str, Any]:
    told = {"explain": person.story, "handle_user": person.name, "certificate_no": person.card}
    return {"event": name, "occurred_at": moment(day).isoformat(), **told, **details}


def random_name() -> str:
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(52))


def busy_weeks(station: Station) -> None:
    """All cases, then what time, calendars and second thoughts do to them, and a database that fails."""
    half = len(station.people) // 2
    for person in station.people[:half]:
        at_the_window(station, person)
    for person in station.people[:half:5]:
        mistakes_at_the_window(station, person)
    for person in station.people[half:]:
        at_the_queue(station, person)
    for person in station.people[:3]:
        path = f"/v1/applications/{person.number}"
        station.ask("POST", f"{path}/receipt", {}, 201)
        station.ask("POST", f"{path}/withdraw", {"erase": True}, 200)
        station.ask("POST", f"{path}/release", {}, 409)
    station.county.cases.run_timers(moment(30))
    station.county.cases.put_calendar(TESTER, 2021, notice(2021))
    broken_database(station)


def broken_database(station: Station) -> None:
    """A table that is gone: HTTP answers 503, the queue's handler raises, and its worker writes the traceback down."""
    person = station.people[-1]
    rename(station.county, "fact", "lost")
    station.ask("PUT", f"/v1/applications/{person.number}9", {"item_code": ITEM, **person.persons}, 503)
    try:
        station.county.take(hall("jj", 12, number=person.number, details={"explain": person.story}))
    except Unavailable:
        logging.getLogger("nameko.containers").warning("error handling worker", exc_info=True)
    rename(station.county, "lost", "fact")


def rename(county: County, old: str, new: str) -> None:
    with county.db.write() as session:
        session.connection().exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")


def test_no_byte_of_any_person_leaves_the_service(station: Callable[[int], Station], tmp_path: Path) -> None:
    county = station(CASES)
    busy_weeks(county)

    assert county.leaks() == {}

    ways = county.leaving()
    assert len(county.county.releases()) > CASES
    assert len(county.errors) > 3 * CASES
    assert b"error handling worker" in ways["log"]
    assert b"Unavailable" in ways["log"]
    kept = "".join(text for table in ("application", "fact") for text in county.county.opened(table)).encode()
    assert len(county.search.tokens(kept)) > CASES, "the search must find persons where they are kept"


def test_what_is_kept_of_persons_is_sealed_in_the_database_and_its_journal(
    station: Callable[[int], Station], tmp_path: Path
) -> None:
    county = station(40)
    busy_weeks(county)

    numbers = {person.number for person in county.people}
    assert {file.name for file in tmp_path.iterdir()} >= {"applications.db", "applications.db-wal"}
    for file in tmp_path.iterdir():
        assert county.search.tokens(file.read_bytes()) <= numbers, file.name


def test_the_search_finds_a_projection_that_leaks(
    station: Callable[[int], Station], monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaking(case: CaseState, item_code: str, salt: str) -> Any:
        told = [fact.explain for fact in (*case.waiting, *case.superseded) if fact.explain]
        progress = public_progress(case, item_code, salt)
        return progress.model_copy(update={"advice": "".join(told)}) if told else progress

    monkeypatch.setattr(recompute, "public_progress", leaking)
    county = station(20)
    busy_weeks(county)

    assert {"release documents", "outbox messages", "feed"} <= county.leaks().keys()


@pytest.mark.parametrize("form", [str, json.dumps, quote])
def test_the_search_finds_a_log_line_that_leaks(station: Callable[[int], Station], form: Callable[[str], str]) -> None:
    county = station(4)
    log.get("intake").debug("refused", detail=form(county.people[1].name))

    assert county.leaks().keys() == {"log"}


def test_the_search_finds_every_single_token(station: Callable[[int], Station]) -> None:
    county = station(50)
    everything = "|".join(token for person in county.people for token in person.tokens).encode()
    assert county.search.tokens(everything) == {token for person in county.people for token in person.tokens}


def test_a_query_code_is_nowhere_in_the_database(station: Callable[[int], Station], tmp_path: Path) -> None:
    county = station(60)
    for person in county.people[:40]:
        at_the_window(county, person)

    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    codes = [person.code for person in county.people[:40] if person.code]
    assert len(codes) == 2
    assert not any(code.encode() in stored for code in codes)
