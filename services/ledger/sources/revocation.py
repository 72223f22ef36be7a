"""Revoke a stolen key of a source from a sequence number on, and list the entries that it signed from there."""

from collections.abc import Iterator, Mapping, Sequence

import orjson

from contracts.envelope.publication import Publication
from contracts.envelope.statement import SourceKey, Start
from services.ledger.log.append import locked_size
from services.ledger.signing.records import SourceKeyRow
from services.ledger.statements import FOLLOWING
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.errors import Conflict, NotFound
from shared.tokens.person import COMMAND_LINE
from shared.transparency.source_signature import signature_problem

RUN = 1000


def revoke(db: Database, key_id: str, sequences: Mapping[str, int]) -> SourceKey:
    """Revoke a stolen key: from now on, and in each lane from its sequence number on, its signatures do not count.

    If the process dies before the commit, the key still counts: revoke it again. After it, the next statement says so.
    Raises `NotFound` for a key that is not listed, `Conflict` when it is revoked from there or earlier already.
    """
    with db.write() as session:
        position = locked_size(session) + 1
        row = session.get(SourceKeyRow, key_id)
        if row is None:
            raise NotFound(f"no source has a key {key_id}: `tongyuan keys list` shows the keys")
        before = row.listed().revoked_from
        start = _earlier(before, Start(position=position, sequences=dict(sequences)))
        if start == before:
            raise Conflict(f"key {key_id} of {row.source} is already revoked from there")
        row.revoked_from = start.model_dump_json()
        session.flush()
        told = {"source": row.source, "revoked_from": start.model_dump(mode="json")}
        record(session, COMMAND_LINE, AuditEntry("key.revoked", f"key:{key_id}", None, told))
        return row.listed()


def flagged(db: Database, source: str, listed: Sequence[SourceKey], origin: str) -> Iterator[tuple[Publication, str]]:
    """Yield every entry of a source that only revoked keys have signed, without its body, and the reason."""
    position = 0
    while rows := db.fetch(FOLLOWING, after=position, limit=RUN):
        position = int(rows[-1].position)
        for row in rows:
            meta = orjson.loads(row.meta)
            if meta["source"] != source or not meta.get("source_signature"):
                continue
            entry = Publication.model_validate({**meta, "body": None})
            problem = signature_problem(entry, listed, origin) if _may_concern(entry, listed) else None
            if problem is not None:
                yield entry, problem


def _may_concern(entry: Publication, listed: Sequence[SourceKey]) -> bool:
    starts = [key.revoked_from for key in listed if key.revoked_from]
    return any(start.covers(entry.position, entry.lane, entry.sequence) for start in starts)


def _earlier(one: Start | None, other: Start) -> Start:
    """Return the earlier start of both, in each lane."""
    if one is None:
        return other
    lanes = one.sequences.keys() | other.sequences.keys()
    first = {lane: min(start.sequences[lane] for start in (one, other) if lane in start.sequences) for lane in lanes}
    return Start(position=min(one.position, other.position), sequences=first)
