"""Copy one service's store out and back: SQLite as a file, PostgreSQL as one COPY per table."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from contracts.topology import AUDITOR, CONSOLE, IMPORTING, SUBSCRIPTIONS
from services.operations.archive.contents import BadArchive, Store
from services.operations.archive.signed_file import CHUNK
from services.operations.backups.statements import (
    ANY_ROW,
    OTHER_CONNECTIONS,
    REVISION,
    SCHEMA,
    TABLE,
    TABLES_OF_POSTGRES,
    TABLES_OF_SQLITE,
)
from services.runtime.manifests import CHANNELS, migrations
from shared.database.engine import OWN_VERSION_TABLE, ROOT, VERSION_TABLE, Database, version_table
from shared.errors import Broken, Conflict, Unavailable
from shared.security.data_folder import make_private_file, open_private

if TYPE_CHECKING:
    from alembic.config import Config

Ask = Callable[[str], Iterable[Sequence[Any]]]
"""Runs one SELECT on a store."""

BUSY_SECONDS = 30
RESTORER = "tongyuan-restore"


def has_store(service: str, url: str) -> bool:
    """Return whether there is a migrated store of this service. Raises `Unavailable`."""
    if url.startswith("sqlite"):
        return Path(url.removeprefix("sqlite:///")).exists()
    with asking_postgres(service, url) as (connection, _):
        found = connection.execute(TABLE, (f"{service}.alembic_version",)).fetchone()
    return found is not None and found[0] is not None


def dump_sqlite(service: str, path: Path, folder: Path) -> Store:
    """Write one consistent copy while others write, without deleted data in free pages. Raises `Unavailable`."""
    target = folder / "stores" / path.name
    target.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        with asking_sqlite(path) as ask:
            make_private_file(target)
            list(ask(f"VACUUM INTO '{str(target).replace(chr(39), chr(39) * 2)}'"))
            revision, own = _revisions(service, ask)
            return Store(revision=revision, own_revision=own, parts=[f"stores/{path.name}"])
    except sqlite3.Error as error:
        raise Unavailable(f"{path}: {error}") from error


@contextmanager
def asking_sqlite(path: Path) -> Iterator[Ask]:
    """Yield a function that queries one SQLite file, which must exist."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS)) as connection:
        connection.isolation_level = None
        yield connection.execute


def check_sqlite(service: str, path: Path, store: Store) -> None:
    """Raise `BadArchive` when the file is damaged, or not at this migration, or this version does not know it."""
    try:
        with asking_sqlite(path) as ask:
            found = next(iter(ask("PRAGMA integrity_check(1)")))[0]
            orphan = next(iter(ask("PRAGMA foreign_key_check")), None)
            at = _revisions(service, ask)
    except (sqlite3.Error, Broken) as error:
        raise BadArchive(f"{path.name}: {error}") from error
    if found != "ok":
        raise BadArchive(f"{path.name}: {found}")
    if orphan is not None:
        raise BadArchive(f"{path.name}: a row of {orphan[0]} refers to a missing row of {orphan[2]}")
    said = (store.revision, store.own_revision)
    if at != said:
        raise BadArchive(f"{path.name}: is at migration {_shown(at)}, but the manifest says {_shown(said)}")
    for folder, revision in zip(migrations(service), _each(store), strict=True):
        _require_known(service, folder, revision)


def tables_of(ask: Ask, store: Store) -> list[str]:
    """Return the tables of a copied store."""
    return list(store.columns) or [row[0] for row in ask(TABLES_OF_SQLITE)]


@contextmanager
def asking_postgres(service: str, url: str) -> Iterator[tuple[psycopg.Connection, Ask]]:
    """Yield a connection to one service's schema with one consistent view. Raises `Unavailable`."""
    try:
        with psycopg.connect(_plain(url), connect_timeout=5) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(service)))
            yield connection, connection.execute
    except psycopg.Error as error:
        raise Unavailable(f"{service}: database: {str(error).splitlines()[0]}") from error


@contextmanager
def asking(service: str, url: str) -> Iterator[Ask]:
    """Yield a function that queries one service's store, of either kind."""
    if url.startswith("sqlite"):
        with asking_sqlite(Path(url.removeprefix("sqlite:///"))) as ask:
            yield ask
    else:
        with asking_postgres(service, url) as (_, ask):
            yield ask


def dump_postgres(service: str, connection: psycopg.Connection, ask: Ask, folder: Path) -> Store:
    """Copy every table of the service's schema, in the connection's one view."""
    columns: dict[str, list[str]] = {}
    for table, column in connection.execute(TABLES_OF_POSTGRES, (service,)):
        columns.setdefault(table, []).append(column)
    if not columns:
        raise Unavailable(f"{service}: there is no schema with this name; run `tongyuan migrate` first")
    (folder / "stores").mkdir(mode=0o700, exist_ok=True)
    for table, names in columns.items():
        with (
            open_private(folder / "stores" / f"{service}.{table}") as file,
            connection.cursor().copy(_copy("COPY {} ({}) TO STDOUT", table, names)) as copy,
        ):
            for chunk in copy:
                file.write(chunk)
    parts = [f"stores/{service}.{table}" for table in columns]
    revision, own = _revisions(service, ask)
    return Store(revision=revision, own_revision=own, parts=parts, columns=columns)


@contextmanager
def restoring_postgres(service: str, url: str) -> Iterator[Connection]:
    """Yield a transaction for `load_postgres`; the caller commits. Raises `Conflict` while the county runs."""
    db = Database(service, url)
    try:
        with db.engine.connect() as connection:
            limits = "statement_timeout = 0", "idle_in_transaction_session_timeout = 0"
            for setting in (*limits, f"application_name = '{RESTORER}'"):
                connection.exec_driver_sql(f"SET {setting}")
            connection.commit()
            others = connection.exec_driver_sql(OTHER_CONNECTIONS, (RESTORER,)).scalar_one()
            if others:
                raise Conflict(f"{service}: its database has {others} open connections: stop every process first")
            yield connection
    except SQLAlchemyError as error:
        raise Unavailable(f"{service}: database: {_words(error)}") from error
    finally:
        db.close()


def is_empty(service: str, connection: Connection) -> bool:
    """Return whether no table of the schema holds anything that was released, drafted or shown."""
    telling = {
        "ledger": ("entry",),
        "applications": ("application", "release"),
        AUDITOR: (),
        CONSOLE: ("account",),
        IMPORTING: ("upload",),
        SUBSCRIPTIONS: ("subscription", "event"),
    }
    tables = telling.get(service, ("document",) if service in CHANNELS else ("edition", "release"))
    for table in tables:
        name = f'"{service}"."{table}"'
        if connection.exec_driver_sql(TABLE, (name,)).scalar_one() is None:
            continue
        if connection.exec_driver_sql(ANY_ROW.format(table=name)).first() is not None:
            return False
    return True


def load_postgres(service: str, connection: Connection, store: Store, folder: Path, kept_as: str) -> None:
    """Create the schema at the archive's migration and fill it; the previous one is renamed to `kept_as`."""
    if connection.exec_driver_sql(SCHEMA, (service,)).scalar_one() is not None:
        connection.exec_driver_sql(f'ALTER SCHEMA "{service}" RENAME TO "{kept_as}"')
    connection.exec_driver_sql(f'CREATE SCHEMA "{service}"')
    for migrated, revision in zip(migrations(service), _each(store), strict=True):
        _migrate(service, connection, migrated, revision)
    cursor = connection.connection.driver_connection.cursor()  # type: ignore[union-attr]  # it is open
    known = {table for table, *_ in cursor.execute(TABLES_OF_POSTGRES, (service,))}
    if not store.columns.keys() <= known:
        raise BadArchive(f"{service}: table {min(store.columns.keys() - known)} is unknown to this version")
    cursor.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, sorted(known)))))
    for table, names in store.columns.items():
        _load_table(service, cursor, table, names, folder / "stores" / f"{service}.{table}")


def _load_table(service: str, cursor: Any, table: str, names: list[str], file: Path) -> None:
    try:
        with file.open("rb") as content, cursor.copy(_copy("COPY {} ({}) FROM STDIN", table, names)) as copy:
            while chunk := content.read(CHUNK):
                copy.write(chunk)
    except psycopg.Error as error:
        raise BadArchive(f"{service}.{table}: {str(error).splitlines()[0]}") from error


def _migrate(service: str, connection: Connection, folder: str, revision: str) -> None:
    from alembic import command  # noqa: PLC0415  # heavy; not for every command
    from alembic.util import CommandError  # noqa: PLC0415  # likewise

    config = _migrations(folder)
    config.attributes |= {"connection": connection, "version_table": version_table(folder)}
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise BadArchive(f"{service}: the backup is of another version of the program: {error}") from error


def _require_known(service: str, folder: str, revision: str) -> None:
    """Raise `BadArchive` for a migration of a later version than this program."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # likewise
    from alembic.util import CommandError  # noqa: PLC0415  # likewise

    try:
        ScriptDirectory.from_config(_migrations(folder)).get_revision(revision)
    except CommandError as error:
        raise BadArchive(f"{service}: the backup is of another version of the program: {error}") from error


def _migrations(folder: str) -> "Config":
    from alembic.config import Config  # noqa: PLC0415  # likewise

    config = Config()
    config.set_main_option("script_location", str(ROOT / "services" / folder / "migrations"))
    return config


def _revisions(service: str, ask: Ask) -> tuple[str, str | None]:
    """Return the migration of the store, and that of the tables in a channel's own folder if it has any."""
    has_own = OWN_VERSION_TABLE in map(version_table, migrations(service))
    return _revision(ask, VERSION_TABLE), _revision(ask, OWN_VERSION_TABLE) if has_own else None


def _revision(ask: Ask, table: str) -> str:
    rows = list(ask(REVISION.format(table=table)))
    if len(rows) != 1:
        raise Broken("the store does not record its migration")
    return str(rows[0][0])


def _each(store: Store) -> list[str]:
    return [one for one in (store.revision, store.own_revision) if one is not None]


def _shown(revisions: tuple[str, str | None]) -> str:
    return " and ".join(one for one in revisions if one is not None)


def _copy(statement: str, table: str, names: Sequence[str]) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    return sql.SQL(statement).format(sql.Identifier(table), columns)


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _words(error: SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().splitlines()[0]
