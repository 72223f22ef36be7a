"""Times in the near future that have not yet come when a test is ready, however slow the machine is."""

from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

Ready = TypeVar("Ready")

DELAYS = (0.3, 1.5, 7.5, 37.5, 180.0)
"""Seconds ahead: short, since tests wait for them, and longer after each attempt that was too slow."""


def ahead_of_time(prepare: Callable[[datetime], Ready]) -> Ready:
    """Return `prepare(moment)`, finished before its moment comes; repeated with a later moment otherwise."""
    for delay in DELAYS:
        moment = datetime.now(UTC) + timedelta(seconds=delay)
        made = prepare(moment)
        if datetime.now(UTC) < moment:
            return made
        if isinstance(made, Generator):
            made.close()  # what it has started would delay the next attempt
    raise AssertionError(f"not ready within {DELAYS[-1]:.0f} s")
