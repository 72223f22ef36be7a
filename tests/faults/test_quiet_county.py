"""A county in order, with normal work, fires no alert for thirty minutes: the rules as shipped, with every `for`."""

import os
import threading

import pytest

from tests.harness.editors import at_work
from tests.harness.prometheus import Monitoring, node_exporter, targets
from tests.harness.schedule import siege
from tests.harness.witnesses import Clerk

QUIET_SECONDS = float(os.environ.get("TONGYUAN_FAULT_SECONDS") or 1800)
START_SECONDS = 180.0
"""A Prometheus that begins with the county sees it start."""

pytestmark = [
    pytest.mark.long,
    pytest.mark.servers,
    pytest.mark.timeout(QUIET_SECONDS + 1500),
    pytest.mark.xdist_group("county"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_quiet_minutes_under_normal_load_fire_no_alert(tmp_path):
    (tmp_path / "county").mkdir()
    with siege(tmp_path / "county", {"TONGYUAN_CANARY_INTERVAL": "60"}) as site:
        monitoring = Monitoring(tmp_path / "monitoring", targets(site.county))
        with monitoring.running(), node_exporter(monitoring):
            stop = threading.Event()
            with at_work(lambda: work(site, stop)) as failures:
                try:
                    pause(START_SECONDS)
                    pause(QUIET_SECONDS)
                finally:
                    stop.set()
            fired = monitoring.query(f'count_over_time(ALERTS{{alertstate="firing"}}[{QUIET_SECONDS:.0f}s])')

    assert not failures
    assert fired == []


def work(site, stop):
    """Somebody changes an item every few seconds, and withdraws it now and then."""
    clerk, number = Clerk(site.county, site.history, stop), 0
    while not stop.wait(5):
        number += 1
        clerk.save({**clerk.item.model_dump(mode="json"), "promise_day": number % 90 + 1})
        clerk.act("withdraw" if number % 5 == 0 else "release")


def pause(seconds):
    threading.Event().wait(seconds)
