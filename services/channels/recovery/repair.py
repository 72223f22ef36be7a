"""repair: rebuilds single keys from the ledger in one transaction; `rebuild` does it for all keys.

For each key the versions are read from the newest back to the one in force. They replace what is stored, scheduled and
parked. A key of which the ledger has no entry is no longer shown.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field, StringConstraints
from sqlmodel import Session, col, delete, insert, select

from contracts.base import Contract
from contracts.envelope.publication import Publication
from services.channels.core.channel import Channel
from services.channels.core.digests import bucket_of, in_buckets, sha256_of
from services.channels.core.documents import Row
from services.channels.core.model import DocumentRow, ParkedRow, ScheduledRow, StateRow
from services.channels.core.release_sets import completions, settle
from services.channels.core.statements import HIDE, REPLACE
from services.channels.core.store import in_time, locked_state, opened, park
from services.channels.recovery.aside_table import MARKED
from services.channels.recovery.content_loss import UnreadableVersions, loss_of, refuse
from services.channels.trust.anchor import is_halted
from shared.errors import Conflict
from shared.log import get

MOST = 1_000
ROUNDS = 5
LEDGER_KEY = re.compile(r"[0-9A-Za-z_:-]{1,128}")
"""The ledger has no keys of any other form."""

_log = get("repair")


class RepairRequest(Contract):
    """The keys to repair. `buckets`: all keys that this channel has stored in them, known to the ledger or not."""

    keys: list[Annotated[str, StringConstraints(min_length=1, max_length=128)]] = Field(default=[], max_length=MOST)
    buckets: list[Annotated[str, StringConstraints(pattern=r"^[a-z]{1,16} [0-9a-f]{2}$")]] = Field(
        default=[],
        max_length=256,
        description="Buckets `<kind> <bucket>`, as in the digests of /v1/source.",
        examples=[["item 0f"]],
    )


@dataclass
class _Told:
    """The ledger's entries of a key: rows that can be shown, newest version first, and entries that cannot."""

    rows: list[Row] = field(default_factory=list)
    parked: list[tuple[Publication, Exception]] = field(default_factory=list)
    unreadable: UnreadableVersions = field(default_factory=UnreadableVersions)


def repair(channel: Channel, wanted: RepairRequest) -> list[str]:
    """Repair the keys. Return those that differed from the ledger.

    Raises `Unavailable` without the ledger; `Conflict` for a halted channel, or if the keys keep changing meanwhile;
    and, after all others are repaired, `WouldLose` for keys that would no longer be shown without an entry saying so.
    """
    keys = {*wanted.keys, *_stored_in(channel, wanted.buckets)}
    changed: list[str] = []
    spared: dict[str, str] = {}
    for _ in range(ROUNDS):
        at = channel.position()
        told = {key: _told(channel, key, at) for key in sorted(keys)}
        keys = _replace(channel, told, at, changed, spared)
        if not keys:
            _log.warning("repaired", channel=channel.service, asked=len(told), changed=len(changed))
            refuse(channel.service, spared)
            return sorted(changed)
    raise Conflict(f"{len(keys)} keys change continuously: try again")


def _stored_in(channel: Channel, buckets: Iterable[str]) -> list[str]:
    wanted = set(buckets)
    if not wanted:
        return []
    with channel.db.read() as session:
        here = col(DocumentRow.bucket).in_(in_buckets({one.partition(" ")[2] for one in wanted}))
        stored = session.exec(select(DocumentRow.key, DocumentRow.kind).where(here)).all()
    return [key for key, kind in stored if f"{kind} {bucket_of(key)}" in wanted]


def _told(channel: Channel, key: str, position: int) -> _Told:
    """Read a key's entries up to this position, back to the version in force."""
    told, now = _Told(), datetime.now(UTC)
    with channel.db.read() as session:
        completed = completions(session)
    if not LEDGER_KEY.fullmatch(key):
        return told
    for entry in channel.ledger.history(key):
        if entry.position > position:
            continue
        channel.log.vouched(entry)
        try:
            row = told.unreadable.row_of(channel.adapter, entry)
        except Exception as error:  # noqa: BLE001  # parked, as in `ChannelStore.apply`
            told.parked.append((entry, error))
            continue
        is_open = entry.part_of is None or entry.part_of in completed
        due = is_open and (entry.effective_at is None or entry.effective_at <= now)
        told.rows.append(opened(row, completed) if due else row)
        if due:
            break
    return told


def _replace(
    channel: Channel, told: dict[str, _Told], position: int, changed: list[str], spared: dict[str, str]
) -> set[str]:
    """Write what differs. Return the keys that have changed since the channel was at `position`.

    `spared`: key → reason for those left as they are, because the deciding version cannot be read.
    """
    now = datetime.now(UTC)
    with channel.db.write() as session:
        at = locked_state(session)
        if is_halted(session):
            raise Conflict("the channel is halted because its ledger lost entries")
        moved = _moved(session, told, position, at)
        for key in told.keys() - moved:
            due, later = in_time(reversed(told[key].rows), now)
            if why := loss_of(session, key, due, told[key].unreadable):
                spared[key] = why
                continue
            if _differs(session, key, due, later):
                at.change += 1
                _write(session, key, due, later, at.change)
                changed.append(key)
            _park_again(session, key, told[key], due, now)
        settle(session)
        session.add(at)
        channel.db.notifier.notify(session)
    return moved


def _moved(session: Session, told: dict[str, _Told], position: int, at: StateRow) -> set[str]:
    moved: set[str] = set()
    for table in (DocumentRow, ScheduledRow, ParkedRow):
        newer = select(table.key).where(col(table.position) > position, col(table.position) <= at.position)
        moved |= told.keys() & set(session.exec(newer))
    return moved


def _differs(session: Session, key: str, due: Sequence[Row], later: Sequence[Row]) -> bool:
    stored = session.get(DocumentRow, key, populate_existing=True)
    if stored is None:
        same = not due
    elif not due:
        same = stored.content is None and stored.version == 0
    else:
        whole = due[0]["content"] and sha256_of(due[0]["content"])
        same = all(getattr(stored, name) == due[0][name] for name in (*MARKED, "bucket"))
        same = same and (stored.content and sha256_of(stored.content)) == whole
    shown = due[0]["version"] if due else 0
    of_key = select(ScheduledRow).where(ScheduledRow.key == key, col(ScheduledRow.version) > shown)
    waiting = session.exec(of_key.order_by(col(ScheduledRow.version)))
    return not same or [row.model_dump() for row in waiting] != sorted(later, key=lambda row: row["version"])


def _write(session: Session, key: str, due: Sequence[Row], later: Sequence[Row], change: int) -> None:
    connection = session.connection()
    connection.execute(delete(ScheduledRow).where(col(ScheduledRow.key) == key))
    if later:
        connection.execute(insert(ScheduledRow), list(later))
    if due:
        connection.execute(REPLACE, [{**due[0], "change": change}])
    else:
        connection.execute(HIDE, {"key": key, "change": change})


def _park_again(session: Session, key: str, told: _Told, due: Sequence[Row], now: datetime) -> None:
    connection = session.connection()
    connection.execute(delete(ParkedRow).where(col(ParkedRow.key) == key))
    shown = due[0]["version"] if due else 0
    for entry, error in told.parked:
        if entry.version > shown:
            park(session, entry, error, now)
