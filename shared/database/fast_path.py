"""Executes single statements on PostgreSQL directly through the driver, for those made at every publication.

SQLAlchemy's pool, transaction and result cost more processor time than the statement itself. Everything that needs a
transaction, or is not on the release path, goes through `shared.database.engine`.
"""

import re
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import namedtuple_row

from shared.database.connection_limits import WAIT_SECONDS
from shared.database.statements import PING

REST_SECONDS = 1.0


class FastPath:
    """At most `most` connections in autocommit. Thread-safe: no two statements share a connection at a time."""

    def __init__(self, url: str, most: int, **options: Any) -> None:
        self._url, self._options = url.replace("postgresql+psycopg://", "postgresql://", 1), options
        self._free = threading.BoundedSemaphore(most)
        self._idle: deque[tuple[float, psycopg.Connection[Any]]] = deque()

    def rows(self, statement: str, values: Mapping[str, Any]) -> Sequence[Any]:
        """Return named tuples. `:name` stands for a value, as in SQLAlchemy's text().

        Raises psycopg.Error; `OperationalError` also when every connection stays in use for `WAIT_SECONDS`.
        """
        if not self._free.acquire(timeout=WAIT_SECONDS):
            raise psycopg.OperationalError("every connection is in use")
        try:
            with self._taken() as connection:
                cursor = connection.execute(_of_driver(statement), values)
                return cursor.fetchall() if cursor.description else []
        finally:
            self._free.release()

    def close(self) -> None:
        """Close idle connections."""
        while self._idle:
            self._idle.pop()[1].close()

    @contextmanager
    def _taken(self) -> Iterator[psycopg.Connection[Any]]:
        """Yield a working connection; keep it for reuse unless a statement was interrupted on it."""
        connection = self._answering()
        try:
            yield connection
        finally:
            if not connection.closed and connection.pgconn.transaction_status == TransactionStatus.IDLE:
                self._idle.append((time.monotonic(), connection))
            else:
                connection.close()

    def _answering(self) -> psycopg.Connection[Any]:
        while True:
            try:
                used, connection = self._idle.pop()
            except IndexError:
                return psycopg.connect(self._url, autocommit=True, row_factory=namedtuple_row, **self._options)
            if time.monotonic() - used < REST_SECONDS or _answers(connection):
                return connection
            connection.close()


def _answers(connection: psycopg.Connection[Any]) -> bool:
    """Test an idle connection: the server may have restarted."""
    try:
        connection.execute(PING)
    except psycopg.Error:
        return False
    return True


@cache
def _of_driver(statement: str) -> bytes:
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", statement.replace("%", "%%")).encode()
