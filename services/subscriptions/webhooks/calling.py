"""How webhooks are called, and how long the delivery log keeps what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.webhooks.addresses import AddressRules, Resolve, resolved
from shared.webhooks.schedule import RESTS

CALL_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long the delivery log keeps requests and answers, and then calls and ended deliveries."""

    texts: timedelta = timedelta(days=7)
    rows: timedelta = timedelta(days=30)


USUAL = Keeping()


@dataclass(frozen=True)
class Calling:
    """How calls are made: `rests` after failures, `patience` for each, name resolution; and how long they are kept."""

    rules: AddressRules
    rests: Sequence[float] = RESTS
    patience: float = CALL_SECONDS
    resolve: Resolve = resolved
    keeping: Keeping = USUAL
