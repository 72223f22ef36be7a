"""Leader election for a role (one sequencer, one relay per lane) with a PostgreSQL lock.

The lock is on a table in the service's own schema. An advisory lock would not do: any account of the database may take
it, so any channel's account could keep the sequencer from starting.

The lock lives in an open transaction without a transaction id or snapshot, so vacuum can still remove dead rows. If we
die, the server ends the session and another process leads. If only the connection dies, we stop leading at the next
check; until then two may lead, which causes duplicates (a relay) or a lost race for a position (the sequencer).
"""

from collections.abc import Callable

import psycopg
from psycopg import sql
from psycopg.errors import DuplicateTable, LockNotAvailable, UniqueViolation

from shared.database.statements import PING, SET_APPLICATION_NAME

APPLICATION = "tongyuan leads"
"""`application_name` of these sessions; it tells operators that their open transaction is intended."""

MAKE = sql.SQL("CREATE TABLE IF NOT EXISTS {} ()")
LOCK = sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE NOWAIT")


class Leadership:
    """One role of one service. Not thread-safe. `connect` opens a connection in autocommit mode."""

    def __init__(self, connect: Callable[[], psycopg.Connection], service: str, role: str) -> None:
        self._connect = connect
        self._table = sql.Identifier(service, f"leader_{role}")
        self._connection: psycopg.Connection | None = None
        self._leads = False

    def look(self) -> bool:
        """Take or keep the role; False while another process holds it, or the server is unreachable."""
        try:
            connection = self._connected()
            if self._leads:
                # psycopg prepares what is asked often, and the portal of a prepared statement keeps its snapshot until
                # the transaction ends: vacuum could remove nothing for as long as we lead.
                connection.execute(PING, prepare=False)
            else:
                self._leads = self._take(connection)
        except psycopg.Error:
            self.close()
        return self._leads

    def close(self) -> None:
        """Give up the role."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._leads = False

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self.close()
            self._connection = self._connect()
            self._connection.execute(SET_APPLICATION_NAME, (APPLICATION,))
            # The server may be set to end idle transactions.
            self._connection.execute("SET idle_in_transaction_session_timeout = 0")
            self._make(self._connection)
        return self._connection

    def _make(self, connection: psycopg.Connection) -> None:
        try:
            connection.execute(MAKE.format(self._table))
        except (DuplicateTable, UniqueViolation):
            return  # another process created it at the same moment

    def _take(self, connection: psycopg.Connection) -> bool:
        connection.execute("BEGIN")
        try:
            connection.execute(LOCK.format(self._table))
        except LockNotAvailable:
            connection.execute("ROLLBACK")
            return False
        return True
