"""Signing sources in a pipeline, each with its own key file, as in a county; and forged releases."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.envelope.publication import Lane, Release
from contracts.envelope.statement import AuditHead, SourceKey
from contracts.topology import SOURCES
from services.ledger.sources.keys import SourceKeys
from shared.feeds.outbox import envelope
from shared.feeds.upstream import SourceReader
from shared.messaging.delivery import Message
from shared.signing.offer import OfferedKey
from shared.transparency.source_signature import RingReleaseSigner, key_name, signed_text
from tests.harness.pipeline import Pipeline
from tests.harness.release_signer import Ed25519ReleaseSigner

FORGER = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)


def sign_releases(county: Pipeline, sources: Sequence[str] = SOURCES) -> None:
    """Let these sources sign their releases from now on, with keys that are created if missing."""
    for source in sources:
        signer = RingReleaseSigner(key_name(county.signer.name, source), key_file(county, source))
        signer.make()
        county.dbs[source].release_signer = signer


def signer_of(folder: Path, source: str) -> RingReleaseSigner:
    """Return the signer of a source of the county with this data folder."""
    return RingReleaseSigner(key_name("tongyuan/339921000000", source), folder / f"{source}-key.pem")


def key_file(county: Pipeline, source: str) -> Path:
    """Return the key file of a source of the county."""
    return county.settings.source_keys_of(source)


def listed(county: Pipeline, source: str = "catalog") -> Sequence[SourceKey]:
    """Return the keys of a source that the ledger lists."""
    return SourceKeys(county.dbs["ledger"], county.signer.name, source).listed()


def forged(release: Release, key: Ed25519PrivateKey | None = FORGER, *, source: str | None = None) -> Release:
    """Return a release signed by somebody else under its source's name; `key` None: unsigned."""
    name = key_name("tongyuan/339921000000", source or release.source)
    lines = None if key is None else Ed25519ReleaseSigner(name, [key]).sign(signed_text(release))
    return release.model_copy(update={"source_signature": lines})


def message(release: Release) -> Message:
    """Return the message of a release, as its source's relay or anybody with a broker account sends it."""
    body = envelope(release.source, release.sequence, release.model_dump_json(), release.model_dump(mode="json"))
    return Message(body, "any", f"{release.key}/{release.version}", release.sequence)


class Slow:
    """A source that can be stopped: it then raises a given error, or waits until it is released."""

    def __init__(self, reader: SourceReader) -> None:
        self._reader = reader
        self.before: Any = lambda: None

    def releases(self, lane: Lane, after: int, limit: int) -> Sequence[Release]:
        """See `SourceReader`."""
        self.before()
        return self._reader.releases(lane, after, limit)

    def release(self, key: str, version: int) -> Release:
        """See `SourceReader`."""
        self.before()
        return self._reader.release(key, version)

    def newest(self, key: str) -> Release | None:
        """See `SourceReader`."""
        self.before()
        return self._reader.newest(key)

    def heads(self) -> dict[str, int]:
        """See `SourceReader`."""
        self.before()
        return self._reader.heads()

    def audit_head(self) -> AuditHead | None:
        """See `SourceReader`."""
        self.before()
        return self._reader.audit_head()

    def keys(self) -> Sequence[OfferedKey]:
        """See `SourceReader`."""
        self.before()
        return self._reader.keys()


def recorded(county: Pipeline) -> list[tuple[str, int]]:
    """Return key and version of every entry, in order."""
    entries: Iterable[Any] = county.ledger.entries(0, 1000)
    return [(entry.key, entry.version) for entry in entries]
