"""What is known of a screen of the hall at a moment: its enrolment, its last report, and the receipts of a release.

A screen reports every three seconds. The kiosk keeps its last report, and the spans in which it reported without a
gap, each with the position that it had reached at least. Where no span covers the moment, the receipt of what counted
then may say that the screen showed it already. Everything else is unknown, and said to be.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlmodel import Session

from contracts.base import Json, format_time
from services.console.receipts.model import ReceiptRow, ReceiptVersionRow
from services.console.upstream.services import Services
from shared.database.engine import Database
from shared.tokens.person import Person

REPORTED_WITHIN = timedelta(seconds=8)
"""A report holds for so long: then two are missing, and the screen counts as silent."""


@dataclass(frozen=True, slots=True)
class OnScreen:
    """What is known. `position`: in the ledger, at the least; `receipt`: the number of the receipt that says so.

    `enrolled`: None if it is unknown whether the screen was in use at the moment. `since`, `until`: it reported from
    then until then without a gap.
    """

    name: str
    enrolled: bool | None
    position: int | None = None
    address: str | None = None
    at: str | None = None
    receipt: int | None = None
    since: str | None = None
    until: str | None = None
    last_seen: str | None = None


def screens(services: Services, person: Person) -> list[Json]:
    """Return the screens of the hall. Raises `UpstreamDown`."""
    found: list[Json] = services.get("kiosk", "screens", person).content["screens"]
    return found


def position_at(services: Services, person: Person, name: str, moment: datetime) -> Json:
    """Return `position`, `since` and `until` of the span that covers a moment; nulls: unknown."""
    found: Json = services.get("kiosk", f"screens/{name}/position", person, at=format_time(moment)).content
    return found


def on_screen(db: Database, screen: Json, span: Json, versions: Iterable[Json | None], moment: datetime) -> OnScreen:
    """Return what is known of a screen at a moment.

    `span`: see `position_at`; `versions`: the entries that counted in its channel then.
    """
    name, seen = screen["name"], _time(screen["seen_at"])
    shown = [one for one in versions if one is not None]
    if seen is not None and abs(seen - moment) <= REPORTED_WITHIN and _is_enrolled(screen, moment):
        return OnScreen(name, True, screen["position"], screen["address"], screen["seen_at"])
    span_tells = span["position"] is not None
    if span_tells and all(one["position"] <= span["position"] for one in shown):
        # Known even of a screen that was enrolled again, or revoked, since.
        return OnScreen(name, True, span["position"], since=span["since"], until=span["until"])
    if not span_tells and (enrolled := _is_enrolled(screen, moment)) is not True:
        return OnScreen(name, enrolled=enrolled)
    if (receipt := _receipt(db, name, shown, moment)) is not None:
        return OnScreen(name, True, receipt.position, None, receipt.settled_at, receipt.id, last_seen=screen["seen_at"])
    if span_tells:
        return OnScreen(name, True, span["position"], since=span["since"], until=span["until"])
    return OnScreen(name, True, last_seen=screen["seen_at"])


def _is_enrolled(screen: Json, moment: datetime) -> bool | None:
    """Return whether a screen was in use at a moment; None: unknown, it was enrolled again since."""
    enrolled, revoked = _time(screen["enrolled_at"]), _time(screen.get("revoked_at"))
    if revoked is not None and revoked <= moment and (enrolled is None or enrolled <= revoked):
        return False
    if enrolled is None or enrolled > moment:
        # An earlier enrolment is forgotten when a screen is enrolled again.
        return None if enrolled is not None else False
    return True


def _receipt(db: Database, name: str, shown: Sequence[Json], moment: datetime) -> ReceiptRow | None:
    """Return the newest receipt of those that say that the screen had shown every entry before the moment."""
    with db.read() as session:
        told = [row for one in shown if (row := _told(session, name, one, moment)) is not None]
    return max(told, key=lambda one: one.id or 0) if told and len(told) == len(shown) else None


def _told(session: Session, name: str, entry: Json, moment: datetime) -> ReceiptRow | None:
    """Return the receipt that says that the screen showed this entry before the moment."""
    known = session.get(ReceiptVersionRow, (entry["key"], entry["version"]))
    row = None if known is None else session.get(ReceiptRow, known.receipt)
    if row is None or row.settled_at is None or datetime.fromisoformat(row.settled_at) > moment:
        return None
    seen: Json = orjson.loads(row.screens)
    missing = {one["name"] for one in seen.get("not", ())}
    return row if name in seen.get("names", ()) and name not in missing else None


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
