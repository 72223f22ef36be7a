"""The ledger's keys that a subscriber trusts: pinned ones, and whatever a trusted key endorses."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from tongyuan_client.entry import Entry, time_of
from tongyuan_client.errors import Halted, Refused, UnknownSigner
from tongyuan_client.merkle import canonical, digest, leaf_hash, roots_along
from tongyuan_client.notes import Checkpoint, Key, Opened, checkpoint_of, opened, proof_of, signers
from tongyuan_client.state import State

ENDORSEMENT = "tongyuan-key/1"
STATEMENT = "tongyuan-head-statement/1"


class Trust:
    """Checks entries, heads and statements. `pinned`: verifier keys; none: those listed at the first contact."""

    def __init__(self, state: State, pinned: Iterable[str], now: Callable[[], datetime]) -> None:
        self._state, self._now = state, now
        self._asked: set[frozenset[tuple[str, str]]] = set()
        known = {key.key_id for key in state.trusted_keys()}
        for key in map(Key.of_vkey, pinned):
            if key.key_id not in known:
                state.trust(key)

    def learn(self, listed: Any) -> None:
        """Take the keys that the county lists: endorsed ones, or all at the first contact without a pinned key."""
        offers = [offer for offer in map(_offer, listed if isinstance(listed, list) else []) if offer is not None]
        trusted = {key.key_id: key for key in self._state.trusted_keys()}
        if not trusted:
            trusted = {key.key_id: key for key, _ in offers}
        more = True
        while more:
            more = False
            for key, endorsement in offers:
                if key.key_id not in trusted and _endorses(endorsement, key, trusted.values()):
                    trusted[key.key_id] = key
                    more = True
        ends = {key.key_id: key.until for key, _ in offers}
        for key in trusted.values():
            self._state.trust(Key(key.name, key.public, ends.get(key.key_id) or key.until))

    def prove(self, entry: Entry) -> None:
        """Check an entry: digest, leaf, path, signature, and that it continues the history known so far.

        Raises `Refused`, `UnknownSigner`, and `Halted` for another history.
        """
        if entry.body is not None and digest(entry.content()) != entry.digest:
            raise Refused("digest", f"the body of entry {entry.position} does not fit its digest")
        written = entry.raw.get("proof")
        if not isinstance(written, str):
            raise Refused("proof", f"entry {entry.position} comes without a proof")
        proof = proof_of(written)
        checkpoint = self.checkpoint(proof.note)
        leaf = leaf_hash(canonical(entry.leaf()))
        roots = roots_along(proof.index, checkpoint.size, leaf, proof.path)
        if proof.index != entry.position - 1 or roots is None or roots.whole != checkpoint.root:
            raise Refused("proof", f"entry {entry.position} is not in the signed tree")
        before = self._state.root(entry.position - 1)
        if before is not None and before != roots.before:
            raise Halted(f"entry {entry.position} continues another history than the one known so far")
        self._state.witness(entry.position, roots.upto)
        self._state.witness(checkpoint.size, checkpoint.root)

    def head(self, data: dict[str, Any]) -> Checkpoint:
        """Check a head and its statement. Raises `Refused`, `UnknownSigner`, and `Halted` for another history."""
        checkpoint = self.checkpoint(str(data.get("checkpoint")))
        if (data.get("size"), data.get("root")) != (checkpoint.size, checkpoint.root.hex()):
            raise Refused("signature", "the head is not what its checkpoint says")
        self._state.witness(checkpoint.size, checkpoint.root)
        if data.get("statement") is not None:
            self._statement(str(data["statement"]))
        return checkpoint

    def checkpoint(self, note: str) -> Checkpoint:
        """Return the checkpoint in a note of a key that signs today. Raises `Refused`, `UnknownSigner`."""
        found = self._opened(note)
        checkpoint = checkpoint_of(found.text)
        self._require_origin(found, checkpoint.origin)
        return checkpoint

    def is_stale(self) -> bool:
        """Whether the newest statement has expired: newer heads are being kept from this reader, or nobody signs."""
        known = json.loads(self._state.fact("statement") or "null")
        expires = known and time_of(known["expires_at"])
        return bool(expires and expires <= self._now())

    def _statement(self, note: str) -> None:
        found = self._opened(note)
        try:
            said = json.loads(found.text)
            size, root, sequence = int(said["size"]), bytes.fromhex(said["root"]), int(said["sequence"])
            expires = said["expires_at"]
        except (ValueError, TypeError, KeyError):
            raise Refused("signature", "the signed note is not a statement") from None
        if said.get("type") != STATEMENT or time_of(expires) is None:
            raise Refused("signature", "the signed note is not a statement")
        self._require_origin(found, said.get("origin"))
        self._state.witness(size, root)
        known = json.loads(self._state.fact("statement") or '{"sequence":0}')
        if sequence > known["sequence"]:
            self._state.set_fact("statement", json.dumps({"sequence": sequence, "expires_at": expires}))

    def _opened(self, note: str) -> Opened:
        keys = self._state.trusted_keys()
        named = signers(note)
        known = {(key.name, key.key_id) for key in keys}
        if not named & known and named not in self._asked:
            self._asked.add(named)
            raise UnknownSigner
        found = opened(note, keys)
        if all(self._retired(key) for key in keys if key.key_id in found.signed_by):
            raise Refused("signature", "only a retired key has signed it")
        return found

    def _require_origin(self, found: Opened, origin: Any) -> None:
        if origin not in {key.name for key in self._state.trusted_keys() if key.key_id in found.signed_by}:
            raise Refused("signature", f"the note is of another log: {origin}")

    def _retired(self, key: Key) -> bool:
        until = time_of(key.until)
        return until is not None and until <= self._now()


def _offer(listed: Any) -> tuple[Key, str | None] | None:
    try:
        key = Key(listed["name"], bytes.fromhex(listed["public_key"]), listed.get("signs_until"))
        time_of(key.until)
        return key, listed.get("endorsement")
    except (TypeError, KeyError, ValueError, Refused):
        return None


def _endorses(note: str | None, key: Key, trusted: Iterable[Key]) -> bool:
    if note is None:
        return False
    try:
        said = json.loads(opened(note, [one for one in trusted if one.name == key.name]).text)
    except (Refused, ValueError):
        return False
    wanted = {"type": ENDORSEMENT, "origin": key.name, "key_id": key.key_id, "public_key": key.public.hex()}
    return isinstance(said, dict) and wanted.items() <= said.items()
