"""One statement at a time to PostgreSQL, straight through the driver: for what is said at every publication.

SQLAlchemy's way through pool, transaction and result costs more processor time than the statement itself. Everything
that needs a transaction, or is not on a publication's way, goes through `shared.database`.
"""

import re
import time
from collections import deque
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

REST_SECONDS = 1.0
KEPT = 5


class Direct:
    """Connections in autocommit. Thread-safe: a statement has its connection to itself."""

    def __init__(self, url: str, **options: Any) -> None:
        self._url, self._options = url.replace("postgresql+psycopg://", "postgresql://", 1), options
        self._idle: deque[tuple[float, psycopg.Connection[Any]]] = deque()

    def rows(self, statement: str, values: Mapping[str, Any]) -> Sequence[Any]:
        """Named tuples. `:name` stands for a value, as in SQLAlchemy's text(). Raises psycopg.Error."""
        connection = self._taken()
        try:
            cursor = connection.execute(_of_driver(statement), values)
            rows = cursor.fetchall() if cursor.description else []
        except psycopg.OperationalError:
            connection.close()
            raise
        finally:
            if not connection.closed and len(self._idle) < KEPT:
                self._idle.append((time.monotonic(), connection))
        return rows

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop()[1].close()

    def _taken(self) -> psycopg.Connection[Any]:
        while True:
            try:
                used, connection = self._idle.pop()
            except IndexError:
                return psycopg.connect(self._url, autocommit=True, row_factory=namedtuple_row, **self._options)
            if time.monotonic() - used < REST_SECONDS or _answers(connection):
                return connection
            connection.close()


def _answers(connection: psycopg.Connection[Any]) -> bool:
    """A connection that has rested may be dead: the server was restarted."""
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


@cache
def _of_driver(statement: str) -> bytes:
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", statement.replace("%", "%%")).encode()
