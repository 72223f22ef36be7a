"""While a worker waits for its database, all else of the process goes on: heartbeats, timers, health."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from shared.messaging.delivery import Message
from tests.harness.amqp_site import QUEUE, Site
from tests.harness.broker_queues import consumers
from tests.harness.county import REPOSITORY
from tests.harness.ports import free_port
from tests.harness.rabbitmq import wait_until
from tests.harness.slow_worker import HEARTBEAT, LOCK, TICK_SECONDS

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("breakable-broker")]

LONGER_THAN_A_DEAD_CONNECTION = int(2.5 * HEARTBEAT / TICK_SECONDS)
"""Ticks. The broker gives a worker up that has been silent for two heartbeats."""

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%pg_advisory_xact_lock%'"
)


@contextmanager
def slow_worker(site: Site, database_url: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """Address of its health, and the file to which its timer adds."""
    port, ticks = free_port(), folder / "ticks"
    command = [sys.executable, "-m", "tests.harness.slow_worker", site.url, database_url, QUEUE, str(port), str(ticks)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}", ticks
    finally:
        process.kill()
        process.wait(60)


def ticked(ticks: Path) -> int:
    return ticks.stat().st_size if ticks.exists() else 0


def test_heartbeats_timers_and_health_go_on_while_a_statement_runs(
    site: Site, database_url: str, tmp_path: Path
) -> None:
    site.declare()
    dsn = database_url.replace("+psycopg", "")
    with (
        psycopg.connect(dsn, autocommit=True) as onlooker,
        slow_worker(site, database_url, tmp_path) as (health, ticks),
    ):

        def statement_runs() -> bool:
            row = onlooker.execute(WAITING).fetchone()
            return bool(row and row[0])

        onlooker.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        site.publisher().publish([Message(b"{}", "339921000000.item.release", "slow")])
        wait_until(statement_runs, "the handler's statement never ran")
        before = ticked(ticks)
        assert httpx.get(f"{health}/readyz", timeout=60).status_code == 200
        wait_until(lambda: ticked(ticks) > before + LONGER_THAN_A_DEAD_CONNECTION, "the timer stands still")
        counted = httpx.get(f"{health}/metrics", timeout=60).text

        assert statement_runs(), "it must not have ended meanwhile, or this proves nothing"
        assert f'tongyuan_consumer_reconnects_total{{queue="{QUEUE}"}} 0.0' in counted
        assert consumers(site.url, QUEUE) == 1


SILENT = """
from shared.messaging.eventlet_patch import eventlet, patch
patch()
import psycopg, sys
ticks = []
def tick():
    while True:
        ticks.append(1)
        eventlet.sleep(0.05)
eventlet.spawn(tick)
try:
    psycopg.connect(f"postgresql://x@127.0.0.1:{sys.argv[1]}/x", connect_timeout=3)
except psycopg.OperationalError:
    print(len(ticks))
"""


def test_a_server_that_says_nothing_holds_up_nothing_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-c", SILENT, port], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
    assert int(done.stdout) > 3
