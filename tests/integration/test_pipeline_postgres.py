"""The whole pipeline over PostgreSQL, each service in its own schema: shown, healed, found, in time."""

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from services.catalog.commands import ItemImport
from services.channels.kiosk.displayed_digest import digest_of
from services.channels.recovery.bootstrap import starting_channel
from services.channels.recovery.drill import Drill
from services.operations import unstated_facts as reading
from services.runtime.manifests import CHANNELS
from shared.database.engine import Database
from shared.publishing.editions import Plans
from tests.harness.actors import TESTER
from tests.harness.ledgers import held
from tests.harness.old_ledger import migrated
from tests.harness.pipeline import ADMIN, code_of, guide, item, pipeline, progress, shown
from tests.harness.rabbitmq import wait_until
from tests.unit.ledger.test_older_ledger import upgraded_goes_on
from tests.unit.operations.test_verification import Stranger


@pytest.fixture
def county(database_url, tmp_path):
    with pipeline(database_url, tmp_path) as made:
        yield made


def test_what_is_released_is_shown_by_all_and_what_is_withdrawn_by_none(county):
    county.catalog.import_items(TESTER, ItemImport(rows=[item(n).model_dump(mode="json") for n in range(1, 30)]))
    county.release(guide(1))
    county.release_case(progress())
    county.flow()
    county.withdraw(item(1))
    county.flow()
    county.flow()

    for name in CHANNELS:
        assert shown(county.get(f"{name}/v1/items")) == [code_of(n) for n in range(2, 30)]
        assert county.get(f"{name}/v1/guides/{code_of(1)}").status_code == 410
        assert county.get(f"{name}/v1/source").json()["digests"]["counts"] == {"application": 1, "item": 28}
        assert len(shown(county.get(f"{name}/v1/search", q="居民身份证"))) == 20


def test_what_nobody_states_is_counted_in_the_newest_versions_page_by_page(county, monkeypatch):
    monkeypatch.setattr(reading, "PAGE", 2)
    county.catalog.import_items(TESTER, ItemImport(rows=[item(n).model_dump(mode="json") for n in range(1, 6)]))
    county.release(item(1, is_online=True))
    county.withdraw(item(2))

    unknown = reading.stated_facts(Stranger(county)).unknown
    assert (unknown["is_online"], unknown["project_type"]) == (3, 4)


def test_damage_is_healed_by_a_rebuild(county):
    for number in (1, 2, 3):
        county.release(item(number))
    county.flow()
    county.execute("web", "UPDATE web.document SET content = replace(content, '居民', '公民') WHERE position = 1")
    county.execute("web", "DELETE FROM web.document WHERE position = 2")
    done = county.rebuild("web")

    assert done.differences == [f"item:{code_of(1)}", f"item:{code_of(2)}"]
    assert county.rebuild("web").differences == []


def test_a_screen_reports_and_hears_when_what_it_shows_will_end(county):
    county.release(item(1), expires_at=datetime.now(UTC) + timedelta(hours=1))
    county.flow()
    operator = {"Authorization": f"Bearer {ADMIN}"}
    offer = county.http.post("/kiosk/v1/screens", json={"name": "hall-1"}, headers=operator).json()
    county.http.post("/kiosk/v1/screen/enrol", json={"code": offer["code"]}).raise_for_status()
    page = f"items/{code_of(1)}"
    said = {"address": page, "digest": digest_of(county.get(f"kiosk/{page}").text), "position": 1}
    reports = [
        county.http.post("/kiosk/v1/screen/report", json={**said, **other}).json() for other in ({}, {"digest": None})
    ]
    screens = county.http.get("/kiosk/v1/screens", headers=operator).json()["screens"]

    assert reports == [{"same": True}, {"same": False}]
    assert [(screen["name"], screen["address"], bool(screen["old_since"])) for screen in screens] == [
        ("hall-1", page, True)
    ]
    assert list(county.get("kiosk/v1/catalogue").json()["ends"]) == [f"item:{code_of(1)}"]
    assert county.get("kiosk/v1/position").json()["head"]["statement"]
    county.http.delete("/kiosk/v1/screens/hall-1", headers=operator).raise_for_status()
    assert county.http.post("/kiosk/v1/screen/report", json=said).status_code == 401


def test_time_turns_the_pages(county):
    county.release(item(1), effective_at=datetime.now(UTC) + timedelta(milliseconds=300))
    end = datetime.now(UTC) + timedelta(milliseconds=300)
    county.emit("catalog", f"item:{code_of(2)}", item(2).model_dump(mode="json"), expires_at=end)
    county.flow()

    def turned():
        county.channels["kiosk"].turn_pages()
        return shown(county.get("kiosk/v1/items")) == [code_of(1)]

    wait_until(turned, "the pages were not turned")


def test_who_follows_by_cursor_misses_nothing_while_others_write(county):
    """A cursor that were read after the rows of its page would skip what was committed in between."""
    writer = threading.Thread(target=write_all, args=(county, range(1, 26)))
    writer.start()
    told, cursor = set(), "0"

    def follow():
        nonlocal cursor
        answer = county.get("web/v1/changes", since=cursor, limit=3).json()
        told.update(change["key"] for change in answer["changes"])
        cursor = answer["cursor"]
        return told == {f"item:{code_of(n)}" for n in range(1, 26)}

    wait_until(follow, "a change was told to nobody")
    writer.join()


def write_all(county, numbers):
    for number in numbers:
        county.release(item(number))
        county.flow()


def test_a_channel_that_starts_takes_a_snapshot_and_is_the_one_that_was_there(county):
    for number in range(1, 6):
        county.release(item(number))
        county.release(item(number, "新一版"))
    county.release(item(1), effective_at=datetime.now(UTC) + timedelta(days=1))
    county.release(item(2), effective_at=datetime.now(UTC) + timedelta(days=1))
    county.release(item(2, "明天以前"), plans=Plans.CANCEL)
    county.emit("catalog", f"item:{code_of(3)}", {"task_name": 7}, 3)
    county.withdraw(item(4))
    county.release_case(progress())
    county.flow()
    live = county.channels["web"]
    before = held(live)
    for table in ("document", "scheduled", "parked", "lineage", "seen_head"):
        county.execute("web", f"DELETE FROM web.{table}")
    county.execute("web", "UPDATE web.state SET position = 0")
    fresh = starting_channel(live.db, live.adapter, county.ledger, pays_from=0)
    fresh.reconcile()

    assert len(before["scheduled"]) == len(before["parked"]) == 1
    assert held(fresh) == before
    assert list(Drill(fresh).run())[-1].differences == []


def test_a_ledger_of_before_learns_where_its_keys_begin(database_url):
    with closing(Database("ledger", database_url)) as db:
        assert migrated(db, ["a", "b", "a", "c", "a", "b"]) == {"a": 1, "b": 2, "c": 4}


def test_a_ledger_of_before_kinds_were_open_goes_on(county):
    upgraded_goes_on(county)
