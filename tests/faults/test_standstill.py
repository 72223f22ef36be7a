"""A broker, and a whole county, that stand still for more than a minute: time-outs fire once, and nothing is lost."""

from collections import defaultdict

import pytest

from tests.harness.blows import Blow
from tests.harness.invariants import judge
from tests.harness.schedule import besiege, siege

pytestmark = [
    pytest.mark.long,
    pytest.mark.servers,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("county"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SECONDS = 70.0
GIVE_UP = 5.0


def test_a_broker_that_stands_still_for_seventy_seconds_loses_nothing_and_meets_no_storm(tmp_path):
    history = through(tmp_path, Blow(0.5, "broker pause", "", SECONDS))

    judge(history)
    # Each try waits for its confirm until it gives up, and then for the pause: a queue of tries would be a storm.
    most = 2 * SECONDS / GIVE_UP
    assert grown(history, "tongyuan_relay_failures")
    assert all(count <= most for count in grown(history, "tongyuan_relay_failures").values())


def test_a_county_that_stands_still_for_seventy_seconds_goes_on_and_every_time_out_fires_once(tmp_path):
    history = through(tmp_path, Blow(10.0, "standstill", "", SECONDS))

    judge(history)
    for counter in ("tongyuan_relay_failures", "tongyuan_consumer_reconnects", "tongyuan_consumer_retries"):
        for who, count in grown(history, counter).items():
            # A connection that the broker gave up is noticed once; beside it one of the database's may have gone too.
            assert count <= 2, f"{who}: {count}"


def through(folder, *blows):
    """The history of a county to which this was done."""
    over = iter([*(False for _ in blows), True])
    with siege(folder) as site:
        try:
            besiege(site, iter(blows), lambda: next(over))
        finally:
            site.history.save(folder / "history.jsonl")
        assert all(process.poll() is None for process in site.county.processes.values())
        return site.history


def grown(history, counter):
    """By how much each of these counters grew."""
    seen = defaultdict(list)
    for line in history.of("count"):
        if line.what.startswith(counter):
            seen[line.actor, line.what].append(line.value)
    return {who: max(values) - min(values) for who, values in seen.items() if max(values) > min(values)}
