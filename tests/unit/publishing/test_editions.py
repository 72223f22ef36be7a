"""Editions: drafts by revision, versions that never change, and a period for each."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from contracts.envelope.publication import Op
from shared.errors import Conflict, Invalid, NotFound, PreconditionFailed, PreconditionMissing
from shared.feeds.outbox import history, released_version
from shared.publishing import editions
from shared.publishing.editions import EditionState, Period
from tests.harness.actors import TESTER
from tests.harness.pipeline import ADMIN, code_of, guide, item, pipeline
from tests.harness.wall_clock import WallClock

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CODE = code_of(1)


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path) as made:
        yield made


def test_a_new_draft_needs_no_revision_and_begins_at_one(county):
    row = save(county, item(1), None)

    assert (row.revision, row.version, row.state) == (1, 0, EditionState.DRAFT)


def test_a_change_must_name_the_revision_it_starts_from(county):
    save(county, item(1), None)

    with pytest.raises(PreconditionMissing):
        save(county, item(1, "换发居民身份证"), None)


def test_of_two_editors_the_second_learns_that_he_was_late(county):
    save(county, item(1), None)
    save(county, item(1, "甲的改动"), 1)

    with pytest.raises(PreconditionFailed, match="revision 2, not 1"):
        save(county, item(1, "乙的改动"), 1)
    assert draft(county)["task_name"] == "甲的改动"


def test_a_revision_of_what_does_not_exist_is_refused(county):
    with pytest.raises(PreconditionFailed):
        save(county, item(1), 1)


def test_a_release_takes_the_draft_of_the_revision_that_was_reviewed(county):
    save(county, item(1), None)
    save(county, item(1, "未审的改动"), 1)

    with pytest.raises(PreconditionFailed):
        county.catalog.release_item(TESTER, CODE, Period(), 1)
    assert versions(county) == []


def test_what_is_released_never_changes(county):
    county.release(item(1, "第一版"))
    before = released(county, 1)
    county.release(item(1, "第二版"))

    assert released(county, 1) == before
    assert [released(county, n)["body"]["task_name"] for n in (1, 2)] == ["第一版", "第二版"]


def test_releasing_the_same_again_releases_nothing(county):
    county.release(item(1))
    row, made = county.catalog.release_item(TESTER, CODE, Period(), None)

    assert made is None
    assert (row.version, versions(county)) == (1, [1])


def test_the_same_draft_for_another_period_is_another_version(county):
    county.release(item(1))
    _, made = county.catalog.release_item(TESTER, CODE, Period(expires_at=NOW + timedelta(days=9999)), None)

    assert made is not None
    assert made.version == 2


def test_what_was_never_released_cannot_be_withdrawn(county):
    save(county, item(1), None)

    with pytest.raises(Conflict, match="never released"):
        county.withdraw(item(1))


def test_what_does_not_exist_can_be_neither_released_nor_withdrawn(county):
    with pytest.raises(NotFound):
        county.catalog.release_item(TESTER, CODE, Period(), None)
    with pytest.raises(NotFound):
        county.withdraw(item(1))


@pytest.mark.parametrize("state", [EditionState.WITHDRAWN, EditionState.SUSPENDED])
def test_what_is_taken_off_is_the_next_version_without_a_body(county, state):
    county.release(item(1))
    county.withdraw(item(1), state)

    assert (released(county, 2)["op"], released(county, 2)["body"]) == (Op.WITHDRAW, None)
    assert edition(county).state == state


@pytest.mark.parametrize("state", [EditionState.WITHDRAWN, EditionState.SUSPENDED, EditionState.HIDDEN])
def test_what_was_taken_off_comes_back_as_a_new_version(county, state):
    county.release(item(1))
    county.withdraw(item(1), state)
    _, made = county.catalog.release_item(TESTER, CODE, Period(), None)

    assert made is not None
    assert (made.version, made.op, edition(county).state) == (3, Op.RELEASE, EditionState.RELEASED)


def test_taking_off_twice_is_one_version(county):
    county.release(item(1))
    county.withdraw(item(1))
    county.withdraw(item(1))

    assert versions(county) == [1, 2]


def test_what_is_suspended_can_be_withdrawn_for_good_without_another_version(county):
    county.release(item(1))
    county.withdraw(item(1), EditionState.SUSPENDED)
    county.withdraw(item(1), EditionState.WITHDRAWN)

    assert (versions(county), edition(county).state) == ([1, 2], EditionState.WITHDRAWN)


def test_what_is_withdrawn_cannot_be_suspended(county):
    county.release(item(1))
    county.withdraw(item(1))

    with pytest.raises(Conflict, match="already withdrawn"):
        county.withdraw(item(1), EditionState.SUSPENDED)


def test_a_version_cannot_end_before_it_begins(county):
    save(county, item(1), None)

    for end in (NOW, NOW - timedelta(seconds=1)):
        with pytest.raises(Invalid) as refused:
            county.catalog.release_item(TESTER, CODE, Period(NOW, end), None)
        assert [(v.field, v.rule) for v in refused.value.violations] == [("expires_at", "after_effective")]
    assert versions(county) == []


@pytest.mark.parametrize("ago", [timedelta(seconds=1), timedelta(days=365)])
def test_an_end_in_the_past_is_refused_and_nothing_is_taken_down(county, ago):
    county.release(item(1))
    with pytest.raises(Invalid) as refused:
        county.release(item(1, "改年份写错"), expires_at=datetime.now(UTC) - ago)

    (violation,) = refused.value.violations
    assert (violation.field, violation.rule) == ("expires_at", "in_the_future")
    assert "withdraw" in violation.message
    assert versions(county) == [1]


def test_the_same_release_sent_again_after_its_end_is_still_the_same_release(county):
    """A client that repeats what it sent before the end hears the same as then."""
    end = datetime.now(UTC) + timedelta(days=1)
    county.release(item(1), expires_at=end)
    with pytest.MonkeyPatch.context() as patch:
        WallClock(patch, editions.commands).forward(timedelta(days=2))
        _, made = county.catalog.release_item(TESTER, CODE, Period(None, end), None)

    assert made is None


@pytest.mark.parametrize("step", ["withdraw", "suspend"])
def test_a_withdrawal_takes_no_end(county, step):
    """Nothing would happen at that time: what is suspended returns by `restore`, or by a release with a start."""
    county.release(item(1))
    answer = county.http.post(
        f"/catalog/v1/items/{CODE}/{step}",
        json={"expires_at": "2099-01-01T00:00:00Z"},
        headers={"Authorization": f"Bearer {ADMIN}"},
    )

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == ["expires_at"]
    assert versions(county) == [1]


def test_a_refused_item_changes_nothing(county):
    save(county, item(1), None)

    with pytest.raises(Invalid) as refused:
        save(county, item(1, dept_code="99999999999999999X"), 1)
    assert [(v.field, v.rule) for v in refused.value.violations] == [("dept_code", "C-3")]
    assert edition(county).revision == 1


def test_an_item_is_saved_under_its_own_code_alone(county):
    with pytest.raises(Invalid) as refused:
        county.catalog.save_item(TESTER, code_of(2), item(1).model_dump(mode="json"), None)
    assert [(v.field, v.rule) for v in refused.value.violations] == [("code", "same_as_path")]


def test_a_guide_with_a_resident_id_in_a_text_is_refused(county):
    with pytest.raises(Invalid) as refused:
        county.release(guide(1, accept_condition="如 11010519491231002X 者"))
    assert [v.rule for v in refused.value.violations] == ["no_personal_data"]
    assert "11010519491231002X" not in str(refused.value)


def save(county, one, revision):
    row, _ = county.catalog.save_item(TESTER, one.code, one.model_dump(mode="json"), revision)
    return row


def edition(county):
    with county.dbs["catalog"].read() as session:
        return editions.find(session, CODE)


def draft(county):
    return orjson.loads(edition(county).draft)


def released(county, version):
    with county.dbs["catalog"].read() as session:
        document = released_version(session, f"item:{CODE}", version)
    assert document is not None
    return orjson.loads(document)


def versions(county):
    with county.dbs["catalog"].read() as session:
        return [one["version"] for one in history(session, f"item:{CODE}")]
