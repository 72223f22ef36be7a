"""Everything that is released has a receipt, whoever released it, and a desk that dies in between loses none."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from services.catalog.commands import ItemImport
from services.console.receipts.feeds import AGAIN_SECONDS, ReleaseFeeds
from services.console.receipts.opening import Followed, ReceiptState, open_receipt
from services.console.release import single
from services.console.release.single import ReleaseDrafts, release_drafts
from services.console.rounds import Round
from shared.publishing.editions import Plans
from tests.harness.actors import TESTER
from tests.harness.pipeline import code_of, guide, item, pipeline
from tests.harness.releasing import RELEASER, releasing

KEY = f"item:{code_of(1)}"


class Death(BaseException):
    """kill -9: nobody catches it."""


@pytest.fixture
def county(tmp_path):
    (tmp_path / "county").mkdir()
    with pipeline(tmp_path / "county") as made:
        made.catalog.save_item(TESTER, code_of(1), item(1, "身份证补办").model_dump(mode="json"), None)
        yield made


@pytest.fixture
def desk(tmp_path, county):
    with releasing(tmp_path / "desk", county) as made:
        feeds(made).advance()
        yield made


def feeds(desk):
    """Return what a desk reads after a start."""
    return ReleaseFeeds(desk.made.db, desk.releasing.desk.services)


def release(desk, **more):
    wanted = ReleaseDrafts(code=code_of(1), etags={"item": "1"}, **more)
    return release_drafts(desk.made.db, desk.releasing.desk.services, RELEASER, wanted)


def told(desk):
    return [[(one["key"], one["version"]) for one in receipt["versions"]] for receipt in desk.receipts.listed()]


def imported(county, numbers, name):
    rows = [item(number, name).model_dump(mode="json") for number in numbers]
    return county.catalog.import_items(TESTER, ItemImport(rows=rows))


def test_a_desk_that_dies_between_the_release_and_its_receipt_has_it_after_the_next_start(desk, county, monkeypatch):
    def dies(*_):
        raise Death

    monkeypatch.setattr(single, "receipt_of", dies)
    with pytest.raises(Death):
        release(desk)
    assert told(desk) == []

    feeds(desk).advance()
    county.flow()
    desk.receipts.advance()

    (receipt,) = desk.receipts.listed()
    assert (receipt["title"], receipt["versions"][0]["key"]) == ("身份证补办", KEY)
    assert receipt["state"] == ReceiptState.SHOWN


def test_a_desk_that_dies_between_reading_a_feed_and_its_receipts_reads_it_again(desk, county, monkeypatch):
    county.release(item(1, "新"))
    monkeypatch.setattr("services.console.receipts.feeds._set_mark", lambda *_: (_ for _ in ()).throw(Death))
    with pytest.raises(Death):
        feeds(desk).advance()
    assert told(desk) == []
    monkeypatch.undo()

    feeds(desk).advance()
    feeds(desk).advance()
    assert told(desk) == [[(KEY, 1)]]


def test_what_is_released_without_the_desk_has_a_receipt_with_the_name_of_who_did_it(desk, county):
    county.release(item(1, "新"))
    county.release(guide(1, "新"))
    county.withdraw(item(1))
    feeds(desk).advance()

    assert sorted(told(desk)) == [[(f"guide:{code_of(1)}", 1)], [(KEY, 1)], [(KEY, 2)]]
    assert {receipt["by"] for receipt in desk.receipts.listed()} == {TESTER.title}
    gone = {"key": KEY, "version": 2, "op": "withdraw"}
    assert [one["title"] for one in desk.receipts.listed() if gone in one["versions"]] == [code_of(1)]


def test_a_release_of_the_desk_has_one_receipt_although_its_feed_is_read_too(desk, county):
    release(desk)
    feeds(desk).advance()

    assert told(desk) == [[(KEY, 1)]]
    assert [receipt["by"] for receipt in desk.receipts.listed()] == [RELEASER.display_name]


def test_a_feed_that_is_read_before_the_desk_has_opened_its_receipt_leaves_it_one(desk, county):
    county.release(item(1, "又改"))
    feeds(desk).advance()
    versions = [{"key": KEY, "version": 1, "op": "release"}]
    with desk.made.db.write() as session:
        row = open_receipt(session, Followed("又改", RELEASER.display_name, "2026-03-01T00:00:00.000000Z", versions))

    (receipt,) = desk.receipts.listed()
    assert (receipt["number"], receipt["by"]) == (row.id, RELEASER.display_name)


def test_an_import_is_one_receipt_with_counts_and_drowns_no_other(desk, county):
    county.release(item(1, "新"))
    for start in (10, 20, 30):
        assert imported(county, range(start, start + 8), "导入的").released
        feeds(desk).advance()

    many, alone = desk.receipts.listed()
    assert many["title"] == "导入：24 项"
    assert many["many"] == {"catalog": 24}
    assert len(many["versions"]) == 1
    assert alone["versions"][0]["key"] == KEY

    county.flow()
    desk.receipts.advance()
    assert desk.receipts.read(many["number"])["state"] == ReceiptState.SHOWN


def test_a_set_has_one_receipt_although_its_members_are_in_the_feeds(desk, county):
    act = desk.sets.begin(RELEASER, {"catalog": [{"code": code_of(1)}]}, None, None)["act"]
    for _ in range(6):
        desk.sets.advance()
        county.flow()
        feeds(desk).advance()

    (receipt,) = desk.receipts.listed()
    assert receipt["number"] == desk.sets.read(act)["receipt"]
    assert receipt["by"] == RELEASER.display_name


def test_a_plan_that_is_made_elsewhere_waits_for_its_time(desk, county):
    county.release(item(1, "旧"))
    county.release(item(1, "新"), effective_at=datetime.now(UTC) + timedelta(hours=1), plans=Plans.KEEP)
    feeds(desk).advance()

    assert [one["state"] for one in desk.receipts.listed()] == [ReceiptState.PLANNED, ReceiptState.FOLLOWED]


def test_a_desk_that_reads_for_the_first_time_begins_now(tmp_path, county):
    county.release(item(1, "早先"))
    with releasing(tmp_path / "another", county) as desk:
        feeds(desk).advance()
        assert told(desk) == []


def test_a_source_that_does_not_answer_is_read_from_where_it_stopped(desk, county):
    county.release(item(1, "新"))
    desk.down.add("catalog")
    feeds(desk).advance()
    assert told(desk) == []
    desk.down.clear()
    feeds(desk).advance()
    assert told(desk) == [[(KEY, 1)]]


def test_an_idle_desk_asks_each_source_one_question_and_its_store_none(desk, county, monkeypatch):
    asked = []
    services = desk.releasing.desk.services
    original = services.get

    def get(service, path, *more, **params):
        asked.append(f"{service}/{path}")
        return original(service, path, *more, **params)

    monkeypatch.setattr(services, "get", get)
    feeds(desk).advance()
    desk.receipts.advance()
    desk.releasing.advance_sets()

    assert asked == ["catalog/releases/heads", "guides/releases/heads"]
    assert desk.receipts.pause >= 1
    assert desk.releasing.advance_sets() >= 1


def test_a_release_that_another_program_makes_ends_the_wait_for_it(desk, county, monkeypatch):
    monkeypatch.setattr("services.console.receipts.feeds.WAIT_SECONDS", 20.0)
    waits, follower = threading.Event(), feeds(desk)
    services = desk.releasing.desk.services
    original = services.get

    def get(service, path, *more, **params):
        if params.get("wait"):
            waits.set()
        return original(service, path, *more, **params)

    monkeypatch.setattr(services, "get", get)
    thread = threading.Thread(target=follower.follow, args=("catalog",))
    thread.start()
    assert waits.wait(30)
    county.release(item(1, "别处发布的"))
    thread.join(30)

    assert told(desk) == [[(KEY, 1)]]


def test_a_source_that_does_not_know_how_to_wait_is_asked_seldom(desk, monkeypatch):
    services = desk.releasing.desk.services
    original = services.get

    def get(service, path, person, **params):
        known = {name: value for name, value in params.items() if name not in ("wait", "since")}
        return original(service, path, person, **known)

    monkeypatch.setattr(services, "get", get)

    assert feeds(desk).follow("catalog") == AGAIN_SECONDS


def test_a_round_is_woken_by_a_write_long_before_its_pause_is_over(desk):
    made, stop, looks = threading.Event(), threading.Event(), []

    def work():
        looks.append(1)
        if len(looks) > 1:
            made.set()
        return 3600.0

    one = Round.on_writes("a-test", desk.made.db, work)
    thread = threading.Thread(target=one.run, args=(stop, lambda: True))
    thread.start()
    try:
        while not looks:
            made.wait(0.01)
        with desk.made.db.write():
            pass
        assert made.wait(30)
    finally:
        stop.set()
        one.woken.set()
        thread.join(30)
    assert not thread.is_alive()


def test_a_round_that_fails_is_made_again():
    stop, looks = threading.Event(), []

    def work():
        looks.append(1)
        if len(looks) == 1:
            raise RuntimeError("once")
        stop.set()
        return 0.0

    Round("a-test", work).run(stop, lambda: True)
    assert len(looks) == 2


def test_who_released_many_at_once_is_asked_in_one_question(desk, county, monkeypatch):
    for number in range(2, 7):
        county.release(item(number))
    services, asked = desk.releasing.desk.services, []
    send = type(services).send

    def counted(self, method, service, path, person, **request):
        asked.append(path)
        return send(self, method, service, path, person, **request)

    monkeypatch.setattr(type(services), "send", counted)

    assert feeds(desk).advance() == 5
    assert asked.count("audit") == 1
    assert {receipt["by"] for receipt in desk.receipts.listed()} == {TESTER.title}
