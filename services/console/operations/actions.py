"""What an operator does to a channel, each with a reason and recorded before it is done.

If the desk dies in between, the record stays without an outcome, and the page says that nobody knows what came of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlmodel import col, or_, select

from contracts.base import Json, format_time
from services.console.operations.model import OperatorActionRow
from services.console.upstream.services import Services
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.errors import Invalid, TongyuanError, Violation
from shared.security.privacy import find_personal_data
from shared.tokens.person import Actor, Person

LONGEST_REASON, LONGEST_DETAIL = 300, 500
MOST_AT_ONCE = 200


class Action(StrEnum):
    """What can be done; the texts are `ACTION_TITLES`."""

    PAUSE = "pause"
    RESUME = "resume"
    REPLAY = "replay"
    DROP = "drop"
    REBUILD = "rebuild"
    DRILL = "drill"
    REVOKE_SCREEN = "revoke_screen"


ACTION_TITLES = {
    Action.PAUSE: "暂停接收",
    Action.RESUME: "恢复接收",
    Action.REPLAY: "重试搁置",
    Action.DROP: "放弃搁置",
    Action.REBUILD: "重建",
    Action.DRILL: "演练",
    Action.REVOKE_SCREEN: "停用屏幕",
}
DONE, FAILED = "done", "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one action on one thing; `problem` empty: it was done."""

    target: str
    problem: str = ""

    def as_json(self) -> Json:
        """Return the result as the API tells it."""
        return {"target": self.target, "done": not self.problem, "problem": self.problem}


class Record:
    """The actions in the desk's store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def begin(self, person: Person, action: Action, target: str, reason: str) -> int:
        """Record that it is about to be done, also in the audit log; return its number."""
        row = OperatorActionRow(
            at=format_time(datetime.now(UTC)),
            actor=person.display_name,
            address=person.address,
            action=action,
            target=target,
            reason=reason,
        )
        with self._db.write() as session:
            session.add(row)
            session.flush()
            number = int(row.id or 0)
            told = {"number": number, "reason": reason}
            record(session, Actor.of(person), AuditEntry(f"{action}.begun", f"channel:{target}", None, told))
            return number

    def finish(self, person: Person, number: int, problem: str = "", detail: str = "") -> None:
        """Record what came of it, also in the audit log."""
        with self._db.write() as session:
            row = session.get_one(OperatorActionRow, number)
            row.outcome, row.detail = (FAILED if problem else DONE), (problem or detail)[:2000]
            row.finished_at = format_time(datetime.now(UTC))
            session.add(row)
            session.flush()
            told = {"number": number, "detail": row.detail[:LONGEST_DETAIL]}
            entry = AuditEntry(f"{row.action}.{row.outcome}", f"channel:{row.target}", None, told)
            record(session, Actor.of(person), entry)

    def newest(self, limit: int = 100, target: str = "") -> list[Json]:
        """Return the newest actions, first the newest; `target`: only those on this channel and what is in it."""
        query = select(OperatorActionRow).order_by(col(OperatorActionRow.id).desc()).limit(limit)
        if target:
            within = col(OperatorActionRow.target).startswith(f"{target}/", autoescape=True)
            query = query.where(or_(col(OperatorActionRow.target) == target, within))
        with self._db.read() as session:
            return [self._told(row) for row in session.exec(query)]

    def _told(self, row: OperatorActionRow) -> Json:
        return {**row.model_dump(), "title": ACTION_TITLES.get(Action(row.action), row.action)}


class Actions:
    """Carries out actions as the person who is signed in, and records them."""

    def __init__(self, services: Services, record: Record) -> None:
        self._services, self.record = services, record

    def pause(self, person: Person, channel: str, reason: str) -> Json:
        """Pause a channel. Raises `Invalid` for a bad reason, and what the channel answers."""
        said = f"{person.display_name}：{checked_reason(reason)}"
        if len(said) > LONGEST_REASON:
            remedy = (
                f"渠道会连同您的姓名一起显示，总共最多 {LONGEST_REASON} 个字：请写短 {len(said) - LONGEST_REASON} 个字"
            )
            raise Invalid(Violation("reason", "length", remedy))
        return self._one(person, Action.PAUSE, channel, reason, "POST", f"{channel}/pause", {"reason": said})

    def resume(self, person: Person, channel: str, reason: str) -> Json:
        """Let a paused channel go on. Raises as `pause`."""
        return self._one(person, Action.RESUME, channel, reason, "POST", f"{channel}/resume")

    def revoke_screen(self, person: Person, screen: str, reason: str) -> Json:
        """Revoke a screen of the hall. Raises as `pause`."""
        return self._one(person, Action.REVOKE_SCREEN, f"kiosk/{screen}", reason, "DELETE", f"kiosk/screens/{screen}")

    def settle(
        self, person: Person, action: Action, channel: str, positions: Sequence[int], reason: str
    ) -> list[Result]:
        """Replay or drop parked entries one by one. Return a result for each; one that fails does not stop the others.

        Raises `Invalid` for a bad reason, and for no or too many positions.
        """
        reason = checked_reason(reason)
        if not 0 < len(positions) <= MOST_AT_ONCE:
            raise Invalid(Violation("positions", "length", f"请选择 1 到 {MOST_AT_ONCE} 条"))
        method, suffix = ("POST", "/replay") if action == Action.REPLAY else ("DELETE", "")
        results = []
        for position in positions:
            try:
                path = f"{channel}/parked/{position}{suffix}"
                self._one(person, action, f"{channel}/{position}", reason, method, path)
                results.append(Result(f"{channel}/{position}"))
            except TongyuanError as error:
                results.append(Result(f"{channel}/{position}", str(error)))
        return results

    def _one(
        self, person: Person, action: Action, target: str, reason: str, method: str, path: str, body: Json | None = None
    ) -> Json:
        service, _, rest = path.partition("/")
        number = self.record.begin(person, action, target, checked_reason(reason))
        try:
            answer = self._services.send(method, service, rest, person, json=body)
        except TongyuanError as error:
            self.record.finish(person, number, str(error) or type(error).__name__)
            raise
        self.record.finish(person, number)
        found: Json = answer.content or {}
        return found


def checked_reason(reason: str) -> str:
    """Return the reason without blanks around it. Raises `Invalid` if it is missing, too long or personal."""
    plain = reason.strip()
    if not 2 <= len(plain) <= LONGEST_REASON:
        raise Invalid(Violation("reason", "length", f"请写明理由，2 到 {LONGEST_REASON} 个字"))
    if find_personal_data(plain):
        raise Invalid(Violation("reason", "no_personal_data", "理由会长期保存，请不要写身份证号、手机号等个人信息"))
    return plain
