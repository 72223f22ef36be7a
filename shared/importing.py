"""The receiving end of an import: every row taken or refused on its own, all that are taken in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field
from sqlmodel import Session

from contracts.base import Contract, Json
from contracts.publication import Lane
from shared import editions, metrics
from shared.database import Database
from shared.editions import Publisher
from shared.errors import Conflict, Invalid, Violation

MAX_ROWS = 2000
SMALL_WITHDRAWAL = 20
LARGE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Row:
    """An acceptable row: its code, the body to release, and what somebody should look at."""

    code: str
    body: Json
    findings: list[Json]


class ImportRequest(Contract):
    """Rows of one kind. `withdraw` names codes to take off every channel."""

    rows: list[dict[str, Any]] = Field(default=[], max_length=MAX_ROWS)
    withdraw: list[str] = Field(default=[], max_length=100_000)
    confirm_withdrawals: bool = False
    dry_run: bool = False


@dataclass
class Outcome:
    """What an import did. Indexes count from 0 within the request's rows."""

    released: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    rejected: list[Json] = field(default_factory=list)
    warnings: list[Json] = field(default_factory=list)

    def reject(self, index: int, reasons: Iterable[Violation]) -> None:
        """Row `index` breaks rules; nothing of it was taken."""
        self.rejected.extend(
            {"index": index, "field": v.field, "rule": v.rule, "message": v.message, "value": v.value} for v in reasons
        )


def run_import(
    db: Database, who: Publisher, request: ImportRequest, accepting: Callable[[Session], Callable[[Any], Row]]
) -> Outcome:
    """Take what `accepting(session)(row)` accepts, on the backfill lane. Raises `Conflict` from the breaker."""
    outcome = Outcome()
    try:
        with db.write() as session:
            drafts = list(_accepted(request.rows, accepting(session), outcome))
            _release(session, who, request, drafts, outcome)
    except _DryRun:
        return outcome
    for name, count in (("released", outcome.released), ("rejected", len({r["index"] for r in outcome.rejected}))):
        metrics.imported_rows.labels(who.source, name).inc(count)
    return outcome


class _DryRun(Exception):
    """Everything was tried; nothing of it is kept."""


def _accepted(rows: Iterable[Any], accept: Callable[[Any], Row], outcome: Outcome) -> Iterator[tuple[str, Json]]:
    for index, content in enumerate(rows):
        try:
            row = accept(content)
        except Invalid as error:
            outcome.reject(index, error.violations)
        else:
            outcome.warnings.extend({"index": index, **finding} for finding in row.findings)
            yield row.code, row.body


def _release(
    session: Session, who: Publisher, request: ImportRequest, drafts: Sequence[tuple[str, Json]], outcome: Outcome
) -> None:
    live = editions.live_count(session)
    releases, outcome.unchanged = editions.release_many(session, who, drafts, Lane.BACKFILL)
    outcome.released = len(releases)
    leaving = editions.live_among(session, request.withdraw)
    guard_mass_withdrawal(len(leaving), live, confirmed=request.confirm_withdrawals)
    outcome.withdrawn = len(editions.withdraw_many(session, who, leaving, Lane.BACKFILL))
    if request.dry_run:
        raise _DryRun


def guard_mass_withdrawal(count: int, live: int, *, confirmed: bool) -> None:
    """Stop an import that would withdraw more than max(20, 5 %) of what is live, until a person confirms it."""
    limit = max(SMALL_WITHDRAWAL, int(live * LARGE_SHARE))
    if count > limit and not confirmed:
        raise Conflict(
            f"this would withdraw {count} of {live} live editions; more than {limit} needs confirmation "
            "(confirm_withdrawals)"
        )
