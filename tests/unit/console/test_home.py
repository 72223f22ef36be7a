"""The first page: what waits for a person by the person's roles, and what is unknown is said to be unknown."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from contracts.base import format_time
from services.console.accounts.demo import DEMO_PEOPLE
from services.console.receipts.model import ReceiptRow
from tests.harness.actors import TESTER
from tests.harness.pipeline import code_of, item, pipeline
from tests.harness.releasing import RELEASER, releasing


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    (folder / "county").mkdir()
    with pipeline(folder / "county", channels=["web"]) as county, releasing(folder / "desk", county) as made:
        for number, days in ((1, 1), (2, 30)):
            body = item(number, f"第{number}项").model_dump(mode="json")
            county.catalog.save_item(TESTER, code_of(number), body, None)
            at = format_time(datetime.now(UTC) + timedelta(days=days))
            asked = {"code": code_of(number), "etags": {"item": "1"}, "effective_at": at}
            assert made.made.session("fabu").call("POST", "/v1/releases", asked).json()["receipt"]
        made.down.add("importing")
        yield made


def test_plans_of_the_next_seven_days_wait_and_later_ones_do_not(desk):
    told = desk.made.session("fabu").call("GET", "/v1/waiting").json()

    assert [one["code"] for one in told["plans"]] == [code_of(1)]
    assert "第1项" in desk.made.session("fabu").get("/").text


def test_what_a_service_does_not_tell_is_unknown_and_the_rest_is_shown(desk):
    browser = desk.made.session("bianji")

    told = browser.call("GET", "/v1/waiting").json()

    assert told["imports"] is None
    assert told["working_copies"] == []
    assert "暂时不知道" in browser.get("/").text


def test_a_person_sees_what_concerns_the_persons_roles(desk):
    assert desk.made.session("guanli").call("GET", "/v1/waiting").json() == {"reviews": {}}
    assert set(desk.made.session("zhiban").call("GET", "/v1/waiting").json()) == {"late", "plans", "reviews", "imports"}


@pytest.mark.parametrize("person", DEMO_PEOPLE, ids=lambda one: one.name)
def test_everybody_has_a_first_page(desk, person):
    assert desk.made.session(person.name).get("/").status_code == httpx.codes.OK


def test_a_release_that_a_channel_does_not_show_in_time_is_told_first(desk):
    with desk.made.db.write() as session:
        row = ReceiptRow(
            title="迟到的发布",
            by=RELEASER.display_name,
            released_at="2026-03-01T00:00:00.000000Z",
            due_at="2026-03-01T00:00:00.000000Z",
            versions="[]",
            state="late",
            places="{}",
            screens="{}",
            problem="web：还停在账本第 0 条",
        )
        session.add(row)

    page = desk.made.session("fabu").get("/").text

    assert "没有按时显示" in page
    assert "web：还停在账本第 0 条" in page
