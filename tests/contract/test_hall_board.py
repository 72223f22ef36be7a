"""The board on the hall's wall: what the ledger knows of the day, and numbers that a queue system calls. No person."""

from datetime import UTC, datetime

import pytest

from services.channels.pages import ticket_calls
from services.channels.text.chinese_labels import BEIJING
from tests.harness.pipeline import ADMIN, SERVICE, guide, item, pipeline, progress
from tests.harness.stream_client import sent_to_client

CALLS = {"calls": [{"ticket": "A032", "window": "A01"}, {"ticket": "B007", "window": "B03"}]}
PATH = "kiosk/v1/board"


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=["kiosk"]) as made:
        yield made


def call(county, body, token=ADMIN):
    return county.http.put(f"/{PATH}", json=body, headers={"Authorization": f"Bearer {token}"} if token else {})


def test_numbers_stand_on_the_wall_until_the_next_ones(county):
    held = call(county, CALLS).json()

    assert held["calls"] == county.get(PATH).json()["calls"] == CALLS["calls"]
    assert "A032" in county.get("kiosk/board").text
    assert call(county, {"calls": []}).json()["calls"] == []
    assert "A032" not in county.get("kiosk/board").text


def test_numbers_go_by_themselves(county):
    call(county, CALLS)
    county.execute("kiosk", "UPDATE called SET expires_at = '2020-01-01T00:00:00.000000Z'")

    assert county.get(PATH).json()["calls"] == []
    assert "A032" not in county.get("kiosk/board").text


@pytest.mark.parametrize("token", [None, "wrong", SERVICE])
def test_only_an_operator_calls(county, token):
    assert call(county, CALLS, token).status_code in (401, 403)
    assert county.get(PATH).json()["calls"] == []


@pytest.mark.parametrize("ticket", ["张三", "13800138000", "A032 张先生"])
def test_what_could_name_a_person_is_refused_by_field_and_changes_nothing(county, ticket):
    call(county, CALLS)
    answer = call(county, {"calls": [{"ticket": ticket, "window": "A01"}]})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "calls.0.ticket"
    assert ticket not in answer.text
    assert county.get(PATH).json()["calls"] == CALLS["calls"]


def test_calls_are_no_part_of_what_the_channel_shows_of_the_ledger(county):
    county.release(item(1))
    county.flow()
    before = county.get("kiosk/v1/source").json()
    call(county, CALLS)

    assert county.get("kiosk/v1/source").json() == before


def test_an_answer_with_numbers_is_kept_nowhere(county):
    for path in (PATH, "kiosk/board"):
        answer = county.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


def test_a_call_reaches_the_stream_after_it_can_be_read(county):
    live = county.lives["kiosk"]
    live.step()
    call(county, CALLS)
    live.step()

    assert b"event: board" in b"".join(sent_to_client(live.stream))


def test_the_wall_counts_cases_and_tells_of_no_few(county):
    today = datetime.now(UTC).astimezone(BEIJING).date()
    for number in range(6):
        county.release_case(progress(accept_date=today, salt=f"{number:032x}"), project_no=f"37-2020-{number}")
    county.flow()
    page = county.get("kiosk/board").text

    assert "<dd>6</dd>" in page
    assert page.count("不足 5") == 0
    assert "您的申请" not in page


def test_what_was_released_today_is_named_newest_first(county):
    county.release(item(1, "甲事项"))
    county.release(guide(1, "甲事项", windows=[{"address": "一楼"}]))
    county.flow()
    page = county.get("kiosk/board").text

    assert page.index("指南") < page.index('甲事项</span><small><span class="zh" lang="zh-CN">事项')


def test_the_patterns_of_tickets_and_windows_hold_no_space_and_no_word():
    for field in ("ticket", "window"):
        pattern = ticket_calls.TicketCall.model_json_schema()["properties"][field]["pattern"]
        assert pattern.startswith("^[A-Z]{0,2}[0-9]{1,")
