"""A leader that is stopped while it holds its lock: its session is ended, another takes over, and then it wakes up."""

import os
import signal
import threading

import psycopg
import pytest

from tests.harness.blows import Blow
from tests.harness.convergence import samples
from tests.harness.county import wait_for
from tests.harness.invariants import judge
from tests.harness.ports import free_port
from tests.harness.rabbitmq import wait_until
from tests.harness.schedule import besiege, siege
from tests.harness.witnesses import Clerk

pytestmark = [
    pytest.mark.long,
    pytest.mark.servers,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("county"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
END_LEADERS_SESSIONS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_locks
WHERE locktype = 'relation' AND relation = %s::regclass AND mode = 'ShareRowExclusiveLock' AND granted
"""


def test_a_sequencer_that_wakes_after_another_took_over_ends_and_has_forked_nothing(tmp_path):
    with siege(tmp_path) as site:
        second(site, "ledger-worker")
        stop, acts = threading.Event(), []

        def take_over():
            wait_until(lambda: len(list(site.history.of("release", phase="ok"))) > 10, "nobody works", 120)
            first = site.county.processes["ledger-worker"]
            os.kill(first.pid, signal.SIGSTOP)
            acts.append(end_sessions(site, "ledger.leader_sequencer"))
            wait_leading(site, "ledger-worker 2", "sequencer")
            before = size(site)
            wait_until(lambda: size(site) > before, "the second records nothing", 240)
            os.kill(first.pid, signal.SIGCONT)
            wait_until(lambda: first.poll() is not None, "the first goes on as if it led", 120)
            wait_until(lambda: site.county.processes["ledger-worker"] is not first, "nobody starts it again", 120)
            stop.set()

        besiege(site, iter(lambda: Blow(0.2, "duplicates", "", 0.5), None), stop.is_set, take_over)

        assert acts == [1]
        assert site.county.processes["ledger-worker"].poll() is None, "started again, it waits for its turn"
        judge(site.history)
        site.county.verified()


def test_a_relay_that_wakes_after_another_took_over_sends_twice_at_most(tmp_path):
    with siege(tmp_path) as site:
        clerk = Clerk(site.county, site.history, threading.Event())
        second(site, "catalog")
        site.broker_net.cut()
        made = [clerk.act("release") for _ in once_saved(clerk, 20)]
        first = site.county.processes["catalog"]
        os.kill(first.pid, signal.SIGSTOP)
        assert end_sessions(site, "catalog.leader_live") == 1
        site.broker_net.resume()
        wait_leading(site, "catalog 2", "relay-catalog-live")
        wait_until(lambda: size(site) >= len(made), "the second relays nothing", 240)
        os.kill(first.pid, signal.SIGCONT)
        over = iter([False, True])
        besiege(site, iter([Blow(2.0, "duplicates", "", 0.5)]), lambda: next(over))

        assert all(made)
        judge(site.history)
        site.county.verified()


def once_saved(clerk, times):
    """Another content before each release."""
    for number in range(times):
        clerk.save({**clerk.item.model_dump(mode="json"), "promise_day": number + 1})
        yield number


def second(site, name):
    """Another process of the same kind, which must wait for its turn."""
    other = f"{name} 2"
    site.county.ports[other] = free_port()
    site.county.start(other)


def end_sessions(site, role):
    """What the server does with a session whose client says nothing any more; how many there were."""
    with psycopg.connect(site.postgres.dsn(site.database), autocommit=True) as connection:
        return connection.execute(END_LEADERS_SESSIONS, [role]).fetchone()[0]


def wait_leading(site, name, role):
    wait_for(
        lambda: dict(samples(site.county, name, "tongyuan_leader")).get(f"tongyuan_leader {role}"), f"{name} leads", 240
    )


def size(site):
    return int(site.county.http("ledger").get("/ledger/v1/head").json()["size"])
