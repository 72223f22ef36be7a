"""Notifications that something in this database has changed.

A notification is a hint that saves waiting for the next poll; it may be lost, so every listener also polls. Within one
process it is a condition variable, between processes PostgreSQL's LISTEN/NOTIFY on a connection of its own. A listener
can also lead in a role (one relay, one sequencer).
"""

import threading
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Protocol

import psycopg
from sqlalchemy import TextClause, text
from sqlmodel import Session

from shared.database.leadership import Leadership

PATIENCE: dict[str, Any] = {
    "connect_timeout": 5,
    "tcp_user_timeout": 15_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""libpq's settings that detect a silent server; `tcp_user_timeout` in milliseconds, the other times in seconds."""


@dataclass(frozen=True)
class Notifying:
    """A statement that also notifies when its transaction commits, without another round trip.

    `returning`: the SQL up to the last column that it returns; `rest`: what follows that column.
    """

    returning: str
    rest: str = ""

    def sql(self, more: str = "") -> str:
        """Return the whole statement, with `more` as further columns."""
        return f"{self.returning}{more} {self.rest}"


class Listener(Protocol):
    """Waits for notifications. Not thread-safe."""

    def wait(self, timeout: float) -> bool:
        """Return True when there was a notification since the last call, False after `timeout` seconds without one."""

    def lead(self, role: str) -> bool:
        """Take or keep the lock of a role; False while another process holds it. Lost with its connection."""

    def close(self) -> None:
        """Stop listening and release the locks."""


class Notifier(Protocol):
    """Notifies the listeners of one database."""

    def notify(self, session: Session) -> None:
        """Notify if and when the session's transaction commits."""

    def notifying(self, statement: Notifying, session: Session | None = None) -> TextClause:
        """Append the notification to this statement. `session` is None when it is a transaction of its own."""

    def committed(self, session: Session) -> None:
        """Called by `Database.write` after its commit."""

    def listener(self) -> Listener:
        """Return a new listener."""

    def close(self) -> None:
        """Release what the notifier holds."""


class LocalNotifier:
    """`Notifier` for one process over SQLite: notifiers of the same file share one condition."""

    _conditions: ClassVar[dict[str, "_Counter"]] = {}

    def __init__(self, name: str) -> None:
        self._counter = self._conditions.setdefault(name, _Counter())

    def notify(self, session: Session) -> None:
        session.info["notify"] = True

    def notifying(self, statement: Notifying, session: Session | None = None) -> TextClause:
        if session is not None:
            self.notify(session)
        return prepared(statement.sql())

    def committed(self, session: Session) -> None:
        if session.info.pop("notify", False):
            self._counter.up()

    def listener(self) -> Listener:
        return _LocalListener(self._counter)

    def close(self) -> None:
        """There is nothing to release."""


class _Counter:
    def __init__(self) -> None:
        self.value = 0
        self.changed = threading.Condition()

    def up(self) -> None:
        with self.changed:
            self.value += 1
            self.changed.notify_all()


class _LocalListener:
    def __init__(self, counter: _Counter) -> None:
        self._counter = counter
        self._seen = -1

    def wait(self, timeout: float) -> bool:
        with self._counter.changed:
            notified = self._counter.changed.wait_for(lambda: self._counter.value != self._seen, timeout)
            self._seen = self._counter.value
        return notified

    def lead(self, role: str) -> bool:
        return True

    def close(self) -> None:
        pass


class PostgresNotifier:
    """`Notifier` between processes over PostgreSQL, which sends notifications at commit."""

    def __init__(self, service: str, url: str) -> None:
        self._channel = f"tongyuan_{service}"
        self._notify = f"pg_notify('{self._channel}', '')"
        self._service = service
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)

    def notify(self, session: Session) -> None:
        session.connection().execute(prepared(f"SELECT {self._notify}"))

    def notifying(self, statement: Notifying, session: Session | None = None) -> TextClause:
        return prepared(statement.sql(f", {self._notify}"))

    def committed(self, session: Session) -> None:
        """PostgreSQL has already notified."""

    def listener(self) -> Listener:
        return _PostgresListener(self._url, self._service, self._channel)

    def close(self) -> None:
        """There is nothing to release."""


class _PostgresListener:
    def __init__(self, url: str, service: str, channel: str) -> None:
        self._url, self._service, self._channel = url, service, channel
        self._connection: psycopg.Connection | None = None
        self._roles: dict[str, Leadership] = {}

    def wait(self, timeout: float) -> bool:
        try:
            notes = list(self._connected().notifies(timeout=timeout, stop_after=1))
        except psycopg.Error:
            self._hang_up()
            threading.Event().wait(min(timeout, 0.2))
            return True
        return bool(notes)

    def lead(self, role: str) -> bool:
        if role not in self._roles:
            self._roles[role] = Leadership(self._connect, self._service, role)
        return self._roles[role].look()

    def close(self) -> None:
        self._hang_up()
        for role in self._roles.values():
            role.close()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
            self._connection.execute(f"LISTEN {self._channel}")
        return self._connection

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self._url, autocommit=True, **PATIENCE)


@cache
def prepared(statement: str) -> TextClause:
    """Return the statement as SQLAlchemy's `text`, built once."""
    return text(statement)
