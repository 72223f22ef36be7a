"""A schema is brought to this version while processes of the version before write into it."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlmodel import text

from shared.database import engine
from shared.database.engine import Database
from shared.errors import Unavailable
from tests.harness.postgres import PrivatePostgres

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("postgres")]
BACK = """
ALTER TABLE web.hook DROP COLUMN address; ALTER TABLE web.hook DROP COLUMN pushed; DROP TABLE web.former_hook;
DROP INDEX web.ix_document_listed_change, web.ix_document_shown;
DROP INDEX web.ix_document_cases_accepted, web.ix_document_cases_finished, web.ix_document_cases_open;
CREATE INDEX ix_document_kind_digest ON web.document (kind, content_digest);
DROP TABLE web.aside_build;
ALTER TABLE web.document DROP COLUMN bucket;
ALTER TABLE web.aside DROP COLUMN bucket;
ALTER TABLE web.scheduled DROP COLUMN bucket;
UPDATE web.alembic_version SET version_num = '0019'
"""
"""As a version before the last migrations of channels left it: the first of them waits for a lock."""


@pytest.fixture
def db(postgres: PrivatePostgres) -> Iterator[Database]:
    name = postgres.create_database()
    made = Database("web", postgres.url(name))
    made.migrate("channels")
    with psycopg.connect(postgres.dsn(name), autocommit=True) as connection:
        connection.execute(BACK)
    yield made
    made.close()


@pytest.fixture
def writer(db: Database) -> Iterator[psycopg.Connection]:
    """A process that is in the middle of a transaction."""
    with psycopg.connect(db.url.replace("+psycopg", "")) as connection:
        connection.execute("LOCK TABLE web.scheduled IN ROW EXCLUSIVE MODE")
        yield connection


def revision(db: Database) -> str:
    with db.read() as session:
        return str(session.connection().execute(text("SELECT version_num FROM alembic_version")).scalar())


def test_a_migration_waits_for_who_holds_its_tables_and_is_tried_again(
    db: Database, writer: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def let_go_after_one_attempt() -> Iterator[float]:
        writer.commit()
        yield 0.0

    attempts: list[float] = []
    monkeypatch.setattr(engine, "MIGRATION_PAUSES", counted(attempts, let_go_after_one_attempt()))

    db.migrate("channels")

    assert revision(db) == "0024"
    assert len(attempts) == 2


def test_a_migration_that_never_gets_its_tables_says_so_and_changes_nothing(
    db: Database, writer: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MIGRATION_PAUSES", ())

    with pytest.raises(Unavailable, match="lock timeout"):
        db.migrate("channels")

    writer.rollback()
    assert revision(db) == "0019"


def counted(attempts: list[float], further: Iterator[float]) -> Iterator[float]:
    """Yield the first attempt's pause, then the others, noting each."""
    attempts.append(0.0)
    yield 0.0
    for pause in further:
        attempts.append(pause)
        yield pause
