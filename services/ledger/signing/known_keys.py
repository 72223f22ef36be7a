"""Record the public signing keys in the ledger, at the latest in the transaction that stores their signatures."""

from datetime import datetime
from itertools import pairwise

from sqlmodel import Session

from contracts.base import format_time
from services.ledger.signing.signer import Signer
from services.ledger.statements import LIST_SIGNING_KEY, SET_KEY_LIFE
from shared.signing.offer import endorsement


def remember_keys(session: Session, signer: Signer, now: datetime) -> None:
    """Store the public keys that sign. They are never deleted, so that old heads can always be verified."""
    ring = signer.ring()
    endorsements = [None, *(endorsement(signer.name, old, new, now) for old, new in pairwise(ring))]
    for one, note in zip(ring, endorsements, strict=True):
        key = signer.note_key(one)
        values = {
            "key_id": key.key_id.hex(),
            "name": key.name,
            "public_key": key.public_key.hex(),
            "created_at": format_time(now),
            "signs_until": format_time(one.until) if one.until else None,
            "endorsement": note,
        }
        session.connection().execute(LIST_SIGNING_KEY, values)
        session.connection().execute(SET_KEY_LIFE, values)
