"""What an operator sees of the main faults: the metric that wakes him, the line that tells him, and that both clear."""

import os
import signal
from contextlib import contextmanager

import pytest

from tests.harness.convergence import ALARMS, raised, samples
from tests.harness.county import wait_for
from tests.harness.schedule import PATIENCE, siege
from tests.harness.witnesses import Clerk

pytestmark = [
    pytest.mark.long,
    pytest.mark.servers,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("county"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
WITHIN = 60 + 60
"""Seconds: what is alarmed for is a minute old, and a minute later it must be seen."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with siege(tmp_path_factory.mktemp("alarms")) as made:
        yield made


@contextmanager
def stopped(site, name):
    """It neither answers nor ends."""
    os.kill(site.county.processes[name].pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(site.county.processes[name].pid, signal.SIGCONT)


@contextmanager
def gone(site, name):
    """Killed, and nobody starts it again for now."""
    site.county.kill(name)
    try:
        yield
    finally:
        site.county.restart(name)
        site.county.wait_ready(name)


@contextmanager
def cut(network):
    """Connections are refused, those that were open are closed."""
    network.cut()
    try:
        yield
    finally:
        network.resume()


FAULTS = {
    "the broker is away": (
        lambda site: cut(site.broker_net),
        "catalog tongyuan_outbox_oldest_age_seconds live,catalog",
        ("doctor", "catalog: the broker has not confirmed"),
    ),
    "the ledger's service is away": (
        lambda site: gone(site, "ledger"),
        "web tongyuan_head_age_seconds web",
        ("doctor", "ledger does not answer"),
    ),
    "a channel takes nothing any more": (
        lambda site: stopped(site, "kiosk-worker"),
        "kiosk tongyuan_head_age_seconds kiosk",
        ("status", "something is behind"),
    ),
    "a channel does not answer": (
        lambda site: gone(site, "mobile"),
        "auditor tongyuan_audit_unreachable mobile",
        ("doctor", "mobile does not answer"),
    ),
    "the database is away": (lambda site: cut(site.database_net), None, ("doctor", "catalog is not ready: 503")),
    "no head is signed": (
        lambda site: stopped(site, "ledger-worker"),
        "portal tongyuan_head_age_seconds portal",
        ("doctor", "newest head is"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_raises_its_alarm_in_time_and_the_alarm_clears(site, fault):
    inflict, metric, (command, line) = FAULTS[fault]
    wait_for(lambda: not alarms(site), "no alarm before", 60 * PATIENCE, lambda: str(alarms(site)))
    well(site)
    with inflict(site):
        release(site, fault)
        if metric is not None:
            wait_for(lambda: metric in alarms(site), metric, WITHIN * PATIENCE, lambda: str(alarms(site)))
        wait_for(lambda: told(site, command, line), line, 60 * PATIENCE, lambda: site.county.cli(command).stdout)
    wait_for(lambda: revived(site) and not alarms(site), "no alarm", 60 * PATIENCE, lambda: str(alarms(site)))
    well(site)


def release(site, fault):
    """Somebody works, so that there is something to be late with; without a database nobody can."""
    if "database" not in fault:
        clerk = Clerk(site.county, site.history, None)
        clerk.save({**clerk.item.model_dump(mode="json"), "promise_day": list(FAULTS).index(fault) + 1})
        clerk.act("release")


def alarms(site):
    """Every alarm that is raised now, by process and metric."""
    return {
        f"{name} {what}"
        for name in site.county.names
        for what, value in samples(site.county, name, *ALARMS)
        if raised(what, value)
    }


def revived(site):
    """A supervisor starts again what has ended by itself, as the sequencer does without its lock."""
    for name, process in site.county.processes.items():
        if process.poll() is not None:
            site.county.restart(name)
            site.county.wait_ready(name)
    return True


def told(site, command, line):
    done = site.county.cli(command)
    return done.returncode == 1 and line in done.stdout


def well(site):
    """Both commands say so."""
    for command in ("status", "doctor"):
        wait_for(
            lambda command=command: revived(site) and site.county.cli(command).returncode == 0,
            f"{command} is content", 60 * PATIENCE, lambda command=command: site.county.cli(command).stdout,
        )  # fmt: skip
