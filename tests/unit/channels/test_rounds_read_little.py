"""What a channel asks every second or every five reads an index, however many documents there are."""

import pytest
from sqlalchemy import event

from services.channels.api import queries
from services.channels.api.statements import CHANGED_KEYS, CHANGES, SIZES_OF_CHANGES
from services.channels.core.statements import NEXT_TURN
from tests.harness.pipeline import item, pipeline


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=("web",)) as made:
        made.release(item(1))
        made.flow()
        yield made


def plan(county, act):
    """Return how SQLite executes the statements of `act`."""
    db, asked = county.channels["web"].db, []

    def hear(_connection, _cursor, statement, parameters, *_more):
        asked.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", hear)
    act(db)
    event.remove(db.engine, "before_cursor_execute", hear)
    with db.engine.connect() as connection:
        explained = [
            connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            for statement, parameters in asked
            if statement.startswith("SELECT")
        ]
        return "\n".join(row.detail for rows in explained for row in rows)


def counted(db):
    with db.read() as session:
        assert queries.counts(session) == {"item": 1}


def test_documents_are_counted_in_an_index_without_reading_their_text(county):
    assert plan(county, counted) == "SCAN document USING COVERING INDEX ix_document_shown"


def test_the_next_turn_is_found_in_indexes(county):
    found = plan(county, lambda db: db.fetch(NEXT_TURN))

    assert "ix_scheduled_effective_at" in found
    assert "ix_document_expires_at" in found


@pytest.mark.parametrize("statement", [CHANGES, SIZES_OF_CHANGES["sqlite"], CHANGED_KEYS])
def test_changes_for_everybody_are_found_in_order_without_reading_cases(county, statement):
    found = plan(county, lambda db: db.fetch(statement, after=0, limit=9))

    assert "ix_document_listed_change" in found
    assert "TEMP B-TREE" not in found
