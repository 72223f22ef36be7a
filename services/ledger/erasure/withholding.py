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
from shared.transparency.timeline import NEVER, Completions, Timed
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
    scheduled = {row.position: row.key for row in rows if Timed.of_json(orjson.loads(row.meta)).scheduled}
    of_key = _of_keys(session, sorted(set(scheduled.values())))
    completions = completions_of(session, [entry for entries in of_key.values() for entry in entries])
    times = {key: [timed_of(entry, completions) for entry in entries] for key, entries in of_key.items()}
    told: dict[int, Json] = {}
    for key, entries in of_key.items():
        for entry, timed in zip(entries, times[key], strict=True):
            if entry["position"] in scheduled and is_withheld(timed, times[key], now):
                told[entry["position"]] = told_of(timed, times[key])
    return told


def timed_of(entry: Json, completions: Completions) -> Timed:
    """Return the times of an entry as they hold with what is recorded of its set."""
    return Timed.of_json(entry).in_set(entry.get("part_of"), completions)


def completions_of(session: Session, entries: Sequence[Json]) -> dict[str, datetime]:
    """Return when the acts that complete the sets of these entries were recorded. Without sets nothing is read."""
    acts = sorted({entry["part_of"] for entry in entries if entry.get("part_of")})
    if not acts:
        return {}
    found = [orjson.loads(row.meta) for row in session.connection().execute(ENTRIES_OF_KEYS, {"keys": acts})]
    return {act["key"]: datetime.fromisoformat(act["recorded_at"]) for act in reversed(found)}


def told_of(timed: Timed, of_key: Sequence[Timed]) -> Json:
    """Return the members that replace a withheld body."""
    until = readable_from(timed, of_key)
    known = until is not None and until != NEVER
    return {"no_body": str(NoBody.WITHHELD), "withheld_until": format_time(until) if until and known else None}


def _of_keys(session: Session, keys: Sequence[str]) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = defaultdict(list)
    if keys:
        for row in session.connection().execute(ENTRIES_OF_KEYS, {"keys": keys}):
            found[row.key].append(orjson.loads(row.meta))
    return found


def no_body(op: str) -> str:
    """Return why the ledger itself has no body of a version."""
    return str(NoBody.WITHDRAWN if op == Op.WITHDRAW else NoBody.ERASED)
