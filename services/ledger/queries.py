"""Read the ledger: entries, heads, proofs. Writes nothing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import orjson
from sqlmodel import Session, col, select

from contracts.base import Json, format_time
from contracts.envelope.publication import Head
from contracts.envelope.statement import SourceKey
from contracts.kinds import is_public, kind_of
from services.ledger.erasure.retention import erasures
from services.ledger.erasure.withholding import without_body
from services.ledger.log import passed_over
from services.ledger.log.append import StoredTiles
from services.ledger.log.cached_trees import CachedTrees
from services.ledger.model import EntryRow, HeadRow, KeyRow, LogRow, SigningKeyRow, SourceRow
from services.ledger.scrub.model import count_damaged
from services.ledger.signing.records import NEWEST, KeyLifeRow, SecondKeyRow, SourceKeyRow, StatementRow
from services.ledger.signing.refusal import refusal
from services.ledger.signing.sm2_signature import KIND, USER_ID
from services.ledger.snapshots.state_tree import StateTree
from shared.database.engine import Database
from shared.errors import Broken, Invalid, NotFound, Unavailable, Violation
from shared.transparency import merkle, proof
from shared.transparency.checkpoint import NoteKey
from shared.transparency.source_signature import key_name
from shared.web.list_size import first_within

TEXTS = (col(EntryRow.body), col(EntryRow.meta), col(EntryRow.proof))
"""The columns that make up an entry's size in a list."""


def size(session: Session) -> int:
    """Return the number of entries."""
    row = session.get(LogRow, 1)
    return row.size if row else 0


def newest_head(session: Session) -> HeadRow | None:
    """Return the head signed last, or None."""
    return session.exec(select(HeadRow).order_by(col(HeadRow.size).desc()).limit(1)).first()


def head(session: Session) -> Json:
    """Return the newest head as JSON. Raises `Unavailable` before the first one."""
    row = newest_head(session)
    if row is None:
        raise Unavailable("no head has been signed yet")
    said = session.get(StatementRow, NEWEST)
    newest = Head.model_validate(row, from_attributes=True).model_copy(update={"statement": said and said.note})
    return newest.model_dump(mode="json")


def entries(session: Session, first: int, limit: int) -> list[EntryRow]:
    """Return entries from position `first` on: at most `limit`, and at most `MOST_BYTES` of text, but at least one."""
    place = col(EntryRow.position)
    within = first_within(place, TEXTS, place >= first, limit=limit)
    return list(session.exec(select(EntryRow).where(place.in_(within)).order_by(place)))


def first_versions(session: Session, keys: Sequence[str]) -> list[EntryRow]:
    """Return the first entry of each of these keys that the ledger has, in order of position."""
    query = select(EntryRow).where(col(EntryRow.key).in_(keys), EntryRow.version == 1)
    return list(session.exec(query.order_by(col(EntryRow.position))))


def metas(session: Session, first: int, count: int) -> list[str]:
    """Return the JSON without body of `count` entries from position `first` on."""
    place = col(EntryRow.position)
    return list(session.exec(select(EntryRow.meta).where(place >= first).order_by(place).limit(count)))


def entry(session: Session, position: int) -> EntryRow:
    """Return one entry. Raises `NotFound`."""
    row = session.get(EntryRow, position)
    if row is None:
        raise NotFound(f"no entry at position {position}")
    return row


def proofs_of(session: Session, recorded: Mapping[int, str | None]) -> dict[int, str | None]:
    """Return a proof for each entry of a run, by position: to the newest head if it covers the entry, else as
    `recorded`.

    The newest head is signed by the keys that count now, whichever signed when the entry was recorded.
    """
    head, made = newest_head(session), dict(recorded)
    covered = [position for position in recorded if head and position <= head.size]
    if head is None or not covered:
        return made
    tiles = merkle.GrowingTiles(StoredTiles(session), head.size)
    root, paths = merkle.inclusion_proofs(tiles, covered[0] - 1, covered[-1], head.size)
    if root.hex() != head.root:
        raise Broken(f"the tiles do not yield the root of the head of {head.size} entries")
    proven = zip(covered, paths, strict=True)
    return made | {at: proof.written(at - 1, path, head.checkpoint) for at, path in proven}


def documents(session: Session, rows: Sequence[EntryRow], *, trusted: bool, proofs: bool = False) -> list[str]:
    """Return entries as JSON, with each body that the reader may see now; `no_body` says why one is absent.

    `proofs`: add each entry's inclusion proof.
    """
    absent = without_body(session, rows, datetime.now(UTC), trusted=trusted)
    erased = erasures(session, [row.position for row in rows], trusted=trusted)
    proven = proofs_of(session, {row.position: row.proof for row in rows}) if proofs else {}
    facts = {row.position: {"erased": erased.get(row.position), "proof": proven.get(row.position)} for row in rows}
    return [_document(row, absent.get(row.position), facts[row.position]) for row in rows]


def _document(row: EntryRow, absent: Json | None, facts: Json) -> str:
    """`absent`: the members that replace the body."""
    text = row.document(with_body=absent is None)
    more = (absent or {}) | {name: value for name, value in facts.items() if value is not None}
    return text if not more else f"{text[:-1]},{orjson.dumps(more).decode()[1:]}"


def versions(session: Session, key: str, after: int = 0, limit: int | None = None) -> list[Json]:
    """Return the entries of a key after version `after`, oldest first, without bodies."""
    query = (
        select(EntryRow.meta)
        .where(EntryRow.key == key, col(EntryRow.version) > after)
        .order_by(col(EntryRow.version))
        .limit(limit)
    )
    return [orjson.loads(meta) for meta in session.exec(query)]


def current(session: Session, after: str, limit: int) -> list[Json]:
    """Return keys in order, each with its newest version and that version's position."""
    query = select(KeyRow).where(col(KeyRow.key) > after).order_by(KeyRow.key).limit(limit)
    return [row.model_dump() for row in session.exec(query)]


def recording(session: Session) -> Json:
    """Return whether the ledger signs and records, see `shared.publishing.recording_status.Recording`."""
    head = newest_head(session)
    return {
        "refuses": refusal(session),
        "signed_at": head and head.time,
        "damaged": count_damaged(session),
        "taken": {f"{mark['source']}/{mark['lane']}": mark["sequence"] for mark in marks(session)},
    }


def marks(session: Session) -> list[Json]:
    """Return how far each lane of each source is recorded, and how many of its releases were passed over."""
    passed = passed_over.counts(session)
    rows = session.exec(select(SourceRow).order_by(SourceRow.source, SourceRow.lane))
    return [{**row.model_dump(), "passed_over": passed.get((row.source, row.lane), 0)} for row in rows]


def signing_keys(session: Session, now: datetime) -> list[Json]:
    """Return the public keys of the heads, newest last, including retired ones: old heads stay verifiable."""
    rows = session.exec(select(SigningKeyRow).order_by(SigningKeyRow.created_at, SigningKeyRow.key_id))
    lives = {life.key_id: life for life in session.exec(select(KeyLifeRow))}
    return [_signing_key(row, lives.get(row.key_id), now) for row in rows]


def second_keys(session: Session) -> list[Json]:
    """Return the public keys of second signatures, including former ones.

    They are listed apart from the Ed25519 keys, because a client that knows only Ed25519 must not receive them.
    """
    rows = session.exec(select(SecondKeyRow).order_by(SecondKeyRow.created_at, SecondKeyRow.key_id))
    return [_second_key(row) for row in rows]


def source_keys(session: Session, origin: str) -> list[Json]:
    """Return the public keys by which sources sign, oldest first, including revoked ones: they prove older releases."""
    keys = [row.listed() for row in session.exec(select(SourceKeyRow))]
    keys.sort(key=lambda key: (key.source, key.signs_from.position, key.key_id))
    return [_source_key(key, key_name(origin, key.source)) for key in keys]


def statement(session: Session) -> Json:
    """Return the newest head statement and its signed note. Raises `Unavailable` before the first one."""
    row = newest_statement(session)
    return {"statement": orjson.loads(row.note.partition("\n")[0]), "note": row.note}


def state_proof(kept: CachedTrees[StateTree], db: Database, session: Session, key: str) -> Json:
    """Return the leaf of the key under the newest statement, or its two neighbours if it has none.

    Raises `Invalid` for a case: its existence is not public.
    """
    if not is_public(kind_of(key)):
        raise Invalid(
            Violation("key", "public", "its kind is not in the state tree: whether the key exists is not public")
        )
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
    """Return the statement signed last. Raises `Unavailable` before the first one."""
    row = session.get(StatementRow, NEWEST)
    if row is None:
        raise Unavailable("no head statement has been signed yet")
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


def _source_key(key: SourceKey, name: str) -> Json:
    stolen = key.revoked_from is not None and bool(key.revoked_from.sequences)
    vkey = NoteKey(name, bytes.fromhex(key.public_key)).vkey
    state = "revoked" if stolen else "retired" if key.revoked_from else "signing"
    return {**key.model_dump(mode="json"), "name": name, "vkey": vkey, "state": state}


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
    """Prove that the entry at `position` is in the tree of `tree_size` entries (default: the newest head's)."""
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
    """Prove that the tree of `second` entries (default: the newest head's) continues the tree of `first` entries."""
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
    """Return `wanted`, or the newest head's size if it is None. Raises `Invalid` beyond the newest signed head."""
    head = newest_head(session)
    most = head.size if head else 0
    if wanted is None:
        return most
    if not 0 <= wanted <= most:
        raise Invalid(Violation(field, "at_most_head", f"must be 0 to {most}, the newest head's size", str(wanted)))
    return wanted
