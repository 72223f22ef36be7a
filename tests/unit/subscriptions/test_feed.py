"""The feed: what subscribers see, in which order, and what they are told when a cursor cannot be continued."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.subscriptions.log.ledger_reading import LedgerReading
from services.subscriptions.log.store import LogStore
from tests.harness.pipeline import Pipeline, code_of, guide, item, pipeline, progress
from tests.harness.subscribers import Subscribers, running, subscribers

SOON = timedelta(hours=1)


@pytest.fixture
def county(tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline(tmp_path / "county", channels=()) as made:
        yield made


@pytest.fixture
def service(county: Pipeline, tmp_path: Path) -> Iterator[Subscribers]:
    with subscribers(county, tmp_path) as made:
        yield made


def key(number: int = 1, kind: str = "item") -> str:
    return f"{kind}:{code_of(number)}"


def later(service: Subscribers, seconds: timedelta) -> LedgerReading:
    """Return a reader of the same ledger whose clock is ahead; the ledger's own clock is not."""
    reading = service.parts.reading
    return LedgerReading(service.parts.log, reading._ledger, lambda: datetime.now(UTC) + seconds)  # noqa: SLF001


def test_a_subscriber_reads_what_was_released_in_order_and_goes_on_from_the_cursor(service: Subscribers) -> None:
    one = service.add(start="everything")
    service.county.release(item())
    service.county.release(guide())
    service.flow()

    first = service.feed(one, limit=1).json()
    rest = service.feed(one, cursor=first["cursor"]).json()
    service.county.withdraw(item())
    service.flow()
    last = service.feed(one, cursor=rest["cursor"]).json()

    assert [event["subject"] for event in first["events"] + rest["events"]] == [key(), key(kind="guide")]
    assert (first["more"], rest["more"]) == (True, False)
    assert [(event["type"], event["data"]["version"]) for event in last["events"]][:1] == [
        ("tongyuan.item.withdrawn", 2)
    ]


def test_an_event_is_the_ledgers_entry_with_its_proof(service: Subscribers) -> None:
    one = service.add(start="everything")
    service.county.release(item())
    service.flow()

    (event,) = service.feed(one).json()["events"]

    entry = service.county.get("ledger/v1/entries", proofs=True).json()["entries"][0]
    assert event["data"] == entry
    assert entry["proof"].startswith("c2sp.org/tlog-proof@v1")
    assert (event["id"], event["sequence"], event["specversion"]) == (f"{key()}/1", "1", "1.0")


@pytest.mark.parametrize(
    ("start", "expected"),
    [("everything", [1, 2, 3]), ("now", [3]), (1, [2, 3])],
)
def test_a_subscription_begins_where_it_says(service: Subscribers, start: Any, expected: list[int]) -> None:
    for number in (1, 2):
        service.county.release(item(number))
    service.flow()
    one = service.add(start=start)
    service.county.release(item(3))
    service.flow()

    assert service.events(one) == [(key(number), 1) for number in expected]


def test_a_start_that_the_log_has_not_reached_is_refused(service: Subscribers) -> None:
    answer = service.http.post("/v1/subscriptions", json={"name": "某系统", "start": 7})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "start"


def test_the_subscriber_gets_only_what_the_filters_want(service: Subscribers) -> None:
    items = service.add("事项", start="everything", filters=[{"exact": {"kind": "item"}}])
    second = service.add("第二项", start="everything", filters=[{"exact": {"item": code_of(2)}}])
    unit = service.add("部门", start="everything", filters=[{"prefix": {"department": item().dept_code[:6]}}])
    none = service.add("别处", start="everything", filters=[{"not": {"prefix": {"department": "11"}}}])
    service.county.release(item(1))
    service.county.release(item(2))
    service.county.release(guide(2))
    service.flow()

    assert service.events(items) == [(key(1), 1), (key(2), 1)]
    assert service.events(second) == [(key(2), 1), (key(2, "guide"), 1)]
    assert service.events(unit) == [(key(1), 1), (key(2), 1), (key(2, "guide"), 1)]
    assert service.events(none) == []


def test_the_cursor_moves_past_what_is_not_wanted(service: Subscribers) -> None:
    one = service.add(start="everything", filters=[{"exact": {"kind": "guide"}}])
    service.county.release(item())
    service.flow()

    page = service.feed(one).json()

    assert page["events"] == []
    assert page["position"] == 1


def test_cases_are_in_no_feed(service: Subscribers) -> None:
    one = service.add(start="everything")
    service.county.release_case(progress())
    service.county.release(item())
    service.flow()

    page = service.feed(one)

    assert service.events(one) == [(key(), 1)]
    assert "application:" not in page.text


def test_what_is_scheduled_is_not_in_the_log_before_its_time_and_is_told_then(service: Subscribers) -> None:
    one = service.add(start="everything")
    service.county.release(item(name="保密到时刻"), effective_at=datetime.now(UTC) + timedelta(seconds=1.5))
    service.flow()

    assert service.events(one) == []
    assert service.execute("SELECT count(*) FROM event") == [(0,)]
    # The ledger's clock decides, and nobody sets it here: wait for the moment itself.
    deadline = time.monotonic() + 30
    while not service.events(one) and time.monotonic() < deadline:
        time.sleep(0.1)
        service.read()
    assert service.events(one) == [(key(), 1)]
    assert "保密到时刻" in service.feed(one).text


def test_a_reader_whose_clock_is_ahead_waits_for_the_ledgers(service: Subscribers) -> None:
    one = service.add(start="everything")
    service.county.release(item(), effective_at=datetime.now(UTC) + SOON)
    service.flow()

    later(service, 2 * SOON).step()

    assert service.events(one) == []
    assert service.execute("SELECT count(*) FROM planned") == [(1,)]


def test_a_version_that_was_overtaken_before_its_time_is_never_told(service: Subscribers) -> None:
    one = service.add(start="everything")
    first = service.county.release(item(name="不再生效"), effective_at=datetime.now(UTC) + SOON)
    service.county.emit("catalog", key(), item(name="立即生效").model_dump(mode="json"), first.version + 1)
    service.flow()
    later(service, 2 * SOON).step()

    assert service.events(one) == [(key(), 2)]
    assert "不再生效" not in service.feed(one).text
    assert service.execute("SELECT count(*) FROM planned") == [(0,)]


def test_members_of_a_set_are_told_together_once_its_act_is_recorded(service: Subscribers) -> None:
    one = service.add(start="everything")
    act = "act:catalog-set-1"
    for number in (1, 2):
        body = item(number).model_dump(mode="json")
        service.county.emit("catalog", key(number), body, part_of=act)
    service.flow()
    before = service.events(one)
    service.county.emit("catalog", act, {"title": "调整", "reason": "调整事项", "keys": [key(1), key(2)]})
    service.flow()

    assert before == []
    assert service.events(one) == [(act, 1), (key(1), 1), (key(2), 1)]


def test_an_entry_of_an_unknown_kind_is_passed_over_and_blocks_nobody(service: Subscribers) -> None:
    one = service.add(start="everything")
    service.county.release(item(1))
    service.flow()
    ledger = service.parts.reading._ledger  # noqa: SLF001

    class Newer:
        """The ledger of a newer version: its second entry has a kind that nobody here knows."""

        def entries(self, first: int, limit: int) -> list[Any]:
            found = list(ledger.entries(first, limit))
            return [{**entry, "kind": "notice"} if entry["position"] == 2 else entry for entry in found]

    service.county.release(item(2))
    service.county.release(item(3))
    service.county.flow()
    LedgerReading(LogStore(service.db), Newer()).step()

    assert service.events(one) == [(key(1), 1), (key(3), 1)]


def test_a_cursor_of_another_epoch_is_sent_to_the_snapshot(service: Subscribers) -> None:
    one = service.add(start="everything")
    service.county.release(item())
    service.flow()
    cursor = service.feed(one).json()["cursor"]
    service.http.post("/v1/log/restart", params={"reason": "账本已恢复"})
    service.read()

    answer = service.feed(one, cursor=cursor)

    assert answer.status_code == 410
    assert (answer.json()["reason"], answer.json()["snapshot"]) == ("epoch", "snapshot")


def test_a_cursor_of_the_future_is_sent_to_the_snapshot(service: Subscribers) -> None:
    one = service.add(start="everything")
    for number in (1, 2):
        service.county.release(item(number))
    service.flow()
    cursor = service.feed(one).json()["cursor"]
    _set_back(service, 1)

    answer = service.feed(one, cursor=cursor)

    assert answer.status_code == 410
    assert answer.json()["reason"] == "future"


def test_a_log_that_was_set_back_and_has_another_history_never_says_that_nothing_was_missed(
    service: Subscribers,
) -> None:
    one = service.add(start="everything")
    for number in (1, 2):
        service.county.release(item(number))
    service.flow()
    cursor = service.feed(one).json()["cursor"]
    _set_back(service, 1)
    service.http.post(f"/v1/subscriptions/{one['id']}/test")
    service.read()

    answer = service.feed(one, cursor=cursor)

    assert answer.status_code == 410
    assert answer.json()["reason"] == "history"


def test_a_log_that_was_set_back_and_grew_again_alike_continues_every_cursor(service: Subscribers) -> None:
    one = service.add(start="everything")
    for number in (1, 2):
        service.county.release(item(number))
    service.flow()
    cursor = service.feed(one).json()["cursor"]
    _set_back(service, 1)
    service.county.release(item(3))
    service.flow()

    assert service.events(one, cursor=cursor) == [(key(3), 1)]


@pytest.mark.parametrize("cursor", ["0", "x", "AAAA", "中", "A" * 200])
def test_what_is_no_cursor_is_refused_by_field(service: Subscribers, cursor: str) -> None:
    one = service.add(start="everything")

    answer = service.feed(one, cursor=cursor)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "cursor"


def test_the_cursor_of_another_subscription_is_refused(service: Subscribers) -> None:
    one, other = service.add("一"), service.add("二")

    answer = service.feed(other, cursor=service.feed(one).json()["cursor"])

    assert answer.status_code == 422


def test_the_snapshot_has_the_newest_event_of_each_key_and_the_feed_goes_on_from_it(service: Subscribers) -> None:
    one = service.add(start="everything")
    for number in (1, 2, 3):
        service.county.release(item(number))
    service.county.release(item(1, name="新名称"))
    service.flow()

    first = service.feed(one, "snapshot", limit=2).json()
    service.county.release(item(4))
    service.flow()
    rest = service.feed(one, "snapshot", limit=2, after=first["next"], cursor=first["cursor"]).json()

    told = [(event["subject"], event["data"]["version"]) for event in first["events"] + rest["events"]]
    assert told == [(key(1), 2), (key(2), 1), (key(3), 1)]
    assert rest["next"] is None
    assert service.events(one, cursor=first["cursor"]) == [(key(4), 1)]


def test_a_page_is_bounded_by_bytes_and_one_event_always_fits(
    service: Subscribers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.subscriptions.feed.reading.FeedReader.page.__defaults__", (1,))
    one = service.add(start="everything")
    for number in (1, 2):
        service.county.release(item(number))
    service.flow()

    first = service.feed(one).json()

    assert [event["subject"] for event in first["events"]] == [key(1)]
    assert first["more"] is True
    assert service.events(one, cursor=first["cursor"]) == [(key(2), 1)]


def test_a_long_poll_answers_when_something_is_released(service: Subscribers) -> None:
    one = service.add()
    found: list[Any] = []
    with running(service.parts.hub.run):
        asking = threading.Thread(target=lambda: found.append(service.events(one, wait=25)))
        asking.start()
        service.county.release(item())
        service.flow()
        asking.join(20)

    assert found == [[(key(), 1)]]


def test_a_ledger_with_another_history_halts_the_log_until_an_operator_begins_anew(service: Subscribers) -> None:
    one = service.add(start="everything")
    service.county.release(item(1))
    service.flow()
    service.execute("UPDATE log SET ledger_mark = 'item:other/1/00'")
    service.county.release(item(2))
    service.flow()

    halted = service.http.get("/v1/log").json()["halted"]
    told = service.events(one)
    service.http.post("/v1/log/restart", params={"reason": "核对后重新开始"})
    service.read()

    assert "账本" in halted
    assert told == [(key(1), 1)]
    assert service.events(one) == [(key(1), 1), (key(2), 1)]


def _set_back(service: Subscribers, position: int) -> None:
    """Do to the log what a restored backup does."""
    with service.db.engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM event WHERE position > {position}")
        chain = connection.exec_driver_sql(f"SELECT chain, id FROM event WHERE position = {position}").one()
        ledger = service.county.get("ledger/v1/entries").json()["entries"][position - 1]
        mark = f"{ledger['key']}/{ledger['version']}/{ledger['digest']}"
        connection.exec_driver_sql(
            f"UPDATE log SET position = {position}, ledger_position = {position}, chain = ?, ledger_mark = ?",
            (chain.chain, mark),
        )
