"""What an editor works on: one edition a code, with a draft that changes and released versions that never do.

    draft ──release──► released (version n) ──release──► released (version n + 1; n is superseded)
                          │  │
                          │  └─suspend──► suspended ──release──► released
                          ├──withdraw──► withdrawn ──release──► released
                          └──hide──► hidden (what it belongs to is not shown) ──release──► released

The natural place of the review workflow is between `save` and `release`: `release` takes the draft as it is at the
revision that was named, so that what was reviewed is what is released.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import orjson
from sqlalchemy import Column, Text, text
from sqlalchemy import select as sa_select
from sqlmodel import Field, Session, col, func, select

from contracts.base import Json, format_time
from contracts.publication import Lane, Op, Release
from shared.canonical import digest
from shared.errors import Conflict, Invalid, NotFound, PreconditionFailed, PreconditionMissing, Violation
from shared.outbox import Draft, OutboxModel, emit

AT_ONCE = 5000


class State(StrEnum):
    """事项状态 as the public sees it, and `draft` before there is anything to see."""

    DRAFT = "draft"
    RELEASED = "released"
    SUSPENDED = "suspended"
    HIDDEN = "hidden"
    WITHDRAWN = "withdrawn"


class EditionRow(OutboxModel, table=True):
    """The one row per code that editors change; `revision` grows with every change and is the ETag."""

    __tablename__ = "edition"

    code: str = Field(primary_key=True, max_length=64)
    revision: int = 1
    state: str = Field(default=State.DRAFT, max_length=16)
    version: int = 0
    draft: str = Field(sa_column=Column(Text, nullable=False))
    released_digest: str | None = Field(default=None, max_length=64)


class Mark(NamedTuple):
    """What an import must know of an edition, without its draft."""

    state: str
    revision: int
    version: int
    released_digest: str | None


UNKNOWN = Mark(State.DRAFT, 0, 0, None)
SAVE = text(
    "INSERT INTO edition (code, revision, state, version, draft, released_digest) "
    "VALUES (:code, :revision, :state, :version, :draft, :released_digest) "
    "ON CONFLICT (code) DO UPDATE SET revision = excluded.revision, state = excluded.state, "
    "version = excluded.version, draft = excluded.draft, released_digest = excluded.released_digest"
)


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who releases: the source's name, the kind of its keys and the county."""

    source: str
    kind: str
    region: str

    def key(self, code: str) -> str:
        """Ledger key of a code."""
        return f"{self.kind}:{code}"


@dataclass(frozen=True, slots=True)
class Period:
    """When a version is shown: from `effective_at` (null: at once) until `expires_at` (null: no end)."""

    effective_at: datetime | None = None
    expires_at: datetime | None = None

    def check(self) -> None:
        """Raise `Invalid` when it would end before it begins."""
        if self.effective_at and self.expires_at and self.expires_at <= self.effective_at:
            raise Invalid(Violation("expires_at", "after_effective", "must be later than effective_at"))


def save(session: Session, code: str, draft: Json, revision: int | None) -> EditionRow:
    """Store a draft. Raises `PreconditionMissing`, `PreconditionFailed` without the revision it starts from."""
    row = session.get(EditionRow, code, with_for_update=True)
    if row is None:
        if revision is not None:
            raise PreconditionFailed(f"{code} does not exist, so there is no revision {revision} of it")
        row = EditionRow(code=code, draft=_text(draft))
    else:
        if revision is None:
            raise PreconditionMissing(f"{code} exists already: send If-Match with the ETag you read")
        _same_revision(row, revision)
        row.draft = _text(draft)
        row.revision += 1
    session.add(row)
    return row


def release(
    session: Session, who: Publisher, code: str, period: Period, revision: int | None = None
) -> tuple[EditionRow, Release | None]:
    """Release the draft as the next version; None when exactly this is released already. Raises `NotFound`."""
    period.check()
    row = _locked(session, code)
    if revision is not None:
        _same_revision(row, revision)
    fingerprint = _fingerprint(orjson.loads(row.draft), period)
    if row.state == State.RELEASED and row.released_digest == fingerprint:
        return row, None
    row.released_digest = fingerprint
    return row, _step(session, who, row, State.RELEASED, Op.RELEASE, period)


def withdraw(
    session: Session, who: Publisher, code: str, state: State, period: Period, revision: int | None = None
) -> tuple[EditionRow, Release | None]:
    """Take a code off every channel, for good (`withdrawn`) or for now (`suspended`). Raises `Conflict` for a draft."""
    row = _locked(session, code)
    if revision is not None:
        _same_revision(row, revision)
    if row.state == State.DRAFT:
        raise Conflict(f"{code} was never released; nothing to withdraw")
    if row.state == state:
        return row, None
    if row.state == State.WITHDRAWN:
        raise Conflict(f"{code} is withdrawn already; release it first")
    row.released_digest = None
    if row.state == State.SUSPENDED:
        row.state = state
        row.revision += 1
        session.add(row)
        return row, None
    return row, _step(session, who, row, state, Op.WITHDRAW, period)


def release_many(
    session: Session, who: Publisher, drafts: Sequence[tuple[str, Json]], lane: Lane
) -> tuple[list[Release], int]:
    """Save and release many in one transaction; what is released already stays. Returns (releases, unchanged)."""
    known = _marks(session, [code for code, _ in drafts])
    saved: dict[str, Json] = {}
    changed: list[Draft] = []
    for code, draft in drafts:
        fingerprint = _fingerprint(draft, Period())
        mark = known.get(code, UNKNOWN)
        if mark.state == State.RELEASED and mark.released_digest == fingerprint:
            continue
        mark = known[code] = Mark(State.RELEASED, mark.revision + 1, mark.version + 1, fingerprint)
        saved[code] = {"code": code, "draft": _text(draft), **mark._asdict()}
        changed.append(Draft(who.key(code), mark.version, Op.RELEASE, who.region, draft))
    if saved:
        session.connection().execute(SAVE, list(saved.values()))
    return emit(session, who.source, changed, lane), len(drafts) - len(changed)


def withdraw_many(
    session: Session,
    who: Publisher,
    codes: Iterable[str] | Mapping[str, datetime | None],
    lane: Lane,
    state: State = State.WITHDRAWN,
) -> list[Release]:
    """Withdraw those of `codes` that are shown; a mapping says from when (null: at once)."""
    since = codes if isinstance(codes, Mapping) else {}
    drafts = []
    for row in _rows(session, codes):
        if row.state != State.RELEASED:
            continue
        row.state, row.released_digest = state, None
        row.revision += 1
        row.version += 1
        drafts.append(Draft(who.key(row.code), row.version, Op.WITHDRAW, who.region, None, since.get(row.code)))
    session.flush()
    return emit(session, who.source, drafts, lane)


def find(session: Session, code: str) -> EditionRow:
    """The edition, or `NotFound`."""
    row = session.get(EditionRow, code)
    if row is None:
        raise NotFound(f"no edition with code {code}")
    return row


def page(session: Session, after: str, limit: int) -> list[EditionRow]:
    """Editions in order of their codes, `limit` at most."""
    return list(session.exec(select(EditionRow).where(EditionRow.code > after).order_by(EditionRow.code).limit(limit)))


def states(session: Session) -> dict[str, str]:
    """State of every code."""
    return dict(session.exec(select(EditionRow.code, EditionRow.state)).all())


def live_count(session: Session) -> int:
    """How many codes are released now."""
    return session.exec(select(func.count()).select_from(EditionRow).where(EditionRow.state == State.RELEASED)).one()


def live_among(session: Session, codes: Iterable[str]) -> list[str]:
    """Those of `codes` that are released now, each once."""
    return [row.code for row in _rows(session, codes) if row.state == State.RELEASED]


def view(row: EditionRow) -> Json:
    """The edition as editors read it."""
    return {
        "code": row.code,
        "revision": row.revision,
        "state": row.state,
        "version": row.version,
        "draft": orjson.loads(row.draft),
    }


def _step(session: Session, who: Publisher, row: EditionRow, state: State, op: Op, period: Period) -> Release:
    row.state = state
    row.version += 1
    row.revision += 1
    session.add(row)
    session.flush()
    body = orjson.loads(row.draft) if op == Op.RELEASE else None
    draft = Draft(who.key(row.code), row.version, op, who.region, body, period.effective_at, period.expires_at)
    return emit(session, who.source, [draft])[0]


def _locked(session: Session, code: str) -> EditionRow:
    row = session.get(EditionRow, code, with_for_update=True)
    if row is None:
        raise NotFound(f"no edition with code {code}")
    return row


def _rows(session: Session, codes: Iterable[str]) -> list[EditionRow]:
    """Locked, always in the same order, a few thousand at a time: a statement takes no more parameters."""
    wanted = sorted(set(codes))
    found: list[EditionRow] = []
    for start in range(0, len(wanted), AT_ONCE):
        some = col(EditionRow.code).in_(wanted[start : start + AT_ONCE])
        found += session.exec(select(EditionRow).where(some).order_by(EditionRow.code).with_for_update())
    return found


def _marks(session: Session, codes: list[str]) -> dict[str, Mark]:
    columns = [EditionRow.code, *(getattr(EditionRow, name) for name in Mark._fields)]
    query = sa_select(*columns).where(col(EditionRow.code).in_(codes)).order_by(col(EditionRow.code)).with_for_update()
    return {code: Mark(*mark) for code, *mark in session.connection().execute(query)}


def _same_revision(row: EditionRow, revision: int) -> None:
    if row.revision != revision:
        raise PreconditionFailed(f"{row.code} is at revision {row.revision}, not {revision}: read it again")


def _fingerprint(draft: Json, period: Period) -> str:
    times = [format_time(moment) if moment else None for moment in (period.effective_at, period.expires_at)]
    return digest({"draft": draft, "effective_at": times[0], "expires_at": times[1]})


def _text(draft: Json) -> str:
    return orjson.dumps(draft, option=orjson.OPT_SORT_KEYS).decode()
