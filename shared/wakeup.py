"""The bell: "there is something new in this database", as a hint that saves waiting for the next poll.

A hint may be lost; whoever waits also polls. In one process it is a condition, between processes PostgreSQL's
LISTEN/NOTIFY on a connection of its own, which can also hold the lock of a role (one relay, one sequencer).
"""

import threading
import zlib
from functools import cache
from typing import Any, ClassVar, Protocol

import psycopg
from sqlalchemy import TextClause, text
from sqlmodel import Session

PATIENCE: dict[str, Any] = {
    "connect_timeout": 5,
    "tcp_user_timeout": 15_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""libpq's settings (seconds, the second milliseconds): a server that went away without a word is given up."""


BELL = "/* bell */"


class Ear(Protocol):
    """One waiter. Not thread-safe."""

    def wait(self, timeout: float) -> bool:
        """Return when the bell has rung since the last call (True), or after `timeout` seconds (False)."""

    def lead(self, role: str) -> bool:
        """Take or keep the lock of a role; False while another process holds it. Lost with the connection."""

    def close(self) -> None:
        """Stop listening and let go of the locks."""


class Bell(Protocol):
    """One bell a database."""

    def ring(self, session: Session) -> None:
        """Ring when, and only when, the session's transaction commits."""

    def ringing(self, statement: str, session: Session | None = None) -> TextClause:
        """The same by a statement that is sent anyway: what it returns ends in `BELL`. No session: it is alone."""

    def committed(self, session: Session) -> None:
        """Called by `Database.write` after its commit."""

    def ear(self) -> Ear:
        """A new waiter."""

    def close(self) -> None:
        """Free what the bell holds."""


class LocalBell:
    """For one process over SQLite: every bell of the same file is the same condition."""

    _conditions: ClassVar[dict[str, "_Counter"]] = {}

    def __init__(self, name: str) -> None:
        self._counter = self._conditions.setdefault(name, _Counter())

    def ring(self, session: Session) -> None:
        """See `Bell`."""
        session.info["ring"] = True

    def ringing(self, statement: str, session: Session | None = None) -> TextClause:
        """See `Bell`."""
        if session is not None and BELL in statement:
            self.ring(session)
        return _prepared(statement)

    def committed(self, session: Session) -> None:
        """See `Bell`."""
        if session.info.pop("ring", False):
            self._counter.up()

    def ear(self) -> Ear:
        """See `Bell`."""
        return _LocalEar(self._counter)

    def close(self) -> None:
        """Nothing is held."""


class _Counter:
    def __init__(self) -> None:
        self.value = 0
        self.changed = threading.Condition()

    def up(self) -> None:
        with self.changed:
            self.value += 1
            self.changed.notify_all()


class _LocalEar:
    def __init__(self, counter: _Counter) -> None:
        self._counter = counter
        self._seen = -1

    def wait(self, timeout: float) -> bool:
        with self._counter.changed:
            rung = self._counter.changed.wait_for(lambda: self._counter.value != self._seen, timeout)
            self._seen = self._counter.value
        return rung

    def lead(self, role: str) -> bool:
        return True

    def close(self) -> None:
        pass


class PostgresBell:
    """Between processes over PostgreSQL."""

    def __init__(self, service: str, url: str) -> None:
        self._channel = f"tongyuan_{service}"
        self._notify = f"pg_notify('{self._channel}', '')"
        self._service = service
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)

    def ring(self, session: Session) -> None:
        """See `Bell`; PostgreSQL sends it at commit."""
        session.connection().execute(_prepared(f"SELECT {self._notify}"))

    def ringing(self, statement: str, session: Session | None = None) -> TextClause:
        """See `Bell`."""
        return _prepared(statement.replace(BELL, f", {self._notify}"))

    def committed(self, session: Session) -> None:
        """See `Bell`; nothing is left to do."""

    def ear(self) -> Ear:
        """See `Bell`."""
        return _PostgresEar(self._url, self._service, self._channel)

    def close(self) -> None:
        """Nothing is held."""


class _PostgresEar:
    def __init__(self, url: str, service: str, channel: str) -> None:
        self._url, self._service, self._channel = url, service, channel
        self._connection: psycopg.Connection | None = None
        self._held: set[str] = set()

    def wait(self, timeout: float) -> bool:
        try:
            notes = list(self._connected().notifies(timeout=timeout, stop_after=1))
        except psycopg.Error:
            self.close()
            threading.Event().wait(min(timeout, 0.2))
            return True
        return bool(notes)

    def lead(self, role: str) -> bool:
        try:
            connection = self._connected()
            if role in self._held:
                connection.execute("SELECT 1")
                return True
            number = zlib.crc32(f"{self._service}/{role}".encode())
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (number,)).fetchone()
        except psycopg.Error:
            self.close()
            return False
        if row and row[0]:
            self._held.add(role)
        return role in self._held

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._held.clear()

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._held.clear()
            self._connection = psycopg.connect(self._url, autocommit=True, **PATIENCE)
            self._connection.execute(f"LISTEN {self._channel}")
        return self._connection


@cache
def _prepared(statement: str) -> TextClause:
    return text(statement)
