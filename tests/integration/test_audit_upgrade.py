"""Stores of before: unchained changes of people become the first rows of a chain; old rows are searchable."""

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from services.console.accounts.changes import newest
from shared.audit.chain import faults
from shared.audit.queries import AuditFilter, page
from shared.audit.recording import AuditEntry, record
from shared.database.engine import ROOT, Database
from tests.harness.actors import TESTER

CHANGE = text(
    "INSERT INTO people_change (at, actor, address, action, account, before, after) "
    "VALUES (:at, 'guanli', '10.0.0.3', :action, 'li.hua', :before, :after)"
)
LATER, EARLIER = "2026-03-01T02:00:00.000000Z", "2026-03-01T01:00:00.000000Z"
OLD_ROW = text(
    "INSERT INTO audit_log (sequence, at, actor, action, object, document, hash) "
    "VALUES (1, :at, 'a', 'save', 'item:1', :document, 'x')"
)


@pytest.fixture(params=["sqlite", "postgres"])
def address(request, tmp_path):
    """The address of an empty database, of either kind."""
    return f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else request.getfixturevalue("database_url")


def at_revision(db, revision):
    config = Config()
    config.set_main_option("script_location", str(ROOT / "services" / db.service / "migrations"))
    with db.engine.connect() as connection:
        if not db.is_sqlite:
            connection.execute(text(f'CREATE SCHEMA "{db.service}"'))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


def test_changes_of_people_become_rows_of_the_chain_that_say_where_they_came_from(address):
    db = Database("console", address)
    try:
        at_revision(db, "0004")
        with db.write() as session:
            for at, action, before, after in (
                (LATER, "person.created", None, '{"display_name": "李华", "roles": ["editor"]}'),
                (EARLIER, "person.locked", None, None),
            ):
                values = {"at": at, "action": action, "before": before, "after": after}
                session.connection().execute(CHANGE, values)
        db.migrate("console")
        with db.write() as session:
            record(session, TESTER, AuditEntry("person.unlocked", "account:li.hua"))
        with db.read() as session:
            rows = page(session, AuditFilter(), None, 10, with_changes=True)
            found = page(session, AuditFilter(address="10.0.0.3"), None, 10, with_changes=True)
            told = newest(session, "li.hua", None, 10)
    finally:
        db.close()

    assert list(faults(rows)) == []
    assert [row["action"] for row in rows] == ["person.unlocked", "person.locked", "person.created"]
    assert [row.get("copied_from") for row in rows] == [None, "people_change", "people_change"]
    assert [row["at"] for row in rows[1:]] == [LATER, LATER], "a clock that was set back does not count"
    assert rows[1]["actor"]["roles"] is None
    assert len(found) == 2
    assert told[2]["after"] == {"display_name": "李华", "roles": ["editor"]}


@pytest.mark.parametrize(("service", "revision"), [("catalog", "0006"), ("guides", "0008"), ("applications", "0005")])
def test_a_row_of_before_is_found_by_its_address_and_still_refuses_changes(address, service, revision):
    db = Database(service, address)
    try:
        at_revision(db, revision)
        document = '{"action":"save","actor":{"address":"10.0.0.8","name":"a"},"object":"item:1"}'
        with db.write() as session:
            session.connection().execute(OLD_ROW, {"at": LATER, "document": document})
        db.migrate(service)
        with db.read() as session:
            (row,) = page(session, AuditFilter(address="10.0.0.8"), None, 10, with_changes=False)
        with pytest.raises(Exception, match=r"append-only|permission"), db.write() as session:
            session.connection().exec_driver_sql("UPDATE audit_log SET address = ''")
    finally:
        db.close()

    assert row["actor"]["address"] == "10.0.0.8"
