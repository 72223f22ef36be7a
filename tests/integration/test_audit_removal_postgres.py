"""Old rows of an audit log in PostgreSQL: the account may remove them only within the removal, and no younger ones."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import SQLAlchemyError

from contracts.base import format_time
from shared.audit.queries import AuditFilter, page
from shared.audit.recording import AuditEntry, record
from shared.audit.removal import AuditRemoval
from shared.audit.verification import Verification
from shared.database.engine import Database
from tests.harness.actors import TESTER
from tests.harness.old_audit_rows import old_rows

LONG_AGO = [f"20{year:02}-03-03T02:05:00.000000Z" for year in range(8, 15)]
LIMIT = "2015-01-01T00:00:00.000000Z"


@pytest.fixture
def db(database_url):
    database = Database("catalog", database_url)
    database.migrate("catalog")
    old_rows(database, LONG_AGO)
    with database.write() as session:
        record(session, TESTER, AuditEntry("save", "item:a"))
    yield database
    database.close()


def rows(db):
    with db.read() as session:
        return page(session, AuditFilter(), None, 1000, with_changes=True)


def test_old_rows_go_in_steps_and_the_chain_of_the_others_holds(db):
    removal = AuditRemoval(db, rows_a_step=4)

    assert [removal.step(LIMIT), removal.step(LIMIT), removal.step(LIMIT)] == [4, 3, 0]

    assert [row["action"] for row in rows(db)] == ["audit.removed", "audit.removed", "save"]
    assert Verification().check(rows(db), None).faults == []


def test_the_right_to_delete_is_given_up_again(db):
    AuditRemoval(db).run()

    with pytest.raises(SQLAlchemyError, match=r"append-only|permission denied"), db.write() as session:
        session.connection().exec_driver_sql("DELETE FROM audit_log")
    with db.read() as session:
        rights = session.connection().exec_driver_sql(
            "SELECT privilege_type FROM information_schema.role_table_grants "
            "WHERE table_name = 'audit_log' AND grantee = current_user"
        )
        assert not {"UPDATE", "DELETE"} & set(rights.scalars())


def test_younger_rows_are_refused_and_nothing_is_removed(db):
    with pytest.raises(SQLAlchemyError, match="append-only"):
        AuditRemoval(db).step(format_time(datetime.now(UTC) + timedelta(days=1)))

    assert len(rows(db)) == len(LONG_AGO) + 1
