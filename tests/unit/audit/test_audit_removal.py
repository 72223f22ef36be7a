"""Rows that are older than ten years are removed; the chain of the others is verifiable, and says what was removed."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.base import format_time
from contracts.envelope.statement import AuditHead
from services.runtime.manifests import AUDITED, migrations
from shared.audit.chain import faults, years_before
from shared.audit.queries import AuditFilter, head, page
from shared.audit.recording import AuditEntry, record
from shared.audit.removal import AuditRemoval
from shared.audit.verification import Verification
from shared.database.engine import Database
from shared.errors import TongyuanError
from tests.harness.actors import TESTER
from tests.harness.old_audit_rows import old_rows

LONG_AGO = [f"20{year:02}-03-03T02:05:00.000000Z" for year in range(8, 15)]


@pytest.fixture
def store(tmp_path):
    db = Database("catalog", f"sqlite:///{tmp_path}/catalog.db")
    db.migrate("catalog")
    yield db
    db.close()


def rows(db):
    with db.read() as session:
        return page(session, AuditFilter(), None, 1000, with_changes=True)


def write(db, *names):
    with db.write() as session:
        record(session, TESTER, *(AuditEntry("save", f"item:{name}") for name in names))


def remove_all(db):
    """Make rounds until nothing is removed; return how many rows went in each."""
    return list(iter(AuditRemoval(db).run, 0))


def checked(db, signed=None):
    return Verification().check(rows(db), signed).faults


def signed_head(db):
    with db.read() as session:
        newest = head(session)
    return AuditHead(source="catalog", sequence=newest["sequence"], hash=newest["hash"])


def test_what_is_older_than_ten_years_goes_and_the_others_stay(store):
    old_rows(store, LONG_AGO)
    write(store, "a", "b")

    assert remove_all(store) == [1] * len(LONG_AGO)

    assert [row["object"] for row in rows(store) if row["action"] == "save"] == ["item:b", "item:a"]
    assert checked(store) == []


def test_the_removal_is_a_row_that_names_the_anchor(store):
    old_rows(store, LONG_AGO)
    write(store, "a")
    last = rows(store)[1]

    remove_all(store)

    told = rows(store)[0]
    assert (told["actor"]["name"], told["action"]) == ("system", "audit.removed")
    assert told["after"] == {
        "through": last["sequence"], "at": last["at"], "hash": last["hash"], "rows": 1
    }  # fmt: skip


def test_a_round_goes_in_steps_and_each_of_them_leaves_a_whole_chain(store):
    old_rows(store, [f"2014-03-03T02:0{minute}:00.000000Z" for minute in range(7)])
    write(store, "a")
    removal = AuditRemoval(store, rows_a_step=3)

    left = []
    while removal.step("2014-03-04T00:00:00.000000Z"):
        left.append(len([row for row in rows(store) if row["action"] == "save"]))
        assert checked(store) == []

    assert left == [5, 2, 1]
    assert removal.run() == 0


def test_a_clock_that_is_set_years_ahead_costs_no_more_than_the_oldest_day(store, capsys):
    days = [f"2014-03-{day:02}T02:05:00.000000Z" for day in range(1, 31)]
    old_rows(store, days)
    write(store, "a")
    years_ahead = datetime(2034, 1, 1, tzinfo=UTC)

    assert AuditRemoval(store, lambda: years_ahead).run() == 1
    assert len([row for row in rows(store) if row["action"] == "save"]) == len(days)
    assert "is the clock right?" in capsys.readouterr().out


def test_the_signed_row_is_found_before_and_after_and_a_removed_one_is_no_fault(store):
    old_rows(store, LONG_AGO)
    of_old = signed_head(store)
    write(store, "a")
    remove_all(store)

    assert checked(store, signed_head(store)) == []
    assert checked(store, of_old) == []
    assert checked(store, of_old.model_copy(update={"hash": "f" * 64})) != []


def test_a_row_that_vanishes_besides_is_found(store):
    old_rows(store, LONG_AGO)
    write(store, "a", "b", "c")
    remove_all(store)
    found = rows(store)

    assert list(faults(found[:2] + found[3:])) != []
    assert list(faults(found[:-1])) != []
    assert list(faults(found[1:])) != []


def test_a_row_that_tells_of_the_removal_of_young_rows_is_a_fault(store):
    write(store, "a", "b")
    newest = rows(store)[0]
    with store.write() as session:
        told = {"through": newest["sequence"], "at": newest["at"], "hash": newest["hash"], "rows": 2}
        record(session, TESTER, AuditEntry("audit.removed", "audit:log", None, told))

    assert list(faults(rows(store)[:1])) == ["row 3 tells of the removal of rows that were younger than 10 years"]


def test_the_database_refuses_younger_rows_whoever_asks(store):
    old_rows(store, LONG_AGO)
    write(store, "a")
    tomorrow = format_time(datetime.now(UTC) + timedelta(days=1))

    with pytest.raises(TongyuanError, match="append-only"):
        AuditRemoval(store).step(tomorrow)

    assert [row["object"] for row in rows(store)][:1] == ["item:a"]
    assert checked(store) == []


@pytest.mark.parametrize("service", AUDITED)
def test_every_log_of_the_county_can_be_shortened(service, tmp_path):
    db = Database(service, f"sqlite:///{tmp_path}/{service}.db")
    db.migrate(*migrations(service))
    old_rows(db, LONG_AGO)

    assert remove_all(db) == [1] * len(LONG_AGO)
    assert checked(db) == []
    db.close()


def test_ten_years_before_a_leap_day_are_the_day_before_march():
    assert format_time(years_before(datetime(2028, 2, 29, 12, tzinfo=UTC), 10)) == "2018-02-28T12:00:00.000000Z"
