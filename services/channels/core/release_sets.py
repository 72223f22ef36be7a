"""Sets: versions that a channel shows in one transaction, whole or not at all.

A version of a set waits in the schedule, whatever its time, until the act of its set is applied and every member that
the act names is here. Then `turn_pages` shows all members that are due in one transaction. The act is the newest of a
set's entries in the ledger, so a channel that has applied it has been given every member.

If we die before the transaction that applies the act, no member counts; after it, all do.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from re import fullmatch

import orjson
from sqlmodel import Session, col, select

from contracts.base import Json, format_time
from contracts.content.acts import SET_ACT
from contracts.envelope.publication import Publication
from contracts.kinds import Kind
from services.channels.core.model import DocumentRow, ReleaseSetRow, ScheduledRow
from shared import log

Present = Callable[[str, int], bool]
"""Whether a channel has this version of a key, or a newer one."""

_log = log.get("channel")


def completes_a_set(entry: Publication) -> bool:
    """Whether the entry is the act of a set."""
    return entry.kind == Kind.ACT and entry.body is not None and fullmatch(SET_ACT, entry.key) is not None


def concerns_a_set(entry: Publication) -> bool:
    """Whether the entry is of a set: a member, or its act."""
    return entry.part_of is not None or completes_a_set(entry)


def set_of(act: Publication) -> ReleaseSetRow:
    """Return the row of the set that an act completes."""
    named = [[one["key"], one["version"]] for one in (act.body or {}).get("acts_on", [])]
    return ReleaseSetRow(
        act=act.key, recorded_at=format_time(act.recorded_at), members=orjson.dumps(named).decode(), complete=False
    )


def members(one: ReleaseSetRow) -> list[tuple[str, int]]:
    """Return key and version of every member."""
    return [(key, version) for key, version in orjson.loads(one.members)]


def is_complete(one: ReleaseSetRow, present: Present) -> bool:
    """Whether every member is here."""
    return all(present(key, version) for key, version in members(one))


def note(session: Session, entries: Iterable[Publication]) -> None:
    """Store the acts among `entries`, and complete the sets of which everything is here now.

    Call it in the transaction that applies the entries, after their rows are written.
    """
    for entry in entries:
        if completes_a_set(entry) and session.get(ReleaseSetRow, entry.key) is None:
            session.add(set_of(entry))
    settle(session)


def settle(session: Session) -> None:
    """Complete the sets of which everything is here now."""
    session.flush()
    for one in session.exec(select(ReleaseSetRow).where(col(ReleaseSetRow.complete).is_(False))).all():
        one.complete = is_complete(one, _present_in(session))
        session.add(one)
    session.flush()


def complete(session: Session) -> set[str]:
    """Return the acts of the complete sets that versions in the schedule belong to."""
    named = select(ScheduledRow.part_of).where(col(ScheduledRow.part_of).is_not(None))
    query = select(ReleaseSetRow.act).where(col(ReleaseSetRow.complete), col(ReleaseSetRow.act).in_(named))
    return set(session.exec(query))


def completions(session: Session) -> dict[str, datetime]:
    """Return when the act of each complete set was recorded."""
    query = select(ReleaseSetRow.act, ReleaseSetRow.recorded_at).where(col(ReleaseSetRow.complete))
    return {act: datetime.fromisoformat(recorded) for act, recorded in session.exec(query)}


def waiting(session: Session) -> list[Json]:
    """Return the sets that are not complete: act, whether the act is here, members here, and the earliest start.

    `missing`: the members that the act names and this channel does not have.
    """
    found: dict[str, Json] = {}
    for row in session.exec(select(ScheduledRow).where(col(ScheduledRow.part_of).is_not(None))):
        one = found.setdefault(str(row.part_of), {"act": row.part_of, "here": [], "starts_at": row.effective_at})
        one["here"].append({"key": row.key, "version": row.version})
        one["starts_at"] = min(filter(None, (one["starts_at"], row.effective_at)), default=None)
    ready = complete(session)
    present = _present_in(session)
    for act, one in found.items():
        row_of_set = session.get(ReleaseSetRow, act)
        named = members(row_of_set) if row_of_set else []
        one["act_recorded_at"] = row_of_set and row_of_set.recorded_at
        one["missing"] = [{"key": key, "version": version} for key, version in named if not present(key, version)]
    return [one for act, one in sorted(found.items()) if act not in ready]


def warn(channel: str, sets: Sequence[Json], now: datetime) -> None:
    """Log the sets that are not complete although their time has come."""
    late = [one for one in sets if one["starts_at"] and one["starts_at"] <= format_time(now)]
    for one in late:
        _log.warning("set incomplete at its time", channel=channel, act=one["act"], members=len(one["here"]))


def _present_in(session: Session) -> Present:
    def present(key: str, version: int) -> bool:
        shown = session.exec(select(DocumentRow.version).where(DocumentRow.key == key)).first()
        if shown is not None and shown >= version:
            return True
        waits = select(ScheduledRow.version).where(ScheduledRow.key == key, col(ScheduledRow.version) >= version)
        return session.exec(waits.limit(1)).first() is not None

    return present
