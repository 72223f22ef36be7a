"""The wall board's counts of cases do not read every case on PostgreSQL."""

import orjson
import psycopg
import pytest

from services.channels.api.statements import CASE_COUNTS
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


def test_each_count_of_cases_reads_its_own_index_and_few_rows(postgres: PrivatePostgres) -> None:
    name = postgres.create_database()
    db = Database("kiosk", postgres.url(name))
    try:
        db.migrate("channels")
        with psycopg.connect(postgres.dsn(name), autocommit=True) as connection:
            connection.execute(CASES)
            connection.execute("ANALYZE kiosk.document")
            connection.execute("SET search_path TO kiosk")
            asked = CASE_COUNTS["postgresql"].text.replace(":day", "'2026-03-03'")
            counts = connection.execute(asked).fetchone()
            explained = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked}").fetchone()
    finally:
        db.close()
    assert counts == (7, 50, 3)
    assert explained is not None
    plan = explained[0] if isinstance(explained[0], list) else orjson.loads(explained[0])
    used = {str(node["Index Name"]) for node in nodes(plan[0]["Plan"]) if "Index Name" in node}
    assert used == {f"ix_document_cases_{one}" for one in ("accepted", "finished", "open")}
    assert sum(int(str(node["Actual Rows"])) for node in nodes(plan[0]["Plan"])) <= 120
