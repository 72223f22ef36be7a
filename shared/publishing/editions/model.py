"""The edition table, its states, and the period of a version."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import orjson
from sqlalchemy import Column, Text
from sqlmodel import Field, Session, col, select

from contracts.base import Json, format_time
from contracts.content.announcements import AnnouncementText
from contracts.content.gates import ReviewPolicy
from shared.errors import Invalid, NotFound, PreconditionFailed, Violation
from shared.feeds.outbox import OutboxModel
from shared.security.privacy import find_personal_data
from shared.text.invisible_characters import invisible
from shared.transparency.canonical import digest
from shared.transparency.timeline import OfTime

CODES_A_STATEMENT = 5000
"""Codes per statement: databases limit the number of parameters."""


class EditionState(StrEnum):
    """事项状态 after the newest version, and `draft` before there is a version."""

    DRAFT = "draft"
    RELEASED = "released"
    SUSPENDED = "suspended"
    HIDDEN = "hidden"
    WITHDRAWN = "withdrawn"


class Plans(StrEnum):
    """What happens to planned versions that a new version would overtake."""

    CANCEL = "cancel"
    KEEP = "keep"


class EditionRow(OutboxModel, table=True):
    """One row per code, changed by editors; `revision` grows with every change and is the ETag."""

    __tablename__ = "edition"

    code: str = Field(primary_key=True, max_length=64)
    revision: int = 1
    state: str = Field(default=EditionState.DRAFT, max_length=16)
    version: int = Field(
        default=0, description="Number of the newest version, including planned versions and withdrawals."
    )
    draft: str = Field(sa_column=Column(Text, nullable=False))
    starts_from: int = Field(default=0, description="`content_version` of the body that the draft is based on.")
    released: str | None = Field(
        default=None, sa_column=Column(Text), description="Body of the newest version that has one, planned or not."
    )
    content_version: int = Field(default=0, description="The version that first had the body `released`.")
    released_digest: str | None = Field(default=None, max_length=64, description="Digest of `released` and its period.")
    expires_at: str | None = Field(default=None, max_length=27, description="End of the version with `released`.")
    planned_until: str | None = Field(
        default=None, max_length=27, description="Latest start of any version. In the past: nothing is planned."
    )
    returns: str | None = Field(
        default=None,
        sa_column=Column(Text),
        description="As JSON. Suspended: the versions that `restore` brings back. Else: the versions that count while "
        "what the edition follows stands; all others were made by `following`.",
    )


@dataclass(frozen=True, slots=True)
class ReleasingSource:
    """The releasing source: its name, the kind of its keys, the county, and what it demands before a release.

    `follows` returns, by code, the versions of what an edition belongs to, as far as they count now or later; the
    edition is shown only while that stands. A code that is absent belongs to nothing that is known.
    """

    source: str
    kind: str
    region: str
    follows: Callable[[Session, Iterable[str]], Mapping[str, Sequence[OfTime]]] | None = field(
        default=None, compare=False
    )
    review: ReviewPolicy = ReviewPolicy.NONE

    def key(self, code: str) -> str:
        """Return the ledger key of a code."""
        return f"{self.kind}:{code}"


@dataclass(frozen=True, slots=True)
class Period:
    """When a version is shown: from `effective_at` (None: at once) until `expires_at` (None: no end).

    `part_of`: the act of a set; the version is shown no sooner than that act is recorded. `announcement`: what citizens
    are told of the version until it begins (docs/adr/0089).
    """

    effective_at: datetime | None = None
    expires_at: datetime | None = None
    part_of: str | None = None
    announcement: AnnouncementText | None = None

    def check(self) -> None:
        """Raises `Invalid` when it would end before it begins."""
        if self.effective_at and self.expires_at and self.expires_at <= self.effective_at:
            raise Invalid(Violation("expires_at", "after_effective", "must be later than effective_at"))

    def check_end(self, now: datetime) -> None:
        """Raises `Invalid` when the end is not in the future: a mistyped year would take down what is in force."""
        if self.expires_at and self.expires_at <= now:
            remedy = "must be in the future; to take it off the channels now, withdraw it"
            raise Invalid(Violation("expires_at", "in_the_future", remedy, format_time(self.expires_at)))

    def check_announcement(self, now: datetime) -> None:
        """Raises `Invalid` for an announcement of what is not scheduled, and for one that may not be public."""
        if self.announcement is None:
            return
        if self.effective_at is None or self.effective_at <= now:
            remedy = "needs effective_at in the future: what is released at once is not announced"
            raise Invalid(Violation("announcement", "scheduled", remedy))
        told = self.announcement.model_dump(exclude_none=True)
        found = list(invisible(told, "announcement"))
        for name, text in told.items():
            if find_personal_data(text):
                remedy = "must not contain personal numbers: it is public"
                found.append(Violation(f"announcement.{name}", "personal", remedy))
        if found:
            raise Invalid(*found)


AT_ONCE = Period()


def fingerprint(body: Json, period: Period) -> str:
    """Digest of a body and its period: the same fingerprint twice in a row is the same release."""
    told = {"draft": body, "effective_at": moment(period.effective_at), "expires_at": moment(period.expires_at)}
    if period.announcement is not None:
        told["announcement"] = period.announcement.model_dump(mode="json", exclude_none=True)
    return digest(told if period.part_of is None else {**told, "part_of": period.part_of})


def moment(time: datetime | None) -> str | None:
    """Return the time as the tables store it."""
    return None if time is None else format_time(time)


def as_text(body: Json) -> str:
    """Return the body as the tables store it: equal bodies are equal texts."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()


def locked(session: Session, code: str) -> EditionRow:
    """Return the edition, locked until the transaction ends. Raises `NotFound`."""
    row = session.get(EditionRow, code, with_for_update=True)
    if row is None:
        raise NotFound(f"no edition with code {code}")
    return row


def locked_rows(session: Session, codes: Iterable[str]) -> list[EditionRow]:
    """Return the existing editions, locked, always in the order of codes, so that two transactions cannot deadlock."""
    wanted = sorted(set(codes))
    found: list[EditionRow] = []
    for start in range(0, len(wanted), CODES_A_STATEMENT):
        some = col(EditionRow.code).in_(wanted[start : start + CODES_A_STATEMENT])
        query = select(EditionRow).where(some).order_by(EditionRow.code).with_for_update()
        # A row that a statement has written in this transaction is read anew.
        found += session.exec(query.execution_options(populate_existing=True))
    return found


def require_revision(row: EditionRow, revision: int) -> None:
    """Raises `PreconditionFailed` unless this is the newest revision."""
    if row.revision != revision:
        raise PreconditionFailed(f"{row.code} is at revision {row.revision}, not {revision}: read it again")
