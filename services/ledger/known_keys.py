"""The public halves of the signing keys, in the ledger no later than what they have signed."""

from datetime import datetime
from itertools import pairwise

from sqlalchemy import text
from sqlmodel import Session

from contracts.base import format_time
from contracts.statement import KEY_TYPE
from services.ledger.keyring import RingKey
from services.ledger.signing import Signer
from shared.canonical import canonical

LIST = text(
    "INSERT INTO signing_key (key_id, name, public_key, created_at) "
    "VALUES (:key_id, :name, :public_key, :created_at) ON CONFLICT (key_id) DO NOTHING"
)
MARK_LIFE = text(
    "INSERT INTO key_life (key_id, signs_until, endorsement) VALUES (:key_id, :signs_until, :endorsement) "
    "ON CONFLICT (key_id) DO UPDATE SET signs_until = excluded.signs_until"
)


def remember_keys(session: Session, signer: Signer, now: datetime) -> None:
    """Write down who signs. It stays for ever, so that old heads can be verified for ever."""
    ring = signer.ring()
    endorsements = [None, *(endorsement(signer, old, new, now) for old, new in pairwise(ring))]
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
        session.connection().execute(LIST, values)
        session.connection().execute(MARK_LIFE, values)


def endorsement(signer: Signer, old: RingKey, new: RingKey, now: datetime) -> str:
    """The note by which the old key says that the new one is the log's too: who trusts one may trust the other."""
    key = signer.note_key(new)
    content = {
        "type": KEY_TYPE,
        "origin": signer.name,
        "key_id": key.key_id.hex(),
        "public_key": key.public_key.hex(),
        "signs_from": format_time(now),
    }
    line = canonical(content).decode() + "\n"
    return f"{line}\n{signer.signature(old, line)}"
