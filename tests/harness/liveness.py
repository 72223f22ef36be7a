"""L1 to L9: what must hold within the stated time after the last fault is healed. See `tests.harness.invariants`.

A run without a `healed` line has nothing to converge from; only L6 and L8 apply to it.
"""

from collections.abc import Iterator
from itertools import pairwise

from tests.harness.history import History, Line

ALARM_SECONDS = 60.0
READS = 0.999


def l1_outbox_empty(history: History) -> Iterator[str]:
    """Every lane's outbox has nothing pending within 30 s."""
    yield from _unsettled(history, "outbox", 30)


def l2_channels_at_head(history: History) -> Iterator[str]:
    """Every channel's position is the ledger's size within 60 s."""
    yield from _unsettled(history, "behind", 60)


def l3_queues_empty(history: History) -> Iterator[str]:
    """Every queue is empty within 60 s; dead-letter queues are not considered."""
    yield from _unsettled(history, "queue", 60)


def l4_canary_consumed(history: History) -> Iterator[str]:
    """Every service process is up and has consumed a canary within 30 s: this catches zombies."""
    yield from _unsettled(history, "canary", 30)


def l5_ready(history: History) -> Iterator[str]:
    """Readiness is green within 15 s."""
    yield from _unsettled(history, "unready", 15)


def l6_no_hot_loop(history: History) -> Iterator[str]:
    """No retry loop is faster than 10 a second."""
    counted: dict[tuple[str, str], list[Line]] = {}
    for line in history.of("count"):
        counted.setdefault((line.actor, line.what), []).append(line)
    for (actor, what), lines in counted.items():
        for before, after in pairwise(lines):
            rate = (after.value - before.value) / max(after.t - before.t, 1.0)
            if rate > 10:
                yield f"{actor}: {what} grew by {rate:.0f} a second"


def l7_alarms_raised_and_cleared(history: History) -> Iterator[str]:
    """An alarm that a fault must raise is raised within 60 s; all alarms raised during the faults are cleared."""
    alarms = [line for line in history.of("state") if line.what == "alarm"]
    for fault in history.of("fault"):
        deadline = fault.t + ALARM_SECONDS * history.patience
        raised = any(line.actor == fault.note and line.value and fault.t <= line.t <= deadline for line in alarms)
        if fault.note and not raised:
            yield f"{fault.what} did not raise {fault.note}"
    last = {line.actor: line.value for line in alarms}
    yield from (f"the alarm {name} is still raised" for name, value in last.items() if value)


def l8_reads_answered(history: History) -> Iterator[str]:
    """Public reads are answered throughout: 99.9 % of the requests to places that were not themselves down."""
    asked: dict[str, list[bool]] = {}
    windows = _windows(history)
    for line in history.of("read"):
        began = line.began if line.began is not None else line.t
        if not any(start <= line.t and began <= end for start, end in windows.get(line.what, [])):
            asked.setdefault(line.what, []).append(line.phase == "ok")
    for place, answers in asked.items():
        if sum(answers) < READS * len(answers):
            yield f"{place} left {len(answers) - sum(answers)} of {len(answers)} reads unanswered"


def l9_no_old_lock(history: History) -> Iterator[str]:
    """No lock, advisory lock or open transaction older than 10 s remains."""
    last = {line.actor: line.value for line in history.of("state") if line.what == "lock"}
    yield from (f"{name} is {age:.0f} s old" for name, age in last.items() if age > 10)


def _unsettled(history: History, what: str, seconds: float) -> Iterator[str]:
    """Yield whatever has not reached 0 in time after the last fault, or has not stayed there."""
    healed = max((line.t for line in history.of("healed")), default=None)
    if healed is None:
        return
    deadline = healed + seconds * history.patience
    looks: dict[str, list[Line]] = {}
    for line in history.of("state"):
        if line.what == what and line.t >= healed:
            looks.setdefault(line.actor, []).append(line)
    for actor, lines in looks.items():
        if not any(line.value == 0 and line.t <= deadline for line in lines):
            yield f"{actor}: {what} did not come to 0 within {seconds:.0f} s"
        elif lines[-1].value != 0:
            yield f"{actor}: {what} is {lines[-1].value:.0f} at the end"


def _windows(history: History) -> dict[str, list[tuple[float, float]]]:
    """Return the times during which each place was down."""
    windows: dict[str, list[tuple[float, float]]] = {}
    since: dict[str, float] = {}
    for line in history.of("down", "up"):
        if line.op == "down":
            since.setdefault(line.actor, line.t)
        elif line.actor in since:
            windows.setdefault(line.actor, []).append((since.pop(line.actor), line.t))
    for place, start in since.items():
        windows.setdefault(place, []).append((start, float("inf")))
    return windows
