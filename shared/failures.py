"""Errors that end a command or a process, as one sentence: file, setting, remedy. A bug of ours keeps its traceback."""

import errno
from collections.abc import Iterator

from shared.config import SettingsError
from shared.errors import Invalid, TongyuanError

PROBLEM, USAGE = 1, 2
RIGHTS = frozenset({errno.EACCES, errno.EPERM})
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def sentence(error: Exception) -> str | None:
    """Return what happened and what to do on one line; None for an error that only a programmer understands."""
    if isinstance(error, (SettingsError, TongyuanError)):
        return " ".join(str(error).split())
    if isinstance(error, OSError):
        return _of_file(error)
    return _of_database(error)


def exit_code(error: Exception) -> int:
    """Return 2 for wrong usage or a wrong setting, else 1."""
    return USAGE if isinstance(error, (SettingsError, Invalid)) else PROBLEM


def _of_file(error: OSError) -> str:
    """Say which file, why, and what to do. Errors of connections carry no file."""
    from shared.database.driver_errors import account, disk_is_full  # noqa: PLC0415  # heavy, and needed for a failure only

    reason = error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        remedy = f": {disk_is_full('the data folder')}" if error.errno in FULL else ""
        return f"{reason}{remedy}"
    where = f"{error.filename}: {reason}"
    if error.errno in FULL:
        return f"{where}: free space on its disk; a data folder can be moved to a larger one (TONGYUAN_DATA_DIR)"
    if error.errno in RIGHTS:
        return f"{where}: {account()} needs the right to use it: change its owner or mode, or run as its owner"
    if error.errno == errno.EROFS:
        return f"{where}: its disk is mounted read-only: mount it for writing, or set TONGYUAN_DATA_DIR"
    if error.errno == errno.ENOENT:
        return f"{where}: check the path; the data folder is set by TONGYUAN_DATA_DIR or --data-dir"
    return where


def _of_database(error: Exception) -> str | None:
    """Say what PostgreSQL refuses: a missing right, a missing table. The statement stays out: it may quote data."""
    from psycopg import Error, errors  # noqa: PLC0415  # likewise
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415  # likewise

    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, Error):
        return None
    reason = next(_lines(cause), type(cause).__name__)
    if isinstance(cause, errors.InsufficientPrivilege):
        return (
            f"database: {reason}: the account of TONGYUAN_DATABASE_URL lacks this right; "
            "deploy/postgres grants each service its own (docs/operating/starting.md)"
        )
    if isinstance(cause, (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName)):
        return f"database: {reason}: run `tongyuan migrate` with this version first"
    return f"database: {reason}"


def _lines(error: BaseException) -> Iterator[str]:
    return iter(str(error).strip().splitlines())
