"""Commands that write findings, passes and repairs. Each is one function, one transaction."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import orjson
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from contracts.base import Json, format_time
from services.auditor import metrics
from services.auditor.model import FindingRow, Look, Observation, PassRow, Surface, Verdict
from shared import log
from shared.database.engine import Database

_log = log.get("auditor")


def settle(
    db: Database,
    channel: str,
    surface: Surface,
    bad: Mapping[str, Observation],
    good: Iterable[str] | None,
    since: datetime | None = None,
) -> list[FindingRow]:
    """Open a finding for each of `bad`, close those of `good` (None: all others of this surface); return the new ones.

    `since`: when this surface was last seen equal. Each new finding is logged as an error and counted at once.
    """
    now = datetime.now(UTC)
    with db.write() as session:
        known = {row.key: row for row in session.exec(_open(channel, surface))}
        closed = [row for key, row in known.items() if key not in bad and (good is None or key in good)]
        for row in closed:
            row.repaired_at = format_time(now)
            session.add(row)
        for key, sighting in bad.items():
            if key in known:
                known[key].verdict, known[key].differences = sighting.verdict, _text(sighting)
                session.add(known[key])
        opened = [_row(channel, surface, key, bad[key], now, since) for key in sorted(bad.keys() - known.keys())]
        session.add_all(opened)
        session.flush()
    for row in opened:
        _alarm(row, now)
    for row in closed:
        seconds = (now - datetime.fromisoformat(row.found_at)).total_seconds()
        metrics.repair.labels(channel).observe(seconds)
        _log.warning("finding repaired", channel=channel, surface=surface, key=row.key, seconds=round(seconds, 1))
    if opened or closed:
        measure(db, [channel])
    return opened


def note_pass(db: Database, channel: str, surface: Surface, began: datetime, look: Look | int) -> None:
    """Record that a surface was read completely."""
    now = datetime.now(UTC)
    checked = look if isinstance(look, int) else look.checked
    row = PassRow(
        channel=channel,
        surface=surface,
        finished_at=format_time(now),
        seconds=(now - began).total_seconds(),
        checked=checked,
    )
    with db.write() as session:
        session.merge(row)
    metrics.pass_finished.labels(channel, surface).set(now.timestamp())


def note_repair(db: Database, findings: Iterable[FindingRow], repair: str | None, problem: str | None) -> None:
    """Record that a repair was requested, or is impossible. The finding stays open until the surface is seen equal."""
    now = format_time(datetime.now(UTC))
    with db.write() as session:
        for finding in findings:
            row = session.get(FindingRow, finding.id)
            if row is not None and row.repaired_at is None:
                row.attempts += 1
                row.tried_at, row.repair = now, repair or row.repair
                row.problem = problem[:300] if problem else None
                session.add(row)


def measure(db: Database, channels: Iterable[str]) -> None:
    """Set the gauges of open findings."""
    with db.read() as session:
        for channel in channels:
            rows = session.exec(
                select(FindingRow.verdict).where(col(FindingRow.repaired_at).is_(None), FindingRow.channel == channel)
            ).all()
            for verdict in (Verdict.DIFFERENT, Verdict.MISSING, Verdict.ORPHAN, Verdict.FOREIGN):
                metrics.open_findings.labels(channel, verdict).set(rows.count(verdict))


def open_findings(session: Session) -> list[FindingRow]:
    """Return all open findings, oldest first."""
    return list(session.exec(select(FindingRow).where(col(FindingRow.repaired_at).is_(None)).order_by("id")))


def _open(channel: str, surface: Surface) -> SelectOfScalar[FindingRow]:
    return select(FindingRow).where(
        FindingRow.channel == channel, FindingRow.surface == surface, col(FindingRow.repaired_at).is_(None)
    )


def _row(
    channel: str, surface: Surface, key: str, sighting: Observation, now: datetime, since: datetime | None
) -> FindingRow:
    known = [moment for moment in (since, sighting.moment) if moment is not None]
    return FindingRow(
        channel=channel,
        surface=surface,
        key=key,
        verdict=sighting.verdict,
        differences=_text(sighting),
        since=format_time(max(known)) if known else None,
        found_at=format_time(now),
    )


def _alarm(row: FindingRow, now: datetime) -> None:
    kind = row.key.replace(" ", ":").partition(":")[0]
    facts: Json = {"channel": row.channel, "surface": row.surface, "kind": kind, "key": row.key, "finding": row.id}
    if row.since is not None:
        seconds = (now - datetime.fromisoformat(row.since)).total_seconds()
        metrics.detect.labels(row.channel).observe(seconds)
        facts["at_most_seconds"] = round(seconds, 1)
    _log.error(row.verdict, **facts)


def _text(sighting: Observation) -> str:
    return orjson.dumps(sighting.differences).decode()
