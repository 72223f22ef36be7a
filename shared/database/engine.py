"""A service's own database: SQLite (embedded) or PostgreSQL (production), with settings that lose no committed data.

SQLite: WAL, synchronous=FULL, BEGIN IMMEDIATE for writers (a reader that becomes a writer can fail at once otherwise).
PostgreSQL: the service's name is its schema; no statement, lock or idle transaction may block the service forever.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar, cast

import psycopg
from sqlalchemy import Connection, Engine, TextClause, create_engine, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlmodel import Session

from shared.database.connection_limits import SERVING, WAIT_SECONDS, ConnectionLimits
from shared.database.driver_errors import as_ours
from shared.database.fast_path import REST_SECONDS, FastPath
from shared.database.group_commit import GroupCommit
from shared.database.notifications import PATIENCE, LocalNotifier, Notifier, Notifying, PostgresNotifier, prepared
from shared.database.statements import PING, SCHEMA, SHORT_LOCK_TIMEOUT
from shared.security.data_folder import make_private, make_private_file
from shared.security.vault import Vault
from shared.transparency.source_signature import ReleaseSigner

ROOT = Path(__file__).parents[2]
PG_OPTIONS = "-c statement_timeout=30s -c lock_timeout=3s -c idle_in_transaction_session_timeout=10s -c timezone=UTC"

VERSION_TABLE, OWN_VERSION_TABLE = "alembic_version", "alembic_version_own"
"""Tables in which a store names its migration; the second is for the tables that only one channel has."""

KEPT_OPEN = 5
"""Connections of the pool that stay open when idle."""

COMMITTED = "committed"
"""In a session's `info`: what is called once its transaction is committed."""

GROUPED = "grouped"
"""In a session's `info`: its transaction holds a change, and another one follows."""

HELD_UP = (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable)
MIGRATION_PAUSES: Iterable[float] = (0.2, 0.5, 1.0, 2.0, 2.0, 5.0, 5.0, 5.0)
"""Seconds before each further attempt; an attempt itself waits 3 s for each lock."""

T = TypeVar("T")

WAL_LIMIT = 16 * 2**20
"""Bytes to which a write-ahead file is truncated after a long reader or one large transaction has let it grow."""


class Database:
    """Engine and sessions of one service. Thread-safe. `vault` seals columns; each session carries it.

    `release_signer` signs what a source releases; None: releases are not signed. `share`: connections to PostgreSQL.
    """

    def __init__(self, service: str, url: str, vault: Vault | None = None, share: ConnectionLimits = SERVING) -> None:
        self.service = service
        self.vault = vault
        self.release_signer: ReleaseSigner | None = None
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = (
            _sqlite_engine(url, erases=service == "applications")
            if self.is_sqlite
            else _postgres_engine(service, url, share)
        )
        self._writer = self.engine.execution_options(tongyuan_write=True)
        # PostgreSQL's default takes a new snapshot for each statement: a cursor read after the rows would skip some.
        snapshot: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reader = self.engine.execution_options(**({} if self.is_sqlite else snapshot))
        self._direct = None if self.is_sqlite else FastPath(url, share.direct, **_connecting(service))
        self.after_write: list[Callable[[], object]] = []
        """Called in this process after each transaction that `write` has committed."""
        self.after_notice: list[Callable[[], object]] = []
        """Called in a process with a relay after what any process has announced (`shared.database.notifications`)."""
        self.notifier: Notifier = LocalNotifier(url) if self.is_sqlite else PostgresNotifier(service, url)
        self.group = GroupCommit(self.write, self._before_next)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back on any error.

        Raises `Unavailable` when the database cannot serve it now, `DamagedStore` when its file is damaged, `Conflict`
        when another transaction made the same row, and `ConstraintViolated` when a row violates another constraint.
        """
        with as_ours(self.url), Session(self._writer, expire_on_commit=False) as session:
            session.info |= {"notifier": self.notifier, "vault": self.vault, "release_signer": self.release_signer}
            with session.begin():
                yield session
            self._committed(session)

    def write_together(self, act: Callable[[Session], T]) -> T:
        """Execute `act` as one transaction, or in one with other changes that wait now. Return what it returns.

        For short changes of which many are asked for at once. `act` changes nothing but the database, and may be
        executed twice. Raises what `act` and `write` raise.
        """
        return cast("T", self.group.execute(act))

    def _before_next(self, session: Session) -> None:
        """Let the next change of a group read what this one has written, as in a session of its own."""
        session.flush()
        session.expunge_all()
        if not self.is_sqlite and not session.info.get(GROUPED):
            # The group holds the lane now: who waits for the lane may hold a row that the next change needs.
            session.connection().execute(SHORT_LOCK_TIMEOUT)
            session.info[GROUPED] = True

    def _committed(self, session: Session) -> None:
        self.notifier.committed(session)
        for told in (*session.info.pop(COMMITTED, ()), *self.after_write):
            told()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent snapshot; nothing is written."""
        with as_ours(self.url), Session(self._reader, expire_on_commit=False) as session:
            session.info["vault"] = self.vault
            yield session

    def fetch(self, statement: TextClause, **values: Any) -> Sequence[Any]:
        """Return the rows of one reading statement. It is consistent by itself and needs no transaction.

        This takes a third of the round trips of `read`; it is for queries made at every publication.
        """
        with as_ours(self.url):
            if self._direct is not None:
                return self._direct.rows(statement.text, values)
            with self._reader.connect() as connection:
                return connection.execute(statement, values).all()

    def execute(self, statement: str | Notifying, **values: Any) -> Sequence[Any]:
        """Execute one writing statement as its own transaction and return its rows. Raises what `write` raises."""
        if not self.is_sqlite:
            return self.fetch(self._notifying(statement), **values)
        with self.write() as session:
            result = session.connection().execute(self._notifying(statement, session), values)
            return result.all() if result.returns_rows else []

    def _notifying(self, statement: str | Notifying, session: Session | None = None) -> TextClause:
        if isinstance(statement, Notifying):
            return self.notifier.notifying(statement, session)
        return prepared(statement)

    def ping(self) -> None:
        """Raises `Unavailable` when the database does not answer."""
        self.fetch(prepared(PING))

    def migrate(self, *folders: str) -> None:
        """Upgrade the schema with the migrations in `services/<folder>/migrations` of each folder, in one transaction.

        A channel has those of all channels, and those in its own folder. The version before this one may be running.
        """
        with as_ours(self.url):
            for pause in chain(MIGRATION_PAUSES, [None]):
                try:
                    with self.engine.connect() as connection:
                        self._upgrade(connection, folders)
                    return
                except DBAPIError as error:
                    # A running process had the locks that this needs. What was changed is rolled back, so try again.
                    if pause is None or not isinstance(error.orig, HELD_UP):
                        raise
                    time.sleep(pause)

    def _upgrade(self, connection: Connection, folders: Sequence[str]) -> None:
        from alembic import command  # noqa: PLC0415  # needed once in a process's life, and heavy
        from alembic.config import Config  # noqa: PLC0415  # likewise

        if not self.is_sqlite:
            self._make_schema(connection)
        for folder in folders:
            config = Config()
            config.set_main_option("script_location", str(ROOT / "services" / folder / "migrations"))
            config.attributes |= {"connection": connection, "vault": self.vault}
            config.attributes["version_table"] = version_table(folder)
            command.upgrade(config, "head")
        connection.commit()

    def _make_schema(self, connection: Connection) -> None:
        # Query first: CREATE SCHEMA IF NOT EXISTS needs the right to create even for a schema that exists.
        if connection.execute(SCHEMA, {"name": self.service}).first() is None:
            connection.execute(text(f'CREATE SCHEMA "{self.service}"'))
        connection.commit()

    def close(self) -> None:
        self.notifier.close()
        if self._direct is not None:
            self._direct.close()
        self.engine.dispose()


def after_commit(session: Session, told: Callable[[], object]) -> None:
    """Call `told` when the session's transaction is committed."""
    session.info.setdefault(COMMITTED, []).append(told)


def version_table(folder: str) -> str:
    """Return the table that names the migration in `services/<folder>/migrations`."""
    return OWN_VERSION_TABLE if "/" in folder else VERSION_TABLE


def _sqlite_engine(url: str, *, erases: bool) -> Engine:
    """`erases`: deleted rows must be overwritten in the file, too."""
    path = url.removeprefix("sqlite:///")
    make_private(Path(path).parent)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 5, "check_same_thread": False})

    @event.listens_for(engine, "do_connect")
    def _make_file(*_connecting: Any) -> None:
        # SQLite gives its journals the mode of the database file. If it cannot be made here, connecting reports why.
        with suppress(OSError):
            make_private_file(Path(path))

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


def _postgres_engine(service: str, url: str, share: ConnectionLimits) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_recycle=300,
        pool_size=KEPT_OPEN,
        max_overflow=share.pooled - KEPT_OPEN,
        pool_timeout=WAIT_SECONDS,
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
    """Test a connection that has been idle: the server may have restarted. Testing before every use costs too much."""
    if time.monotonic() - record.info.get("used", time.monotonic()) > REST_SECONDS:
        try:
            connection.execute(PING)
            connection.rollback()
        except psycopg.Error as error:
            raise DisconnectionError from error
