"""Sets: a state machine in the desk's store that has sources prepare, complete or cancel a set of items and guides.

    preparing ──► recording ──► completing ──► complete
        └───────────────┴──► cancelling ──► cancelled

Each step asks the sources for something that may be asked twice, and stores its result afterwards. If we die between
the two, the step is repeated. Until `completing` has succeeded no channel shows any member; after it, all do.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson
from sqlmodel import Session, col, select

from contracts.base import Json, format_time
from contracts.kinds import kind_of
from services.console.receipts.opening import Followed, open_receipt
from services.console.release.model import SetRow
from services.console.release.told import announce
from services.console.upstream.editions import PLACES
from services.console.upstream.services import Services
from shared import log
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.errors import Conflict, Invalid, NotFound, Refused, TongyuanError, Violation
from shared.tokens.person import SYSTEM, Actor, Person

SOURCE_OF: Mapping[str, str] = {kind.value: source for kind, (source, _) in PLACES.items()}
MARGIN = timedelta(seconds=2)
"""A set without a time is shown this much later, so that all of it is recorded before."""

_log = log.get("release")


class SetState(StrEnum):
    """How far a set is."""

    PREPARING = "preparing"
    RECORDING = "recording"
    COMPLETING = "completing"
    COMPLETE = "complete"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


TITLES: Mapping[str, str] = {
    SetState.PREPARING: "正在准备",
    SetState.RECORDING: "正在入账",
    SetState.COMPLETING: "正在发齐",
    SetState.COMPLETE: "已发齐",
    SetState.CANCELLING: "正在取消",
    SetState.CANCELLED: "已取消",
}
OPEN = (SetState.PREPARING, SetState.RECORDING, SetState.COMPLETING, SetState.CANCELLING)
STOPPABLE = (SetState.PREPARING, SetState.RECORDING)


@dataclass(frozen=True)
class Sets:
    """The desk's sets. Thread-safe: a step that two threads take at once has the effect of one."""

    db: Database
    services: Services

    def begin(
        self,
        person: Person,
        members: Mapping[str, Sequence[Json]],
        effective_at: datetime | None,
        note: str | None,
        undoes: str | None = None,
    ) -> Json:
        """Store a new set; `advance` does the rest. `members`: by source, see `shared.publishing.sets.requests`.

        Raises `Invalid` without members, and for a time that has passed.
        """
        asked = {source: list(some) for source, some in members.items() if some}
        if not asked:
            raise Invalid(Violation("members", "missing", "至少要有一个事项或办事指南"))
        now = datetime.now(UTC)
        at = effective_at or now + MARGIN
        if at <= now:
            raise Invalid(Violation("effective_at", "in_the_future", "时间已经过去：请改成以后的时间，或留空立即发布"))
        arbiter = "catalog" if "catalog" in asked else "guides"
        row = SetRow(
            act=f"act:{arbiter}-set-{time.time_ns() // 1000}",
            state=SetState.PREPARING,
            effective_at=format_time(at),
            at_once=effective_at is None,
            note=note,
            undoes=undoes,
            by=orjson.dumps(person.claim()).decode(),
            members=orjson.dumps(asked).decode(),
            recorded="[]",
            created_at=format_time(now),
            changed_at=format_time(now),
        )
        # If we die before this commit, nothing was begun; after it, `advance` of the next start goes on.
        with self.db.write() as session:
            session.add(row)
            session.flush()
            record(session, Actor.of(person), _audited("set.begun", row))
            return told(row)

    def undo(self, person: Person, act: str, note: str | None) -> Json:
        """Begin a set that takes another one back, as one act. Raises `Conflict` unless that one is complete."""
        row = self._row(act)
        if row.state != SetState.COMPLETE:
            raise Conflict("只有已发齐的一组才能整组撤销；还没发齐的请取消")
        members: dict[str, list[Json]] = {}
        for one in orjson.loads(row.recorded):
            taken = {"code": one["key"].partition(":")[2], "op": "back", "before": one["version"]}
            members.setdefault(SOURCE_OF[kind_of(one["key"])], []).append(taken)
        return self.begin(person, members, None, note, undoes=act)

    def cancel(self, person: Person, act: str) -> Json:
        """Stop a set that is not complete. Raises `Conflict` when it is too late, and says what to do instead."""
        with self.db.write() as session:
            row = _locked(session, act)
            if row.state not in (*STOPPABLE, SetState.CANCELLING):
                raise Conflict("这一组已经发齐，不能取消；需要撤销请用“整组撤销”")
            _move(session, row, SetState.CANCELLING, problem="已由人工取消")
            session.flush()
            record(session, Actor.of(person), _audited("set.cancelling", row))
            return told(row)

    def read(self, act: str) -> Json:
        """Return a set. Raises `NotFound`."""
        return told(self._row(act))

    def listed(self, limit: int = 100) -> list[Json]:
        """Return the newest sets."""
        with self.db.read() as session:
            rows = session.exec(select(SetRow).order_by(col(SetRow.created_at).desc()).limit(limit))
            return [told(row) for row in rows]

    def advance(self) -> int:
        """Take the next step of every open set. Return how many have moved on."""
        return sum(self._advanced(act) for act in self.open_acts())

    def open_acts(self) -> list[str]:
        """Return the sets that are neither complete nor cancelled, oldest first."""
        with self.db.read() as session:
            query = select(SetRow.act).where(col(SetRow.state).in_(OPEN)).order_by(col(SetRow.created_at))
            return list(session.exec(query))

    def _advanced(self, act: str) -> bool:
        row = self._row(act)
        person = Person.of_claim(orjson.loads(row.by))
        steps = {
            SetState.PREPARING: self._prepare,
            SetState.RECORDING: self._await_ledger,
            SetState.COMPLETING: self._complete,
            SetState.CANCELLING: self._cancel,
        }
        try:
            return steps[SetState(row.state)](row, person)
        except Refused as error:
            # The sources say no: nothing of it may stay. What was prepared is taken back.
            _log.warning("set refused", act=act, state=row.state, reason=type(error).__name__)
            return self._moved(row, SetState.CANCELLING, problem=_words(error))
        except TongyuanError as error:
            _log.warning("set waits", act=act, state=row.state, reason=str(error))
            self._moved(row, SetState(row.state), problem="有一个服务暂时不回答，恢复后自动继续")
            return False

    def _prepare(self, row: SetRow, person: Person) -> bool:
        recorded = []
        for source, members in sorted(orjson.loads(row.members).items()):
            asked = {"part_of": row.act, "effective_at": row.effective_at, "members": members, "plans": "keep"}
            asked["at_once"] = row.at_once
            recorded += self.services.post(source, "sets/prepare", person, asked).content["members"]
        return self._moved(row, SetState.RECORDING, recorded=orjson.dumps(recorded).decode())

    def _await_ledger(self, row: SetRow, person: Person) -> bool:
        for one in orjson.loads(row.recorded):
            path = f"versions/{one['key']}"
            found = self.services.get("ledger", path, person, after=one["version"] - 1, limit=1).content["versions"]
            if not found or found[0]["digest"] != one["digest"]:
                return False
        return self._moved(row, SetState.COMPLETING)

    def _complete(self, row: SetRow, person: Person) -> bool:
        recorded = orjson.loads(row.recorded)
        asked = {
            "part_of": row.act,
            "effective_at": row.effective_at,
            "members": [{name: one[name] for name in ("key", "version", "digest")} for one in recorded],
            "reason": "undo" if row.undoes else "set",
            "note": row.note,
        }
        self.services.post(_arbiter(row), "sets/complete", person, asked)
        if row.effective_at > format_time(datetime.now(UTC)):
            announce(self.services, person, row.act, orjson.loads(row.members))
        # If we die here, the set counts; the repeated step finds the act released, and comes here again.
        followed = Followed(
            title=f"成组发布 {len(recorded)} 项" if row.undoes is None else f"整组撤销 {len(recorded)} 项",
            by=person.display_name,
            due_at=row.effective_at,
            versions=recorded,
            origin=row.act,
        )
        with self.db.write() as session:
            now = _locked(session, row.act)
            if now.state != row.state:
                return False
            _move(session, now, SetState.COMPLETE, problem=None, receipt=open_receipt(session, followed).id)
            session.flush()
            record(session, SYSTEM, _audited("set.complete", now))
        return True

    def _cancel(self, row: SetRow, person: Person) -> bool:
        arbiter, members = _arbiter(row), orjson.loads(row.members)
        for source in sorted(members, key=lambda name: name != arbiter):
            asked = {"part_of": row.act, "codes": [one["code"] for one in members[source]]}
            try:
                self.services.post(source, "sets/cancel", person, asked)
            except Conflict:
                # It was complete before it was cancelled, so it counts.
                return self._moved(row, SetState.COMPLETING, problem=None)
        return self._moved(row, SetState.CANCELLED)

    def _moved(self, row: SetRow, state: SetState, **more: Any) -> bool:
        """Store the next state, unless another thread or a person has moved the set meanwhile."""
        with self.db.write() as session:
            now = _locked(session, row.act)
            if now.state != row.state:
                return False
            _move(session, now, state, **more)
            if state != row.state and state in (SetState.CANCELLING, SetState.CANCELLED):
                session.flush()
                record(session, SYSTEM, _audited(f"set.{state}", now))
        return state != row.state

    def _row(self, act: str) -> SetRow:
        with self.db.read() as session:
            row = session.get(SetRow, act)
        if row is None:
            raise NotFound(f"there is no set {act}")
        return row


def told(row: SetRow) -> Json:
    """Return a set as JSON."""
    person = orjson.loads(row.by)
    return {
        "act": row.act,
        "state": row.state,
        "effective_at": row.effective_at,
        "note": row.note,
        "undoes": row.undoes,
        "by": person["display_name"],
        "members": orjson.loads(row.members),
        "recorded": orjson.loads(row.recorded),
        "problem": row.problem,
        "late": row.state in OPEN and row.effective_at <= format_time(datetime.now(UTC)),
        "created_at": row.created_at,
        "changed_at": row.changed_at,
        "receipt": row.receipt,
    }


def _audited(action: str, row: SetRow) -> AuditEntry:
    members = [one["code"] for some in orjson.loads(row.members).values() for one in some]
    told = {"members": members, "effective_at": row.effective_at, "undoes": row.undoes, "problem": row.problem}
    return AuditEntry(action, row.act, None, told)


def _arbiter(row: SetRow) -> str:
    return row.act.removeprefix("act:").partition("-")[0]


def _locked(session: Session, act: str) -> SetRow:
    row = session.get(SetRow, act, with_for_update=True)
    if row is None:
        raise NotFound(f"there is no set {act}")
    return row


def _move(session: Session, row: SetRow, state: SetState, **more: Any) -> None:
    row.state, row.changed_at = state, format_time(datetime.now(UTC))
    for name, value in more.items():
        setattr(row, name, value)
    session.add(row)


def _words(error: Refused) -> str:
    """Return why a source refused: field and reason of each violation, or its sentence."""
    if isinstance(error, Invalid):
        return "；".join(f"{one.field}：{one.message}" for one in error.violations)
    return str(error)
