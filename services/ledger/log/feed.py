"""The ledger's entries as messages for the relay, followed by the newest head. Reads only."""

from dataclasses import dataclass

import orjson

from contracts.base import Json
from contracts.envelope.event import HEAD_TYPE
from contracts.topology import routing_key
from services.ledger import queries
from services.ledger.erasure.withholding import no_body
from services.ledger.statements import FEED, NEWEST_HEAD, SIZE_AND_NEXT
from shared.database.engine import Database
from shared.feeds.outbox import envelope
from shared.messaging.delivery import Message

DATA = ("size", "root", "time", "checkpoint", "statement")


@dataclass(frozen=True)
class LedgerFeed:
    """The ledger's log as a feed, see `shared.feeds.relay.Feed`.

    The relay saves its cursor after the broker has confirmed a batch. If the process dies before that, the same entries
    are sent again; channels ignore positions that they have applied.
    """

    region: str

    def messages(self, db: Database, after: int, limit: int) -> list[Message]:
        """See `shared.feeds.relay.Feed`."""
        rows = db.fetch(FEED, after=after, limit=limit)
        proofs = {row.position: row.proof for row in rows}
        # An entry recorded before proofs were stored has none: compute its proof to the newest head.
        if None in proofs.values():
            with db.read() as session:
                proofs = queries.proofs_of(session, proofs)
        return [_message(proofs[row.position], *row[:5]) for row in rows]

    def waiting(self, db: Database, after: int) -> tuple[int, str | None]:
        """See `shared.feeds.relay.Feed`."""
        rows = db.fetch(SIZE_AND_NEXT, after=after)
        return (rows[0].size - after, rows[0].next_released_at) if rows else (-after, None)

    def head_message(self, db: Database, cursor: int) -> Message | None:
        """Return the newest head once every entry that it covers has been sent, else None.

        Nothing records that a head was sent: if the process dies, its successor sends the newest head again.
        """
        row = next(iter(db.fetch(NEWEST_HEAD)), None)
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
    more: Json = {"proof": proof} if body is not None else {"proof": proof, "no_body": no_body(data["op"])}
    document = f'{meta[:-1]},{orjson.dumps(more).decode()[1:-1]},"body":{body or "null"}}}'
    return Message(
        body=envelope("ledger", position, document, data),
        routing_key=routing_key(data["region"], data["kind"], data["op"]),
        message_id=f"{key}/{version}",
        sequence=position,
    )
