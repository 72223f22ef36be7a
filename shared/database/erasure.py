"""Erasure for good: deleted data must also be gone from the database file and its journal."""

from sqlmodel import Session

from shared.database.engine import Database


def overwrite(db: Database, session: Session) -> None:
    """Make this connection overwrite what it deletes. PostgreSQL does so when it vacuums."""
    if db.is_sqlite:
        session.connection().exec_driver_sql("PRAGMA secure_delete = ON")


def empty_journal(db: Database) -> None:
    """Move SQLite's journal into the file and truncate it, unless a reader still needs it; then a later call does."""
    if db.is_sqlite:
        connection = db.engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
