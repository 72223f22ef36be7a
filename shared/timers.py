"""Periodic work: a failure is logged, and the next round may succeed."""

from collections.abc import Callable

from shared import log
from shared.errors import TongyuanError

_log = log.get("timer")


def quietly(work: Callable[[], object], name: str) -> None:
    """Run one round. A `TongyuanError` is logged; any other error propagates."""
    try:
        work()
    except TongyuanError as error:
        _log.warning("round failed", work=name, reason=str(error))
