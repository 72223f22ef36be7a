"""An import takes every valid row and names the errors of the others; a mass withdrawal asks for consent first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope.publication import Lane
from services.catalog.commands import ItemImport
from shared.feeds.outbox import SourceFeed
from shared.publishing import editions
from shared.publishing.imports.answer import Fate
from shared.publishing.imports.breaker import Load, stopped
from shared.publishing.imports.request import Confirmation
from tests.harness.actors import TESTER
from tests.harness.pipeline import code_of, item, pipeline


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path) as made:
        yield made


def test_an_import_releases_every_row_on_the_lane_of_imports(county):
    outcome = bring(county, [item(n) for n in range(3)])

    assert (outcome.released, outcome.rejected) == (3, [])
    assert (sequence(county, Lane.BACKFILL), sequence(county, Lane.LIVE)) == (3, 0)


def test_the_same_import_again_releases_nothing(county):
    bring(county, [item(n) for n in range(3)])
    outcome = bring(county, [item(0), item(1, "改了名"), item(2)])

    assert (outcome.released, outcome.unchanged) == (1, 2)


def test_a_bad_row_is_named_and_the_others_are_taken(county):
    rows = [item(0), item(1), item(2)]
    contents = [one.model_dump(mode="json") for one in rows]
    contents[1] |= {"dept_code": "99999999999999999X", "use_level": "4"}
    outcome = county.catalog.import_items(TESTER, ItemImport(rows=contents))

    assert outcome.released == 2
    assert [(r["index"], r["field"], r["rule"]) for r in outcome.rejected] == [(1, "dept_code", "C-3")]
    assert states(county) == {code_of(0): "released", code_of(2): "released"}


def test_a_code_twice_in_one_import_ends_at_its_last_row(county):
    outcome = bring(county, [item(1, "先"), item(1, "后"), item(1, "后")])

    assert [entry.fate for entry in outcome.entries] == [Fate.OVERTAKEN, Fate.OVERTAKEN, Fate.RELEASED]
    county.flow()
    assert county.get(f"web/v1/items/{code_of(1)}").json()["name"] == "后"


def test_a_dry_run_says_the_same_and_changes_nothing(county):
    bring(county, [item(n) for n in range(3)])
    before = snapshot(county)
    rows = [item(0), item(1, "改了名"), item(7), item(8)]
    dry = bring(county, rows, withdraw=[code_of(2)], dry_run=True)

    assert (dry.released, dry.unchanged, dry.withdrawn) == (3, 1, 1)
    assert snapshot(county) == before
    wet = bring(county, rows, withdraw=[code_of(2)])
    assert (wet.released, wet.unchanged, wet.withdrawn) == (3, 1, 1)


def test_twenty_withdrawals_pass_and_one_more_holds_them_all_and_nothing_else(county):
    bring(county, [item(n) for n in range(60)])
    many = [code_of(n) for n in range(21)]

    outcome = bring(county, [item(99)], withdraw=many)
    assert (outcome.released, outcome.withdrawn, outcome.held) == (1, 0, 21)
    assert {entry.held_for for entry in outcome.entries} == {None, "withdrawals"}
    assert "withdraw 21 of 60" in outcome.entries[1].note
    assert states(county)[code_of(99)] == "released", "what is not held is done"
    assert bring(county, [], withdraw=many[:20]).withdrawn == 20


def test_a_person_can_confirm_a_mass_withdrawal(county):
    bring(county, [item(n) for n in range(30)])
    outcome = bring(county, [], withdraw=[code_of(n) for n in range(30)], confirm_withdrawals=True)

    assert outcome.withdrawn == 30


def test_codes_that_are_not_live_do_not_count_as_withdrawals(county):
    bring(county, [item(n) for n in range(30)])
    gone = [code_of(n) for n in range(15)]
    bring(county, [], withdraw=gone)

    again = bring(county, [], withdraw=[*gone, *gone, *(code_of(n) for n in range(500, 600)), code_of(20)])
    assert again.withdrawn == 1


def test_a_very_long_list_of_withdrawals_is_no_problem(county):
    bring(county, [item(1)])
    outcome = bring(county, [], withdraw=[f"{code_of(1)}{n:05d}" for n in range(40_000)] + [code_of(1)])

    assert outcome.withdrawn == 1


@given(live=st.integers(0, 20_000), count=st.integers(0, 20_000))
def test_the_breaker_stops_at_more_than_twenty_or_five_percent(live, count):
    allowed = count <= 20 or count * 20 <= live
    stops = stopped([Load(withdraws=True)] * count, live, confirmed=())

    assert stops == ({} if allowed else {Confirmation.WITHDRAWALS: count})


def bring(county, rows, **request):
    contents = [one.model_dump(mode="json") for one in rows]
    return county.catalog.import_items(TESTER, ItemImport(rows=contents, **request))


def states(county):
    with county.dbs["catalog"].read() as session:
        return editions.states(session)


def sequence(county, lane):
    with county.dbs["catalog"].read() as session:
        return SourceFeed("catalog", lane).head(session)


def snapshot(county):
    tables = ("edition", "release", "counter", "relayed", "import_statement", "import_provenance", "directory")
    return {table: county.execute("catalog", f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}
