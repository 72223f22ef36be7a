"""Under five gates an announcement is read and signed with the content that it announces, and with no other."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.harness.pipeline import code_of, item, pipeline
from tests.harness.reviewing import source_desk

CODE, TEXT = code_of(1), "明天起：每证10元"


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=["web"], review="five") as made:
        yield made


@pytest.fixture
def desk(county):
    with source_desk(county) as made:
        made.save(item(1, "旧"))
        made.approved(CODE)
        assert made.release(CODE).is_success
        made.save(item(1, "新"))
        yield made


def wanted(**announcement):
    at = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    return {"effective_at": at, "announcement": announcement or None}


def page(county):
    county.flow()
    return county.get(f"web/items/{CODE}").text


def test_the_announcement_that_the_gates_have_signed_is_shown(county, desk):
    asked = wanted(text=TEXT)
    review = desk.approved(CODE, **asked)
    (member,) = review["members"]
    assert [one["text"] for one in member["body"]["announcements"]] == [TEXT]

    assert desk.release(CODE, **asked).is_success
    assert TEXT in page(county)


@pytest.mark.parametrize("other", [{"text": "明天起：免费"}, {"text": TEXT, "text_en": "Free"}, {}])
def test_another_announcement_than_the_signed_one_is_not_released(county, desk, other):
    asked = wanted(text=TEXT)
    desk.approved(CODE, **asked)
    changed = {**asked, "announcement": other or None}

    assert desk.release(CODE, **changed).status_code == 409
    assert TEXT not in page(county)


def test_the_findings_of_a_review_cover_its_announcement(desk):
    review = desk.submit({"code": CODE, **wanted(text="从某某日起每证10元")})

    assert [one["field"] for one in review["findings"] if one["field"].startswith("announcements")]


def test_a_cancelled_plan_takes_the_announcement_off_without_another_review(county, desk):
    asked = wanted(text=TEXT)
    desk.approved(CODE, **asked)
    assert desk.release(CODE, **asked).is_success
    assert TEXT in page(county)

    assert desk.http.post(f"/v1/items/{CODE}/cancel-plans").is_success
    assert TEXT not in page(county)
