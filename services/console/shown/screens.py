"""What is known of a screen of the hall at a moment: its enrolment, its last report, and the receipts of a release.

A screen reports every three seconds, and only its last report is kept. So the position of a screen at a moment is known
where that report is of the moment, or where the receipt of what counted then says that the screen showed it already: a
screen never goes back in the ledger. Everything else is unknown, and said to be.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlmodel import Session

from contracts.base import Json
from services.console.receipts.model import ReceiptRow, ReceiptVersionRow
from services.console.upstream.services import Services
from shared.database.engine import Database
from shared.tokens.person import Person

REPORTED_WITHIN = timedelta(seconds=8)
"""A report holds for so long: then two are missing, and the screen counts as silent."""


@dataclass(frozen=True, slots=True)
class OnScreen:
    """What is known. `position`: in the ledger, at the least; `receipt`: the number of the receipt that says so.

    `enrolled`: None if it is unknown whether the screen was in use at the moment.
    """

    name: str
    enrolled: bool | None
    position: int | None = None
    address: str | None = None
    at: str | None = None
    receipt: int | None = None
    last_seen: str | None = None


def screens(services: Services, person: Person) -> list[Json]:
    """Return the screens of the hall. Raises `UpstreamDown`."""
    found: list[Json] = services.get("kiosk", "screens", person).content["screens"]
    return found


def on_screen(db: Database, screen: Json, versions: Iterable[Json | None], moment: datetime) -> OnScreen:
    """Return what is known of a screen at a moment. `versions`: the entries that counted in its channel then."""
    name, seen = screen["name"], _time(screen["seen_at"])
    enrolled, revoked = _time(screen["enrolled_at"]), _time(screen.get("revoked_at"))
    if revoked is not None and revoked <= moment and (enrolled is None or enrolled <= revoked):
        return OnScreen(name, enrolled=False)
    if enrolled is None or enrolled > moment:
        # An earlier enrolment is forgotten when a screen is enrolled again.
        return OnScreen(name, enrolled=None if enrolled is not None else False)
    if seen is not None and seen - REPORTED_WITHIN <= moment <= seen + REPORTED_WITHIN:
        return OnScreen(name, True, screen["position"], screen["address"], screen["seen_at"])
    with db.read() as session:
        told = [_told(session, name, one, moment) for one in versions if one is not None]
    if told and all(told):
        row = max((one for one in told if one is not None), key=lambda one: one.id or 0)
        return OnScreen(name, True, row.position, None, row.settled_at, row.id, screen["seen_at"])
    return OnScreen(name, True, last_seen=screen["seen_at"])


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
