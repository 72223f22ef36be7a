"""When the body of a version may be read by anybody. Pure; the ledger and its verifiers share this rule.

A version takes effect when it is recorded, or at a later time set for it. A version with a later time is scheduled: its
body is withheld until then. If a newer version of its key takes effect no later, it is overtaken and never counts: its
body stays withheld for good.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from contracts.envelope.publication import NoBody, Publication
from contracts.kinds import Op, is_public


@dataclass(frozen=True, slots=True)
class Timed:
    """The relevant facts of a version: its number, when it was recorded, and the time set for it."""

    version: int
    recorded_at: datetime
    effective_at: datetime | None

    @classmethod
    def of(cls, entry: Publication) -> "Timed":
        return cls(entry.version, entry.recorded_at, entry.effective_at)

    @property
    def scheduled(self) -> bool:
        """Whether its time had not come when it was recorded."""
        return self.effective_at is not None and self.effective_at > self.recorded_at

    @property
    def counts_from(self) -> datetime:
        """When it takes effect."""
        return max(self.recorded_at, self.effective_at or self.recorded_at)


def is_overtaken(one: Timed, of_key: Iterable[Timed]) -> bool:
    """Whether a scheduled version never counts, because a newer version of its key takes effect no later."""
    return one.scheduled and any(
        other.version > one.version and other.counts_from <= one.counts_from for other in of_key
    )


def is_withheld(one: Timed, of_key: Iterable[Timed], now: datetime) -> bool:
    """Whether a public version's body is withheld from readers without a token."""
    return one.scheduled and (one.counts_from > now or is_overtaken(one, of_key))


def readable_from(one: Timed, of_key: Iterable[Timed]) -> datetime | None:
    """Return when a scheduled version's body becomes public; None: never."""
    return None if is_overtaken(one, of_key) else one.counts_from


def why_no_body(entry: Publication) -> str | None:
    """Return why an entry has no body: its own statement, or else what follows from op and kind.

    None if it has a body, and for a public release without one: that has no valid reason.
    """
    if entry.body is not None:
        return None
    if entry.op == Op.WITHDRAW:
        return NoBody.WITHDRAWN
    return entry.no_body or (None if is_public(entry.kind) else NoBody.ERASED)
