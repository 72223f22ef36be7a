"""When a failed call is tried again: the table of Standard Webhooks, over three days, with jitter. Pure."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

RESTS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds to wait after each failure in a row; one more failure is the last."""

LONGEST_REST = 86_400.0
THROTTLING = frozenset({429, 502, 503, 504})
"""Statuses of a receiver that is overloaded: the whole webhook rests, not only one key."""

THROTTLED_REST = 5.0


def next_rest(failures: int, asked: float | None, rests: Sequence[float] = RESTS) -> float | None:
    """Return the seconds until the next try after so many failures in a row; None: that was the last.

    `asked`: seconds for which the receiver asks us to wait.
    """
    if failures > len(rests):
        return None
    wait = rests[failures - 1] * random.uniform(1.0, 1.2)  # noqa: S311  # spreads load
    return min(max(wait, asked or 0.0), LONGEST_REST)


def hold(status: int | None, asked: float | None) -> float | None:
    """Return the seconds for which the whole webhook rests; None: it does not."""
    if status not in THROTTLING and asked is None:
        return None
    return min(max(asked or 0.0, THROTTLED_REST), LONGEST_REST)


def seconds_to_wait(asked: str, now: datetime) -> float | None:
    """Parse `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3). None: nothing that can be understood."""
    if asked.isascii() and asked.isdigit():
        return float(asked) if len(asked) < 7 else None
    try:
        until = parsedate_to_datetime(asked)
    except ValueError:
        return None
    return max((until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds(), 0.0)


def later(now: datetime, seconds: float) -> datetime:
    """Return the moment so many seconds later."""
    return now + timedelta(seconds=seconds)
