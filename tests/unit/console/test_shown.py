"""What did screen 3 show on 3 March at 10:05: the content with its proof, and what is known of the screen, in words."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.base import format_time
from services.console.release.single import ReleaseDrafts, release_drafts
from services.console.shown.screens import on_screen, position_at, screens
from services.console.shown.shown import shown_at
from tests.harness.actors import TESTER
from tests.harness.pipeline import ADMIN, code_of, item, pipeline
from tests.harness.releasing import RELEASER, releasing

HOUR = timedelta(hours=1)


@pytest.fixture
def county(tmp_path):
    (tmp_path / "county").mkdir()
    with pipeline(tmp_path / "county", channels=["kiosk", "web"]) as made:
        made.catalog.save_item(TESTER, code_of(1), item(1, "当时的名称").model_dump(mode="json"), None)
        made.http.post("/kiosk/v1/screens", json={"name": "hall-3"}, headers={"Authorization": f"Bearer {ADMIN}"})
        set_screen(made, enrolled_at=datetime.now(UTC) - HOUR, token_hash="a")  # no password
        yield made


@pytest.fixture
def desk(tmp_path, county):
    with releasing(tmp_path / "desk", county) as made:
        yield made


def set_screen(county, **columns):
    values = {name: format_time(one) if isinstance(one, datetime) else one for name, one in columns.items()}
    given = ", ".join(f"{name} = :{name}" for name in values)
    county.execute("kiosk", f"UPDATE screen SET {given}", **values)


def released(desk, county):
    """Release, and let the screen report that it shows it. Return the receipt's number."""
    wanted = ReleaseDrafts(code=code_of(1), etags={"item": "1"})
    number = release_drafts(desk.made.db, desk.releasing.desk.services, RELEASER, wanted)["receipt"]["number"]
    county.flow()
    return number


def known(desk, moment):
    services = desk.releasing.desk.services
    (screen,) = screens(services, RELEASER)
    found = shown_at(services, RELEASER, "kiosk", code_of(1), moment)
    span = position_at(services, RELEASER, screen["name"], moment)
    return on_screen(desk.made.db, screen, span, found.versions.values(), moment)


def ask(desk, moment, place="screen:hall-3"):
    browser = desk.made.session("fabu")
    return browser.get("/release/shown", params={"place": place, "code": code_of(1), "at": moment.isoformat()})


def test_the_page_tells_the_content_of_the_moment_with_its_proof(desk, county):
    released(desk, county)
    then = datetime.now(UTC)
    county.release(item(1, "后来的名称"))
    county.flow()
    page = ask(desk, then)

    assert page.status_code == 200
    assert "事项第 1 版" in page.text
    assert "/ledger/v1/proof/inclusion?position=1" in page.text
    frame = desk.made.session("fabu").get(
        "/release/shown/page", params={"channel": "kiosk", "code": code_of(1), "at": then.isoformat()}
    )
    assert "当时的名称" in frame.text
    assert "后来的名称" not in frame.text


def test_the_position_of_a_screen_is_known_at_the_moment_of_its_last_report(desk, county):
    released(desk, county)
    now = datetime.now(UTC)
    set_screen(county, seen_at=now, address="/kiosk/items/1", position=7)

    assert (known(desk, now).position, known(desk, now).address) == (7, "/kiosk/items/1")
    assert "显示到账本第 7 条" in ask(desk, now).text


def test_what_no_report_and_no_receipt_tells_is_said_to_be_unknown(desk, county):
    released(desk, county)
    moment = datetime.now(UTC)
    set_screen(county, seen_at=moment + HOUR, address="/kiosk/", position=9)

    assert known(desk, moment).position is None
    assert "那一刻报告了什么，不知道" in ask(desk, moment).text


def test_the_receipt_of_the_version_says_that_the_screen_had_reported_it(desk, county):
    number = released(desk, county)
    for name in desk.releasing.desk.channels:
        if name not in ("kiosk", "web"):
            desk.receipts.channels = ("kiosk", "web")
    county.execute("kiosk", "UPDATE screen SET other_since = NULL")
    now = datetime.now(UTC)
    set_screen(county, seen_at=now, address="/kiosk/", position=1, freshness="now", head_time=now, digest="0" * 64)
    desk.receipts.advance()
    receipt = desk.receipts.read(number)
    assert receipt["screens"]["names"] == ["hall-3"]
    assert receipt["state"] == "shown", receipt
    set_screen(county, seen_at=now + 2 * HOUR)

    told = known(desk, datetime.now(UTC) + timedelta(minutes=30))
    assert (told.receipt, told.position) == (number, 1)


def reported(county, since, until, position):
    values = {"since": format_time(since), "until": until and format_time(until), "position": position}
    county.execute(
        "kiosk",
        "INSERT INTO screen_position (screen, since, until, position) VALUES ('hall-3', :since, :until, :position)",
        **values,
    )


def test_what_a_screen_showed_at_a_moment_long_ago_is_known_from_the_spans_of_its_reports(desk, county):
    released(desk, county)
    now = datetime.now(UTC)
    set_screen(county, seen_at=now + 3 * HOUR, position=99)
    reported(county, now, now + HOUR, 5)
    reported(county, now + HOUR, None, 8)

    assert [known(desk, now + number * HOUR / 2).position for number in (1, 3)] == [5, 8]
    assert known(desk, now + HOUR / 2).until == format_time(now + HOUR)


def test_a_moment_between_two_spans_stays_unknown(desk, county):
    released(desk, county)
    now = datetime.now(UTC)
    set_screen(county, seen_at=now + 9 * HOUR, position=99)
    reported(county, now - HOUR, now, 5)
    reported(county, now + 2 * HOUR, None, 8)

    assert known(desk, now + HOUR).position is None


def test_the_page_says_whether_the_position_includes_the_content(desk, county):
    released(desk, county)
    moment = datetime.now(UTC)
    set_screen(county, seen_at=moment + HOUR)
    reported(county, moment - HOUR, moment + HOUR / 2, 0)
    assert "是否已经显示上面的事项第 1 版（账本第 1 条），不知道" in ask(desk, moment).text

    county.execute("kiosk", "UPDATE screen_position SET position = 1")

    assert "那一刻至少显示到账本第 1 条，包括上面的内容" in ask(desk, moment).text


def test_a_span_outlives_the_enrolment_of_its_screen(desk, county):
    released(desk, county)
    moment = datetime.now(UTC)
    reported(county, moment - HOUR, moment + HOUR / 2, 5)
    set_screen(county, enrolled_at=None, token_hash=None)

    assert (known(desk, moment).enrolled, known(desk, moment).position) == (True, 5)


def test_a_screen_that_was_not_in_use_yet_is_said_to_have_reported_nothing(desk, county):
    released(desk, county)
    moment = datetime.now(UTC)
    set_screen(county, enrolled_at=None, token_hash=None)
    assert known(desk, moment).enrolled is False
    assert "那时没有登记在用" in ask(desk, moment).text

    set_screen(county, enrolled_at=moment + HOUR, token_hash="b")  # no password
    assert known(desk, moment).enrolled is None
    assert "那时是否已经登记，不知道" in ask(desk, moment).text


@pytest.mark.parametrize(
    ("place", "code", "at", "field"),
    [
        ("screen:nobody", "1", "2026-03-03T10:05", "place"),
        ("nothing", "1", "2026-03-03T10:05", "place"),
        ("web", "<b>", "2026-03-03T10:05", "code"),
        ("web", "1", "gestern", "at"),
        ("web", "1", "2099-03-03T10:05", "at"),
    ],
)
def test_what_cannot_be_answered_is_refused_at_its_field(desk, place, code, at, field):
    answer = desk.made.session("fabu").get("/release/shown", params={"place": place, "code": code, "at": at})

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text


def test_a_kiosk_that_does_not_answer_leaves_the_channels_to_be_asked(desk):
    desk.down.add("kiosk")
    page = desk.made.session("fabu").get("/release/shown")

    assert page.status_code == 200
    assert "现在不能按屏幕查" in page.text
