"""Sign heads: each head as a checkpoint, and every ten seconds a statement with the time and the state roots.

The checkpoint format has no time. The statement states when it was issued and when it expires, so that a reader notices
when newer heads are withheld from it. A statement is a signed note as well; its text is one line of RFC 8785 JSON.
"""

from datetime import UTC, datetime, timedelta
from functools import partial

import orjson
from sqlmodel import Session, col, select

from contracts.base import Json, format_time
from contracts.envelope.publication import Head
from contracts.envelope.statement import STATEMENT_TYPE, AuditHead
from contracts.kinds import PUBLIC
from services.ledger.log.append import StoredTiles
from services.ledger.log.cached_trees import CachedTrees
from services.ledger.manifest import NAME
from services.ledger.model import HeadRow, LogRow
from services.ledger.signing.known_keys import remember_keys
from services.ledger.signing.records import NEWEST, SecondKeyRow, SourceAuditRow, SourceKeyRow, StatementRow
from services.ledger.signing.refusal import clear, tell
from services.ledger.signing.signed_head_store import SignedTree, WouldFork
from services.ledger.signing.signer import Signer
from services.ledger.snapshots.state_tree import StateTree
from services.ledger.snapshots.tree import SnapshotTree
from shared import metrics
from shared.audit.queries import head as audit_head
from shared.database.engine import Database
from shared.transparency.canonical import canonical
from shared.transparency.merkle import GrowingTiles

STATEMENT_EVERY = timedelta(seconds=10)
STATEMENT_LIFE = timedelta(hours=24)
TICK = timedelta(microseconds=1)
_states = CachedTrees(StateTree)
_snapshots = CachedTrees(SnapshotTree)


def sign_head(db: Database, signer: Signer, statement_every: timedelta = STATEMENT_EVERY) -> Head:
    """Sign the current size and root. The newest head of a size replaces an older one of the same size.

    Head times always increase, whatever the clock does. A new statement is signed when the last one is older than
    `statement_every`, or when the list of source keys has changed.

    Raises `WouldFork`, and signs nothing, when the ledger does not continue what was signed last.
    """
    try:
        return _sign_head(db, signer, statement_every)
    except WouldFork:
        # Another sequencer may have signed a larger tree after we read the size. Only the second failure counts.
        pass
    try:
        return _sign_head(db, signer, statement_every)
    except WouldFork as refusal:
        tell(db, refusal)
        raise


def _sign_head(db: Database, signer: Signer, statement_every: timedelta) -> Head:
    with db.read() as session:
        # The first time, computing the roots of a long ledger is slow: do it before the writing transaction begins.
        _roots(db, session, _size(session))
    with db.write() as session:
        size = _size(session)
        tiles = GrowingTiles(StoredTiles(session), size)
        root = tiles.root()
        newest = _newest(session)
        # Save the tree to disk before signing it. If the process dies here: nothing is signed yet, and the
        # next head continues the saved tree, because its entries are committed.
        signer.memory.advance(SignedTree(size, root), tiles, begun=newest is not None)
        now = _after(newest)
        # If the process dies here, or the commit fails: the signed head is lost with the transaction, unseen.
        head = Head(size=size, root=root.hex(), time=now, checkpoint=signer.checkpoint(size, root))
        session.merge(HeadRow(size=size, root=head.root, time=format_time(now), checkpoint=head.checkpoint))
        clear(session)
        remember_keys(session, signer, now)
        _remember_second(session, signer, now)
        last = session.get(StatementRow, NEWEST)
        sources = _source_keys(session)
        old = last is None or datetime.fromisoformat(last.issued_at) + statement_every <= now
        if old or _sources_of(last) != sources:
            audits = _audit_heads(session)
            session.merge(_statement(head, signer, last, _roots(db, session, size), sources, audits))
        # The commit publishes the head: it notifies the relay, which sends the newest head after its entries. If the
        # process dies after the commit, the relay still finds the head in the table.
        db.notifier.notify(session)
    metrics.ledger_position.set(size)
    metrics.head_age.labels("ledger").set_function(partial(_age, head))
    return head


def _roots(db: Database, session: Session, size: int) -> dict[str, str]:
    """Return the roots over the ledger's contents that a statement includes."""
    return {
        "state_root": _states.root(db, session, size).hex(),
        "snapshot_root": _snapshots.root(db, session, size).hex(),
    }


def _statement(
    head: Head,
    signer: Signer,
    last: StatementRow | None,
    roots: dict[str, str],
    sources: list[Json],
    audits: list[Json],
) -> StatementRow:
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
        "state_kinds": list(PUBLIC),
        "sources": sources,
        "audit_heads": audits,
    }
    return StatementRow(
        id=NEWEST,
        sequence=sequence,
        size=head.size,
        issued_at=format_time(head.time),
        state_root=roots["state_root"],
        note=signer.note(_line(content)),
    )


def _source_keys(session: Session) -> list[Json]:
    """Return the keys by which sources sign, as a statement lists them: by source, then by start."""
    keys = [row.listed() for row in session.exec(select(SourceKeyRow))]
    keys.sort(key=lambda key: (key.source, key.signs_from.position, key.key_id))
    return [key.model_dump(mode="json") for key in keys]


def _audit_heads(session: Session) -> list[Json]:
    """Return the newest rows of all audit logs that the ledger knows, its own included, by service."""
    heads = [row.head() for row in session.exec(select(SourceAuditRow))]
    heads.append(AuditHead(source=NAME, **{name: audit_head(session)[name] for name in ("sequence", "hash")}))
    return [one.model_dump(mode="json") for one in sorted(heads, key=lambda one: one.source)]


def _sources_of(statement: StatementRow | None) -> list[Json]:
    """Return the source keys that a statement lists."""
    found: list[Json] = [] if statement is None else orjson.loads(statement.note.partition("\n")[0]).get("sources", [])
    return found


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
    """Return the time of the newest head."""
    return session.exec(select(HeadRow.time).order_by(col(HeadRow.size).desc()).limit(1)).first()


def _after(last: str | None) -> datetime:
    """Return the current time, or just after the newest head if the clock was set back."""
    now = datetime.now(UTC)
    return now if last is None else max(now, datetime.fromisoformat(last) + TICK)


def _size(session: Session) -> int:
    row = session.get(LogRow, 1)
    return row.size if row else 0


def _line(content: Json) -> str:
    return canonical(content).decode() + "\n"


def _age(head: Head) -> float:
    return (datetime.now(UTC) - head.time).total_seconds()
