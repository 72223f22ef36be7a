"""What is asked all the time does not read every case on PostgreSQL."""

from collections.abc import Iterator

import orjson
import psycopg
import pytest
from sqlalchemy import TextClause

from services.channels.api.statements import CASE_COUNTS, CHANGED_KEYS, CHANGES, SIZES_OF_CHANGES
from shared.database.engine import Database
from tests.harness.postgres import PrivatePostgres

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("postgres")]
CASES = """
INSERT INTO kiosk.document
       (key, kind, version, position, digest, content_digest, released_at, starts_at, change, content)
SELECT 'application:' || n, 'application', 1, n, '', '', '2026-03-01T00:00:00.000000Z', '', n,
       json_build_object('accept_date', CASE WHEN n <= 7 THEN '2026-03-03' ELSE '2025-01-01' END,
                         'stage', CASE WHEN n <= 50 THEN '2' ELSE '3' END,
                         'result_date', CASE WHEN n BETWEEN 51 AND 53 THEN '2026-03-03' ELSE '2025-02-01' END)::text
FROM generate_series(1, 20000) AS n
"""


def nodes(plan: dict[str, object]) -> list[dict[str, object]]:
    """Return a plan's nodes that read a table or index."""
    inner = [found for child in plan.get("Plans", []) for found in nodes(child)]  # type: ignore[attr-defined]
    return [*([plan] if plan.get("Relation Name") or plan.get("Index Name") else []), *inner]


@pytest.fixture
def cases(postgres: PrivatePostgres) -> Iterator[psycopg.Connection]:
    """A channel's store with 20,000 cases; a connection that sees it as the channel does."""
    name = postgres.create_database()
    db = Database("kiosk", postgres.url(name))
    db.migrate("channels")
    db.close()
    with psycopg.connect(postgres.dsn(name), autocommit=True) as connection:
        connection.execute(CASES)
        connection.execute("ANALYZE kiosk.document")
        connection.execute("SET search_path TO kiosk")
        yield connection


def read(connection: psycopg.Connection, statement: TextClause, **values: object) -> tuple[set[str], int]:
    """Return the indexes that a statement uses, and the number of rows that its parts yield."""
    asked = statement.text
    for name, value in values.items():
        asked = asked.replace(f":{name}", f"'{value}'")
    explained = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked}").fetchone()
    assert explained is not None
    plan = explained[0] if isinstance(explained[0], list) else orjson.loads(explained[0])
    found = nodes(plan[0]["Plan"])
    used = {str(node["Index Name"]) for node in found if str(node.get("Index Name", "")).startswith("ix_")}
    return used, sum(int(str(node["Actual Rows"])) for node in found)


def test_each_count_of_cases_reads_its_own_index_and_few_rows(cases: psycopg.Connection) -> None:
    counts = cases.execute(CASE_COUNTS["postgresql"].text.replace(":day", "'2026-03-03'")).fetchone()
    used, rows = read(cases, CASE_COUNTS["postgresql"], day="2026-03-03")

    assert counts == (7, 50, 3)
    assert used == {f"ix_document_cases_{one}" for one in ("accepted", "finished", "open")}
    assert rows <= 120


@pytest.mark.parametrize("statement", [CHANGES, SIZES_OF_CHANGES["postgresql"], CHANGED_KEYS])
def test_what_changed_for_everybody_is_found_without_reading_the_cases(
    cases: psycopg.Connection, statement: TextClause
) -> None:
    used, rows = read(cases, statement, after=0, limit=200)

    assert used == {"ix_document_listed_change"}
    assert rows <= 1
