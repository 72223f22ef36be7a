"""The audit log over PostgreSQL: the database hashes as the program does, and refuses changes to its owner too."""

import threading

import pytest
from sqlalchemy.exc import SQLAlchemyError

from shared.audit.chain import faults
from shared.audit.queries import AuditFilter, head, page
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from tests.harness.actors import TESTER
from tests.harness.pipeline import item, pipeline

WRITERS, EACH = 6, 20


@pytest.fixture
def db(database_url):
    database = Database("catalog", database_url)
    database.migrate("catalog")
    yield database
    database.close()


def rows(db, **wanted):
    with db.read() as session:
        return page(session, AuditFilter(**wanted), None, 1000, with_changes=True)


def test_one_row_and_many_rows_make_one_chain_whoever_hashes(db):
    with db.write() as session:
        record(
            session, TESTER, AuditEntry("one", "a", {"name": "字 🙂 \\ \" '"}, None, [{"field": "x", "after": "字"}])
        )
    with db.write() as session:
        record(session, TESTER, AuditEntry("many", "b"), AuditEntry("many", "c"))
    with db.write() as session:
        record(session, TESTER, AuditEntry("one", "d"))

    assert [row["object"] for row in rows(db)] == ["d", "c", "b", "a"]
    assert list(faults(rows(db))) == []
    with db.read() as session:
        assert (head(session)["sequence"], head(session)["hash"]) == (4, rows(db)[0]["hash"])


def test_writers_at_once_leave_no_hole(db):
    def write(number):
        for _ in range(EACH):
            with db.write() as session:
                record(session, TESTER, *[AuditEntry("test", f"item:{number}")] * (1 + number % 2))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(rows(db)) == EACH * (WRITERS + WRITERS // 2)
    assert list(faults(rows(db))) == []


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log"])
def test_no_row_can_be_changed_or_deleted(db, statement):
    with db.write() as session:
        record(session, TESTER, AuditEntry("test", "a"))
    with pytest.raises(SQLAlchemyError, match="append-only"), db.write() as session:
        session.connection().exec_driver_sql(statement)

    assert [row["actor"]["name"] for row in rows(db)] == ["tester"]


def test_the_owner_of_the_table_has_no_right_to_change_rows(db):
    with db.read() as session:
        rights = session.connection().exec_driver_sql(
            "SELECT privilege_type FROM information_schema.role_table_grants "
            "WHERE table_name = 'audit_log' AND grantee = current_user"
        )
        found = set(rights.scalars())

    assert {"SELECT", "INSERT"} <= found
    assert not found & {"UPDATE", "DELETE"}


def test_a_release_waits_for_one_statement_more(database_url, tmp_path):
    with pipeline(database_url, tmp_path, channels=()) as county:
        county.release(item(1))
        statements = []
        from sqlalchemy import event

        county.catalog.save_item(TESTER, item(1).code, item(1, "又一版").model_dump(mode="json"), 2)
        event.listen(
            county.catalog.db.engine, "before_cursor_execute", lambda _c, _r, sql, *_: statements.append(str(sql))
        )
        county.release(item(1, "再一版"))

        ours = [sql for sql in statements if "audit" in sql]
        # One for the draft that is saved first, one for the release.
        assert len(ours) == 2, ours
