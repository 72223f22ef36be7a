"""Downgrades stores to the revision before they named their county, whatever migrations came since."""

import re
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, text

from services.runtime.manifests import CHANNELS, SERVICES
from shared.database.engine import ROOT
from shared.publishing.reviews.model import ReviewModel


def scripts(service: str) -> list[Path]:
    """Return the migrations of a service, oldest first."""
    folder = ROOT / "services" / ("channels" if service in CHANNELS else service) / "migrations" / "versions"
    return sorted(folder.glob("r*.py"))


def revision_before(service: str) -> str:
    """Return the number of the migration before the one that created the table `identity`.

    "" for a service that is younger than that: its store did not exist.
    """
    script = next((one for one in scripts(service) if one.name.endswith("_identity.py")), None)
    if script is None:
        return ""
    found = re.search(r'^down_revision = "(\d+)"', script.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, script
    return found[1]


def tables_since(service: str, revision: str) -> Iterator[str]:
    """Yield the tables created by migrations after `revision`."""
    for script in scripts(service):
        if script.name[1:5] <= revision:
            continue
        content = script.read_text(encoding="utf-8")
        yield from re.findall(r'create_table\(\s*"(\w+)"', content)
        if "make_identity_table()" in content:
            yield "identity"
        if "make_audit_tables()" in content:
            yield from ("audit_log", "audit_head")
        if "make_review_tables()" in content:
            yield from (table.name for table in ReviewModel.metadata.sorted_tables)


def columns_since(service: str, revision: str) -> Iterator[tuple[str, str]]:
    """Yield table and name of each column that migrations after `revision` added to a table of before."""
    dropped = set(tables_since(service, revision))
    for script in scripts(service):
        if script.name[1:5] > revision:
            added = re.findall(r'add_column\(\s*"(\w+)",\s*sa.Column\("(\w+)"', script.read_text(encoding="utf-8"))
            added += [("audit_log", "address")] if "add_address()" in script.read_text(encoding="utf-8") else []
            yield from ((table, column) for table, column in added if table not in dropped)


def indexes_since(service: str, revision: str) -> Iterator[str]:
    """Yield the indexes that migrations after `revision` created."""
    for script in scripts(service):
        if script.name[1:5] > revision:
            yield from re.findall(r'create_index\(\s*"(\w+)"', script.read_text(encoding="utf-8"))


def put_back(connection: Connection, service: str, revision: str, schema: str = "") -> None:
    """Drop what migrations after `revision` created; the next `migrate` creates it again. `schema`: `name.` or ""."""
    # The newest first: it may refer to an older one.
    for table in reversed(list(tables_since(service, revision))):
        connection.execute(text(f"DROP TABLE IF EXISTS {schema}{table}"))
    if connection.dialect.name == "postgresql":
        connection.execute(text("DROP FUNCTION IF EXISTS audit_log_is_append_only()"))
    for index in ("audit_log_address", "audit_log_actor_address", *indexes_since(service, revision)):
        connection.execute(text(f"DROP INDEX IF EXISTS {schema}{index}"))
    for table, column in columns_since(service, revision):
        connection.execute(text(f'ALTER TABLE {schema}"{table}" DROP COLUMN {column}'))
    if not revision:
        connection.execute(text(f"DROP TABLE {schema}alembic_version"))
        return
    moved = text(f"UPDATE {schema}alembic_version SET version_num = :it")  # our own text
    connection.execute(moved, {"it": revision})


BEFORE = {service: revision_before(service) for service in SERVICES}
