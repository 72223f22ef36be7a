"""What a screen keeps to go on without a network: every page that a finger can reach, by the digest of its answer."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from itertools import count
from urllib.parse import unquote_plus

import pytest

from services.channels.api.live_stream import Live
from services.channels.kiosk import offline_manifest as making
from services.channels.kiosk import page_copies
from tests.harness.pipeline import code_of, guide, item, pipeline
from tests.harness.stream_client import sent_to_client

PATH = "kiosk/v1/catalogue"
NAMES = count()


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    with pipeline(tmp_path_factory.mktemp("catalogue"), channels=["kiosk"]) as made:
        for number in range(1, 15):
            made.release(item(number, f"事项{number}"))
        made.release(guide(1, "事项1"))
        made.flow()
        yield made


def catalogue(county):
    found = county.get(PATH).json()
    return dict(found["entries"]), found["ends"]


def release(county, number, **period):
    county.release(item(number, f"事项{number}的第{next(NAMES)}个名称"), **period)
    county.flow()


def test_every_address_answers_what_its_digest_says(county):
    entries, _ = catalogue(county)
    wrong = [
        address
        for address, digest in entries.items()
        if digest is not None and hashlib.sha256(county.get(f"kiosk/{address}").content).hexdigest() != digest
    ]

    assert wrong == []
    assert {f"items/{code_of(number)}" for number in range(1, 15)} <= entries.keys()
    assert {
        "",
        "search",
        "progress",
        "windows",
        "v1/finder",
        "items",
        "items?page=2",
        "static/worker.js",
    } <= entries.keys()
    assert [address for address, digest in entries.items() if digest is None] == ["board"]


def test_every_link_of_every_kept_page_leads_to_a_kept_page(county):
    entries, _ = catalogue(county)
    pages = "".join(county.get(f"kiosk/{address}").text for address in entries if not address.startswith("static/"))
    links = {link.replace("&amp;", "&") for link in re.findall(r'href="/kiosk/([^"#]*)"', pages)}
    led_to = {unquote_plus(link) for link in links if not link.startswith("static/")}

    assert len(led_to) > 20
    assert led_to - {unquote_plus(address) for address in entries} == set()


def test_a_release_changes_its_own_page_and_the_lists_that_name_it(county):
    before, _ = catalogue(county)
    release(county, 3)
    after, _ = catalogue(county)
    changed = {address for address in after if after[address] != before.get(address)}

    assert {f"items/{code_of(3)}", "items", "v1/finder"} <= changed
    assert not {f"items/{code_of(4)}", "items?page=2", "", "static/kiosk.js"} & changed


def test_what_has_not_changed_is_not_sent_again(county):
    answer = county.get(PATH)
    again = county.http.get(f"/{PATH}", headers={"If-None-Match": answer.headers["etag"]})

    assert again.status_code == 304


def test_a_catalogue_that_takes_long_is_made_in_turns_and_given_when_it_is_whole(county, monkeypatch):
    before = county.get(PATH).json()["entries"]
    county.serve_anew()
    monkeypatch.setattr(making, "TURN_SECONDS", 0)
    answers = [county.get(PATH) for _ in range(len(before))]
    states = [answer.status_code for answer in answers]

    assert states == sorted(states, reverse=True)
    assert set(states) == {503, 200}
    assert answers[-1].json()["entries"] == before


def rendered(monkeypatch):
    """The addresses of the pages that are rendered for a manifest, from now on."""
    found = []

    async def note(request):
        found.append(request.url.path)

    def client(request):
        made = page_copies.internal_client(request)
        made.event_hooks = {"request": [note]}
        return made

    monkeypatch.setattr(making, "internal_client", client)
    return found


def test_strange_addresses_neither_drive_out_the_screens_manifest_nor_have_pages_rendered_on_end(county, monkeypatch):
    county.serve_anew()
    whole = len([address for address in catalogue(county)[0] if not address.startswith("static/")])
    pages = rendered(monkeypatch)

    def asked_at(host):
        return county.http.get(f"/{PATH}", headers={"Host": host}).status_code

    assert asked_at("hall.example") == 200, "the first stranger is served"
    assert {asked_at(f"host{number}.example") for number in range(20)} == {503}
    assert len(pages) <= whole
    assert county.get(PATH).status_code == 200
    release(county, 7)
    pages.clear()
    assert catalogue(county)[0]
    assert 0 < len(pages) < whole, "of the screens' own pages only the changed ones are rendered"


def test_it_says_when_something_ends_or_is_replaced(county):
    soon, later = (datetime.now(UTC) + timedelta(hours=hours) for hours in (1, 2))
    release(county, 5, expires_at=later)
    release(county, 6, effective_at=soon)
    _, ends = catalogue(county)

    assert [datetime.fromisoformat(ends[f"item:{code_of(number)}"]) for number in (5, 6)] == [later, soon]


def test_a_page_of_the_hall_is_the_same_as_long_as_nothing_is_released(county):
    before = county.get("kiosk/").headers["etag"]
    county.standing.sign()
    county.flow()

    assert county.get("kiosk/").headers["etag"] == before


def test_the_worker_speaks_for_the_whole_hall_and_fetches_from_here_only(county):
    answer = county.get("kiosk/worker.js")

    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"] == "default-src 'none'; connect-src 'self'"


def test_the_head_comes_with_the_statement_that_says_its_time(county):
    signed = county.get("ledger/v1/statement").json()["note"]

    assert county.get("kiosk/v1/position").json()["head"]["statement"] == signed
    assert county.get("ledger/v1/head").json()["statement"] == signed


def test_a_statement_is_told_once_in_the_stream(county):
    live = Live(county.dbs["kiosk"], "kiosk")
    live.step()
    ((time,),) = county.execute("kiosk", "SELECT time FROM seen_head")
    county.execute("kiosk", "UPDATE seen_head SET time = '2999-01-01T00:00:00.000000Z'")
    live.step()
    county.execute("kiosk", "UPDATE seen_head SET time = :time", time=time)
    told = b"".join(sent_to_client(live.stream)).split(b"\n\n")

    assert [b'"statement"' in event for event in told if b"event: head" in event] == [True, False]
