"""What is measured while faults rage and after they are healed: counters, resources, and whether everything settles."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psycopg
from pika.exceptions import AMQPError
from prometheus_client.parser import text_string_to_metric_families

from contracts.topology import CHANNELS, QUEUES, SOURCES
from tests.harness.broker_queues import consumers, dead_letters, ready
from tests.harness.county import ProductionCounty
from tests.harness.history import History

SAMPLE_SECONDS = 2.0
COUNTERS = ("tongyuan_relay_failures", "tongyuan_consumer_retries", "tongyuan_consumer_reconnects")
ALARMS = {"tongyuan_outbox_oldest_age_seconds": 60.0, "tongyuan_parked_entries": 0.0, "tongyuan_channel_halted": 0.0}
"""Metrics that an operator is woken for above this value; the same that the manual names."""

LIMITS = {"resident MiB": 400.0, "descriptors": 250.0, "queue": 5000.0}
OPEN_TRANSACTIONS = """
SELECT usename || ' ' || application_name || ' ' || pid, extract(epoch FROM clock_timestamp() - xact_start)
FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class Sampler:
    """Writes counters and resources of every process into the history until told to stop."""

    def __init__(self, county: ProductionCounty, history: History) -> None:
        self._county, self._history = county, history
        history.limits |= LIMITS

    def run(self, stop: threading.Event) -> None:
        """Every two seconds; what does not answer now is asked the next time."""
        while not stop.wait(SAMPLE_SECONDS):
            for name, process in list(self._county.processes.items()):
                with suppress(OSError):
                    self._resources(name, process.pid)
                for what, value in samples(self._county, name, *COUNTERS):
                    self._history.add(name, "count", what=what, value=value)

    def _resources(self, name: str, pid: int) -> None:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        self._history.add(name, "sample", what="resident MiB", value=pages * 4096 / 2**20)
        self._history.add(name, "sample", what="descriptors", value=len(list(Path(f"/proc/{pid}/fd").iterdir())))


def samples(county: ProductionCounty, name: str, *wanted: str) -> Iterator[tuple[str, float]]:
    """Values of these metrics of a process, by metric and labels; none when it does not answer."""
    path = "metrics" if name.endswith("-worker") else f"{name}/metrics"
    try:
        text = httpx.get(f"{county.url(name)}/{path}", timeout=5, trust_env=False).text
    except httpx.HTTPError:
        return
    for family in text_string_to_metric_families(text):
        if family.name in wanted:
            for one in family.samples:
                if not one.name.endswith("_created"):
                    yield f"{family.name} {','.join(one.labels.values())}", one.value


def settle(history: History, county: ProductionCounty, amqp_url: str, dsn: str, canary: int) -> float:
    """Look at everything that must come to rest, until it has, or until it is far too late; the seconds it took.

    `canary` is the ledger's size with the release that was made after the last fault was healed.
    """
    healed = history.add("nemesis", "healed").t
    at_rest = False
    while not at_rest and history.now() < healed + 70 * history.patience:
        at_rest = look(history, county, amqp_url, dsn, canary)
        time.sleep(0.2)
    for queue in QUEUES:
        history.dead |= {message for message, _ in dead_letters(amqp_url, queue.name)}
    return history.now() - healed


def look(history: History, county: ProductionCounty, amqp_url: str, dsn: str, canary: int) -> bool:
    """One look; True when all is at rest."""
    found = [
        *_readiness(county),
        *_outboxes(county),
        *_positions(county, canary),
        *_queues(amqp_url),
        *_alarms(county),
    ]
    with psycopg.connect(dsn) as connection:
        locks = connection.execute(OPEN_TRANSACTIONS).fetchall()
    for actor, age in locks:
        history.add(str(actor), "state", what="lock", value=float(age))
    for what, actor, value in found:
        history.add(actor, "state", what=what, value=value)
        if what == "queue":
            history.add(actor, "sample", what="queue", value=value)
    return all(value == 0 for _, _, value in found)


def _readiness(county: ProductionCounty) -> Iterator[tuple[str, str, float]]:
    for name in county.names:
        path = "readyz" if name.endswith("-worker") else f"{name}/readyz"
        try:
            good = httpx.get(f"{county.url(name)}/{path}", timeout=5, trust_env=False).is_success
        except httpx.HTTPError:
            good = False
        yield "unready", name, float(not good)


def _outboxes(county: ProductionCounty) -> Iterator[tuple[str, str, float]]:
    for name in (*SOURCES, "ledger"):
        depths = list(samples(county, name, "tongyuan_outbox_depth"))
        yield "outbox", name, sum(value for _, value in depths) if depths else 1.0


def _positions(county: ProductionCounty, canary: int) -> Iterator[tuple[str, str, float]]:
    try:
        size = county.http("ledger").get("/ledger/v1/head").json()["size"]
        for channel in CHANNELS:
            position = county.http(channel).get(f"/{channel}/v1/position").json()["position"]
            yield "behind", channel, float(max(size, canary) - position)
            yield "canary", f"{channel}-worker", float(position < canary)
    except (httpx.HTTPError, KeyError, ValueError):
        yield "behind", "ledger", 1.0


def _queues(amqp_url: str) -> Iterator[tuple[str, str, float]]:
    """A queue without a consumer is a zombie's: the process lives, its heart beats, and nobody takes anything."""
    for queue in QUEUES:
        try:
            yield "queue", queue.name, float(ready(amqp_url, queue.name))
            yield "canary", f"consumer of {queue.name}", float(consumers(amqp_url, queue.name) == 0)
        except AMQPError:
            yield "queue", queue.name, 1.0


def _alarms(county: ProductionCounty) -> Iterator[tuple[str, str, float]]:
    for name in county.names:
        for what, value in samples(county, name, *ALARMS):
            yield "alarm", f"{name} {what}", float(value > ALARMS[what.partition(" ")[0]])
