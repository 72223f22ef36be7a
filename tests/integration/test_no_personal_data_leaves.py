"""P1, P2, P11 end to end: real processes full of people, and no trace of them outside of the service applications.

Everything that the county says, logs, sends and stores is searched, down to the bytes of every file. The same search
over what applications keeps, opened with its keys, must find everybody.
"""

import base64
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest

from services.applications.privacy import key_rotation, sealing
from services.demo import content
from shared.database.engine import Database
from shared.security.case_ref import case_ref
from shared.security.vault import Vault
from tests.harness.casework import CASES, ITEM, MOVES, mistakes, opening, people, questions
from tests.harness.county import CHANNELS, SERVICES, County, EmbeddedCounty, ProductionCounty, running, wait_for
from tests.harness.postgres import PrivatePostgres, private_postgres
from tests.harness.rabbitmq import PrivateRabbit
from tests.harness.residue import dumped, files, ledger, read, rows, spoken
from tests.harness.traces_of_people import Citizen, Search, demo_people

pytestmark = [pytest.mark.timeout(600)]

SETTINGS = {
    "TONGYUAN_LOG_LEVEL": "debug",
    "TONGYUAN_LOOKUP_LIMIT": "1000000/second",
    "TONGYUAN_LOOKUP_CASE_LIMIT": "1000000/second",
    "TONGYUAN_RECONCILE_INTERVAL": "0.5",
}
EMBEDDED_CASES, PRODUCTION_CASES = 20, 12


# A county full of people


def tell(county: County, person: Citizen) -> list[httpx.Response]:
    """A clerk opens the case and moves it on."""
    http = county.http("applications")
    answers = [http.request(method, path, **more) for method, path, more in opening(person)]
    assert [answer.status_code for answer in answers] == [201, *[200] * len(MOVES)], [one.text for one in answers]
    assert http.get(f"{CASES}/{person.number}").json()["applicant"]["name"] == person.name
    return answers


def mistake(county: County, person: Citizen) -> list[httpx.Response]:
    """What clerks get wrong, and the service says about it."""
    http = county.http("applications")
    answers = [http.request(method, path, **more) for method, path, more in mistakes(person)]
    assert all(400 <= answer.status_code < 500 for answer in answers), [answer.status_code for answer in answers]
    return answers


def ask(county: County, channel: str, person: Citizen) -> list[httpx.Response]:
    """The applicant looks the case up; programs and pages."""
    http = county.http(channel)
    answers = []
    for (method, path, more), status in questions(channel, person):
        answers.append(http.request(method, path, **more))
        assert answers[-1].status_code == status, answers[-1].text
    answers.append(http.post(f"/{channel}/v1/applications/lookup", json={"name": person.name, person.mobile: ""}))
    # People search for their own names; the answer repeats it to them alone, but nothing else may remember it.
    for said in (person.name, person.page_code, person.mobile):
        assert http.get(f"/{channel}/v1/search", params={"q": said}).json()["items"] == []
        assert http.get(f"/{channel}/search", params={"q": said}).status_code == 200
        assert http.get(f"/{channel}/items/{quote(said)}").status_code == 404
    return answers


def until_everywhere(county: County, cases: int, moved: int, channels: tuple[str, ...] = CHANNELS) -> int:
    """So many cases are known, so many of them were moved, and every channel shows how far they are. The last entry."""

    def arrived() -> int:
        entries = ledger(county)
        told = (entry for entry in entries if entry["kind"] == "application" and entry["body"])
        versions = {entry["key"]: entry["version"] for entry in told}
        marks = [county.http(name).get(f"/{name}/v1/position").json()["position"] for name in channels]
        known, on_their_way = len(versions), sum(version > 1 for version in versions.values())
        return len(entries) if known >= cases and on_their_way >= moved and min(marks) >= len(entries) else 0

    return int(wait_for(arrived, f"{cases} cases are everywhere", 240))


# All that it says


@contextmanager
def listening(county: County, channels: tuple[str, ...] = CHANNELS) -> Iterator[dict[str, bytearray]]:
    """Everything that the channels' streams send meanwhile."""
    heard = {name: bytearray() for name in channels}
    stop = threading.Event()

    def listen(name: str) -> None:
        with (
            httpx.Client(base_url=county.url(name), trust_env=False, timeout=30) as http,
            http.stream("GET", f"/{name}/v1/stream") as answer,
        ):
            for piece in answer.iter_raw():
                heard[name] += piece
                if stop.is_set():
                    return

    threads = [threading.Thread(target=listen, args=(name,), daemon=True) for name in channels]
    for thread in threads:
        thread.start()
    wait_for(lambda: all(heard.values()), "every stream has begun")
    yield heard
    stop.set()
    # A signed head comes every other second and lets each listener notice.
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a stream fell silent"


def told(stream: bytes) -> int:
    """How far the channel is by what its stream has told: whole events only."""
    positions = re.findall(rb'^data: {"position":(\d+),.*\n', stream, re.MULTILINE)
    return max(map(int, positions), default=0)


def until_told(heard: Mapping[str, bytearray], last: int) -> None:
    """Every stream has told that its channel is there: it was heard while all of that passed."""
    wait_for(lambda: all(told(bytes(stream)) >= last for stream in heard.values()), f"streams tell of {last}", 240)


def known_with_keys(url: str, keys: Path) -> bytes:
    """All that lies sealed in the store of applications, opened with the keys of a folder."""
    with closing(Database("applications", url, Vault(keys / "personal-keys"))) as db, db.read() as session:
        vault = sealing.vault_of(session)
        return "\n".join(
            [f"{case} {vault.open(value, place)}" for place, value, case in key_rotation.values(session)]
        ).encode()


@dataclass(frozen=True)
class Life:
    """What a county said in its life and what it left behind, by where that was found."""

    search: Search
    last: int
    """The entry by which all of its cases were everywhere."""

    clerks: bytes
    said: Mapping[str, bytes]
    stored: Mapping[str, bytes]
    opened: bytes
    persons: frozenset[str]
    codes: frozenset[str]

    @cached_property
    def numbers(self) -> set[str]:
        """Case numbers: by them a case is found, so they stay as they are."""
        return {
            token for token in self.persons if token.startswith("37-") or re.fullmatch(r"[0-9A-Z]{31}\d{12}", token)
        }

    @cached_property
    def leaks(self) -> dict[str, set[str]]:
        """Traces of people outside of applications."""
        everything = {**self.said, **{name: data for name, data in self.stored.items() if not of_applications(name)}}
        return {where: found for where, data in everything.items() if (found := self.search.tokens(data))}

    @cached_property
    def told_to_clerks(self) -> set[str]:
        """Whoever opens a case is told its number and its query code."""
        return self.search.tokens(self.clerks)

    @cached_property
    def plain(self) -> set[str]:
        """Traces of people in what applications has stored, as it lies there."""
        return self.search.tokens(b"\n".join(data for name, data in self.stored.items() if of_applications(name)))

    @cached_property
    def kept(self) -> set[str]:
        """The same by who has the keys."""
        return self.search.tokens(self.opened)


def of_applications(name: str) -> bool:
    return name.startswith("applications")


# One process, SQLite


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """A county with its demonstration and half a hundred more cases, killed in the midst of life."""
    crowd = people(seed=8, number=EMBEDDED_CASES)
    said: dict[str, bytes] = {}
    county = EmbeddedCounty(tmp_path_factory.mktemp("people"), "--demo", env=SETTINGS)
    with running(county):
        with listening(county) as heard:
            clerks = b"".join(spoken(*tell(county, person)) for person in crowd)
            said["errors"] = b"".join(spoken(*mistake(county, person)) for person in crowd[::5])
            last = until_everywhere(county, EMBEDDED_CASES + len(content.cases()), EMBEDDED_CASES + at_once())
            for name in CHANNELS:
                said[f"{name} look-ups"] = b"".join(spoken(*ask(county, name, person)) for person in crowd[::10])
            until_told(heard, last)
        said |= {f"{name} stream": bytes(data) for name, data in heard.items()}
        numbers, codes = receipts(county)
        keys = [f"application:{case_ref(number, code)}" for number, code in list(zip(numbers, codes, strict=True))[:10]]
        said |= dict(read(county, SERVICES, keys))
        said["/metrics"] = spoken(county.http("web").get("/metrics"))
        said["ledger"] = repr(ledger(county)).encode()
        # Killed, so that the write-ahead logs lie there as they are, not folded into their databases.
        county.kill("up")
        said["log"] = county.log("up").encode()
        data = Path(county.env["TONGYUAN_DATA_DIR"])
        stored = files(data)
        assert any(name.endswith(".db-wal") for name in stored)
        stored |= {f"{file.name} rows": rows(file) for file in data.glob("*.db")}
        opened = known_with_keys(f"sqlite:///{data}/applications.db", data)
    codes = [*codes, *(person.code for person in crowd)]
    persons = {*demo_people(), *numbers, *(t for person in crowd for t in person.tokens if t != person.code)}
    return Life(Search({*persons, *codes}), last, clerks, said, stored, opened, frozenset(persons), frozenset(codes))


def at_once() -> int:
    """Cases of the demonstration that move as soon as all are open; the others move minutes later."""
    return sum(any(event.after_seconds == 0 for event in case.script) for case in content.cases())


def receipts(county: County) -> tuple[list[str], list[str]]:
    """Case numbers and query codes of the demonstration, which it hands to whoever plays with it."""

    def shown() -> list[str]:
        return re.findall(r"<td><code>([^<]+)</code></td>", county.http("web").get("/demo/").text)

    cells = wait_for(lambda: (found := shown()) and len(found) == 2 * len(content.cases()) and found, "all receipts")
    return cells[::2], cells[1::2]


@pytest.mark.xdist_group("people-embedded")
def test_a_county_in_one_process_says_and_stores_nothing_about_anybody(embedded: Life) -> None:
    assert embedded.leaks == {}
    assert embedded.told_to_clerks <= embedded.codes | {token for token in embedded.persons if token.startswith("37-")}


@pytest.mark.xdist_group("people-embedded")
def test_in_the_files_of_applications_lies_nothing_but_case_numbers_in_plain_text(embedded: Life) -> None:
    assert embedded.plain == {token for token in embedded.kept if token in embedded.numbers}


@pytest.mark.xdist_group("people-embedded")
def test_the_same_search_finds_everybody_where_the_keys_are(embedded: Life) -> None:
    # Of the demonstration only the first minutes have happened: later words of its script are not written yet.
    script = set(demo_people()) - applicants()
    assert embedded.persons - embedded.kept <= script
    assert script & embedded.kept
    assert embedded.kept.isdisjoint(embedded.codes), "a query code is kept nowhere, not even there"


def applicants() -> set[str]:
    """What the demonstration tells of its applicants when it opens their cases."""
    people = [case.applicant for case in content.cases()]
    return {text for one in people for text in (one.name, one.page_code, one.contact_mobile, one.address)}


@pytest.mark.xdist_group("people-embedded")
def test_what_was_searched_tells_of_the_cases_all_the_same(embedded: Life) -> None:
    text = {where: data.decode(errors="replace") for where, data in embedded.said.items()}
    assert text["ledger"].count("'kind': 'application'") >= EMBEDDED_CASES * len(MOVES)
    assert text["/applications/metrics"].count("tongyuan_") > 20
    assert text["log"].count("case read in full") == EMBEDDED_CASES
    for name in CHANNELS:
        assert told(embedded.said[f"{name} stream"]) >= embedded.last
        assert "办理中" in text[f"{name} look-ups"]
        assert {f"/{name}/v1/changes", f"/{name}/items/{ITEM}"} <= text.keys()
    assert {f"{name}.db" for name in SERVICES} <= embedded.stored.keys()


# One process a service, RabbitMQ, PostgreSQL

SHOWN = ("web", "kiosk")
NAMES = ("catalog", "applications", "ledger", *SHOWN)


class SmallCounty(ProductionCounty):
    """Cases, the ledger and two channels."""

    @property
    def names(self) -> list[str]:
        return [name for service in NAMES for name in (service, f"{service}-worker")]


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    crowd = people(seed=9, number=PRODUCTION_CASES)
    folder = tmp_path_factory.mktemp("processes")
    rabbit = PrivateRabbit(folder / "rabbitmq").start()
    said: dict[str, bytes] = {}
    try:
        with private_postgres() as postgres:
            database = postgres.create_database()
            county = SmallCounty(folder / "county", rabbit.url, postgres.url(database), env=SETTINGS)
            with running(county):
                with listening(county, SHOWN) as heard:
                    clerks = b"".join(spoken(*tell(county, person)) for person in crowd)
                    said["errors"] = b"".join(spoken(*mistake(county, person)) for person in crowd[::4])
                    last = until_everywhere(county, PRODUCTION_CASES, PRODUCTION_CASES, SHOWN)
                    for name in SHOWN:
                        asked = b"".join(spoken(*ask(county, name, person)) for person in crowd[::6])
                        said[f"{name} look-ups"] = asked
                    until_told(heard, last)
                said |= {f"{name} stream": bytes(data) for name, data in heard.items()}
                said |= dict(read(county, NAMES, [f"application:{case_ref(crowd[0].number, crowd[0].code)}"]))
                for name in county.names:
                    metrics = httpx.get(f"{county.url(name)}/metrics", trust_env=False, follow_redirects=True)
                    said[f"{name} metrics"] = metrics.content
            said |= {f"{name} log": county.log(name).encode() for name in county.names}
            # Stopped, so that all it holds is written down.
            rabbit.stop()
            stored = {f"broker {name}": data for name, data in files(rabbit.folder).items()}
            stored |= {name: dumped(postgres, database, name) for name in SERVICES}
            opened = known_with_keys(postgres.url(database), Path(county.env["TONGYUAN_DATA_DIR"]))
            stored |= {f"applications on disk: {name}": data for name, data in on_disk(postgres, database).items()}
        codes = frozenset(person.code for person in crowd)
        persons = frozenset(token for person in crowd for token in person.tokens) - codes
        yield Life(Search({*persons, *codes}), last, clerks, said, stored, opened, persons, codes)
    finally:
        rabbit.stop()


def on_disk(postgres: PrivatePostgres, database: str) -> dict[str, bytes]:
    """Heap, indexes and write-ahead log as they lie there; every schema is in the same files."""
    with psycopg.connect(postgres.dsn(database), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        found = connection.execute("SELECT oid FROM pg_database WHERE datname = %s", (database,)).fetchone()
    assert found is not None
    data = postgres.folder / "data"
    return {
        f"{part}/{name}": content
        for part in (f"base/{found[0]}", "pg_wal")
        for name, content in files(data / part).items()
    }


@pytest.mark.servers
@pytest.mark.xdist_group("people-production")
def test_processes_broker_and_database_hold_nothing_about_anybody(production: Life) -> None:
    assert production.leaks == {}
    assert production.told_to_clerks <= production.codes | {
        token for token in production.persons if token.startswith("37-")
    }
    stored = b"".join(data for name, data in production.stored.items() if name.startswith("broker"))
    assert stored.count(b"tongyuan.application.advanced") >= PRODUCTION_CASES, "the cases went through this broker"
    for name in ("ledger", *SHOWN):
        assert production.stored[name].count(b"application:") >= PRODUCTION_CASES


@pytest.mark.servers
@pytest.mark.xdist_group("people-production")
def test_in_dump_heap_and_journal_of_the_database_lies_nothing_but_case_numbers_in_plain_text(production: Life) -> None:
    assert any(" base/" in name for name in production.stored)
    assert any(" pg_wal/" in name for name in production.stored)
    assert production.plain == production.numbers


@pytest.mark.servers
@pytest.mark.xdist_group("people-production")
def test_the_same_search_finds_everybody_in_the_schema_where_the_keys_are(production: Life) -> None:
    assert production.kept == production.persons


def test_the_search_sees_through_every_form() -> None:
    search = Search(["欧阳蕤", "440232195501012411"])
    name, number = "我叫欧阳蕤。", "号码440232195501012411。"
    for text, token in ((name, "欧阳蕤"), (number, "440232195501012411")):
        for data in (
            text.encode(),
            text.encode("utf-16-le"),
            text.encode("utf-16-be"),
            json.dumps(text).encode(),
            json.dumps(text).upper().replace("\\U", "\\u").encode(),
            json.dumps(json.dumps(text)).encode(),
            quote(text).encode(),
            *(base64.b64encode(b"x" * before + text.encode()) for before in range(3)),
        ):
            assert search.tokens(data) == {token}, data
    assert search.tokens("我叫欧阳。440232195501012412".encode()) == set()
