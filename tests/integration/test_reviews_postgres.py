"""Reviews over PostgreSQL: from submission to release, sets, imports, and two callers who want one review at once."""

import threading
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from sqlmodel import select

from contracts.envelope.publication import Op
from shared.audit.recording import AuditEntry, record
from shared.errors import Conflict
from shared.publishing.editions.clearance import BY_EDITION, clear
from shared.publishing.editions.model import EditionRow, EditionState, Period
from shared.publishing.editions.steps import NextVersion
from shared.publishing.reviews.model import ReviewMemberRow, ReviewRow
from shared.publishing.sets import commands as sets
from shared.publishing.sets.requests import PrepareRequest
from tests.harness.pipeline import code_of, guide, item, pipeline
from tests.harness.rabbitmq import wait_until
from tests.harness.reviewing import LIU, MA, MENG, actor, source_desk

AT = datetime.now(UTC) + timedelta(days=1)
PREVIEW = "0" * 64


@pytest.fixture(scope="module")
def county(postgres, tmp_path_factory):
    name = postgres.start().create_database()
    with pipeline(postgres.url(name), tmp_path_factory.mktemp("keys"), channels=("web",), review="five") as made:
        yield made
    postgres.start().drop_database(name)


@pytest.fixture(scope="module")
def desk(county):
    with source_desk(county) as made:
        yield made


@pytest.fixture(scope="module")
def guides(county):
    with source_desk(county, "guides") as made:
        yield made


def test_what_two_persons_have_signed_is_released(county, desk, guides):
    for one, content in ((desk, item(1)), (guides, guide(1))):
        one.save(content)
        assert one.release(code_of(1)).status_code == 409
        review = one.approved(code_of(1))
        assert {gate["by"] for gate in review["gates"].values()} == {"fu.reviewer", "shen.reviewer"}
        assert one.release(code_of(1)).is_success
        assert one.read(review["number"])["released_version"] == 1
    county.flow()

    assert county.get(f"web/v1/items/{code_of(1)}").status_code == 200
    assert county.get(f"web/v1/guides/{code_of(1)}").status_code == 200


def test_a_saved_draft_opens_all_gates(desk):
    desk.save(item(2))
    review = desk.approved(code_of(2))
    desk.save(item(2, "改过的名字"))

    assert desk.read(review["number"])["state"] == "obsolete"
    assert desk.release(code_of(2)).status_code == 409


def test_a_set_is_signed_and_prepared_as_one(desk):
    codes = [code_of(3), code_of(4)]
    review = approved_set(desk, 3, 4)
    members = [{"code": code} for code in codes]
    asked = {"part_of": "act:catalog-set-1", "effective_at": AT.isoformat(), "members": members}

    assert desk.as_(MA).http.post("/v1/sets/prepare", json=asked).is_success
    assert desk.read(review["number"])["state"] == "released"


def test_the_rows_of_an_import_are_gathered_signed_and_imported(desk):
    rows = {"source": "test", "rows": [item(number).model_dump(mode="json") for number in (5, 6)]}
    number = desk.as_(LIU).http.post("/v1/reviews", json={"kind": "import", "preview": PREVIEW}).json()["number"]
    for _again in range(2):
        assert desk.http.post("/v1/imports", json={**rows, "dry_run": True, "review": number}).is_success
    review = desk.http.post(f"/v1/reviews/{number}/close").json()
    assert [one["code"] for one in review["members"]] == [code_of(5), code_of(6)]
    assert desk.as_(MA).http.post("/v1/imports", json=rows).status_code == 409

    desk.approve(review)

    assert desk.as_(MA).http.post("/v1/imports", json=rows).json()["released"] == 2
    assert desk.read(number)["state"] == "released"


def test_lists_and_figures_tell_what_waits(desk):
    desk.save(item(7))
    review = desk.submit({"code": code_of(7)})

    waiting = desk.http.get("/v1/reviews", params={"gate": "text", "code": code_of(7)}).json()["reviews"]
    figures = desk.http.get("/v1/reviews/figures").json()

    assert [one["number"] for one in waiting] == [review["number"]]
    assert figures["by_gate"]["text"]["open"] == 1
    assert figures["turn_around_seconds"]["p50"] >= 0


def test_a_duty_officer_withdraws_before_the_review(desk):
    desk.save(item(8))
    desk.approved(code_of(8))
    assert desk.release(code_of(8)).is_success
    urgent = {"code": code_of(8), "action": "withdraw", "reason": "correction", "note": "先撤下"}
    asked = desk.as_(MA).http.post("/v1/reviews/urgent", json=urgent).json()
    done = desk.as_(MENG).http.post(f"/v1/reviews/{asked['number']}/second").json()

    assert desk.approve(done)["state"] == "released"


def test_of_two_who_release_at_once_one_uses_the_review(county, desk):
    desk.save(item(9))
    desk.approved(code_of(9))

    def use():
        with county.catalog.db.write() as session:
            row = session.get_one(EditionRow, code_of(9))
            step = NextVersion(Op.RELEASE, orjson.loads(row.draft), Period(), EditionState.RELEASED)
            clear(session, county.catalog.who, row, step, [step], BY_EDITION)
            yield

    refused = at_once(county.catalog.db, use)

    assert [type(one) for one in refused] == [Conflict]
    with county.catalog.db.read() as session:
        used = select(ReviewMemberRow.used_version).where(ReviewMemberRow.key == f"item:{code_of(9)}")
        assert session.exec(used).all() == [1]


def test_two_sets_that_use_up_one_review_at_once_leave_it_released(county, desk):
    review = approved_set(desk, 10, 11)
    numbers = iter((10, 11))

    def prepare():
        number = next(numbers)
        part = {"part_of": f"act:catalog-set-{number}", "effective_at": AT, "members": [{"code": code_of(number)}]}
        with county.catalog.db.write() as session:
            asked = PrepareRequest.model_validate(part)
            sets.prepare(session, county.catalog.who, actor(MA), asked, county.catalog.checked_draft)
            yield

    refused = at_once(county.catalog.db, prepare)

    assert refused == []
    assert desk.read(review["number"])["state"] == "released"


def test_who_takes_a_review_back_while_a_set_uses_it_waits_or_is_first(county, desk):
    for number in (12, 13):
        desk.save(item(number))
    desk.approved(code_of(12), effective_at=AT.isoformat())
    second = desk.approved(code_of(13), effective_at=AT.isoformat())
    members = [{"code": code_of(number)} for number in (12, 13)]
    asked = {"part_of": "act:catalog-set-12", "effective_at": AT.isoformat(), "members": members}
    answers = []
    preparing = threading.Thread(
        target=lambda: answers.append(desk.as_(MA).http.post("/v1/sets/prepare", json=asked).status_code)
    )
    with county.catalog.db.write() as session:
        session.get_one(ReviewRow, second["number"], with_for_update=True)
        preparing.start()
        wait_until(lambda: waiting_for_a_lock(county.catalog.db), "the set never came to the review")
        record(session, actor(LIU), AuditEntry("withdraw_review", f"review:{second['number']}"))
    preparing.join()

    assert answers == [200]


def approved_set(desk, *numbers):
    for number in numbers:
        desk.save(item(number))
    return desk.approve(desk.submit(*({"code": code_of(one), "effective_at": AT.isoformat()} for one in numbers)))


def at_once(db, steps):
    """Run `steps` twice: a second time while the first transaction is open. Return the errors of the second."""
    refused = []

    def second():
        try:
            for _ in steps():
                pass
        except Conflict as error:
            refused.append(error)

    other = threading.Thread(target=second)
    for _ in steps():
        other.start()
        wait_until(lambda: waiting_for_a_lock(db), "the second caller never came to a lock")
    other.join()
    return refused


def waiting_for_a_lock(db):
    with db.engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return found.scalar()
