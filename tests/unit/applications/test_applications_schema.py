"""The migrations and the tables agree."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.applications.model import ApplicationsModel
from shared.audit.model import AuditModel
from shared.county.store import IdentityRow
from shared.database.engine import Database
from shared.feeds.outbox import CounterRow, RelayedRow, ReleaseRow

OURS = [*ApplicationsModel.metadata.tables.values(), *AuditModel.metadata.tables.values()]
OUTBOX = [row.__table__ for row in (CounterRow, RelayedRow, ReleaseRow, IdentityRow)]  # type: ignore[attr-defined]  # SQLModel's table


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/applications.db"


def test_the_migrations_make_the_tables_of_the_model(url: str) -> None:
    assert differences(url) == []


def test_migrating_twice_changes_nothing(url: str) -> None:
    differences(url)

    assert differences(url) == []


def differences(url: str) -> list[object]:
    from sqlalchemy import MetaData

    wanted = MetaData()
    for table in (*OURS, *OUTBOX):
        table.to_metadata(wanted)
    db = Database("applications", url)
    db.migrate("applications")
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, wanted)
    db.close()
    return [difference for difference in found if "alembic_version" not in str(difference)]
