"""Reading the ledger: entries, heads, proofs. Never writes."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import orjson
from sqlmodel import Session, col, select

from contracts.base import Json, format_time
from contracts.publication import Head, Kind
from services.ledger.commands import StoredTiles
from services.ledger.kept_trees import KeptTrees
from services.ledger.model import EntryRow, HeadRow, KeyRow, LogRow, SigningKeyRow, SourceRow
from services.ledger.records import NEWEST, KeyLifeRow, SecondKeyRow, StatementRow
from services.ledger.retention import erasures
from services.ledger.second import KIND, USER_ID
from services.ledger.state import StateTree
from shared import merkle, proof
from shared.checkpoint import NoteKey
from shared.database import Database
from shared.errors import Broken, Invalid, NotFound, Unavailable, Violation


def size(session: Session) -> int:
    """Number of entries."""
    row = session.get(LogRow, 1)
    return row.size if row else 0


def newest_head(session: Session) -> HeadRow | None:
    """The head signed last."""
    return session.exec(select(HeadRow).order_by(col(HeadRow.size).desc()).limit(1)).first()


def head(session: Session) -> Json:
    """The newest head as JSON. Raises `Unavailable` before the first one."""
    row = newest_head(session)
    if row is None:
        raise Unavailable("no head is signed yet")
    said = session.get(StatementRow, NEWEST)
    newest = Head.model_validate(row, from_attributes=True).model_copy(update={"statement": said and said.note})
    return newest.model_dump(mode="json")


def entries(session: Session, first: int, limit: int) -> list[EntryRow]:
    """Entries from position `first` on."""
    query = select(EntryRow).where(col(EntryRow.position) >= first).order_by(col(EntryRow.position)).limit(limit)
    return list(session.exec(query))


def entry(session: Session, position: int) -> EntryRow:
    """One entry, or `NotFound`."""
    row = session.get(EntryRow, position)
    if row is None:
        raise NotFound(f"no entry at position {position}")
    return row


def proofs_of(session: Session, recorded: Mapping[int, str | None]) -> dict[int, str | None]:
    """A proof for each entry of a run, by position: to the newest head, of what it covers; else as `recorded`.

    The newest head is signed by keys that count now, whoever signed when the entry was recorded.
    """
    head, made = newest_head(session), dict(recorded)
    covered = [position for position in recorded if head and position <= head.size]
    if head is None or not covered:
        return made
    tiles = merkle.GrowingTiles(StoredTiles(session), head.size)
    root, paths = merkle.inclusion_proofs(tiles, covered[0] - 1, covered[-1], head.size)
    if root.hex() != head.root:
        raise Broken(f"the tiles do not give the root of the head of {head.size} entries")
    proven = zip(covered, paths, strict=True)
    return made | {at: proof.written(at - 1, path, head.checkpoint) for at, path in proven}


def document(row: EntryRow, *, trusted: bool, erased: Json | None = None, proof: str | None = None) -> str:
    """The entry as JSON; an application's body only for a reader with a service's token. `erased`: why it has none."""
    text = row.document(with_body=trusted or row.kind != Kind.APPLICATION)
    more = {name: value for name, value in (("erased", erased), ("proof", proof)) if value is not None}
    return text if not more else f"{text[:-1]},{orjson.dumps(more).decode()[1:]}"


def documents(session: Session, rows: Sequence[EntryRow], *, trusted: bool, proofs: bool = False) -> list[str]:
    """Entries as JSON, with what is told of erasures; `proofs`: each with the proof that it is in the ledger."""
    erased = erasures(session, [row.position for row in rows], trusted=trusted)
    proven = proofs_of(session, {row.position: row.proof for row in rows}) if proofs else {}
    return [
        document(row, trusted=trusted, erased=erased.get(row.position), proof=proven.get(row.position)) for row in rows
    ]


def versions(session: Session, key: str) -> list[Json]:
    """Every entry of a key, oldest first, without bodies."""
    query = select(EntryRow.meta).where(EntryRow.key == key).order_by(col(EntryRow.version))
    return [orjson.loads(meta) for meta in session.exec(query)]


def current(session: Session, after: str, limit: int) -> list[Json]:
    """Keys in order with their newest version and its position."""
    query = select(KeyRow).where(col(KeyRow.key) > after).order_by(KeyRow.key).limit(limit)
    return [row.model_dump() for row in session.exec(query)]


def marks(session: Session) -> list[Json]:
    """How far each lane of each source has been taken."""
    return [row.model_dump() for row in session.exec(select(SourceRow).order_by(SourceRow.source, SourceRow.lane))]


def signing_keys(session: Session, now: datetime) -> list[Json]:
    """Public keys of the heads, newest last, also those that sign no more: old heads stay verifiable."""
    rows = session.exec(select(SigningKeyRow).order_by(SigningKeyRow.created_at, SigningKeyRow.key_id))
    lives = {life.key_id: life for life in session.exec(select(KeyLifeRow))}
    return [_signing_key(row, lives.get(row.key_id), now) for row in rows]


def second_keys(session: Session) -> list[Json]:
    """Public keys that sign checkpoints a second time, or did. Apart: who knows only Ed25519 must not meet them."""
    rows = session.exec(select(SecondKeyRow).order_by(SecondKeyRow.created_at, SecondKeyRow.key_id))
    return [_second_key(row) for row in rows]


def statement(session: Session) -> Json:
    """The newest head statement and the note that signs it. Raises `Unavailable` before the first one."""
    row = newest_statement(session)
    return {"statement": orjson.loads(row.note.partition("\n")[0]), "note": row.note}


def state_proof(kept: KeptTrees[StateTree], db: Database, session: Session, key: str) -> Json:
    """The key's newest version under the newest statement, or its neighbours. Raises `Invalid` for a case."""
    if key.startswith(f"{Kind.APPLICATION}:"):
        raise Invalid(Violation("key", "public", "cases are not in the state tree: nobody may tell whether one exists"))
    row = newest_statement(session)
    with kept.at(db, session, row.size) as tree:
        count, leaves = len(tree), tree.around(key)
    return {
        "key": key,
        "count": count,
        "size": row.size,
        "state_root": row.state_root,
        "leaves": [leaf.as_json() for leaf in leaves],
    }


def newest_statement(session: Session) -> StatementRow:
    """The statement signed last. Raises `Unavailable` before the first one."""
    row = session.get(StatementRow, NEWEST)
    if row is None:
        raise Unavailable("no head statement is signed yet")
    return row


def _signing_key(row: SigningKeyRow, life: KeyLifeRow | None, now: datetime) -> Json:
    until = life.signs_until if life else None
    retired = until is not None and until <= format_time(now)
    return {
        "key_id": row.key_id,
        "name": row.name,
        "algorithm": "Ed25519",
        "public_key": row.public_key,
        "vkey": NoteKey(row.name, bytes.fromhex(row.public_key)).vkey,
        "created_at": row.created_at,
        "signs_until": until,
        "state": "retired" if retired else "retiring" if until else "signing",
        "endorsement": life.endorsement if life else None,
    }


def _second_key(row: SecondKeyRow) -> Json:
    kind = bytes.fromhex(row.kind)
    return {
        "key_id": row.key_id,
        "name": row.name,
        "algorithm": "SM2 with SM3" if kind == KIND else kind[1:].decode(errors="replace"),
        "user_id": USER_ID if kind == KIND else None,
        "public_key": row.public_key,
        "vkey": NoteKey(row.name, bytes.fromhex(row.public_key), kind).vkey,
        "created_at": row.created_at,
    }


def inclusion(session: Session, position: int, tree_size: int | None) -> Json:
    """Proof that the entry at `position` is in the tree of `tree_size` entries (default: the newest head's)."""
    whole = covered(session, tree_size, "size")
    if not 1 <= position <= whole:
        raise Invalid(Violation("position", "in_tree", f"must be 1 to {whole}", str(position)))
    tiles = merkle.GrowingTiles(StoredTiles(session), whole)
    path = merkle.inclusion_proof(tiles, position - 1, whole)
    return {
        "position": position,
        "size": whole,
        "root": merkle.tree_root(tiles, whole).hex(),
        "path": [step.hex() for step in path],
    }


def consistency(session: Session, first: int, second: int | None) -> Json:
    """Proof that the tree of `second` entries (default: the newest head's) continues that of `first`."""
    whole = covered(session, second, "second")
    if not 0 <= first <= whole:
        raise Invalid(Violation("first", "not_after_second", f"must be 0 to {whole}", str(first)))
    tiles = merkle.GrowingTiles(StoredTiles(session), whole)
    path = merkle.consistency_proof(tiles, first, whole)
    roots = [merkle.tree_root(tiles, number).hex() for number in (first, whole)]
    return {
        "first": first,
        "second": whole,
        "first_root": roots[0],
        "second_root": roots[1],
        "path": [step.hex() for step in path],
    }


def covered(session: Session, wanted: int | None, field: str) -> int:
    """`wanted`, or else the newest head's size. Of what no signed head covers there is no proof: raises `Invalid`."""
    head = newest_head(session)
    most = head.size if head else 0
    if wanted is None:
        return most
    if not 0 <= wanted <= most:
        raise Invalid(Violation(field, "at_most_head", f"must be 0 to {most}, the newest head's size", str(wanted)))
    return wanted
