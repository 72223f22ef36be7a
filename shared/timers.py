"""Periodic work: a failure is logged, and the next round may succeed."""

import threading
from collections.abc import Callable

from shared import log
from shared.errors import TongyuanError

Background = Callable[[threading.Event], None]
"""Work that runs in a thread of its own until the event is set."""

_log = log.get("timer")


def quietly(work: Callable[[], object], name: str) -> None:
    """Run one round. A `TongyuanError` is logged; any other error propagates."""
    try:
        work()
    except TongyuanError as error:
        _log.warning("round failed", work=name, reason=str(error))


def periodically(seconds: float, work: Callable[[], object], *, name: str) -> Background:
    """Return background work that runs every `seconds`; an error is logged and the next round follows."""

    def run(stop: threading.Event) -> None:
        while not stop.wait(seconds):
            try:
                work()
            except Exception as error:  # noqa: BLE001  # the next round may succeed; the log reports it
                _log.warning("periodic task failed", work=name, reason=str(error) or type(error).__name__)

    return run
