"""The ledger is compared with the feeds of its sources: forged, missing and different entries are named."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.base import format_time
from contracts.envelope.publication import Lane
from contracts.topology import SOURCES
from services.channels.core.port import adapters
from services.operations.verification.verifier import Verification
from shared.errors import Refused
from shared.feeds.comparison import DIFFERENT, FOREIGN, MISSING, FeedComparison, Released
from tests.harness.kinds import recorded, release_of
from tests.harness.pipeline import code_of, guide, item, pipeline, progress
from tests.harness.projecting import published
from tests.unit.operations.test_verification import Stranger

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FORGED = f"guide:{code_of(9)}"


class Shelves:
    """Sources' feeds in memory; they answer at most `most` releases per request, and never the same page twice."""

    def __init__(self, entries, most=3):
        self._released = [
            Released.model_validate({**entry.model_dump(), "released_at": NOW - HOUR, "source": entry.source})
            for entry in entries
        ]
        self._source = {
            (one.key, one.version): entry.source for one, entry in zip(self._released, entries, strict=True)
        }
        self._most = most

    def _of(self, source):
        return [one for one in self._released if self._source[one.key, one.version] == source]

    def releases(self, source, lane, after, limit):
        found = [one for one in self._of(source) if one.lane == lane and one.sequence > after]
        return sorted(found, key=lambda one: one.sequence)[: min(limit, self._most)]

    def release(self, source, key, version):
        return next((one for one in self._of(source) if (one.key, one.version) == (key, version)), None)

    def heads(self):
        found = {}
        for one in self._released:
            at = (self._source[one.key, one.version], one.lane)
            found[at] = max(found.get(at, 0), one.sequence)
        return found


def county_of(order):
    """Return the entries of two sources' lanes, each numbered without holes, recorded in this order."""
    numbers, entries = {}, []
    for position, (source, lane) in enumerate(order, 1):
        numbers[source, lane] = numbers.get((source, lane), 0) + 1
        kind = {"catalog": "item", "guides": "guide"}[source]
        key = f"{kind}:{lane}-{numbers[source, lane]}"
        more = {"source": source, "lane": lane, "sequence": numbers[source, lane]}
        entries.append(published(key, {"code": key}, position=position, **more))
    return entries


lanes = st.tuples(st.sampled_from(["catalog", "guides"]), st.sampled_from(list(Lane)))
counties = st.lists(lanes, min_size=1, max_size=20).map(county_of)


FEW = settings(max_examples=30, deadline=None)


def compared(feeds, entries, pages=7, stops=True):
    """Return all findings; the comparison is suspended after each page."""
    state, found = None, []
    for start in range(0, len(entries), pages):
        one = FeedComparison(feeds, ("catalog", "guides"), state if stops else None)
        found += one.take(entries[start : start + pages])
        state = one.state()
    last = FeedComparison(feeds, ("catalog", "guides"), state)
    return [*found, *last.settle(feeds.heads(), NOW, HOUR / 2)], last


@FEW
@given(counties, st.randoms())
def test_a_ledger_that_is_what_its_sources_released_is_found_so_in_whatever_order_it_was_recorded(entries, random):
    shuffled = list(entries)
    random.shuffle(shuffled)

    found, last = compared(Shelves(entries), shuffled)

    assert found == []
    assert all(not one["ahead"] for one in last.state()["lanes"].values()), "memory is flat"


@FEW
@given(counties, st.data())
def test_exactly_what_the_ledger_lacks_is_missing(entries, data):
    gone = data.draw(st.sets(st.sampled_from([one.key for one in entries])))

    found, _ = compared(Shelves(entries), [one for one in entries if one.key not in gone])

    assert {(one.verdict, one.key) for one in found} == {(MISSING, key) for key in gone}


@FEW
@given(counties, st.data())
def test_exactly_what_no_source_released_is_foreign(entries, data):
    forged = data.draw(st.sets(st.sampled_from([one.key for one in entries]), max_size=len(entries) - 1))
    true = [one for one in entries if one.key not in forged]

    found, _ = compared(Shelves(true), entries)

    assert {(one.verdict, one.key) for one in found} == {(FOREIGN, key) for key in forged}


@FEW
@given(counties, st.data())
def test_exactly_what_was_released_as_something_else_is_different(entries, data):
    other = data.draw(st.sets(st.sampled_from([one.key for one in entries])))
    changed = [one.model_copy(update={"digest": "f" * 64}) if one.key in other else one for one in entries]

    found, _ = compared(Shelves(entries), changed)

    assert {(one.verdict, one.key) for one in found} == {(DIFFERENT, key) for key in other}


def test_what_was_released_just_now_is_not_missing_yet():
    entries = county_of([("catalog", Lane.LIVE)])
    feeds = Shelves(entries)

    assert FeedComparison(feeds, SOURCES).settle(feeds.heads(), NOW - HOUR + timedelta(seconds=1), HOUR) == []


def test_what_the_ledger_passes_over_by_its_rule_is_not_missing():
    """A source may release only its own kinds."""
    entries = [published("guide:1", {"code": "1"}, source="catalog")]

    assert compared(Shelves(entries), [])[0] == []


# verify


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=("web",)) as made:
        for number in (1, 2):
            made.release(item(number))
            made.release(guide(number))
        made.release_case(progress())
        made.flow()
        made.flow()
        yield made


def verify(county, allowed=60.0, reader=None):
    run = Verification(reader or Stranger(county), allowed, lambda _what, _count: None, patience=0)
    return run.run({"web": adapters()["web"]})


def test_verify_compares_the_ledger_with_its_sources(county):
    report = verify(county)

    assert (report.findings, report.sources_compared) == ([], True)


def test_verify_names_an_entry_that_no_source_has_released(county):
    body = guide(9).model_dump(mode="json", exclude_none=True)
    recorded(county, release_of(FORGED, body, source="guides", sequence=3))
    county.flow()
    county.flow()

    report = verify(county)

    ((where, verdict, key, detail),) = [(one.where, one.verdict, one.key, one.detail) for one in report.findings]
    assert (where, verdict, key) == ("guides", "foreign", FORGED)
    assert "not released by its source" in detail
    assert not report.good


def test_verify_names_a_release_that_the_ledger_lacks(county):
    """The ledger's cursor says that the release was taken, but there is no entry."""
    key = f"item:{code_of(5)}"
    county.emit("catalog", key, item(5).model_dump(mode="json", exclude_none=True))
    county.execute("ledger", "UPDATE source SET sequence = 3 WHERE source = 'catalog' AND lane = 'live'")

    assert [(one.where, one.verdict, one.key) for one in verify(county, allowed=0.0).findings] == [
        ("catalog", "missing", key)
    ]


def test_verify_names_a_version_that_its_source_released_with_another_digest(county):
    key = f"item:{code_of(1)}"
    (row,) = county.execute("catalog", "SELECT document FROM release WHERE key = :key", key=key)
    digest = row.document.partition('"digest":"')[2][:64]
    county.execute(
        "catalog",
        "UPDATE release SET document = replace(document, :was, :now) WHERE key = :key",
        was=digest, now="a" * 64, key=key,
    )  # fmt: skip

    assert [(one.where, one.verdict, one.key) for one in verify(county).findings] == [("catalog", "different", key)]


class WithoutToken(Stranger):
    """Reads what is public, without the details reserved for people with tokens."""

    def __init__(self, county):
        super().__init__(county, None)

    def get(self, service, path, **params):
        if path == "parked":
            return {"parked": []}
        if path.startswith("releases"):
            raise Refused("a service's token is needed")
        return super().get(service, path, **params)


def test_without_the_services_token_verify_says_that_the_sources_were_not_compared(county):
    report = verify(county, reader=WithoutToken(county))

    assert not report.sources_compared
    assert report.as_json()["sources_compared"] is False
    assert [one for one in report.findings if one.where in SOURCES] == []


def test_a_moment_of_the_feed_is_read_as_it_is_written():
    one = {"lane": "live", "sequence": 1, "key": "item:1", "kind": "item", "op": "release", "version": 1}
    made = Released.model_validate({**one, "digest": "0" * 64, "released_at": format_time(NOW), "body": {"code": "1"}})

    assert made.released_at == NOW


def test_a_body_that_is_broken_in_the_ledger_makes_no_orphan_of_what_is_shown(county):
    county.execute("ledger", "UPDATE entry SET body = '{}' WHERE position = 1")

    assert {(one.where, one.verdict) for one in verify(county).findings} == {("ledger", "broken")}
