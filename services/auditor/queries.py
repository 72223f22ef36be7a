"""Reading the record. Never writes."""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from statistics import median

import orjson
from sqlmodel import Session, col, select

from contracts.base import Json
from services.auditor.model import LEDGER, FindingRow, PassRow, Surface

NEWEST = 1_000
"""Closed findings that the report's figures are made of."""


def findings(session: Session, *, only_open: bool, before: int | None, limit: int) -> list[Json]:
    """Findings, newest first; `before`: the id of the last one of the page before."""
    query = select(FindingRow).order_by(col(FindingRow.id).desc()).limit(limit)
    if only_open:
        query = query.where(col(FindingRow.repaired_at).is_(None))
    if before is not None:
        query = query.where(col(FindingRow.id) < before)
    return [finding_json(row) for row in session.exec(query)]


def finding_json(row: FindingRow) -> Json:
    """A finding for people: differences by path, times, and how long it took."""
    document: Json = row.model_dump()
    document["differences"] = orjson.loads(row.differences)
    return {**document, "detect_seconds": _between(row.since, row.found_at), "repair_seconds": _repair(row)}


def report(session: Session) -> Json:
    """Open findings by channel and verdict, every surface's newest pass and its age, and how long things took."""
    now = datetime.now(UTC)
    rows = session.exec(select(FindingRow).where(col(FindingRow.repaired_at).is_(None))).all()
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        counted[row.channel][row.verdict] += 1
    closed = session.exec(
        select(FindingRow)
        .where(col(FindingRow.repaired_at).is_not(None))
        .order_by(col(FindingRow.id).desc())
        .limit(NEWEST)
    ).all()
    passes: dict[str, Json] = defaultdict(dict)
    for done in session.exec(select(PassRow).order_by(PassRow.channel, PassRow.surface)):
        age = (now - datetime.fromisoformat(done.finished_at)).total_seconds()
        facts = done.model_dump(exclude={"channel", "surface"})
        passes[done.channel][done.surface] = {**facts, "age_seconds": round(age, 1)}
    ledger = passes.pop(LEDGER, {})
    return {
        "good": not rows,
        "ledger": {"position": position(session), "passes": ledger},
        "open": {channel: dict(verdicts) for channel, verdicts in sorted(counted.items())},
        "channels": dict(passes),
        "closed": len(closed),
        "detect_seconds": _figures([_between(row.since, row.found_at) for row in (*rows, *closed)]),
        "repair_seconds": _figures([_repair(row) for row in closed]),
    }


def position(session: Session) -> int:
    """How far the ledger was read."""
    row = session.get(PassRow, (LEDGER, Surface.CHANGES))
    return row.checked if row else 0


def _repair(row: FindingRow) -> float | None:
    return None if row.repaired_at is None else _between(row.found_at, row.repaired_at)


def _between(first: str | None, second: str) -> float | None:
    if first is None:
        return None
    return round((datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds(), 3)


def _figures(values: list[float | None]) -> Json | None:
    known = [value for value in values if value is not None]
    return {"count": len(known), "median": median(known), "most": max(known)} if known else None
