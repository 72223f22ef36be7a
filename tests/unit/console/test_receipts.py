"""A release is followed until every channel shows it, and a channel that does not show it is named with the reason."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from services.console.receipts import receipts as module
from services.console.receipts.opening import Followed, ReceiptState, open_receipt
from services.console.release.plans import calendar
from services.console.release.requests import CancelRequest
from services.console.release.single import ReleaseDrafts, WithdrawOne, cancel_plans, release_drafts, withdraw_one
from services.console.shown.shown import shown_at
from services.runtime.manifests import CHANNELS
from tests.harness.actors import TESTER
from tests.harness.pipeline import ADMIN, code_of, guide, item, pipeline
from tests.harness.releasing import RELEASER, releasing
from tests.harness.wall_clock import WallClock


@pytest.fixture
def county(tmp_path):
    (tmp_path / "county").mkdir()
    with pipeline(tmp_path / "county") as made:
        made.catalog.save_item(TESTER, code_of(1), item(1).model_dump(mode="json"), None)
        yield made


@pytest.fixture
def desk(tmp_path, county):
    with releasing(tmp_path / "desk", county) as made:
        yield made


def release(desk, **more):
    wanted = ReleaseDrafts(code=code_of(1), etags={"item": "1"}, **more)
    return release_drafts(desk.made.db, desk.releasing.desk.services, RELEASER, wanted)["receipt"]["number"]


def test_each_channel_ticks_once_it_shows_the_release(desk, county):
    number = release(desk)
    desk.receipts.advance()
    assert desk.receipts.read(number)["channels"] == {}

    county.flow()
    desk.receipts.advance()

    receipt = desk.receipts.read(number)
    assert set(receipt["channels"]) == set(CHANNELS)
    assert all(one["milliseconds"] >= 0 for one in receipt["channels"].values())
    assert receipt["state"] == ReceiptState.SHOWN


def test_a_channel_that_stands_still_is_told_with_its_reason(desk, county, monkeypatch):
    number = release(desk)
    WallClock(monkeypatch, module).forward(timedelta(seconds=30))
    desk.receipts.advance()

    receipt = desk.receipts.read(number)
    assert receipt["state"] == ReceiptState.LATE
    assert "mobile：还停在账本第 0 条" in receipt["problem"]
    assert [one["number"] for one in desk.receipts.notices()] == [number]


def test_a_late_receipt_ends_when_the_channels_show_it(desk, county, monkeypatch):
    number = release(desk)
    clock = WallClock(monkeypatch, module)
    clock.forward(timedelta(seconds=30))
    desk.receipts.advance()
    county.flow()
    clock.forward(timedelta(seconds=30))
    desk.receipts.advance()

    assert desk.receipts.read(number)["state"] == ReceiptState.SHOWN
    assert desk.receipts.notices() == []


def test_a_screen_that_has_not_reported_is_named(desk, county, monkeypatch):
    county.http.post("/kiosk/v1/screens", json={"name": "hall-3"}, headers={"Authorization": f"Bearer {ADMIN}"})
    county.execute("kiosk", "UPDATE screen SET token_hash = 'a', enrolled_at = '2026-03-01T00:00:00.000000Z'")
    number = release(desk)
    county.flow()
    desk.receipts.advance()

    receipt = desk.receipts.read(number)
    assert receipt["state"] == ReceiptState.FOLLOWED
    assert receipt["screens"]["of"] == 1
    assert receipt["screens"]["not"][0]["name"] == "hall-3"


def test_a_receipt_of_what_is_planned_waits_for_its_time(desk, county):
    number = release(desk, effective_at=datetime.now(UTC) + timedelta(hours=1))
    county.flow()

    assert desk.receipts.advance() == 0
    assert desk.receipts.read(number)["state"] == ReceiptState.PLANNED


def test_the_desk_says_so_when_a_channel_does_not_answer(desk, county, monkeypatch):
    with desk.made.db.write() as session:
        versions = [{"key": f"item:{code_of(1)}", "version": 1, "op": "release"}]
        followed = Followed(title="事项", by="郑发布", due_at="2026-03-01T00:00:00.000000Z", versions=versions)
        number = open_receipt(session, followed).id
    desk.down.add("portal")
    WallClock(monkeypatch, module).forward(timedelta(seconds=30))
    desk.receipts.advance()

    assert "portal：没有回答" in desk.receipts.read(number)["problem"]


def test_a_withdrawal_says_why_and_what_to_do_instead(desk, county):
    release(desk)
    wanted = WithdrawOne(
        kind="item", code=code_of(1), etag="2", reason="withdrawal", note="政策调整", instead="请到服务台办理"
    )
    done = withdraw_one(desk.made.db, desk.releasing.desk.services, RELEASER, wanted)
    county.flow()
    desk.receipts.advance()

    assert desk.receipts.read(done["receipt"]["number"])["state"] == ReceiptState.SHOWN
    told = county.get(f"catalog/v1/releases/{done['edition']['act']}/1", ADMIN).json()["body"]
    assert told["note"] == "政策调整。现在请这样办：请到服务台办理"


def test_the_calendar_lists_what_is_planned_and_cancels_it(desk, county):
    services = desk.releasing.desk.services
    release(desk, effective_at=datetime.now(UTC) + timedelta(hours=1))
    (plan,) = calendar(services, RELEASER)
    assert (plan["what"], plan["code"]) == ("release", code_of(1))

    cancel_plans(services, RELEASER, CancelRequest(**{n: plan[n] for n in ("kind", "code", "etag")}), ends=False)

    assert calendar(services, RELEASER) == []


def test_a_preview_link_dies_with_the_draft(desk, county):
    previews = desk.releasing.previews
    token = previews.begin(RELEASER, code_of(1))["path"].rpartition("/")[2]
    assert previews.opened(token)["code"] == code_of(1)

    county.guides.save_guide(TESTER, code_of(1), guide(1).model_dump(mode="json"), None)

    with pytest.raises(Exception, match="已失效"):
        previews.opened(token)


def test_a_revoked_preview_link_shows_nothing(desk, county):
    previews = desk.releasing.previews
    made = previews.begin(RELEASER, code_of(1))
    previews.revoke(RELEASER, made["link"])

    with pytest.raises(Exception, match="已失效"):
        previews.opened(made["path"].rpartition("/")[2])


def test_the_pages_of_releasing_answer(desk, county):
    county.flow()
    browser = desk.made.browser("fabu")
    number = release(desk)
    token = desk.releasing.previews.begin(RELEASER, code_of(1))["path"].rpartition("/")[2]
    pages = ["release", "release/plans", "release/withdraw", f"release/receipts/{number}", f"previews/{token}"]
    pages += ["release/shown", f"release/shown?place=kiosk&code={code_of(1)}&at=2026-03-03T10:05"]

    assert {path: browser.get(f"/{path}").status_code for path in pages} == dict.fromkeys(pages, 200)
    frame = browser.get(f"/previews/{token}/mobile")
    assert "预览·尚未发布" in frame.text
    assert "frame-ancestors 'self'; sandbox" in frame.headers["content-security-policy"]
    assert browser.get(f"/previews/{'x' * 40}").status_code == 404


def test_what_was_shown_at_a_moment_is_what_counted_then(desk, county):
    release(desk)
    county.flow()
    between = datetime.now(UTC)
    county.release(item(1, "后来的名称"))
    county.flow()
    services = desk.releasing.desk.services
    then = shown_at(services, RELEASER, "web", code_of(1), between)
    before = shown_at(services, RELEASER, "web", code_of(1), between - timedelta(days=1))

    assert then.versions["item"]["version"] == 1
    assert "后来的名称" not in then.html
    assert "尚未发布" not in then.html
    assert "显示的内容·现在可能已经不同" in then.html
    assert before.html is None


def test_a_plan_gets_another_time_in_one_step(desk, county):
    services, browser = desk.releasing.desk.services, desk.made.session("fabu")
    release(desk, effective_at=datetime.now(UTC) + timedelta(hours=1))
    address = f"/release/plans/change?kind=item&code={code_of(1)}"
    (etag,) = re.findall(r'name="etag" value="([^"]+)"', browser.get(address).text)

    asked = {"kind": "item", "code": code_of(1), "etag": etag, "effective_at": "2099-03-01T08:00", "expires_at": ""}
    answer = browser.submit("/release/plans/change", **asked)

    assert answer.status_code == 303, answer.text
    (plan,) = calendar(services, RELEASER)
    assert (plan["at"], plan["what"]) == ("2099-03-01T00:00:00.000000Z", "release")
    stale = browser.submit("/release/plans/change", **asked)
    assert stale.status_code == 412
    assert len(calendar(services, RELEASER)) == 1


def test_a_round_asks_each_channel_once_however_many_receipts_are_followed(desk, county, monkeypatch):
    for number in (2, 3, 4):
        county.catalog.save_item(TESTER, code_of(number), item(number).model_dump(mode="json"), None)
        wanted = ReleaseDrafts(code=code_of(number), etags={"item": "1"})
        release_drafts(desk.made.db, desk.releasing.desk.services, RELEASER, wanted)
    county.flow()
    services, asked = desk.releasing.desk.services, []
    send = type(services).send

    def counted(self, method, service, path, person, **request):
        asked.append((service, path))
        return send(self, method, service, path, person, **request)

    monkeypatch.setattr(type(services), "send", counted)

    assert desk.receipts.advance() == 3
    assert sorted(asked) == [("kiosk", "screens"), *((name, "traces") for name in sorted(CHANNELS))]
