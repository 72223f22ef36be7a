"""What a subscriber has to know after a restart, in one SQLite file."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from tongyuan_client.entry import Entry
from tongyuan_client.errors import Halted
from tongyuan_client.merkle import EMPTY_ROOT
from tongyuan_client.notes import Key

_TABLES = """
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS version (key TEXT PRIMARY KEY, version INTEGER);
CREATE TABLE IF NOT EXISTS root (size INTEGER PRIMARY KEY, root BLOB);
CREATE TABLE IF NOT EXISTS waiting (
  position INTEGER PRIMARY KEY, key TEXT, version INTEGER, digest TEXT, starts TEXT, part_of TEXT
);
CREATE TABLE IF NOT EXISTS act (key TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS parked (position INTEGER PRIMARY KEY, entry TEXT);
CREATE TABLE IF NOT EXISTS trusted (key_id TEXT PRIMARY KEY, vkey TEXT, until TEXT);
"""
_OF_THE_FEED = ("version", "waiting", "act", "parked")
"""Emptied when the feed begins anew. Roots and keys stay: what was signed cannot become unsigned."""


class State:
    """The stored state. Changes count when `transaction` ends; if it raises, they are undone."""

    def __init__(self, file: Path | str = ":memory:") -> None:
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _TABLES)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @property
    def position(self) -> int:
        """Position of the last entry taken; 0: none."""
        return int(self.fact("position") or 0)

    def fact(self, name: str) -> str | None:
        """Return a stored fact: position, epoch, halted, statement."""
        found: str | None = self._one("SELECT value FROM fact WHERE name = ?", name)
        return found

    def set_fact(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def start_over(self, epoch: str | None) -> None:
        """Forget the feed, not the roots that were signed."""
        for table in _OF_THE_FEED:
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608  # names of our own tables
        self.set_fact("position", "0")
        if epoch is not None:
            self.set_fact("epoch", epoch)

    def version(self, key: str) -> int:
        """Return the highest version delivered of a key; 0: none."""
        return int(self._one("SELECT version FROM version WHERE key = ?", key) or 0)

    def delivered(self, key: str, version: int) -> None:
        self._db.execute("INSERT OR REPLACE INTO version VALUES (?, ?)", (key, version))
        self._db.execute("DELETE FROM waiting WHERE key = ? AND version <= ?", (key, version))

    def root(self, size: int) -> bytes | None:
        """Return the root of the first `size` entries; None: not known."""
        if size == 0:
            return EMPTY_ROOT
        found: bytes | None = self._one("SELECT root FROM root WHERE size = ?", size)
        return found

    def witness(self, size: int, root: bytes) -> None:
        """Remember a signed root. Raises `Halted` if another one was signed for this size."""
        known = self.root(size)
        if known is None:
            self._db.execute("INSERT INTO root VALUES (?, ?)", (size, root))
        elif known != root:
            raise Halted(
                f"two histories are signed: the first {size} entries have roots {known.hex()} and {root.hex()}"
            )

    def wait(self, entry: Entry, starts: datetime | None) -> None:
        row = (entry.position, entry.key, entry.version, entry.digest, starts and starts.isoformat(), entry.part_of)
        self._db.execute("INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?, ?, ?)", row)

    def waiting_digest(self, position: int) -> str | None:
        """Return the digest of an entry that waits for its time; None: no such entry waits."""
        found: str | None = self._one("SELECT digest FROM waiting WHERE position = ?", position)
        return found

    def done_waiting(self, position: int) -> None:
        self._db.execute("DELETE FROM waiting WHERE position = ?", (position,))

    def due(self, now: datetime) -> list[int]:
        """Return the positions whose time has come, and whose set is complete, if they belong to one."""
        query = (
            "SELECT position FROM waiting WHERE (starts IS NULL OR starts <= ?)"
            " AND (part_of IS NULL OR part_of IN (SELECT key FROM act)) ORDER BY position"
        )
        return [row[0] for row in self._db.execute(query, (now.isoformat(),))]

    def remember_act(self, key: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO act VALUES (?)", (key,))

    def has_act(self, key: str) -> bool:
        return self._one("SELECT 1 FROM act WHERE key = ?", key) is not None

    def park(self, position: int, entry: dict[str, Any]) -> None:
        """Keep an entry that this version does not understand, for the one that will."""
        self._db.execute("INSERT OR REPLACE INTO parked VALUES (?, ?)", (position, json.dumps(entry)))

    def parked(self) -> list[dict[str, Any]]:
        """Return the entries that were not understood, in order of position."""
        return [json.loads(row[0]) for row in self._db.execute("SELECT entry FROM parked ORDER BY position")]

    def trusted_keys(self) -> list[Key]:
        """Return the trusted keys."""
        return [Key.of_vkey(vkey, until) for vkey, until in self._db.execute("SELECT vkey, until FROM trusted")]

    def trust(self, key: Key) -> None:
        self._db.execute("INSERT OR REPLACE INTO trusted VALUES (?, ?, ?)", (key.key_id, key.vkey, key.until))

    def _one(self, query: str, value: str | int) -> Any:
        row = self._db.execute(query, (value,)).fetchone()
        return row[0] if row else None
