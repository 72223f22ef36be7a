"""The wall clock of a running county steps, really: libfaketime under the whole process."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from tests.harness.clock import Clock
from tests.harness.county import EmbeddedCounty, running, wait_for
from tests.harness.editors import at_work, everything_arrived
from tests.harness.history import History
from tests.harness.invariants import judge
from tests.harness.witnesses import Clerk, Reader, Screen, over_http, roll_call

pytestmark = [pytest.mark.long, pytest.mark.timeout(600), pytest.mark.xdist_group("county")]


@pytest.mark.parametrize("step", ["-1h", "+1h", "+10y"])
def test_a_county_whose_clock_steps_while_it_works_goes_on_as_if_it_had_not(tmp_path, step):
    clock = Clock(tmp_path / "step")
    history, stop, leave = History(patience=4), threading.Event(), threading.Event()
    with running(EmbeddedCounty(tmp_path / "county", env=clock.env)) as county:
        clerk = Clerk(county, history, stop)
        reader, screen = Reader(county, history, "web", [clerk.item.code]), Screen(county, history, "kiosk")
        with at_work(lambda: reader.run(leave), lambda: screen.run(leave)) as unseen:
            with at_work(clerk.run) as failures:
                for difference in ("+0", step, "+0"):
                    clock.step(difference)
                    before = released(history)
                    wait_for(lambda before=before: released(history) > before + 5, f"work at {difference}", 120)
                    assert abs(now_of(county, history) - expected(difference)) < timedelta(minutes=30)
                stop.set()
            wait_for(lambda: everything_arrived(county), "all has arrived", 120, lambda: county.cli("status").stdout)
            leave.set()
        assert not failures + unseen, failures + unseen
        roll_call(history, over_http(county))
        history.save(tmp_path / "history.jsonl")

        judge(history)
        county.verified()


def released(history):
    return len(list(history.of("release", phase="ok")))


def now_of(county, history):
    """The process's own clock, by the newest release that was acknowledged."""
    made = list(history.of("release", phase="ok"))[-1]
    releases = over_http(county)("catalog", f"releases/{made.key}")
    return max(datetime.fromisoformat(one["released_at"]) for one in releases if one["version"] == made.version)


def expected(difference):
    days = {"+0": 0, "-1h": -1 / 24, "+1h": 1 / 24, "+10y": 3650}[difference]
    return datetime.now(UTC) + timedelta(days=days)
