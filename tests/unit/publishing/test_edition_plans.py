"""Plans: which versions are scheduled, what supersedes them, and that none is dropped silently."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope.publication import Lane, Op
from services.catalog.commands import ItemImport
from services.channels.core.store import in_time
from shared.errors import Conflict, Invalid
from shared.feeds.outbox import history, released_version
from shared.publishing import editions
from shared.publishing.editions import EditionState, Leaving, Period, Plans, Version
from shared.transparency.timeline import in_force, planned
from tests.harness.actors import TESTER
from tests.harness.pipeline import ADMIN, code_of, item, pipeline

START = datetime(2026, 3, 1, tzinfo=UTC)
CODE = code_of(1)
AS_ADMIN = {"Authorization": f"Bearer {ADMIN}"}


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=["web"]) as made:
        yield made


def soon(days=1):
    return datetime.now(UTC) + timedelta(days=days)


# Which version counts


hours = st.none() | st.integers(-5, 5).map(lambda n: START + timedelta(hours=n))
histories = st.lists(st.tuples(st.sampled_from(Op), hours), max_size=7)


@given(histories, st.integers(-6, 6))
def test_the_version_in_force_is_the_one_that_a_channel_shows(steps, hour):
    at = START + timedelta(hours=hour)
    versions = [Version(n, op, Period(start)) for n, (op, start) in enumerate(steps, 1)]

    found = in_force(versions, at)

    assert (found.version if found else None) == shown(versions, at)


@given(histories)
def test_a_planned_version_is_one_that_will_be_shown_and_every_such_one_is_planned(steps):
    versions = [Version(n, op, Period(start)) for n, (op, start) in enumerate(steps, 1)]
    later = {shown(versions, START + timedelta(hours=hour)) for hour in range(1, 7)} - {shown(versions, START), None}

    assert {version.version for version in planned(versions, START)} == later


def shown(versions, at):
    """Return the shown versions by the channel's own rule, moment by moment."""
    counted = None
    for hour in range(-6, 13):
        moment = START + timedelta(hours=hour)
        if moment > at:
            break
        rows = [row(version) for version in versions]
        due, _ = in_time(rows, moment)
        counted = max([counted or 0, *(one["version"] for one in due)]) or None
    return counted


def row(version):
    start = version.period.effective_at
    text = start.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if start else None
    return {"key": "k", "version": version.version, "effective_at": text, "expires_at": None, "part_of": None}


# Releasing while something is planned


def test_a_correction_that_would_overtake_a_plan_is_refused_and_names_the_plan(county):
    county.release(item(1, "现行版"))
    county.release(item(1, "明年版"), effective_at=soon())

    with pytest.raises(Conflict, match=r"version 2 \(release at .*plans=cancel.*plans=keep"):
        county.release(item(1, "改错字"))
    assert versions(county) == [1, 2]


def test_a_plan_that_is_kept_is_planned_again_after_the_correction_for_the_same_moment(county):
    county.release(item(1, "现行版"))
    start = soon()
    county.release(item(1, "明年版"), effective_at=start)

    county.release(item(1, "改错字"), plans=Plans.KEEP)

    assert [name(county, n) for n in (3, 4)] == ["改错字", "明年版"]
    assert view(county)["planned"] == [
        {"version": 4, "op": "release", "effective_at": start.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "expires_at": None}
    ]
    assert view(county)["in_force"]["body"]["task_name"] == "改错字"


def test_a_plan_that_is_cancelled_never_comes(county):
    county.release(item(1, "现行版"))
    county.release(item(1, "明年版"), effective_at=soon())

    county.release(item(1, "改错字"), plans=Plans.CANCEL)

    assert (versions(county), view(county)["planned"]) == ([1, 2, 3], [])


def test_cancelling_with_a_later_version_states_what_is_in_force_once_more(county):
    county.release(item(1, "现行版"))
    county.release(item(1, "甲计划"), effective_at=soon(1))

    county.release(item(1, "乙计划"), effective_at=soon(2), plans=Plans.CANCEL)

    assert [name(county, n) for n in (3, 4)] == ["现行版", "乙计划"]
    assert [one["version"] for one in view(county)["planned"]] == [4]


def test_a_version_after_the_planned_one_needs_no_word_about_it(county):
    county.release(item(1, "现行版"))
    county.release(item(1, "甲计划"), effective_at=soon(1))
    county.release(item(1, "乙计划"), effective_at=soon(2))

    assert [one["version"] for one in view(county)["planned"]] == [2, 3]


@pytest.mark.parametrize("state", [EditionState.WITHDRAWN, EditionState.SUSPENDED])
def test_taking_off_what_has_a_plan_asks_too(county, state):
    county.release(item(1, "现行版"))
    county.release(item(1, "明年版"), effective_at=soon())

    with pytest.raises(Conflict, match="version 2"):
        county.withdraw(item(1), state)
    county.withdraw(item(1), state, plans=Plans.KEEP)
    assert (versions(county), name(county, 4)) == ([1, 2, 3, 4], "明年版")


def test_a_planned_withdrawal_can_be_made_at_once(county):
    county.release(item(1))
    county.withdraw(item(1), period=Period(soon()))
    county.withdraw(item(1), plans=Plans.CANCEL)

    assert (versions(county), view(county)["planned"]) == ([1, 2, 3], [])
    assert view(county)["in_force"]["op"] == "withdraw"


def test_the_same_planned_withdrawal_again_is_one_version(county):
    start = soon()
    county.release(item(1))
    county.withdraw(item(1), period=Period(start))
    county.withdraw(item(1), period=Period(start))

    assert versions(county) == [1, 2]


def test_plans_can_be_cancelled_without_releasing_anything_new(county):
    county.release(item(1, "现行版"))
    county.release(item(1, "明年版"), effective_at=soon())
    with county.catalog.db.write() as session:
        editions.cancel_plans(session, county.catalog.who, TESTER, CODE)

    assert (name(county, 3), view(county)["planned"]) == ("现行版", [])
    with county.catalog.db.write() as session, pytest.raises(Conflict, match="no release is planned"):
        editions.cancel_plans(session, county.catalog.who, TESTER, CODE)


def test_over_http_a_plan_is_named_in_the_refusal_and_the_caller_may_say_what_becomes_of_it(county):
    county.release(item(1, "现行版"))
    county.release(item(1, "明年版"), effective_at=soon())
    save(county, "改错字")
    address = f"/catalog/v1/items/{CODE}/release"

    refused = county.http.post(address, headers=AS_ADMIN)
    unknown = county.http.post(address, headers=AS_ADMIN, json={"plans": "forget"})
    taken = county.http.post(f"{address}?plans=keep", headers=AS_ADMIN)

    assert (refused.status_code, unknown.status_code, taken.status_code) == (409, 422, 200)
    assert "version 2" in refused.json()["detail"]
    assert (taken.json()["released"]["version"], [p["version"] for p in taken.json()["planned"]]) == (3, [4])


def test_what_is_planned_carries_a_salt_of_its_own_each_time_and_what_is_shown_at_once_none(county):
    county.release(item(1, "现行版"))
    county.release(item(1, "明年版"), effective_at=soon())
    county.release(item(1, "改错字"), plans=Plans.KEEP)
    salts = [body(county, n).get("salt") for n in (1, 2, 3, 4)]

    assert salts[0] is salts[2] is None
    assert all(len(bytes.fromhex(salt)) == 16 for salt in (salts[1], salts[3]))
    assert salts[1] != salts[3]
    assert "salt" not in view(county)["draft"]


def test_nobody_but_the_source_salts_a_body(county):
    salted = {**item(1).model_dump(mode="json"), "salt": "0" * 32}

    with pytest.raises(Invalid) as refused:
        county.catalog.save_item(TESTER, CODE, salted, None)
    assert [(v.field, v.rule) for v in refused.value.violations] == [("salt", "made_by_the_source")]
    (rejected,) = county.catalog.import_items(TESTER, ItemImport(rows=[salted])).rejected
    assert (rejected["field"], rejected["rule"]) == ("salt", "made_by_the_source")


# Drafts


def test_a_draft_that_was_begun_before_something_else_was_released_is_not_released_over_it(county):
    county.release(item(1, "第一版"))
    save(county, "编辑中")
    with county.catalog.db.write() as session:
        wanted = [editions.BodyToRelease(CODE, {**body(county, 1), "task_name": "导入版"})]
        editions.release_many(session, county.catalog.who, TESTER, wanted, Lane.BACKFILL)

    with pytest.raises(Conflict, match="is based on version 1, but version 2"):
        county.catalog.release_item(TESTER, CODE, Period(), None)
    assert view(county)["draft"]["task_name"] == "编辑中"
    save(county, "编辑中")
    assert county.catalog.release_item(TESTER, CODE, Period(), None)[1].version == 3


def test_a_draft_that_says_what_an_import_has_released_meanwhile_can_be_released_for_another_period(county):
    save(county, "导入版")
    with county.catalog.db.write() as session:
        wanted = [editions.BodyToRelease(CODE, view(county)["draft"])]
        editions.release_many(session, county.catalog.who, TESTER, wanted, Lane.BACKFILL)

    _, made = county.catalog.release_item(TESTER, CODE, Period(expires_at=soon(9)), None)

    assert made.version == 2


def test_an_import_leaves_a_changed_draft_alone_and_moves_an_untouched_one_along(county):
    county.release(item(1, "第一版"))
    county.release(item(2, "第一版"))
    save(county, "编辑中")
    with county.catalog.db.write() as session:
        wanted = [editions.BodyToRelease(code_of(n), {**body(county, 1, n), "task_name": "导入版"}) for n in (1, 2)]
        editions.release_many(session, county.catalog.who, TESTER, wanted, Lane.BACKFILL)

    drafts = [view(county, n) for n in (1, 2)]
    assert [one["draft"]["task_name"] for one in drafts] == ["编辑中", "导入版"]
    assert [one["draft_changed"] for one in drafts] == [True, False]


def test_what_was_suspended_is_restored_as_it_was_released_and_not_as_it_is_drafted(county):
    county.release(item(1, "第一版"), expires_at=soon(9))
    county.withdraw(item(1), EditionState.SUSPENDED)
    save(county, "编辑中")
    with county.catalog.db.write() as session:
        editions.restore(session, county.catalog.who, TESTER, CODE)

    assert (name(county, 3), document(county, 3)["expires_at"]) == ("第一版", document(county, 1)["expires_at"])
    assert (view(county)["state"], view(county)["draft"]["task_name"]) == ("released", "编辑中")


def test_what_an_import_suspended_can_be_restored_too(county):
    county.release(item(1, "第一版"))
    with county.catalog.db.write() as session:
        editions.withdraw_many(
            session, county.catalog.who, TESTER, [CODE], Lane.BACKFILL, Leaving(EditionState.SUSPENDED)
        )
    with county.catalog.db.write() as session:
        editions.restore(session, county.catalog.who, TESTER, CODE)

    assert (name(county, 3), view(county)["state"]) == ("第一版", "released")


def test_only_what_is_suspended_can_be_restored(county):
    county.release(item(1))
    with county.catalog.db.write() as session, pytest.raises(Conflict, match="not suspended"):
        editions.restore(session, county.catalog.who, TESTER, CODE)


def save(county, task_name):
    with county.catalog.db.read() as session:
        row = session.get(editions.EditionRow, CODE)
        revision = row.revision if row else None
    county.catalog.save_item(TESTER, CODE, item(1, task_name).model_dump(mode="json"), revision)


def view(county, number=1):
    with county.catalog.db.read() as session:
        return editions.view(session, county.catalog.who, editions.find(session, code_of(number)))


def versions(county):
    with county.catalog.db.read() as session:
        return [one["version"] for one in history(session, f"item:{CODE}")]


def document(county, version, number=1):
    with county.catalog.db.read() as session:
        return orjson.loads(released_version(session, f"item:{code_of(number)}", version))


def body(county, version, number=1):
    return document(county, version, number)["body"]


def name(county, version):
    return body(county, version)["task_name"]
