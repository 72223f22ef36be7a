"""The audit log at the desk: who did what in every store, as one list; its chains, its export, and who may see it."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from contracts.base import Json
from services.console.audit.audit import Audit
from services.console.audit.export import INCOMPLETE, csv_lines, json_lines
from services.console.audit.hand_in import HandIn
from services.console.audit.logs import Search
from services.ledger.signing.heads import sign_head
from shared.audit.chain import faults
from shared.audit.queries import AuditFilter, page
from shared.audit.recording import AuditEntry, record
from shared.errors import UpstreamDown
from shared.tokens.person import Actor, Person, StaffRole
from shared.transparency.checkpoint import NoteKey
from shared.transparency.head_statement import read_statement
from tests.harness.desk import Browser, TestDesk
from tests.harness.desk_county import DeskCounty, desk_county
from tests.harness.pipeline import code_of, guide, item

Place = tuple[DeskCounty, TestDesk]
EVIL = Actor("evil", Person("evil", '=HYPERLINK("http://evil.test")', frozenset(), frozenset(), "10.9.9.9"), "10.9.9.9")
VIEWER = Person("shenji", "审计", frozenset({StaffRole.AUDITOR}), frozenset(), "10.0.0.1")


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A county with an item in two versions and its guide, and acts of the desk. Tests add rows and change none."""
    with desk_county(tmp_path_factory.mktemp("audit")) as place:
        county, here = place
        county.county.release(item(1, "原名"))
        county.county.release(item(1, "新名"))
        county.county.release(guide(1))
        county.county.flow()
        here.person("viewer", StaffRole.AUDITOR)
        with here.db.write() as session:
            record(session, EVIL, AuditEntry("person.changed", "account:li.hua", {"roles": []}, {"roles": ["editor"]}))
        yield place


@pytest.fixture
def place(shared_place: Place) -> Iterator[Place]:
    yield shared_place
    shared_place[0].down.clear()


def auditor(here: TestDesk) -> Browser:
    return here.session("viewer")


def search(browser: Browser, **asked: Any) -> Json:
    found: Json = browser.get("/v1/audit/search", params=asked).json()
    return found


def own_rows(here: TestDesk) -> list[Json]:
    with here.db.read() as session:
        return page(session, AuditFilter(), None, 1000, with_changes=True)


def test_the_rows_of_every_log_are_one_list_newest_first(place: Place) -> None:
    rows = search(auditor(place[1]), limit=500)["rows"]

    assert {row["log"] for row in rows} >= {"console", "catalog", "guides"}
    assert [row["at"] for row in rows] == sorted((row["at"] for row in rows), reverse=True)


def test_pages_together_are_the_whole_list(place: Place) -> None:
    browser = auditor(place[1])
    whole = [(row["log"], row["sequence"]) for row in search(browser, limit=500)["rows"]]
    read: list[tuple[str, int]] = []
    before: str | None = ""
    while before is not None:
        one = search(browser, limit=2, before=before)
        read += [(row["log"], row["sequence"]) for row in one["rows"]]
        before = one["next"]

    assert read == whole
    assert len(read) > 5


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"thing": code_of(1), "action": "release"}, {("catalog", "release"), ("guides", "release")}),
        ({"thing": f"item:{code_of(1)}", "action": "save"}, {("catalog", "save")}),
        ({"address": "10.9.9.9"}, {("console", "person.changed")}),
        ({"actor": "evil"}, {("console", "person.changed")}),
        ({"thing": "li.hua", "log": "console"}, {("console", "person.changed")}),
        ({"to": "2020-01-01"}, set()),
        ({"from": "2020-01-01", "actor": "evil"}, {("console", "person.changed")}),
    ],
)
def test_a_search_is_by_person_code_action_time_and_address(
    place: Place, asked: dict[str, str], expected: set[tuple[str, str]]
) -> None:
    assert {(row["log"], row["action"]) for row in search(auditor(place[1]), **asked)["rows"]} == expected


@pytest.mark.parametrize("asked", [{"from": "yesterday"}, {"log": "nowhere"}, {"before": "catalog:x"}])
def test_what_cannot_be_searched_is_refused_at_its_field(place: Place, asked: dict[str, str]) -> None:
    answer = auditor(place[1]).get("/v1/audit/search", params=asked)

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert answer.json()["errors"][0]["field"] == next(iter(asked))


def test_the_page_shows_each_field_before_and_after(place: Place) -> None:
    text = auditor(place[1]).get("/audit", params={"thing": code_of(1), "action": "save"}).text

    assert "原名 → 新名" in text
    assert "事项名称" in text


def test_a_log_that_does_not_answer_is_named_and_the_others_are_shown(place: Place) -> None:
    place[0].down.add("catalog")
    found = search(auditor(place[1]))

    assert set(found["problems"]) == {"catalog"}
    assert {row["log"] for row in found["rows"]} >= {"console", "guides"}
    assert "事项的日志没有读到" in auditor(place[1]).get("/audit").text


def test_an_administrator_sees_what_was_changed_about_people_and_nothing_else(place: Place) -> None:
    browser = place[1].session("guanli")
    rows = search(browser, limit=500)["rows"]

    assert {row["log"] for row in rows} == {"console"}
    assert {row["object"].partition(":")[0] for row in rows} == {"account"}
    assert search(browser, thing=f"item:{code_of(1)}")["rows"] == []
    assert browser.get("/v1/audit/chains").status_code == httpx.codes.FORBIDDEN


def test_an_export_has_every_row_and_runs_no_formula(place: Place) -> None:
    browser = auditor(place[1])
    lines = browser.get("/v1/audit/export", params={"log": "console"}).text.splitlines()
    table = browser.get("/audit/export", params={"log": "console", "form": "csv"}).text

    assert list(faults(json.loads(line) for line in lines)) == []
    assert table.startswith("\ufeff")
    cells = [cell for row in csv.reader(io.StringIO(table)) for cell in row]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    assert not any(cell.startswith("=") for cell in cells)
    newest = own_rows(place[1])[0]
    assert (newest["action"], newest["actor"]["name"]) == ("audit.exported", "viewer")


def test_an_export_that_breaks_off_says_so_in_its_last_line(place: Place) -> None:
    row = search(auditor(place[1]))["rows"][0]

    def breaking() -> Iterator[list[Json]]:
        yield [row]
        raise UpstreamDown("catalog: no answer")

    assert json.loads(list(json_lines(breaking()))[-1]) == {"incomplete": "catalog: no answer"}
    assert list(csv_lines(breaking()))[-1].startswith(INCOMPLETE)


def test_every_chain_is_verified_to_its_newest_row(place: Place) -> None:
    county, here = place[0].county, place[1]
    HandIn(here.db, here.desk.services).advance()
    county.intake.reconcile()
    sign_head(county.dbs["ledger"], county.signer, timedelta(0))
    audit = Audit.of(place[1].desk)
    audit.verify(VIEWER)
    audit.verifications.wait()

    states = audit.verifications.states()
    assert {log: state.work.faults for log, state in states.items()} == {log: [] for log in audit.logs.names}
    assert [state.problem for state in states.values()] == [""] * len(audit.logs.names)
    assert states["console"].work.signed
    assert states["catalog"].work.rows == len(audit.logs.rows(VIEWER, "catalog", Search(), None, 1000))


def test_the_ledger_signs_the_newest_row_of_the_desk(place: Place) -> None:
    county, here = place[0].county, place[1]
    with here.db.write() as session:
        record(session, Actor.of(VIEWER), AuditEntry("test", "account:nobody"))
    assert HandIn(here.db, here.desk.services).advance()
    sign_head(county.dbs["ledger"], county.signer, timedelta(0))
    answer = county.get("ledger/v1/statement").json()
    key = NoteKey(county.signer.name, county.signer.public_key)
    listed = [{"name": key.name, "public_key": key.public_key.hex()}]
    said = {one.source: one for one in read_statement(answer["note"], listed).audit_heads}
    newest = own_rows(here)[0]

    assert (said["console"].sequence, said["console"].hash) == (newest["sequence"], newest["hash"])


def test_a_row_is_handed_in_once_and_again_after_a_minute(place: Place) -> None:
    now = [0.0]
    hand_in = HandIn(place[1].db, place[1].desk.services, lambda: now[0])
    took = []
    for second in (0, 1, 3, 61, 63):
        now[0] = float(second)
        took.append(hand_in.advance())

    assert took == [True, False, False, True, False]


def test_a_ledger_that_does_not_answer_gets_the_row_later(place: Place) -> None:
    now = [0.0]
    hand_in = HandIn(place[1].db, place[1].desk.services, lambda: now[0])
    place[0].down.add("ledger")
    assert not hand_in.advance()
    place[0].down.clear()
    now[0] = 5.0

    assert hand_in.advance()
