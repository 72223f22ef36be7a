"""Work that comes again: a failure is logged, and the next round may succeed."""

from collections.abc import Callable

from shared import log
from shared.errors import TongyuanError

_log = log.get("timer")


def quietly(work: Callable[[], object], name: str) -> None:
    """Run one round. A refusal or an absent neighbour is a line in the log; a bug still propagates."""
    try:
        work()
    except TongyuanError as error:
        _log.warning("round failed", work=name, reason=str(error))
