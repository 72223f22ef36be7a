"""A service's own database: SQLite (embedded) or PostgreSQL (production), with settings that lose nothing.

SQLite: WAL, synchronous=FULL, BEGIN IMMEDIATE for writers (a reader that turns writer fails at once otherwise).
PostgreSQL: the service's name is its schema; no statement, lock or idle transaction may hang the service.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, TextClause, create_engine, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError
from sqlmodel import Session

from shared.direct import REST_SECONDS, Direct
from shared.errors import Conflict, Unavailable
from shared.vault import Vault
from shared.wakeup import PATIENCE, Bell, LocalBell, PostgresBell

ROOT = Path(__file__).parent.parent
PG_OPTIONS = "-c statement_timeout=30s -c lock_timeout=3s -c idle_in_transaction_session_timeout=10s -c timezone=UTC"

WAL_LIMIT = 16 * 2**20
"""Bytes to which a write-ahead file is cut back once a long reader, or one great transaction, has let it grow."""


class Database:
    """Engine and sessions of one service. Thread-safe. `vault`: where columns are sealed; each session carries it."""

    def __init__(self, service: str, url: str, vault: Vault | None = None) -> None:
        self.service = service
        self.vault = vault
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = (
            _sqlite_engine(url, erases=service == "applications") if self.is_sqlite else _postgres_engine(service, url)
        )
        self._writer = self.engine.execution_options(tongyuan_write=True)
        # PostgreSQL's default gives every statement a view of its own: a cursor read after the rows would skip some.
        snapshot: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reader = self.engine.execution_options(**({} if self.is_sqlite else snapshot))
        self._direct = None if self.is_sqlite else Direct(url, **_connecting(service))
        self.bell: Bell = LocalBell(url) if self.is_sqlite else PostgresBell(service, url)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back on any error.

        Raises `Unavailable` when it cannot be now, `Conflict` when somebody else made the same row meanwhile.
        """
        with _as_ours(), Session(self._writer, expire_on_commit=False) as session:
            session.info |= {"bell": self.bell, "vault": self.vault}
            with session.begin():
                yield session
            self.bell.committed(session)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view; nothing is written."""
        with _as_ours(), Session(self._reader, expire_on_commit=False) as session:
            session.info["vault"] = self.vault
            yield session

    def ask(self, statement: TextClause, **values: Any) -> Sequence[Any]:
        """The rows of one statement that reads. It is its own consistent view, so no transaction is put around it:
        a third of the round trips of `read`, for what is asked at every publication.
        """
        with _as_ours():
            if self._direct is not None:
                return self._direct.rows(statement.text, values)
            with self._reader.connect() as connection:
                return connection.execute(statement, values).all()

    def do(self, statement: str, **values: Any) -> Sequence[Any]:
        """The rows of one statement that writes, as a transaction of its own; it rings where it says `BELL`.

        Raises what `write` raises.
        """
        if not self.is_sqlite:
            return self.ask(self.bell.ringing(statement), **values)
        with self.write() as session:
            result = session.connection().execute(self.bell.ringing(statement, session), values)
            return result.all() if result.returns_rows else []

    def migrate(self, folder: str) -> None:
        """Bring the schema up to date with the service's own migrations in `services/<folder>/migrations`."""
        from alembic import command  # noqa: PLC0415  # needed once in a process's life, and heavy
        from alembic.config import Config  # noqa: PLC0415  # likewise

        config = Config()
        config.set_main_option("script_location", str(ROOT / "services" / folder / "migrations"))
        with self.engine.connect() as connection:
            if not self.is_sqlite:
                self._make_schema(connection)
            config.attributes |= {"connection": connection, "vault": self.vault}
            command.upgrade(config, "head")
            connection.commit()

    def _make_schema(self, connection: Connection) -> None:
        # Asked first: PostgreSQL wants the right to create even for a schema that exists.
        query = text("SELECT 1 FROM information_schema.schemata WHERE schema_name = :name")
        if connection.execute(query, {"name": self.service}).first() is None:
            connection.execute(text(f'CREATE SCHEMA "{self.service}"'))
        connection.commit()

    def close(self) -> None:
        """Return every connection."""
        self.bell.close()
        if self._direct is not None:
            self._direct.close()
        self.engine.dispose()


@contextmanager
def _as_ours() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, psycopg.IntegrityError):
        raise Conflict("somebody else was first: read it again") from None
    except (DBAPIError, psycopg.Error) as error:
        if not _is_for_now(error.orig if isinstance(error, DBAPIError) else error):
            raise
        raise Unavailable(f"database: {_reason(error)}") from error


def _is_for_now(error: BaseException | None) -> bool:
    """Whether it may go well later. A standby that only reads is what a failover may lead to for a moment."""
    for_now = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction)
    return isinstance(error, (*for_now, sqlite3.OperationalError, sqlite3.InterfaceError))


def _reason(error: DBAPIError | psycopg.Error) -> str:
    """The driver's own words without the statement, which could quote data."""
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    return said.splitlines()[0] if said else type(error).__name__


def _sqlite_engine(url: str, *, erases: bool) -> Engine:
    """`erases`: what is deleted must be gone from the file too."""
    path = url.removeprefix("sqlite:///")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 5, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=5000",
            "trusted_schema=OFF",
            f"journal_size_limit={WAL_LIMIT}",
            f"secure_delete={'ON' if erases else 'FAST'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("tongyuan_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres_engine(service: str, url: str) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_recycle=300,
        pool_size=5,
        max_overflow=15,
        connect_args=_connecting(service),
    )
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _ping_after_rest)
    return engine


def _connecting(service: str) -> dict[str, Any]:
    return {"options": f"-c search_path={service} {PG_OPTIONS}", **PATIENCE}


def _note_use(_connection: Any, record: Any) -> None:
    record.info["used"] = time.monotonic()


def _ping_after_rest(connection: Any, record: Any, _proxy: Any) -> None:
    """A connection that has rested may be dead (the server was restarted); asking before every use costs too much."""
    if time.monotonic() - record.info.get("used", time.monotonic()) > REST_SECONDS:
        try:
            connection.execute("SELECT 1")
            connection.rollback()
        except psycopg.Error as error:
            raise DisconnectionError from error
