"""Events that editors report about a case, and the times that a fact may have."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from pydantic import Field, model_validator

from contracts.base import Timestamp
from services.applications.lifecycle.facts import Fact, FactDetails, FactEvent, fact_id_for
from services.applications.privacy.error_guard import parse
from shared.errors import Conflict, Invalid, Violation

EARLIEST = datetime(1949, 10, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(days=1)
"""Halls' clocks differ a little. A fact dated further in the future would make later facts look early."""


class EventReport(FactDetails):
    """One event. Without `occurred_at` it happens now; repeated with the same `occurred_at` it is the same event."""

    event: FactEvent
    occurred_at: Timestamp | None = Field(default=None, title="发生时间")
    fact_id: str | None = Field(default=None, pattern=r"^[0-9A-Za-z:._/-]{1,120}$", description="Requires occurred_at.")

    @model_validator(mode="after")
    def _identity_has_its_moment(self) -> "EventReport":
        if self.fact_id and self.occurred_at is None:
            raise ValueError("occurred_at: required for an event with a fact_id")
        return self

    def fact(self, project_no: str, now: datetime) -> Fact:
        """Return the fact. Raises `Invalid`."""
        moment = self.occurred_at or now
        identity = self.fact_id or fact_id_for("report", self.event, moment)
        content = self.model_dump(exclude_none=True, exclude={"event", "occurred_at", "fact_id"})
        named = {"project_no": project_no, "fact_id": identity, "event": self.event, "occurred_at": moment}
        return parse(Fact, content | named)


class EventNotAllowed(Conflict):
    """The state does not allow the event; `allowed` lists the events that it allows."""

    def __init__(self, message: str, allowed: Iterable[FactEvent]) -> None:
        self.allowed = sorted(allowed)
        super().__init__(message)


def check_facts(project_no: str, facts: Iterable[Fact], now: datetime) -> None:
    """Raise `Invalid` for belongs to another case, in the future, or before 1949-10-01."""
    for fact in facts:
        if fact.project_no != project_no:
            raise Invalid(Violation("project_no", "same-case", "belongs to another case"))
        if not EARLIEST <= fact.occurred_at <= now + CLOCK_SKEW:
            raise Invalid(Violation("occurred_at", "plausible-moment", "must not be in the future or before 1949"))
