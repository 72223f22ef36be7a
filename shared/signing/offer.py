"""Public keys as their owner offers them. Each is endorsed by the key before it, so trust carries over."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from pydantic import Field, ValidationError

from contracts.base import Timestamp, TolerantContract, format_time
from contracts.envelope.statement import KEY_TYPE, KeyEndorsement
from shared.errors import Broken
from shared.signing.ring import RingKey
from shared.transparency.canonical import canonical
from shared.transparency.checkpoint import NoteKey, opened, signature_line


class OfferedKey(TolerantContract):
    """A public key with which its owner signs, or did; `endorsement` is a note signed by the key before it."""

    key_id: str = Field(pattern=r"^[0-9a-f]{8}$")
    name: str
    public_key: str = Field(pattern=r"^[0-9a-f]{64}$")
    signs_until: Timestamp | None = None
    endorsement: str | None = Field(default=None, max_length=4096)

    def note_key(self) -> NoteKey:
        return NoteKey(self.name, bytes.fromhex(self.public_key))


def offered(name: str, ring: Sequence[RingKey], now: datetime) -> list[OfferedKey]:
    """Return the public keys of a ring, oldest first, under the owner's name."""
    notes = [None, *(endorsement(name, old, new, now) for old, new in pairwise(ring))]
    return [_offer(NoteKey(name, one.public_key), one, note) for one, note in zip(ring, notes, strict=True)]


def endorsement(name: str, old: RingKey, new: RingKey, now: datetime) -> str:
    """Return the note in which the old key states that the new one has the same owner."""
    key = NoteKey(name, new.public_key)
    content = {
        "type": KEY_TYPE,
        "origin": name,
        "key_id": key.key_id.hex(),
        "public_key": key.public_key.hex(),
        "signs_from": format_time(now),
    }
    line = canonical(content).decode() + "\n"
    signature = signature_line(name, NoteKey(name, old.public_key).key_id, old.key.sign(line.encode()))
    return f"{line}\n{signature}"


def endorser(key: OfferedKey, trusted: Iterable[NoteKey]) -> str | None:
    """Return the id of the trusted key of the same name that endorses an offered one; None when none does."""
    if key.endorsement is None:
        return None
    same_name = [one for one in trusted if one.name == key.name]
    try:
        text, signed_by = opened(key.endorsement, same_name)
        said = KeyEndorsement.model_validate_json(text)
    except (Broken, ValidationError):
        return None
    same = (said.origin, said.key_id, said.public_key) == (key.name, key.key_id, key.public_key)
    return min(signed_by) if same else None


def _offer(key: NoteKey, one: RingKey, note: str | None) -> OfferedKey:
    return OfferedKey(
        key_id=key.key_id.hex(),
        name=key.name,
        public_key=key.public_key.hex(),
        signs_until=one.until,
        endorsement=note,
    )
