"""A subscriber that was away while 100,000 events came gets all of them from its queue, in order of each key.

The log holds them; the queue holds 8,000 at a time. How long it took is printed (`-s`); docs/performance.md has it.
"""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from contracts.topology import INTEGRATOR_MESSAGES
from tests.harness.broker_queues import ready
from tests.harness.integrators import IntegratorBroker, QueueSubscribers
from tests.harness.pipeline import Pipeline, item, pipeline
from tests.harness.rabbitmq import PrivateRabbit, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("amqp-subscriptions")]

KEYS = int(os.environ.get("TONGYUAN_QUEUE_KEYS") or 20_000)
VERSIONS = 5
EVENTS = KEYS * VERSIONS
COLUMNS = "position, id, key, kind, op, type, version, at, event, chain"


@pytest.fixture
def county(tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline(tmp_path / "county", channels=()) as made:
        yield made


@pytest.fixture
def service(county: Pipeline, rabbitmq: PrivateRabbit, tmp_path: Path) -> Iterator[QueueSubscribers]:
    made = QueueSubscribers(county, tmp_path, IntegratorBroker(rabbitmq, tmp_path))
    yield made
    made.close()


def grow(service: QueueSubscribers) -> int:
    """Append events like a real one, round after round over all keys. Return the bytes of one."""
    (real,) = service.execute("SELECT event, at, chain FROM event WHERE position = 1")
    event = orjson.loads(real.event)
    with service.db.engine.begin() as connection:
        for version in range(1, VERSIONS + 1):
            rows = []
            for number in range(KEYS):
                position = 2 + (version - 1) * KEYS + number
                key = f"item:{number:08d}"
                text = {**event, "id": f"{key}/{version}", "subject": key, "sequence": str(position)}
                rows.append((
                    position, f"{key}/{version}", key, "item", "release", event["type"], version, real.at,
                    orjson.dumps(text).decode(), real.chain,
                ))  # fmt: skip
            connection.exec_driver_sql(
                f"INSERT INTO event ({COLUMNS}) VALUES ({', '.join('?' * len(COLUMNS.split(', ')))})",
                rows,
            )
        connection.exec_driver_sql("UPDATE log SET position = ?", (EVENTS + 1,))
    return len(real.event.encode())


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_hundred_thousand_events_wait_in_the_log_and_come_in_order(service: QueueSubscribers) -> None:
    one = service.integrator()
    service.county.release(item(1))
    service.flow()
    size = grow(service)
    with service.feeding():
        wait_until(lambda: ready(service.broker.admin_url, one.queue) > INTEGRATOR_MESSAGES / 2, "the queue is full")
        sys.stdout.write("the queue is full\n")
        began = time.monotonic()
        taken = one.take(EVENTS + 1, 600)
        took = time.monotonic() - began
    sys.stdout.write(f"{EVENTS} events of {size} bytes in {took:.1f} s: {EVENTS / took:.0f} a second\n")

    ids = [message.id for message in taken][1:]
    assert ids == list(dict.fromkeys(ids)), "nothing went wrong, so nothing came twice"
    assert ids == [f"item:{number:08d}/{version}" for version in range(1, VERSIONS + 1) for number in range(KEYS)]
