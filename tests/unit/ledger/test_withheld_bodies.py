"""A scheduled version cannot be read before its time without a token, at any address; from then on it can.

One that is superseded before its time is never in force and never readable. Addresses are taken from the routes of all
apps, so that a new one is searched, too.
"""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount

from services.channels.api import queries as channel_queries
from services.channels.core import store
from services.ledger import queries
from services.ledger.erasure import withholding
from services.ledger.log import append as ledger_commands
from services.ledger.verify import page
from services.runtime.manifests import CHANNELS
from shared.transparency.timeline import Timed, is_overtaken
from shared.transparency.withholding import is_withheld, readable_from
from tests.harness.pipeline import ADMIN, SERVICE, code_of, guide, item, pipeline, progress
from tests.harness.wall_clock import WallClock

CANARY = "尚未公布的收费调整"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path) as made:
        yield made


@pytest.fixture
def clock(monkeypatch):
    """The clock of the ledger and of the channels."""
    return WallClock(monkeypatch, queries, channel_queries, store, page)


def later(span=HOUR):
    return datetime.now(UTC) + span


def entry(county, key, version, token=None):
    positions = {
        (one["key"], one["version"]): one["position"]
        for one in county.get("ledger/v1/entries", SERVICE, limit=1000).json()["entries"]
    }
    return county.get(f"ledger/v1/entries/{positions[key, version]}", token)


ITEM = f"item:{code_of(1)}"
VALUES = {
    "code": code_of(1),
    "key": ITEM,
    "version": "2",
    "position": "3",
    "kind": "item",
    "bucket": "00",
    "letter": "I",
    "rest": "2",
    "path": "entries/000.p/3",
    "name": "base.css",
}
QUERIES = {
    "q": "居民身份证",
    "size": "4",
    "position": "3",
    "lane": "live",
    "since": "0",
    "first": "1",
    "from": "1",
    "proofs": "true",
    "limit": "100",
}


def addresses(county):
    """Return every GET address of every app, filled in with existing values."""
    services = [*county.dbs, "verify", "V", "v"]
    for service in services:
        county.http.get(f"/{service}/healthz")
    for mounted in (route for route in county.http.app.routes if isinstance(route, Mount)):
        api = mounted.app.app
        for context in iter_route_contexts(api.routes):
            route = context.route
            if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
                yield f"{mounted.path}{context.path}"


def answers(county, token=None):
    """Return address → whole answer, with headers."""
    said = {}
    for pattern in sorted(set(addresses(county))):
        path = pattern
        for name, value in VALUES.items():
            path = path.replace(f"{{{name}:path}}", value).replace(f"{{{name}}}", value)
        answer = county.get(path.removeprefix("/"), token, **QUERIES)
        said[pattern] = f"{answer.headers}{answer.text}"
    return said


def holding(said):
    return sorted(address for address, text in said.items() if CANARY in text)


def scheduled(county):
    """An item in force and its guide; each has a later version that contains the word."""
    county.release(item(1, "现行"))
    county.release(guide(1, "现行"))
    county.flow()
    county.release(item(1, CANARY, keywords=[CANARY], result_name=CANARY), effective_at=later())
    county.release(guide(1, CANARY, accept_condition=CANARY), effective_at=later())
    county.flow()


def test_no_public_address_tells_what_is_scheduled(county):
    scheduled(county)
    said = answers(county)

    assert len(said) > 100
    assert holding(said) == []


def test_the_search_finds_what_is_there_to_find(county):
    scheduled(county)
    trusted = holding(answers(county, ADMIN))

    assert "/ledger/v1/entries" in trusted
    assert "/ledger/v1/entries/{position}" in trusted
    assert "/ledger/v1/snapshot/entries" in trusted
    assert "/catalog/v1/items/{code}" in trusted
    county.release(item(2, CANARY))
    county.flow()
    assert {"/ledger/v1/entries", "/web/v1/items", "/web/v1/changes"} <= set(holding(answers(county)))


def test_everybody_reads_it_the_moment_it_is_in_force(county, clock):
    scheduled(county)
    early = entry(county, ITEM, 2)
    assert (early.json()["body"], early.json()["no_body"]) == (None, "withheld")
    clock.forward(datetime.fromisoformat(early.json()["withheld_until"]) - datetime.now(UTC))
    for channel in county.channels.values():
        channel.turn_pages()
    late = entry(county, ITEM, 2)

    assert late.json()["body"]["task_name"] == CANARY
    assert "no_body" not in late.json()
    assert early.headers["etag"] != late.headers["etag"]
    assert "no-cache" in early.headers["cache-control"]
    for name in CHANNELS:
        assert county.get(f"{name}/v1/items/{code_of(1)}").json()["name"] == CANARY


def test_a_copy_that_a_cache_kept_from_before_is_not_confirmed_afterwards(county, clock):
    scheduled(county)
    early = entry(county, ITEM, 2)
    known = {"If-None-Match": early.headers["etag"]}
    address = f"/ledger/v1/entries/{early.json()['position']}"
    before = county.http.get(address, headers=known).status_code
    clock.forward(HOUR)

    assert before == 304
    assert county.http.get(address, headers=known).status_code == 200


@pytest.mark.parametrize(
    "how", ["released at once", "withdrawn at once", "released sooner", "released for the same time"]
)
def test_what_was_overtaken_before_its_time_is_never_readable(county, clock, how):
    county.release(item(1, "现行"))
    planned_for = later()
    county.release(item(1, CANARY), effective_at=planned_for)
    body = item(1, "另一版").model_dump(mode="json", exclude_none=True)
    when = {"released sooner": later(HOUR / 2), "released for the same time": planned_for}.get(how)
    county.emit("catalog", ITEM, None if how == "withdrawn at once" else body, 3, effective_at=when)
    county.flow()
    told = [entry(county, ITEM, 2).json()]
    clock.forward(2 * HOUR)
    told.append(entry(county, ITEM, 2).json())

    assert [(one["body"], one["no_body"], one["withheld_until"]) for one in told] == [(None, "withheld", None)] * 2
    assert holding(answers(county)) == []
    assert entry(county, ITEM, 2, SERVICE).json()["body"]["task_name"] == CANARY


def test_what_was_in_force_for_a_while_stays_readable_when_it_is_replaced(county, clock, monkeypatch):
    county.release(item(1, CANARY), effective_at=later())
    county.flow()
    recording = WallClock(monkeypatch, ledger_commands)
    for one in (clock, recording):
        one.forward(2 * HOUR)
    county.emit("catalog", ITEM, item(1, "另一版").model_dump(mode="json", exclude_none=True), 2)
    county.flow()

    assert entry(county, ITEM, 1).json()["body"]["task_name"] == CANARY


def test_a_time_of_effect_in_the_past_withholds_nothing(county):
    county.emit("catalog", ITEM, item(1, CANARY).model_dump(mode="json", exclude_none=True), effective_at=later(-HOUR))
    county.flow()

    assert entry(county, ITEM, 1).json()["body"]["task_name"] == CANARY


def test_a_null_body_always_says_why(county):
    scheduled(county)
    county.release_case(progress())
    county.release(item(2))
    county.withdraw(item(2))
    county.flow()
    without = [one for one in county.get("ledger/v1/entries").json()["entries"] if one["body"] is None]

    assert sorted(one["no_body"] for one in without) == ["withdrawn", *["withheld"] * 3]
    trusted = [one for one in county.get("ledger/v1/entries", SERVICE).json()["entries"] if one["body"] is None]
    assert [one["no_body"] for one in trusted] == ["withdrawn"]


def test_a_message_without_a_body_says_why_as_well(county):
    county.release(item(2))
    county.withdraw(item(2))
    county.flow()
    first, second = (message.body.decode() for message in county.ledger_messages())

    assert "no_body" not in first
    assert '"no_body":"withdrawn"' in second


def test_the_verify_page_does_not_name_what_comes_later(county):
    scheduled(county)
    digest = entry(county, ITEM, 2).json()["digest"]
    page = county.get(f"verify/item/{code_of(1)}/2/{digest[:16]}")

    assert page.status_code == 200
    assert CANARY not in page.text
    assert "还没有生效" in page.text


def test_the_salt_is_shown_by_no_channel_and_changes_no_document_without_one(county):
    salt = "0123456789abcdef" * 2
    plain = item(1).model_dump(mode="json", exclude_none=True)
    county.emit("catalog", ITEM, plain)
    county.emit("guides", f"guide:{code_of(1)}", guide(1).model_dump(mode="json", exclude_none=True))
    county.flow()
    before = {name: documents(county, name) for name in CHANNELS}
    county.emit("catalog", ITEM, {**plain, "salt": salt}, 2)
    county.emit(
        "guides", f"guide:{code_of(1)}", {**guide(1).model_dump(mode="json", exclude_none=True), "salt": salt}, 2
    )
    county.flow()

    assert {name: documents(county, name) for name in CHANNELS} == before
    assert [address for address, text in answers(county).items() if salt in text] == [
        "/ledger/v1/entries",
        "/ledger/v1/entries/{position}",
        "/ledger/v1/snapshot/entries",
    ]


def documents(county, channel):
    """Return what a channel shows of the item and the guide, without their provenance."""
    found = [county.get(f"{channel}/v1/{kind}/{code_of(1)}").json() for kind in ("items", "guides")]
    return [
        {name: value for name, value in one.items() if name not in ("source", "published_at", "published_on")}
        for one in found
    ]


@pytest.mark.parametrize(
    ("versions", "now", "withheld", "until"),
    [
        ([(1, NOW, None)], NOW, False, None),
        ([(1, NOW, NOW + HOUR)], NOW, True, NOW + HOUR),
        ([(1, NOW, NOW + HOUR)], NOW + HOUR, False, NOW + HOUR),
        ([(1, NOW, NOW + HOUR), (2, NOW, None)], NOW + 2 * HOUR, True, None),
        ([(1, NOW, NOW + HOUR), (2, NOW, NOW + HOUR)], NOW + 2 * HOUR, True, None),
        ([(1, NOW, NOW + HOUR), (2, NOW + HOUR, NOW - HOUR)], NOW + 2 * HOUR, True, None),
        ([(1, NOW, NOW + HOUR), (2, NOW + 2 * HOUR, NOW)], NOW + 2 * HOUR, False, NOW + HOUR),
        ([(1, NOW, NOW + HOUR), (2, NOW, NOW + 2 * HOUR)], NOW + HOUR, False, NOW + HOUR),
        ([(1, NOW, NOW - HOUR), (2, NOW, None)], NOW, False, None),
    ],
)
def test_the_rule(versions, now, withheld, until):
    names = ("version", "recorded_at", "effective_at")
    first, *others = (Timed.of_json({"op": "release", **told(dict(zip(names, one, strict=True)))}) for one in versions)

    assert is_withheld(first, others, now) is withheld
    if first.scheduled:
        assert readable_from(first, others) == until
        assert is_overtaken(first, others) is (until is None)


def told(times):
    return {name: one.isoformat() if isinstance(one, datetime) else one for name, one in times.items()}


def test_many_entries_of_one_key_are_judged_by_one_question(county, monkeypatch):
    for version in range(1, 60):
        county.emit("catalog", ITEM, {"v": version}, version, effective_at=later())
    county.flow()
    asked = []
    with county.dbs["ledger"].read() as session:
        rows = queries.entries(session, 1, 100)
        execute = session.connection().execute
        monkeypatch.setattr(session.connection(), "execute", lambda *a, **k: asked.append(a) or execute(*a, **k))
        documents_ = queries.documents(session, rows, trusted=False)

    assert len(documents_) == 59
    assert [statement for statement, *_ in asked].count(withholding.ENTRIES_OF_KEYS) == 1
