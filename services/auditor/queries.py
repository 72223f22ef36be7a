"""Read findings and passes. Writes nothing."""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from statistics import median

import orjson
from sqlmodel import Session, col, select

from contracts.base import Json
from services.auditor.inspection.source_comparison import compared
from services.auditor.model import LEDGER, FindingRow, PassRow, Surface
from shared.web.list_size import MOST_BYTES

FEW = 20
"""Findings that are fetched at a time, because the size of their differences is not known in advance."""

NEWEST = 1_000
"""The number of closed findings from which the report computes its figures."""


def findings(session: Session, *, only_open: bool, before: int | None, limit: int) -> list[Json]:
    """Return findings, newest first, as many bytes as one page takes; `before`: id of the previous page's last one."""
    query = select(FindingRow).order_by(col(FindingRow.id).desc()).limit(limit)
    if only_open:
        query = query.where(col(FindingRow.repaired_at).is_(None))
    if before is not None:
        query = query.where(col(FindingRow.id) < before)
    found: list[Json] = []
    size = 0
    for row in session.exec(query.execution_options(yield_per=FEW)):
        size += len(row.differences)
        if found and size > MOST_BYTES:
            break
        found.append(finding_json(row))
    return found


def finding_json(row: FindingRow) -> Json:
    """Return a finding for people: differences by path, times, and durations."""
    document: Json = row.model_dump()
    document["differences"] = orjson.loads(row.differences)
    return {**document, "detect_seconds": _between(row.since, row.found_at), "repair_seconds": _repair(row)}


def report(session: Session) -> Json:
    """Return open findings by channel and verdict, the newest pass of every surface and its age, and durations."""
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
        "ledger": {"position": position(session), "passes": ledger, "sources": compared(session)},
        "open": {channel: dict(verdicts) for channel, verdicts in sorted(counted.items())},
        "channels": dict(passes),
        "closed": len(closed),
        "detect_seconds": _figures([_between(row.since, row.found_at) for row in (*rows, *closed)]),
        "repair_seconds": _figures([_repair(row) for row in closed]),
    }


def position(session: Session) -> int:
    """Return how far the ledger was read."""
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
