"""The ledger's entries for the relay, and the newest head once everything before it is sent. Never writes."""

from dataclasses import dataclass

import orjson
from sqlalchemy import text
from sqlmodel import Session, select

from contracts.event import HEAD_TYPE
from contracts.topology import routing_key
from services.ledger import queries
from services.ledger.model import EntryRow
from shared.database import Database
from shared.delivery import Message
from shared.outbox import envelope

FOLLOWING = text(
    "SELECT position, key, version, meta, body, proof FROM entry WHERE position > :after ORDER BY position LIMIT :limit"
)
NEWEST_HEAD = text(
    "SELECT h.size, h.root, h.time, h.checkpoint, s.note AS statement FROM head h "
    "LEFT JOIN statement s ON s.id = 1 ORDER BY h.size DESC LIMIT 1"
)
DATA = ("size", "root", "time", "checkpoint", "statement")


@dataclass(frozen=True)
class LedgerFeed:
    """See `shared.relay.Feed`."""

    region: str

    def messages(self, db: Database, after: int, limit: int) -> list[Message]:
        """See `shared.relay.Feed`."""
        rows = db.ask(FOLLOWING, after=after, limit=limit)
        proofs = {row.position: row.proof for row in rows}
        if None in proofs.values():
            with db.read() as session:
                proofs = queries.proofs_of(session, proofs)
        return [_message(proofs[row.position], *row[:5]) for row in rows]

    def waiting(self, session: Session, after: int) -> tuple[int, str | None]:
        """See `shared.relay.Feed`."""
        query = select(EntryRow.released_at).where(EntryRow.position == after + 1)
        return queries.size(session) - after, session.exec(query).first()

    def head_message(self, db: Database, cursor: int) -> Message | None:
        """The newest head, when nothing is left to send before it."""
        row = next(iter(db.ask(NEWEST_HEAD)), None)
        if row is None or row.size > cursor:
            return None
        event = {
            "specversion": "1.0",
            "id": f"head/{row.size}/{row.time}",
            "source": "/tongyuan/ledger",
            "type": HEAD_TYPE,
            "time": row.time,
            "datacontenttype": "application/json",
            "sequence": str(row.size),
            "data": {name: getattr(row, name) for name in DATA},
        }
        return Message(orjson.dumps(event), routing_key(self.region, "ledger", "head"), str(event["id"]))


def _message(proof: str | None, position: int, key: str, version: int, meta: str, body: str | None) -> Message:
    data = orjson.loads(meta)
    document = f'{meta[:-1]},"proof":{orjson.dumps(proof).decode()},"body":{body or "null"}}}'
    return Message(
        body=envelope("ledger", position, document, data),
        routing_key=routing_key(data["region"], data["kind"], data["op"]),
        message_id=f"{key}/{version}",
        sequence=position,
    )
