"""Plans are a state of their own: listed, cancellable, named by whatever overtakes them. Over HTTP, as editors do."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.base import format_time
from shared.publishing.editions import queries
from tests.harness.pipeline import ADMIN, SERVICE, code_of, guide, item, pipeline

CODE = code_of(1)
ADDRESS = f"/catalog/v1/items/{CODE}"
EDITOR = {"Authorization": f"Bearer {ADMIN}"}
NOTE = "省里的通知自去年起施行，系统今天才录入。"


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=[]) as made:
        yield made


def later(days=1):
    return datetime.now(UTC) + timedelta(days=days)


def planned(county, path="catalog/v1/items", **asked):
    return county.get(f"{path}/planned", ADMIN, **asked).json()


def post(county, step, content=None):
    return county.http.post(f"{ADDRESS}/{step}", json=content, headers=EDITOR)


def save(county, name):
    revision = county.http.get(ADDRESS, headers=EDITOR).headers["ETag"]
    saved = item(1, name).model_dump(mode="json")
    assert county.http.put(ADDRESS, json=saved, headers={**EDITOR, "If-Match": revision}).status_code == 200


def test_planned_versions_and_planned_ends_are_listed_and_nothing_else(county):
    start, end = later(2), later(3)
    county.release(item(1, "现行版"))
    county.release(item(1, "明年版"), effective_at=start)
    county.release(item(2, "限期的事项"), expires_at=end)
    county.release(item(3, "无计划"))

    first, second = planned(county)["editions"]
    assert (first["code"], first["version"], first["ends_at"]) == (CODE, 1, None)
    assert [(one["version"], one["effective_at"]) for one in first["planned"]] == [(2, format_time(start))]
    assert (second["name"], second["ends_at"], second["planned"]) == ("限期的事项", format_time(end), [])


def test_the_list_goes_on_after_a_page(county):
    for number in (1, 2, 3):
        county.release(item(number), expires_at=later())

    first = planned(county, limit=2)
    rest = planned(county, limit=2, after=first["next"])

    assert [one["code"] for one in (*first["editions"], *rest["editions"])] == [code_of(n) for n in (1, 2, 3)]
    assert rest["next"] is None


def test_a_guide_that_goes_with_its_item_is_listed_with_what_hides_it(county):
    end = later()
    county.release(guide(1))
    county.release(item(1), expires_at=end)
    county.flow()

    (one,) = planned(county, "guides/v1/guides")["editions"]
    assert [(step["op"], step["effective_at"]) for step in one["follows"]] == [("withdraw", format_time(end))]


def test_only_those_who_write_are_shown_what_is_planned(county):
    county.release(item(1, "明年版"), effective_at=later())

    for token in (None, SERVICE):
        answer = county.get("catalog/v1/items/planned", token)
        assert (answer.status_code in (401, 403), "明年版" in answer.text) == (True, False)


@pytest.mark.parametrize(("plans", "lost"), [("cancel", [2]), ("keep", [])])
def test_a_correction_names_the_plans_that_will_not_come_true(county, plans, lost):
    county.release(item(1, "现行版"))
    county.release(item(1, "明年版"), effective_at=later())
    save(county, "改错字")

    answer = post(county, "release", {"plans": plans})

    assert [one["version"] for one in answer.json()["overtaken"]] == lost


def test_a_later_plan_that_cancels_an_earlier_one_names_it(county):
    county.release(item(1, "现行版"))
    county.release(item(1, "甲计划"), effective_at=later(1))
    save(county, "乙计划")

    answer = post(county, "release", {"effective_at": format_time(later(2)), "plans": "cancel"})

    assert [one["version"] for one in answer.json()["overtaken"]] == [2]


def test_a_correction_without_the_end_names_the_end_that_it_lifts(county):
    end = later()
    county.release(item(1, "限期的事项"), expires_at=end)
    save(county, "改错字")

    answer = post(county, "release")

    assert [(one["version"], one["expires_at"]) for one in answer.json()["overtaken"]] == [(1, format_time(end))]
    assert planned(county)["editions"] == []


def test_a_correction_that_keeps_the_end_overtakes_nothing(county):
    end = later()
    county.release(item(1, "限期的事项"), expires_at=end)
    save(county, "改错字")

    assert post(county, "release", {"expires_at": format_time(end)}).json()["overtaken"] == []


def test_a_withdrawal_names_the_plans_that_it_cancels(county):
    county.release(item(1, "现行版"))
    county.release(item(1, "明年版"), effective_at=later())

    answer = post(county, "withdraw", {"plans": "cancel"})

    assert [one["version"] for one in answer.json()["overtaken"]] == [2]


def test_cancelling_leaves_the_end_unless_it_is_meant_too(county):
    end = later(5)
    county.release(item(1, "现行版"), expires_at=end)
    county.release(item(1, "明年版"), effective_at=later())

    first = post(county, "cancel-plans").json()
    second = post(county, "cancel-plans", {"ends": True}).json()

    assert (first["planned"], first["in_force"]["expires_at"]) == ([], format_time(end))
    assert (second["in_force"]["expires_at"], planned(county)["editions"]) == (None, [])
    assert post(county, "cancel-plans", {"ends": True}).status_code == 409


@pytest.mark.parametrize("step", ["restore", "suspend", "cancel-plans"])
def test_a_time_that_would_have_no_effect_is_refused(county, step):
    county.release(item(1))

    answer = post(county, step, {"expires_at": format_time(later())})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "expires_at")


# Backdating


@pytest.mark.parametrize("step", ["release", "withdraw"])
def test_a_time_in_the_past_needs_a_reason_for_everybody_to_read(county, step):
    county.release(item(1))
    save(county, "改名")

    refused = post(county, step, {"effective_at": "2026-01-01T00:00:00+08:00"})

    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["field"], error["rule"]) == (422, "note", "backdating")
    assert county.http.get(ADDRESS, headers=EDITOR).json()["version"] == 1


def test_a_backdated_release_is_explained_by_an_act_in_the_same_transaction(county):
    county.release(item(1))
    save(county, "改名")

    answer = post(county, "release", {"effective_at": "2026-01-01T00:00:00+08:00", "note": NOTE})
    county.flow()

    (act,) = [one for one in county.get("ledger/v1/entries", limit=100).json()["entries"] if one["kind"] == "act"]
    made = answer.json()["released"]
    assert (answer.json()["act"], act["body"]["reason"], act["body"]["note"]) == (act["key"], "backdating", NOTE)
    assert act["body"]["acts_on"] == [{name: made[name] for name in ("key", "version", "digest")}]


def test_a_reason_that_may_not_be_published_releases_nothing(county):
    county.release(item(1))
    save(county, "改名")
    note = "请找张三，电话13812345678"

    refused = post(county, "release", {"effective_at": "2026-01-01T00:00:00+08:00", "note": note})

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "note")
    assert county.http.get(ADDRESS, headers=EDITOR).json()["version"] == 1


def test_a_release_where_nothing_is_planned_reads_no_history(county, monkeypatch):
    county.release(item(1, "限期的"), expires_at=later())
    save(county, "无期的")

    def unread(*_):
        raise AssertionError("the whole history was read")

    monkeypatch.setattr(queries, "history", unread)
    lifted = post(county, "release").json()["overtaken"]

    assert [one["version"] for one in lifted] == [1]
