"""The auditor compares the ledger with its sources: new entries at once, all of them each round, resumable."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.base import format_time
from contracts.topology import SOURCES
from services.auditor.inspection import source_comparison
from services.auditor.inspection.source_comparison import NEWS, ROUND
from services.ledger.scrub.rounds import Scrub
from tests.harness.auditing import GENTLE, auditor_of, sample, spoilt
from tests.harness.kinds import recorded, release_of
from tests.harness.pipeline import SERVICE, code_of, guide, item, pipeline, progress

FORGED = f"guide:{code_of(9)}"


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=("web",), **GENTLE) as made:
        for number in (1, 2):
            made.release(item(number))
            made.release(guide(number))
        made.release_case(progress())
        made.flow()
        made.flow()
        yield made


@pytest.fixture
def audited(county, tmp_path):
    with auditor_of(county, tmp_path) as made:
        yield made


def forge(county, key=FORGED, sequence=3):
    """Record an entry that no source has released."""
    body = guide(9).model_dump(mode="json", exclude_none=True)
    recorded(county, release_of(key, body, source="guides", sequence=sequence))
    county.flow()
    county.flow()


def found(audited):
    return {one[2:] for one in audited.found(only_open=True) if one[1] == "sources"}


def begin_round(audited):
    """Begin the next round, as if a day had passed since the last one."""
    long_ago = format_time(datetime.now(UTC) - timedelta(days=2))
    with audited.db.write() as session:
        for name in (NEWS, ROUND):
            row = session.get(source_comparison.ComparisonRow, name)
            if row is not None:
                row.began_at = long_ago
                session.add(row)


def test_a_ledger_that_is_what_its_sources_released_is_no_finding(audited):
    audited.round()

    assert found(audited) == set()
    told = audited.report()["ledger"]
    assert told["sources"]["news"]["position"] == 5
    assert told["sources"]["news"]["finished_at"] is not None
    assert told["passes"]["sources"]["checked"] == 5


def test_a_forged_entry_is_found_with_the_news_and_again_by_each_round(audited, county):
    audited.round()
    forge(county)
    audited.round()
    assert found(audited) == {("foreign", FORGED)}

    begin_round(audited)
    audited.round()
    assert found(audited) == {("foreign", FORGED)}
    (one,) = [one for one in audited.findings(only_open=True) if one["surface"] == "sources"]
    assert "not released by its source" in one["differences"][0]["found"]


def test_a_difference_that_a_round_finds_no_more_is_closed(audited, county):
    forge(county)
    audited.round()
    county.emit("guides", FORGED, guide(9).model_dump(mode="json", exclude_none=True))
    begin_round(audited)
    audited.round()

    assert found(audited) == set()


def test_what_the_ledger_lacks_is_missing_until_it_has_it(audited, county):
    key = f"item:{code_of(5)}"
    county.emit("catalog", key, item(5).model_dump(mode="json", exclude_none=True))
    audited.round()
    assert found(audited) == {("missing", key)}

    county.flow()
    audited.round()
    assert found(audited) == set()


def test_a_case_is_told_by_its_place_and_never_by_its_key(audited, county):
    county.execute("applications", "DELETE FROM release")
    county.execute("applications", "UPDATE counter SET value = 0")
    audited.round()

    ((verdict, key),) = found(audited)
    assert (verdict, key.startswith("position ")) == ("foreign", True)


def test_a_comparison_goes_on_where_it_was_stopped(audited, county, tmp_path, monkeypatch):
    monkeypatch.setattr(source_comparison, "PAGE", 2)
    audited.round()
    assert audited.report()["ledger"]["sources"]["news"]["position"] == 2
    with auditor_of(county, tmp_path) as next_one:
        for _ in range(2):
            next_one.round()

        assert next_one.report()["ledger"]["sources"]["news"]["position"] == 5
        assert found(next_one) == set()


def test_a_ledger_that_was_put_back_is_compared_from_its_beginning(audited, county):
    audited.round()
    with audited.db.write() as session:
        row = session.get(source_comparison.ComparisonRow, NEWS)
        row.state = row.state.replace('"position":5', '"position":99')
        session.add(row)
    audited.round()
    audited.round()

    assert audited.report()["ledger"]["sources"]["news"]["position"] == 5


def test_a_source_that_is_away_holds_up_nothing_else(audited, county):
    for source in SOURCES:
        audited.inside.lies[f"/{source}/v1/releases/heads"] = spoilt(status=503)
    audited.round()

    assert sample("tongyuan_audit_sources_compared") == 0
    assert found(audited) == set()
    assert "web" in audited.report()["channels"], "the channels are compared all the same"


def test_what_the_ledger_found_damaged_is_a_finding_of_the_auditor(audited, county):
    audited.round()
    county.execute("ledger", "UPDATE entry SET body = '{}' WHERE position = 1")
    county.execute("catalog", "DELETE FROM release WHERE key = :key", key=f"item:{code_of(1)}")
    made = Scrub(county.dbs["ledger"], county.readers, 86_400.0)
    while made.step():
        pass
    assert county.get("ledger/v1/scrub", SERVICE).json()["damaged"]
    audited.round()

    assert ("ledger", "ledger", "different", "body of 1") in audited.found(only_open=True)


def test_a_body_that_is_broken_when_the_auditor_reads_it_is_unknown_and_known_again_when_it_is_mended(audited, county):
    """What is shown must not be called an orphan or repaired because of it."""
    body = county.execute("ledger", "SELECT body FROM entry WHERE position = 1")[0].body
    broken = body.replace("居民身份证办理", "居民身份证辨理")
    county.execute("ledger", "UPDATE entry SET body = :body WHERE position = 1", body=broken)
    audited.round()
    assert {one[:3] for one in audited.found(only_open=True)} == {("ledger", "ledger", "different")}
    assert county.get(f"web/v1/items/{code_of(1)}").json()["name"] == "居民身份证办理"

    county.execute("ledger", "UPDATE entry SET body = :body WHERE position = 1", body=body)
    audited.round()

    assert audited.found(only_open=True) == set()
