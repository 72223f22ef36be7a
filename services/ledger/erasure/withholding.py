"""Decide which bodies are withheld from readers without a token, and until when. Reads only.

The rule itself is `shared.transparency.withholding`.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import orjson
from sqlmodel import Session

from contracts.base import Json, format_time
from contracts.envelope.publication import NoBody
from contracts.kinds import Op, is_public
from services.ledger.model import EntryRow
from services.ledger.statements import ENTRIES_OF_KEYS
from shared.transparency.timeline import Timed
from shared.transparency.withholding import is_withheld, readable_from


def without_body(session: Session, rows: Sequence[EntryRow], now: datetime, *, trusted: bool) -> dict[int, Json]:
    """Return, by position, why an entry is shown without its body. `trusted`: the reader has a token."""
    told = {row.position: {"no_body": no_body(orjson.loads(row.meta)["op"])} for row in rows if row.body is None}
    if trusted:
        return told
    hidden = [row for row in rows if row.body is not None and not is_public(row.kind)]
    told |= {row.position: {"no_body": str(NoBody.WITHHELD)} for row in hidden}
    return told | _scheduled(session, [row for row in rows if row.body is not None and is_public(row.kind)], now)


def _scheduled(session: Session, rows: Sequence[EntryRow], now: datetime) -> dict[int, Json]:
    scheduled = [(row, timed) for row in rows if (timed := Timed.of_json(orjson.loads(row.meta))).scheduled]
    of_key = _of_keys(session, sorted({row.key for row, _ in scheduled}))
    return {
        row.position: told_of(timed, of_key[row.key])
        for row, timed in scheduled
        if is_withheld(timed, of_key[row.key], now)
    }


def told_of(timed: Timed, of_key: Sequence[Timed]) -> Json:
    """Return the members that replace a withheld body."""
    until = readable_from(timed, of_key)
    return {"no_body": str(NoBody.WITHHELD), "withheld_until": format_time(until) if until else None}


def _of_keys(session: Session, keys: Sequence[str]) -> dict[str, list[Timed]]:
    found: dict[str, list[Timed]] = defaultdict(list)
    if keys:
        for row in session.connection().execute(ENTRIES_OF_KEYS, {"keys": keys}):
            found[row.key].append(Timed.of_json(orjson.loads(row.meta)))
    return found


def no_body(op: str) -> str:
    """Return why the ledger itself has no body of a version."""
    return str(NoBody.WITHDRAWN if op == Op.WITHDRAW else NoBody.ERASED)
