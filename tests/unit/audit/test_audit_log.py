"""The audit log of a source: every write has its row in its own transaction, and no row is ever changed."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from contracts.envelope.statement import HeadStatement
from services.catalog.commands import ItemImport
from services.ledger.signing.heads import sign_head
from shared.audit.chain import GENESIS, faults
from shared.audit.queries import AuditFilter, head, page
from shared.audit.recording import AuditEntry, record
from shared.errors import Invalid, PreconditionFailed, TongyuanError
from shared.feeds.outbox import ReleaseRow
from shared.publishing import editions
from shared.publishing.editions import EditionState, Period
from shared.publishing.import_undo import UndoRequest, undo_import
from shared.tokens.person import Actor, Person, StaffRole
from shared.transparency.checkpoint import NoteKey, opened
from tests.harness.actors import TESTER
from tests.harness.pipeline import ADMIN, SERVICE, code_of, guide, item, pipeline

KEY, CODE = f"item:{code_of(1)}", code_of(1)
WU = Person("wu.min", "吴敏", frozenset({StaffRole.EDITOR}), frozenset(), "10.0.0.7")


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=()) as made:
        yield made


def rows(db, **wanted):
    with db.read() as session:
        return page(session, AuditFilter(**wanted), None, 1000, with_changes=True)


def actions(db, **wanted):
    return [row["action"] for row in reversed(rows(db, **wanted))]


def test_each_step_of_an_edition_has_one_row_with_who_and_what(county):
    county.release(item(1))
    county.release(item(1, "又一版"))
    county.withdraw(item(1), EditionState.SUSPENDED)
    with county.catalog.db.write() as session:
        editions.restore(session, county.catalog.who, TESTER, CODE)
    county.withdraw(item(1))

    assert actions(county.catalog.db, object=KEY) == [
        "save", "release", "save", "release", "suspend", "restore", "withdraw",
    ]  # fmt: skip
    newest = rows(county.catalog.db, object=KEY)[0]
    assert (newest["before"]["state"], newest["after"]["state"]) == ("released", "withdrawn")
    assert newest["after"]["releases"][0]["version"] == 5
    assert list(faults(rows(county.catalog.db))) == []


def test_a_saved_draft_tells_the_fields_that_changed(county):
    county.release(item(1, "原名"))
    county.catalog.save_item(TESTER, CODE, item(1, "新名").model_dump(mode="json"), 2)

    assert rows(county.catalog.db)[0]["changes"] == [{"field": "task_name", "before": "原名", "after": "新名"}]


def test_a_person_is_named_with_roles_and_place(county):
    county.catalog.save_item(Actor("wu.min", WU, WU.address), CODE, item(1).model_dump(mode="json"), None)

    (row,) = rows(county.catalog.db, actor="wu.min")
    assert row["actor"] == {
        "name": "wu.min", "title": "吴敏", "is_person": True, "roles": ["editor"], "address": "10.0.0.7",
    }  # fmt: skip


def test_what_was_refused_leaves_no_row(county):
    county.catalog.save_item(TESTER, CODE, item(1).model_dump(mode="json"), None)
    for wrong in (
        lambda: county.catalog.save_item(TESTER, CODE, item(1).model_dump(mode="json"), 9),
        lambda: county.catalog.save_item(TESTER, CODE, {}, 1),
        lambda: county.catalog.release_item(TESTER, CODE, Period(), 9),
    ):
        with pytest.raises((PreconditionFailed, Invalid)):
            wrong()

    assert actions(county.catalog.db) == ["save"]


def test_every_release_of_every_door_has_a_row_with_its_digest(county):
    county.release(item(1))
    imported = [item(number, f"导入{number}").model_dump(mode="json") for number in (1, 2, 3)]
    file = {"name": "items.jsonl", "sha256": "a" * 64}
    county.catalog.import_items(TESTER, ItemImport(rows=imported, source="test", file=file))
    county.catalog.import_items(TESTER, ItemImport(withdraw=[code_of(3)], confirm_withdrawals=True))
    undo_import(county.catalog.db, county.catalog.who, TESTER, UndoRequest(source="test", sha256="a" * 64))
    county.release(guide(1))
    county.flow()
    county.withdraw(item(1))
    county.flow()
    for source in (county.catalog, county.guides):
        told = {
            (row["object"], one["version"], one["digest"])
            for row in rows(source.db)
            for one in (row["after"] or {}).get("releases", [])
        }
        with source.db.read() as session:
            released = {(row.key, row.version, row.digest) for row in session.exec(select(ReleaseRow))}

        assert told == released
        assert list(faults(rows(source.db))) == []
    assert "follow" in actions(county.guides.db, actor="system")
    assert {"import", "undo", "undo_import"} <= set(actions(county.catalog.db))


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log"])
def test_no_row_can_be_changed_or_deleted(county, statement):
    county.release(item(1))
    before = rows(county.catalog.db)
    with pytest.raises((SQLAlchemyError, TongyuanError)), county.catalog.db.write() as session:
        session.connection().exec_driver_sql(statement)

    assert rows(county.catalog.db) == before


def test_a_transaction_that_fails_takes_its_rows_along(county):
    with suppress(ZeroDivisionError), county.catalog.db.write() as session:
        record(session, TESTER, AuditEntry("test", "a"), AuditEntry("test", "b"))
        raise ZeroDivisionError

    with county.catalog.db.read() as session:
        assert head(session) == {"sequence": 0, "at": None, "hash": GENESIS}


def test_times_never_go_back(county):
    with county.catalog.db.write() as session:
        session.connection().exec_driver_sql("UPDATE audit_head SET at = '2999-01-01T00:00:00.000000Z'")
        record(session, TESTER, AuditEntry("test", "a"))

    assert [row["at"] for row in rows(county.catalog.db)] == ["2999-01-01T00:00:00.000000Z"]


def test_the_log_is_read_by_inspectors_and_its_drafts_by_editors_only(county):
    county.catalog.save_item(TESTER, CODE, item(1, "尚未发布").model_dump(mode="json"), None)

    assert county.get("catalog/v1/audit").status_code == 401
    assert "尚未发布" in county.get("catalog/v1/audit", ADMIN).text
    seen = county.get("catalog/v1/audit", SERVICE)
    assert (seen.status_code, "尚未发布" in seen.text) == (200, False)
    assert list(faults(seen.json()["rows"])) == []
    assert county.get("catalog/v1/audit/head", SERVICE).json()["sequence"] == 1


def test_pages_filters_and_times(county):
    for number in (1, 2, 3):
        county.release(item(number))
    answer = county.get("catalog/v1/audit", ADMIN, limit=4).json()
    rest = county.get("catalog/v1/audit", ADMIN, limit=4, before=answer["next"]).json()

    assert [row["sequence"] for row in answer["rows"] + rest["rows"]] == [6, 5, 4, 3, 2, 1]
    assert rest["next"] is None
    middle = answer["rows"][2]["at"]
    since = county.get("catalog/v1/audit", ADMIN, **{"from": middle}).json()["rows"]
    until = county.get("catalog/v1/audit", ADMIN, to=middle).json()["rows"]
    assert [row["sequence"] for row in since + until] == [6, 5, 4, 3, 2, 1]
    one = county.get("catalog/v1/audit", ADMIN, object=KEY, action="release", actor="tester").json()["rows"]
    assert [row["sequence"] for row in one] == [2]
    assert county.get("catalog/v1/audit", ADMIN, actor="nobody").json() == {"rows": [], "next": None}


FILTERS = [
    AuditFilter(),
    AuditFilter(object="item:7"),
    AuditFilter(actor="one"),
    AuditFilter(action="save"),
    AuditFilter(actor="one", action="undo"),
    AuditFilter(object="item:7", actor="one", action="save"),
    AuditFilter(action="save", since=datetime(2026, 1, 1, tzinfo=UTC)),
]


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
def test_no_filter_reads_the_whole_log(county, wanted):
    """Each is answered in the order of an index, from the newest row on, without sorting."""
    county.release(item(1))
    db, statements = county.catalog.db, []

    def note(_connection, _cursor, statement, parameters, *_more):
        if "audit_log" in statement:
            statements.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    with db.read() as session:
        page(session, wanted, 500, 100, with_changes=False)
    event.remove(db.engine, "before_cursor_execute", note)

    assert len(statements) == 1 + (wanted.since is not None)
    with db.read() as session:
        for statement, values in statements:
            plan = [row[3] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            assert len(plan) == 1
            assert plan[0].startswith("SEARCH audit_log"), plan


def test_the_ledger_signs_the_newest_row_of_each_log(county):
    county.release(item(1))
    county.intake.reconcile()
    sign_head(county.dbs["ledger"], county.signer, timedelta(0))
    answer = county.get("ledger/v1/statement").json()
    text, _ = opened(answer["note"], [NoteKey(county.signer.name, county.signer.public_key)])
    said = {one.source: one for one in HeadStatement.model_validate_json(text).audit_heads}
    newest = rows(county.catalog.db)[0]

    assert (said["catalog"].sequence, said["catalog"].hash) == (newest["sequence"], newest["hash"])
    assert said["guides"].sequence == 0
