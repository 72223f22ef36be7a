"""Source signatures: each release is signed by its source, independent of who transports it.

The signature is a C2SP signed note whose text is not sent, because every reader can build it: the RFC 8785 JSON of
`Release.signed` and a newline. `source_signature` holds the note's signature lines, `— <origin>/<source> <base64>`,
one for each signing key. The text contains the body's digest, not the body, so that law may erase a body.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from contracts.envelope.publication import Publication, Release
from contracts.envelope.statement import SourceKey, Start
from contracts.kinds import KINDS
from shared.errors import Broken, Unavailable
from shared.signing.offer import OfferedKey, offered
from shared.signing.ring import KeyRing, RingKey
from shared.transparency.canonical import canonical
from shared.transparency.checkpoint import NoteKey, opened, signature_line, signer_ids

NEXT_POSITION = 2**53
"""Position of a release that has none yet: every key's start lies before it."""


class ReleaseSigner(Protocol):
    """Signs a source's releases: with keys in a file, a device, or a signing server."""

    def sign(self, text: str) -> str:
        """Return the signature lines for a note's text. Raises `Unavailable`: then nothing is released."""

    def offer(self) -> Sequence[OfferedKey]:
        """Return the public keys, oldest first. Raises `Unavailable`."""


class RingReleaseSigner:
    """`ReleaseSigner` that signs as `<origin>/<source>` with every key of a file that still signs.

    It reads the file again when it changes.
    """

    def __init__(self, name: str, path: Path) -> None:
        self._name, self._path, self._ring = name, path, KeyRing(path)

    def make(self) -> None:
        """Make a first key when there is none.

        Raises `Broken` when others may read the file, `Unavailable` if it cannot.
        """
        try:
            self._ring.make()
        except OSError as error:
            raise Unavailable(f"{self._path}: {error.strerror}: the source cannot sign without its key") from error

    def sign(self, text: str) -> str:
        now = datetime.now(UTC)
        return _signed(self._name, [one for one in self._keys() if one.signs(now)], text)

    def offer(self) -> Sequence[OfferedKey]:
        return offered(self._name, self._keys(), datetime.now(UTC))

    def _keys(self) -> Sequence[RingKey]:
        try:
            return self._ring.keys()
        except OSError as error:
            raise Unavailable(f"{self._path}: {error.strerror}: the source cannot sign without its key") from error


def _signed(name: str, ring: Sequence[RingKey], text: str) -> str:
    signed = ((NoteKey(name, one.public_key), one.key.sign(text.encode())) for one in ring)
    return "".join(signature_line(key.name, key.key_id, signature) for key, signature in signed)


def key_name(origin: str, source: str) -> str:
    """Return the name of a source's keys; `origin` is the log's name."""
    return f"{origin}/{source}"


def signed_text(release: Release) -> str:
    """Return the text that a source signs: one line."""
    return canonical(release.signed()).decode() + "\n"


def signers(release: Release, keys: Iterable[NoteKey]) -> frozenset[str]:
    """Return the ids of the keys that have signed a release.

    Raises `Broken` when none has, or one has signed wrongly.
    """
    if release.source_signature is None:
        raise Broken(f"{release.key} version {release.version} is not signed by its source")
    return opened(f"{signed_text(release)}\n{release.source_signature}", keys)[1]


def names_another_key(release: Release, listed: Iterable[SourceKey]) -> bool:
    """Whether no signature line names a listed key, so that the source may have a newer one."""
    if release.source_signature is None:
        return False
    try:
        return signer_ids(f"\n\n{release.source_signature}").isdisjoint(key.key_id for key in listed)
    except Broken:
        return False


def signature_problem(entry: Publication, listed: Sequence[SourceKey], origin: str) -> str | None:
    """Return what is wrong with an entry's signature, by the keys that a head statement lists; None if nothing is.

    Without a listed key of its source a signature cannot be judged, so None is returned.
    """
    return release_problem(entry, entry.position, listed, origin)


def release_problem(release: Release, position: int, listed: Sequence[SourceKey], origin: str) -> str | None:
    """The same for a release, at the position that it has or would have (`NEXT_POSITION`)."""
    # The leaf does not contain the source, so the key decides whose release it must be.
    kind = KINDS.get(release.kind)
    owner = kind.owner(release.key) if kind else release.source
    of_source = [key for key in listed if key.source == owner]

    def covers(start: Start | None) -> bool:
        return start is not None and start.covers(position, release.lane, release.sequence)

    if release.source_signature is None:
        compulsory = any(covers(key.compulsory_from) for key in of_source)
        return "its source has not signed it but must" if compulsory else None
    if not of_source:
        return None
    name = key_name(origin, owner)
    note_keys = [NoteKey(name, bytes.fromhex(key.public_key)) for key in of_source]
    by_id = {one.key_id.hex(): key for one, key in zip(note_keys, of_source, strict=True)}
    try:
        found = signers(release, note_keys)
    except Broken as error:
        return f"its source's signature is invalid: {error}"
    counting = [by_id[key_id] for key_id in found if covers(by_id[key_id].signs_from)]
    if not counting:
        return "signed by a key of its source that is not valid yet"
    if all(covers(key.revoked_from) for key in counting):
        return "signed by a key of its source that was already revoked"
    return None
