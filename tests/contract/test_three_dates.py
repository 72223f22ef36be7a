"""Released, in force from, and seen from are three dates. What people read as a date of publication is the third."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from contracts.base import format_time
from services.channels.api import queries
from services.channels.pages.version_history import VersionHistory
from shared.text.dates import BEIJING
from tests.harness.pipeline import ADMIN, code_of, guide, item, pipeline
from tests.harness.rabbitmq import wait_until

CODE, OTHER = code_of(1), code_of(2)
LAST_YEAR = datetime(2025, 11, 1, tzinfo=UTC)


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=["portal", "web", "kiosk"]) as made:
        yield made


def dates(county):
    """Every date of the item's publication that the portal tells, as a time."""
    feed = county.get("portal/feed.atom").text
    (entry,) = [one for one in re.findall(r"<entry>.*?</entry>", feed, re.DOTALL) if f"items/{CODE}#" in one]
    page = county.get(f"portal/items/{CODE}").text
    found = {
        "feed published": re.search("<published>(.*?)<", entry)[1],
        "feed updated": re.search("<updated>(.*?)<", entry)[1],
        "sitemap": re.search(rf"items/{CODE}</loc><lastmod>(.*?)<", county.get("portal/sitemap.xml").text)[1],
        "page": re.search('published_time" content="(.*?)"', page)[1],
        "api": county.get(f"portal/v1/items/{CODE}").json()["published_at"],
    }
    return {name: datetime.fromisoformat(said) for name, said in found.items()}


def test_what_was_scheduled_is_dated_from_when_people_could_see_it(county):
    start = datetime.now(UTC) + timedelta(milliseconds=500)
    county.release(item(1), effective_at=start)
    county.release(item(2, "其间公布的"))
    county.flow()

    def shown():
        for channel in county.channels.values():
            channel.turn_pages()
        return county.get(f"portal/v1/items/{CODE}").status_code == 200

    wait_until(shown, "its time never came")

    assert set(dates(county).values()) == {datetime.fromisoformat(format_time(start))}
    assert county.get(f"portal/v1/items/{CODE}").json()["published_on"] == start.astimezone(BEIJING).date().isoformat()
    feed = county.get("portal/feed.atom").text
    assert re.search("<updated>(.*?)<", feed)[1] == format_time(start), "the feed changed when the item appeared"
    assert feed.index(f"items/{CODE}") < feed.index(f"items/{OTHER}"), "it does not slide in under older entries"
    with county.dbs["kiosk"].read() as session:
        news = queries.news(session, format_time(start - timedelta(minutes=1)), 10)
    assert [one["starts_at"] for one in news if one["key"] == f"item:{CODE}"] in ([], [format_time(start)])


def test_what_was_backdated_is_dated_from_its_recording_and_keeps_its_history(county):
    """Nobody could read it before; and a date in the past does not make this the first version."""
    county.release(item(1, "旧名"))
    county.release(item(1, "新名"), effective_at=LAST_YEAR)
    county.flow()

    recorded = recorded_at(county, f"item:{CODE}")
    assert set(dates(county).values()) == {recorded}
    step = VersionHistory(county.channels["web"]).step(f"item:{CODE}")
    assert (step.before["name"], step.since) == ("旧名", recorded)


def test_an_item_is_as_new_as_its_guide(county):
    county.release(item(1))
    county.release(guide(1))
    county.flow()

    moment = format_time(recorded_at(county, f"guide:{CODE}"))
    assert f"items/{CODE}</loc><lastmod>{moment}<" in county.get("portal/sitemap.xml").text


def test_what_the_ledger_recorded_late_is_dated_from_the_recording(county):
    """While the ledger stands still, nobody can read what is released, and readers who go by time must not miss it."""
    made = county.release(item(1))
    time.sleep(0.01)
    county.flow()

    assert set(dates(county).values()) == {recorded_at(county, f"item:{CODE}")}
    assert min(dates(county).values()) > made.released_at


def recorded_at(county, key):
    newest = county.get(f"ledger/v1/versions/{key}").json()["versions"][-1]
    return datetime.fromisoformat(newest["recorded_at"])


def test_what_is_backdated_shows_its_three_dates_and_the_reason_where_people_look(county):
    note = "省里的通知自去年十一月起施行。"
    county.release(item(1, "旧名"))
    save = item(1, "新名").model_dump(mode="json")
    editor = {"Authorization": f"Bearer {ADMIN}"}
    address = f"/catalog/v1/items/{CODE}"
    county.http.put(address, json=save, headers={**editor, "If-Match": '"2"'})
    told = {"effective_at": format_time(LAST_YEAR), "note": note}
    made = county.http.post(f"{address}/release", json=told, headers=editor).json()["released"]
    county.flow()

    source = county.get(f"web/v1/items/{CODE}").json()["source"]
    assert source["dates"]["effective_at"] == format_time(LAST_YEAR)
    assert source["dates"]["shown_from"] == format_time(recorded_at(county, f"item:{CODE}"))
    for page in (f"web/items/{CODE}", f"kiosk/items/{CODE}", f"portal/items/{CODE}"):
        assert "追溯生效：自</span>" in county.get(page).text
    for page in (f"web/items/{CODE}/changes", f"verify/item/{CODE}/2/{made['digest'][:16]}"):
        assert note in county.get(page).text


def test_what_is_not_backdated_says_nothing_of_it(county):
    county.release(item(1))
    county.flow()

    assert "dates" not in county.get(f"web/v1/items/{CODE}").json()["source"]
    assert "追溯生效" not in county.get(f"web/items/{CODE}").text
