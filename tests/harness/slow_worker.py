"""A worker whose statement waits: `python -m tests.harness.slow_worker AMQP DATABASE QUEUE PORT TICKS`."""

from shared.messaging.eventlet_patch import patch

if __name__ == "__main__":
    patch()

import sys
from collections.abc import Sequence
from pathlib import Path

from nameko.timer import timer
from sqlalchemy import text

from shared.database.connection_limits import WORKING
from shared.database.engine import Database
from shared.messaging.consumer import batch
from shared.messaging.delivery import Message
from shared.messaging.worker import run_worker
from shared.web.worker_http import serve_health

LOCK = 1
"""The handler's statement waits while this advisory lock is held."""

HEARTBEAT = 4
TICK_SECONDS = 0.1
WAIT = "SELECT pg_advisory_xact_lock(:lock)"


def main(url: str, database: str, queue: str, port: str, ticks: str) -> None:
    """Consume from the queue until SIGTERM; the timer appends a byte to the file `ticks`."""
    db = Database("slow", database, share=WORKING)
    serve_health("slow-worker", "127.0.0.1", int(port), lambda: db.fetch(text("SELECT 1")))
    run_worker(_service(db, queue, Path(ticks)), url, heartbeat=HEARTBEAT)


def _service(db: Database, queue: str, ticks: Path) -> type:
    class Slow:
        name = "slow"

        @batch(queue)
        def take(self, _messages: Sequence[Message]) -> None:
            with db.write() as session:
                session.connection().execute(text("SET LOCAL statement_timeout = 0"))
                session.connection().execute(text("SET LOCAL lock_timeout = 0"))
                session.connection().execute(text(WAIT), {"lock": LOCK})

        @timer(interval=TICK_SECONDS)  # type: ignore[untyped-decorator]  # nameko has no types
        def tick(self) -> None:
            with ticks.open("ab") as file:
                file.write(b".")

    return Slow


if __name__ == "__main__":
    main(*sys.argv[1:])
