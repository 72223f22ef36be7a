"""Erasing for good: what a transaction deletes must be gone from the file too, and from the journal beside it."""

from sqlmodel import Session

from shared.database import Database


def overwrite(db: Database, session: Session) -> None:
    """From now on this connection overwrites what it deletes. PostgreSQL does so when it vacuums."""
    if db.is_sqlite:
        session.connection().exec_driver_sql("PRAGMA secure_delete = ON")


def empty_journal(db: Database) -> None:
    """Move SQLite's journal into the file and cut it, unless a reader still needs it; then the next one will."""
    if db.is_sqlite:
        connection = db.engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
