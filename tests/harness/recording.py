"""A message handler that records messages in SQLite and follows orders in their bodies; used with every adapter."""

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from shared.messaging.delivery import Message, Refusal
from tests.harness.rabbitmq import WAIT_SECONDS, wait_until

ROOT = Path(__file__).resolve().parents[2]

TABLES = """
CREATE TABLE IF NOT EXISTS taken
    (n INTEGER PRIMARY KEY, message_id TEXT, body BLOB, key TEXT, sequence INT, headers TEXT);
CREATE TABLE IF NOT EXISTS offers (n INTEGER PRIMARY KEY, ids TEXT);
CREATE TABLE IF NOT EXISTS done_once (what TEXT PRIMARY KEY, times INT);
"""


class Recorder:
    """One SQLite file. A body may be a JSON object with one of these orders; anything else is accepted:

    `{"refuse": reason}` refuse it · `{"fail": n}` raise the first n times · `{"hog": true}` block, once, until the file
    `free` exists · `{"refuse": reason, "at": i}` break the rules: refuse a message that is not in the batch. While the
    file `down` exists every offer fails; bytes that are not UTF-8 are refused.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.down, self.free = file.with_suffix(".down"), file.with_suffix(".free")
        with closing(self._connect()) as database:
            database.executescript(TABLES)

    def __call__(self, messages: Sequence[Message]) -> Sequence[Refusal]:
        """The handler: records everything of a batch in one transaction, or nothing."""
        with closing(self._connect()) as database:
            self._note(database, "INSERT INTO offers (ids) VALUES (?)", json.dumps([m.message_id for m in messages]))
            if self.down.exists():
                raise ConnectionError("the database is down")
            refusals = []
            rows = []
            for index, message in enumerate(messages):
                order = _order(message.body)
                self._obey(database, message.message_id, order)
                if "refuse" in order:
                    refusals.append(Refusal(order.get("at", index), order["refuse"]))
                else:
                    rows.append(_row(message))
            with database:
                database.executemany(
                    "INSERT INTO taken (message_id, body, key, sequence, headers) VALUES (?, ?, ?, ?, ?)", rows
                )
            return refusals

    def taken(self) -> list[Message]:
        """Return every accepted message in order, with duplicates."""
        with closing(self._connect()) as database:
            rows = database.execute("SELECT body, key, message_id, sequence, headers FROM taken ORDER BY n").fetchall()
        return [Message(bytes(row[0]), row[1], row[2], row[3], json.loads(row[4])) for row in rows]

    def offers(self) -> list[list[str]]:
        """Return the message ids of every batch offered, in order."""
        with closing(self._connect()) as database:
            return [json.loads(row[0]) for row in database.execute("SELECT ids FROM offers ORDER BY n")]

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.file, timeout=10)

    def _obey(self, database: sqlite3.Connection, name: str, order: dict[str, Any]) -> None:
        if self._times(database, name) < order.get("fail", 0):
            self._once_more(database, name)
            raise RuntimeError(f"{name} asks to fail")
        if "hog" in order and self._times(database, name) == 0:
            self._once_more(database, name)
            _hold_up(self.free)

    def _times(self, database: sqlite3.Connection, what: str) -> int:
        row = database.execute("SELECT times FROM done_once WHERE what = ?", (what,)).fetchone()
        return int(row[0]) if row else 0

    def _once_more(self, database: sqlite3.Connection, what: str) -> None:
        statement = "INSERT INTO done_once VALUES (?, 1) ON CONFLICT (what) DO UPDATE SET times = times + 1"
        self._note(database, statement, what)

    def _note(self, database: sqlite3.Connection, statement: str, value: str) -> None:
        with database:
            database.execute(statement, (value,))


class RecordingWorker:
    """The worker process, seen from a test: one recorder for each queue, its output in the file `log`."""

    def __init__(self, folder: Path, url: str, *queues: str, size: int = 200, heartbeat: int = 10) -> None:
        self.log = folder / "worker.log"
        self.recorders = {queue: Recorder(folder / f"{queue}.sqlite") for queue in queues}
        self._arguments = [url, str(size), str(heartbeat), *(f"{q}={r.file}" for q, r in self.recorders.items())]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def recorder(self) -> Recorder:
        """The first queue's recorder."""
        return next(iter(self.recorders.values()))

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process."""
        assert self._process is not None
        return self._process

    def start(self) -> None:
        """Start it without waiting."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "tests.harness.recording_worker", *self._arguments]
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def terminate(self) -> int:
        """Send SIGTERM. Return its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=60)

    def kill(self) -> None:
        """kill -9, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=60)

    def wait_for(self, count: int, seconds: float = WAIT_SECONDS) -> list[Message]:
        """Return what was taken from the first queue, once there are `count` different messages."""
        wait_until(
            lambda: len({message.message_id for message in self.recorder.taken()}) >= count,
            f"only {len(self.recorder.taken())} of {count} taken; see {self.log}",
            seconds,
        )
        return self.recorder.taken()


def _hold_up(free: Path) -> None:
    """Block the whole process, like a long computation; eventlet's sleep would let other green threads run."""
    while not free.exists():
        signal.sigtimedwait([], 0.05)


def _order(body: bytes) -> dict[str, Any]:
    """Return the order in a body, {} if there is none."""
    try:
        content = json.loads(body.decode())
    except UnicodeDecodeError:
        return {"refuse": "not UTF-8"}
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _row(message: Message) -> tuple[str, bytes, str, int, str]:
    return message.message_id, message.body, message.routing_key, message.sequence, json.dumps(message.headers)
