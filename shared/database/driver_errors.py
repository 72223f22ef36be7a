"""Errors of database drivers as errors of this project: each names the cause, and the remedy where one is known."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.errors import Conflict, ConstraintViolated, DamagedStore, TongyuanError, Unavailable

SAME_ROW = frozenset(
    {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID}
)
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
FORBIDDEN = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH})
KIND_MASK = 0xFF
"""The lowest byte of SQLite's extended error codes is the error's kind."""

FULL_BYTES = 64 * 1024
"""SQLite reports a full disk as an I/O error too; with less free than this, the disk is what is wrong."""


@contextmanager
def as_ours(url: str) -> Iterator[None]:
    """Raise a driver's error as one of ours. `url`: the database; the file of a SQLite database is named.

    Raises `Unavailable` for what may pass or what an operator can put right, `DamagedStore` for a damaged file,
    `Conflict` for a row that another transaction made first, and `ConstraintViolated` for another violated constraint.
    """
    try:
        yield
    except PoolTimeout:
        raise Unavailable("database: every connection is in use") from None
    except (IntegrityError, psycopg.IntegrityError) as error:
        # Drop the driver's error: it quotes the row.
        raise _of_constraint(error.orig if isinstance(error, IntegrityError) else error) from None
    except (DBAPIError, psycopg.Error, sqlite3.Error) as error:
        ours = _translated(error.orig if isinstance(error, DBAPIError) else error, url)
        if ours is None:
            raise
        raise ours from error


def disk_is_full(folder: Path | str) -> str:
    """Return the sentence for a full disk under this folder."""
    return (
        f"the disk under {folder} is full: free space there, or move the folder to a larger disk "
        "and name it in TONGYUAN_DATA_DIR; what was committed is safe"
    )


def account() -> str:
    """Return the account that runs this process, for a sentence about its rights."""
    return f"the account that runs this (uid {os.getuid()})"


def _translated(error: BaseException | None, url: str) -> TongyuanError | None:
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error, Path(url.removeprefix("sqlite:///")))
    for_now = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction)
    # A read-only standby can answer for a moment during a failover.
    return Unavailable(f"database: {_reason(error)}") if isinstance(error, for_now) else None


def _of_sqlite(error: sqlite3.Error, file: Path) -> TongyuanError | None:
    kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & KIND_MASK
    if kind in DAMAGED:
        return DamagedStore(
            f"{file} is damaged ({_reason(error)}): stop the county and put this store back, "
            "as docs/operating/one-store.md says"
        )
    if kind == sqlite3.SQLITE_FULL or (kind == sqlite3.SQLITE_IOERR and _is_full(file.parent)):
        return Unavailable(f"{file}: {disk_is_full(file.parent)}")
    if kind in FORBIDDEN:
        return Unavailable(
            f"{file}: {_reason(error)}: {account()} must be able to read and write the file and its folder "
            "(TONGYUAN_DATA_DIR)"
        )
    passing = isinstance(error, (sqlite3.OperationalError, sqlite3.InterfaceError))
    return Unavailable(f"database: {_reason(error)} ({file})") if passing else None


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < FULL_BYTES
    except OSError as error:
        return error.errno == errno.ENOSPC


def _of_constraint(error: BaseException | None) -> Conflict | ConstraintViolated:
    """Map a violated constraint: a duplicate row is a race (read again), anything else is an error in our code."""
    if isinstance(error, sqlite3.IntegrityError):
        race, said = error.sqlite_errorcode in SAME_ROW, str(error)
    else:
        race = isinstance(error, (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation))
        diagnosis = error.diag if isinstance(error, psycopg.Error) else None
        names = (diagnosis.table_name, diagnosis.column_name, diagnosis.constraint_name) if diagnosis else ()
        said = f"{type(error).__name__} {'.'.join(name for name in names if name)}"
    return (
        Conflict("it was changed in the meantime; read it again") if race else ConstraintViolated(f"database: {said}")
    )


def _reason(error: BaseException | None) -> str:
    """Return the driver's message without the statement, which could quote data."""
    said = str(error)
    return said.splitlines()[0] if said else type(error).__name__
