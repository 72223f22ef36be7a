"""Measurements during and after faults: counters, resources, and whether the county settles."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
import psycopg
from pika.exceptions import AMQPError
from prometheus_client.parser import text_string_to_metric_families

from contracts.topology import SOURCES
from services.runtime.manifests import CHANNELS, topology
from tests.harness.broker_queues import consumers, dead_letters, ready
from tests.harness.county import ProductionCounty, is_worker, kind, public_authorities
from tests.harness.history import History

SAMPLE_SECONDS = 2.0
PROBES = 12
Seen = tuple[str, str, float]
"""One of `tests.harness.history.STATES`, its process, and its value."""

COUNTERS = ("tongyuan_relay_failures", "tongyuan_consumer_retries", "tongyuan_consumer_reconnects")
ALARMS = {
    "tongyuan_outbox_oldest_age_seconds": 60.0,
    "tongyuan_head_age_seconds": 60.0,
    "tongyuan_parked_entries": 0.0,
    "tongyuan_channel_halted": 0.0,
    "tongyuan_audit_unreachable": 0.0,
}
"""Metrics that alert an operator above this value; the manual names the same."""

LIMITS = {"resident MiB": 400.0, "descriptors": 250.0, "queue": 5000.0}
OPEN_TRANSACTIONS = """
SELECT usename || ' ' || application_name || ' ' || pid, extract(epoch FROM clock_timestamp() - xact_start)
FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'
AND NOT (application_name = 'tongyuan leads' AND backend_xid IS NULL AND backend_xmin IS NULL)
"""
"""A leader's transaction is meant to stay open, see `shared.database.leadership`."""


class Sampler:
    """Records counters, alarms and resources of every process in the history until stopped."""

    def __init__(self, county: ProductionCounty, history: History) -> None:
        self._county, self._history = county, history
        history.limits |= LIMITS

    def run(self, stop: threading.Event) -> None:
        """Sample every two seconds; a process that does not answer is sampled the next time."""
        while not stop.wait(SAMPLE_SECONDS):
            for name, process in list(self._county.processes.items()):
                with suppress(OSError):
                    self._resources(name, process.pid)
                for what, value in samples(self._county, name, *COUNTERS, *ALARMS):
                    if what.partition(" ")[0] in COUNTERS:
                        self._history.add(name, "count", what=what, value=value)
                    else:
                        self._history.add(f"{name} {what}", "state", what="alarm", value=float(raised(what, value)))

    def _resources(self, name: str, pid: int) -> None:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        self._history.add(name, "sample", what="resident MiB", value=pages * 4096 / 2**20)
        self._history.add(name, "sample", what="descriptors", value=len(list(Path(f"/proc/{pid}/fd").iterdir())))


def samples(county: ProductionCounty, name: str, *wanted: str) -> Iterator[tuple[str, float]]:
    """Yield values of these metrics of a process, by metric and labels in order; nothing if it does not answer."""
    path = "metrics" if is_worker(name) else f"{kind(name)}/metrics"
    try:
        text = httpx.get(f"{county.url(name)}/{path}", timeout=5, trust_env=False, verify=public_authorities()).text
    except httpx.HTTPError:
        return
    for family in text_string_to_metric_families(text):
        if family.name in wanted:
            for one in family.samples:
                if not one.name.endswith("_created"):
                    yield f"{family.name} {','.join(value for _, value in sorted(one.labels.items()))}", one.value


def settle(history: History, county: ProductionCounty, amqp_url: str, dsn: str, canary: int) -> float:
    """Observe everything that must settle, until it has or the time is long over. Return the seconds it took.

    `canary` is the ledger's size with the release made after the last fault was healed.
    """
    healed = history.add("nemesis", "healed").t
    at_rest = False
    while not at_rest and history.now() < healed + 70 * history.patience:
        at_rest = look(history, county, amqp_url, dsn, canary)
        time.sleep(0.2)
    for queue in topology().queues:
        history.dead |= {message for message, _ in dead_letters(amqp_url, queue.name)}
    return history.now() - healed


def look(history: History, county: ProductionCounty, amqp_url: str, dsn: str, canary: int) -> bool:
    """Observe once. Return True if everything has settled.

    All probes run at once, and each records its result immediately: one slow answer must not delay another's.
    """
    probes: list[Callable[[], Iterator[Seen]]] = [
        *(partial(_process, county, name) for name in county.names),
        *(partial(_queue, amqp_url, queue.name) for queue in topology().queues),
        partial(_positions, county, canary),
        partial(_locks, dsn),
    ]

    def probe(one: Callable[[], Iterator[Seen]]) -> bool:
        good = True
        for what, actor, value in one():
            history.add(actor, "state", what=what, value=value)
            if what == "queue":
                history.add(actor, "sample", what="queue", value=value)
            good = good and (value == 0 or what == "lock")
        return good

    with ThreadPoolExecutor(PROBES) as pool:
        return all(list(pool.map(probe, probes)))


def _process(county: ProductionCounty, name: str) -> Iterator[Seen]:
    """Yield readiness, outboxes and alarms of one process."""
    path = "readyz" if is_worker(name) else f"{kind(name)}/readyz"
    try:
        good = httpx.get(
            f"{county.url(name)}/{path}", timeout=5, trust_env=False, verify=public_authorities()
        ).is_success
    except httpx.HTTPError:
        good = False
    yield "unready", name, float(not good)
    found = dict(samples(county, name, "tongyuan_outbox_depth", *ALARMS))
    depths = [value for what, value in found.items() if what.startswith("tongyuan_outbox_depth")]
    if name in (*SOURCES, "ledger"):
        yield "outbox", name, sum(depths) if depths else 1.0
    for what, value in found.items():
        if what.partition(" ")[0] in ALARMS:
            yield "alarm", f"{name} {what}", float(raised(what, value))


def _locks(dsn: str) -> Iterator[Seen]:
    with psycopg.connect(dsn) as connection:
        for actor, age in connection.execute(OPEN_TRANSACTIONS).fetchall():
            yield "lock", str(actor), float(age)


def _queue(amqp_url: str, name: str) -> Iterator[Seen]:
    """Yield the state of a queue. One without a consumer reveals a zombie: a live process that consumes nothing."""
    try:
        yield "queue", name, float(ready(amqp_url, name))
        yield "canary", f"consumer of {name}", float(consumers(amqp_url, name) == 0)
    except AMQPError:
        yield "queue", name, 1.0


def _positions(county: ProductionCounty, canary: int) -> Iterator[Seen]:
    try:
        size = county.http("ledger").get("/ledger/v1/head").json()["size"]
        yield "behind", "ledger", float(max(canary - size, 0))
        for channel in CHANNELS:
            position = county.http(channel).get(f"/{channel}/v1/position").json()["position"]
            yield "behind", channel, float(max(size, canary) - position)
            yield "canary", f"{channel}-worker", float(position < canary)
    except (httpx.HTTPError, KeyError, ValueError):
        yield "behind", "ledger", 1.0


def raised(what: str, value: float) -> bool:
    """Whether this value of a metric with its labels would alert an operator."""
    return value > ALARMS[what.partition(" ")[0]]
