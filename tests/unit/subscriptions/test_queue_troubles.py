"""What counts as trouble with an integrator's queue, since when, and in which runs events are sent."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from services.subscriptions.amqp.feeder import runs
from services.subscriptions.amqp.queue_watch import TroubleTimes
from shared.messaging.queue_depths import Depth

FULL = 100
STILL = timedelta(seconds=30)


def row(state: str = "active", queued: int = 7) -> Any:
    return SimpleNamespace(id="sub_1", state=state, queued=queued)


@pytest.mark.parametrize(
    ("state", "depth", "expected"),
    [
        ("active", Depth(0, 0), set()),
        ("active", Depth(5, 1), set()),
        ("active", Depth(5, 0), {"unread"}),
        ("paused", Depth(5, 0), {"unread"}),
        ("active", Depth(FULL, 1), {"full"}),
        ("active", Depth(FULL, 0), {"full", "unread"}),
        ("active", None, {"missing"}),
        ("paused", None, set()),
        ("revoked", None, set()),
        ("revoked", Depth(0, 0), {"left"}),
    ],
)
def test_what_is_wrong_with_a_queue(state: str, depth: Depth | None, expected: set[str]) -> None:
    times = TroubleTimes(timedelta(0), FULL)
    assert {trouble for trouble, _ in times.lasting([(row(state), depth)], 0.0)} == expected


def test_it_counts_once_it_has_lasted_and_begins_anew_after_it_was_over() -> None:
    times = TroubleTimes(STILL, FULL)
    unread, read = [(row(), Depth(5, 0))], [(row(), Depth(5, 1))]

    assert times.lasting(unread, 0.0) == {}
    assert times.lasting(unread, 29.0) == {}
    assert times.lasting(unread, 30.0) == {("unread", "sub_1"): 5}
    assert times.lasting(read, 31.0) == {}
    assert times.lasting(unread, 32.0) == {}
    assert times.lasting(unread, 61.0) == {}


def test_a_queue_that_is_full_again_and_again_while_its_reader_works_is_well() -> None:
    times = TroubleTimes(STILL, FULL)
    for second in range(0, 300, 10):
        assert times.lasting([(row(queued=second), Depth(FULL, 1))], float(second)) == {}
    assert times.lasting([(row(queued=290), Depth(FULL, 1))], 330.0) == {("full", "sub_1"): FULL}


def test_no_run_has_a_key_twice_and_none_is_longer_than_allowed() -> None:
    events = [SimpleNamespace(key=key) for key in "abcadebbc"]
    assert ["".join(one.key for one in run) for run in runs(events, 3)] == ["abc", "ade", "b", "bc"]
