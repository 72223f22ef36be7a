"""Receipts: after a release, since when each channel and each screen of the hall shows it, kept for ever.

A receipt is followed until every channel shows what was released. A channel that does not show it `LATE` after its
time makes the receipt `late`, with a reason: that is the notice on the desk. Times are those at which the desk saw it,
so they are upper bounds.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import orjson
from sqlalchemy import update
from sqlmodel import col, select

from contracts.base import Json, format_time
from contracts.kinds import Op
from services.console.receipts.model import ReceiptRow
from services.console.receipts.opening import OPEN, ReceiptState
from services.console.receipts.seen import READER, Seen
from services.console.upstream.services import Services
from shared import log
from shared.database.engine import Database
from shared.errors import NotFound, TongyuanError

LATE = timedelta(seconds=10)
"""After its time; the desk says so within 60 s."""

FOLLOWING, IDLE = 0.1, 5.0
"""Seconds between two looks while something is followed, and while nothing is: a new receipt ends the pause."""

SCREENS_AGAIN = timedelta(seconds=1)
"""How often the screens of the hall are looked at once every channel shows a release."""

LOOK_AGAIN = timedelta(seconds=5)
"""How often a late receipt is looked at."""

SCREENS_PATIENCE = timedelta(seconds=60)
"""For which the screens of the hall are awaited: they report every three seconds."""

FOLLOWED = {"id", "places", "screens", "state", "problem", "position", "settled_at"}
"""What following changes of a receipt, with its key."""

_log = log.get("release")


class Receipts:
    """Follows open receipts; one thread runs `advance`. `pause`: seconds after which it is to be run again."""

    def __init__(self, db: Database, services: Services, channels: tuple[str, ...]) -> None:
        """`channels`: names of the channels that are followed."""
        self.db, self._services, self.channels = db, services, channels
        self._rest_until: dict[int, datetime] = {}
        self.pause = 0.0

    def read(self, number: int) -> Json:
        """Return a receipt. Raises `NotFound`."""
        with self.db.read() as session:
            row = session.get(ReceiptRow, number)
        if row is None:
            raise NotFound(f"there is no receipt {number}")
        return told(row)

    def listed(self, limit: int = 50, before: int | None = None) -> list[Json]:
        """Return the newest receipts before `before`, newest first."""
        with self.db.read() as session:
            query = select(ReceiptRow).order_by(col(ReceiptRow.id).desc()).limit(limit)
            if before is not None:
                query = query.where(col(ReceiptRow.id) < before)
            return [told(row) for row in session.exec(query)]

    def notices(self) -> list[Json]:
        """Return the receipts of which a channel does not show what it should."""
        with self.db.read() as session:
            query = select(ReceiptRow).where(ReceiptRow.state == ReceiptState.LATE).order_by(col(ReceiptRow.id).desc())
            return [told(row) for row in session.exec(query)]

    def advance(self) -> int:
        """Look at every receipt whose time has come. Return how many have changed."""
        now = datetime.now(UTC)
        with self.db.read() as session:
            due = select(ReceiptRow.id, ReceiptRow.due_at).where(col(ReceiptRow.state).in_(OPEN))
            looks = {number or 0: datetime.fromisoformat(at) for number, at in session.exec(due)}
            self._rest_until = {number: at for number, at in self._rest_until.items() if number in looks}
            looks = {number: max(at, self._rest_until.get(number, at)) for number, at in looks.items()}
            awake = [number for number, at in looks.items() if at <= now]
            rows = list(session.exec(select(ReceiptRow).where(col(ReceiptRow.id).in_(awake)))) if awake else []
        later = [(at - now).total_seconds() for at in looks.values() if at > now]
        self.pause = FOLLOWING if rows else min([IDLE, *later])
        seen = Seen(self._services, self.channels, rows)
        changed = [row for row in sorted(rows, key=lambda row: row.id or 0) if self._followed(row, seen)]
        if changed:
            # If we die before this commit, the next start looks again; what was seen is then seen a little later.
            with self.db.write() as session:
                session.execute(update(ReceiptRow), [row.model_dump(include=FOLLOWED) for row in changed])
        return len(changed)

    def _followed(self, row: ReceiptRow, seen: Seen) -> bool:
        """Bring one receipt up to date. Return whether that changed it."""
        places, before = orjson.loads(row.places), (row.places, row.screens, row.state, row.problem)
        versions = orjson.loads(row.versions)
        now = datetime.now(UTC)
        late = now > datetime.fromisoformat(row.due_at) + LATE
        looked = [self._look(row, versions, name, places, seen) for name in self.channels if name not in places]
        row.places = orjson.dumps(places).decode()
        if all(name in places for name in self.channels):
            row.problem = None
            self._finish(row, versions, now, seen)
        elif late:
            row.state, row.problem = ReceiptState.LATE, "；".join(reason() for reason in looked if reason is not None)
            self._rest_until[row.id or 0] = now + LOOK_AGAIN
        else:
            row.state = ReceiptState.FOLLOWED
        if before == (row.places, row.screens, row.state, row.problem):
            return False
        if row.state == ReceiptState.LATE and before[2] != row.state:
            _log.warning("release not shown in time", receipt=row.id, due_at=row.due_at)
        return True

    def _look(
        self, row: ReceiptRow, versions: list[Json], name: str, places: Json, seen: Seen
    ) -> Callable[[], str] | None:
        """Note since when a channel shows every version. If it does not, return what tells why, in Chinese."""
        shown, replaced = 0, 0
        try:
            for one in versions:
                stored = seen.stored(name, one["key"])
                if stored is None or stored["version"] < one["version"]:
                    return partial(self._reason, name, one)
                shown += stored["shown"] or one["op"] == Op.WITHDRAW
                replaced += stored["version"] > one["version"]
        except TongyuanError as error:
            return partial(_unanswered, name, error)
        now = datetime.now(UTC)
        late = now - datetime.fromisoformat(row.due_at)
        places[name] = {
            "at": format_time(now),
            "milliseconds": max(0, round(late.total_seconds() * 1000)),
            "shows": shown,
            "replaced": replaced,
        }
        return None

    def _reason(self, name: str, one: Json) -> str:
        try:
            return self._asked_reason(name, one)
        except TongyuanError as error:
            return _unanswered(name, error)

    def _asked_reason(self, name: str, one: Json) -> str:
        parked = self._services.get(name, "parked", READER).content["parked"]
        for entry in parked:
            if entry["key"] == one["key"]:
                return f"{name}：无法显示，已搁置（{entry['reason']}）"
        for waits in self._services.get(name, "sets", READER).content["sets"]:
            if any(here["key"] == one["key"] for here in waits["here"]):
                return f"{name}：所在的一组还没有发齐"
        position = self._services.get(name, "position", READER).content["position"]
        return f"{name}：还停在账本第 {position} 条"

    def _finish(self, row: ReceiptRow, versions: list[Json], now: datetime, seen: Seen) -> None:
        """Note the screens; the receipt is settled when they all show it, or after a minute."""
        row.screens = orjson.dumps(self._screens(row, versions, seen)).decode()
        screens = orjson.loads(row.screens)
        waited = now > datetime.fromisoformat(row.due_at) + SCREENS_PATIENCE
        replaced = all(one["replaced"] == len(versions) for one in orjson.loads(row.places).values())
        if replaced and row.many is None:
            row.state, row.settled_at = ReceiptState.REPLACED, format_time(now)
        elif "kiosk" not in self.channels or screens.get("on") == screens.get("of") or waited:
            row.state, row.settled_at = ReceiptState.SHOWN, format_time(now)
        else:
            row.state = ReceiptState.FOLLOWED
            self._rest_until[row.id or 0] = now + SCREENS_AGAIN

    def _screens(self, row: ReceiptRow, versions: list[Json], seen: Seen) -> Json:
        """Return how many screens show it, and which do not, since when."""
        if "kiosk" not in self.channels:
            return {}
        try:
            listed = seen.screens()
            if row.position is None and listed:
                newest = versions[-1]
                path = f"versions/{newest['key']}"
                found = self._services.get("ledger", path, READER, after=newest["version"] - 1, limit=1).content
                row.position = found["versions"][0]["position"] if found["versions"] else None
        except TongyuanError as error:
            return {"unknown": type(error).__name__}
        enrolled = [one for one in listed if one["state"] not in ("waiting", "revoked")]
        not_on = [one for one in enrolled if not _screen_is_on(one, row)]
        told_of = [{"name": one["name"], "state": one["state"], "since": _since(one)} for one in not_on]
        names = [one["name"] for one in enrolled]
        return {"of": len(enrolled), "on": len(enrolled) - len(not_on), "not": told_of, "names": names}


def _unanswered(name: str, error: TongyuanError) -> str:
    return f"{name}：没有回答（{type(error).__name__}）"


def told(row: ReceiptRow) -> Json:
    """Return a receipt as JSON."""
    return {
        "number": row.id,
        "title": row.title,
        "by": row.by,
        "released_at": row.released_at,
        "due_at": row.due_at,
        "versions": orjson.loads(row.versions),
        "many": orjson.loads(row.many) if row.many else None,
        "state": row.state,
        "channels": orjson.loads(row.places),
        "screens": orjson.loads(row.screens),
        "problem": row.problem,
        "settled_at": row.settled_at,
    }


def _screen_is_on(one: Json, row: ReceiptRow) -> bool:
    """Whether a screen has reported, since the time of the release, that it shows what the channel shows."""
    reported = one["seen_at"] is not None and one["seen_at"] >= row.due_at
    reaches = row.position is not None and (one["position"] or 0) >= row.position
    return bool(one["state"] == "good" and reported and reaches)


def _since(one: Json) -> str | None:
    since: str | None = one["old_since"] or one["seen_at"] or one["enrolled_at"]
    return since
