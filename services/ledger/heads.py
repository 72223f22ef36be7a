"""Signing heads: every head a checkpoint, and every ten seconds a statement that also says the time and the state.

A checkpoint has no time, as its format wants it. The statement has: issued, and expiring, so that whoever is kept from
newer heads finds out. It is a signed note too; its text is one line of RFC 8785 JSON.
"""

from datetime import UTC, datetime, timedelta
from functools import partial

from sqlmodel import Session, col, select

from contracts.base import Json, format_time
from contracts.publication import Head
from contracts.statement import STATEMENT_TYPE
from services.ledger.commands import StoredTiles
from services.ledger.kept_trees import KeptTrees
from services.ledger.known_keys import remember_keys
from services.ledger.memory import Tree, WouldFork
from services.ledger.model import HeadRow, LogRow
from services.ledger.records import NEWEST, SecondKeyRow, StatementRow
from services.ledger.refusal import clear, tell
from services.ledger.signing import Signer
from services.ledger.snapshot_tree import SnapshotTree
from services.ledger.state import StateTree
from shared import metrics
from shared.canonical import canonical
from shared.database import Database
from shared.merkle import GrowingTiles

STATEMENT_EVERY = timedelta(seconds=10)
STATEMENT_LIFE = timedelta(hours=24)
TICK = timedelta(microseconds=1)
_states = KeptTrees(StateTree)
_snapshots = KeptTrees(SnapshotTree)


def sign_head(db: Database, signer: Signer, statement_every: timedelta = STATEMENT_EVERY) -> Head:
    """Sign size and root as they are now; the newest head of a size replaces the older one of the same size.

    Times of heads only grow, whatever the clock does. A statement comes with it when the last one is old enough.
    Raises `WouldFork` when the ledger does not continue what was signed last, and then signs nothing.
    """
    try:
        return _sign_head(db, signer, statement_every)
    except WouldFork:
        # Another sequencer may have signed more since we looked. What counts is the second look.
        pass
    try:
        return _sign_head(db, signer, statement_every)
    except WouldFork as refusal:
        tell(db, refusal)
        raise


def _sign_head(db: Database, signer: Signer, statement_every: timedelta) -> Head:
    with db.read() as session:
        # The first look at a long ledger takes its time, and must not hold up who writes.
        _roots(db, session, _size(session))
    with db.write() as session:
        size = _size(session)
        tiles = GrowingTiles(StoredTiles(session), size)
        root = tiles.root()
        newest = _newest(session)
        signer.memory.advance(Tree(size, root), tiles, begun=newest is not None)
        now = _after(newest)
        head = Head(size=size, root=root.hex(), time=now, checkpoint=signer.checkpoint(size, root))
        session.merge(HeadRow(size=size, root=head.root, time=format_time(now), checkpoint=head.checkpoint))
        clear(session)
        remember_keys(session, signer, now)
        _remember_second(session, signer, now)
        last = session.get(StatementRow, NEWEST)
        if last is None or datetime.fromisoformat(last.issued_at) + statement_every <= now:
            session.merge(_statement(head, signer, last, _roots(db, session, size)))
        db.bell.ring(session)
    metrics.ledger_position.set(size)
    metrics.head_age.labels("ledger").set_function(partial(_age, head))
    return head


def _roots(db: Database, session: Session, size: int) -> dict[str, str]:
    """What a statement says of the ledger's contents."""
    return {
        "state_root": _states.root(db, session, size).hex(),
        "snapshot_root": _snapshots.root(db, session, size).hex(),
    }


def _statement(head: Head, signer: Signer, last: StatementRow | None, roots: dict[str, str]) -> StatementRow:
    sequence = last.sequence + 1 if last else 1
    content = {
        "type": STATEMENT_TYPE,
        "origin": signer.name,
        "sequence": sequence,
        "size": head.size,
        "root": head.root,
        **roots,
        "issued_at": format_time(head.time),
        "expires_at": format_time(head.time + STATEMENT_LIFE),
    }
    return StatementRow(
        id=NEWEST,
        sequence=sequence,
        size=head.size,
        issued_at=format_time(head.time),
        state_root=roots["state_root"],
        note=signer.note(_line(content)),
    )


def _remember_second(session: Session, signer: Signer, now: datetime) -> None:
    if signer.second is not None:
        key = signer.second.key
        if session.get(SecondKeyRow, key.key_id.hex()) is None:
            row = SecondKeyRow(
                key_id=key.key_id.hex(),
                name=key.name,
                kind=key.kind.hex(),
                public_key=key.public_key.hex(),
                created_at=format_time(now),
            )
            session.add(row)


def _newest(session: Session) -> str | None:
    """When the newest head was signed."""
    return session.exec(select(HeadRow.time).order_by(col(HeadRow.size).desc()).limit(1)).first()


def _after(last: str | None) -> datetime:
    """Now, or just after the newest head when the clock has been put back."""
    now = datetime.now(UTC)
    return now if last is None else max(now, datetime.fromisoformat(last) + TICK)


def _size(session: Session) -> int:
    row = session.get(LogRow, 1)
    return row.size if row else 0


def _line(content: Json) -> str:
    return canonical(content).decode() + "\n"


def _age(head: Head) -> float:
    return (datetime.now(UTC) - head.time).total_seconds()
