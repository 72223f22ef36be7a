"""Reading upstream: a source's releases, the ledger's entries. Over HTTP between processes, directly within one."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import httpx
from pydantic import BaseModel, Field, ValidationError

from contracts.base import Timestamp, TolerantContract
from contracts.publication import Head, Lane, Release
from shared.checkpoint import Checkpoint, NoteKey, opened_checkpoint, signer_ids
from shared.errors import Broken, NotFound, UpstreamDown
from shared.proof import Entry
from shared.snapshot import Predecessor, SignedStatement, SnapshotPage, SnapshotReader
from shared.tls import Tls, reason

M = TypeVar("M", bound=BaseModel)
TIMEOUT = httpx.Timeout(10.0, connect=3.0)


class SourceReader(Protocol):
    """One source, as the ledger reads it."""

    def releases(self, lane: Lane, after: int, limit: int) -> Sequence[Release]:
        """What follows `after` in a lane. Raises `UpstreamDown`."""

    def release(self, key: str, version: int) -> Release:
        """One released version. Raises `UpstreamDown`, `NotFound`."""

    def newest(self, key: str) -> Release | None:
        """The newest version; None when the key was never released. Raises `UpstreamDown`."""


class KeyMark(TolerantContract):
    """Newest version of a key in the ledger, and what it did."""

    key: str
    version: int
    position: int
    op: str
    effective_at: Timestamp | None = None


class LedgerKey(TolerantContract):
    """A public key of the ledger, as it lists it; `endorsement` is a note signed by the key before it."""

    key_id: str = Field(pattern=r"^[0-9a-f]{8}$")
    name: str
    public_key: str = Field(pattern=r"^[0-9a-f]{64}$")
    signs_until: Timestamp | None = None
    endorsement: str | None = None

    def note_key(self) -> NoteKey:
        """For opening notes."""
        return NoteKey(self.name, bytes.fromhex(self.public_key))


class LedgerReader(SnapshotReader, Protocol):
    """The ledger, as a channel reads it."""

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        """What follows position `after`, each with its proof. Raises `UpstreamDown`."""

    def head(self) -> Head:
        """The newest signed head. Raises `UpstreamDown`."""

    def consistency(self, first: int, second: int) -> list[bytes]:
        """Proof that the tree of `second` entries continues the one of `first`. Raises `UpstreamDown`."""

    def keys(self) -> Sequence[LedgerKey]:
        """The keys that sign the heads, or once did. Raises `UpstreamDown`."""

    def current(self, after: str, limit: int) -> Sequence[KeyMark]:
        """Newest versions of the keys that follow `after`, in order. Raises `UpstreamDown`."""

    def history(self, key: str) -> Iterator[Entry]:
        """Every entry of a key, newest first, each with its proof and read when asked for. Raises `UpstreamDown`."""


class ListedKeys:
    """The keys that the ledger lists over HTTP, for a follower that believes what it reads there anyway.

    It keeps out whoever has only the broker. A channel does not leave it at that: `services.channels.witness`.
    """

    def __init__(self, ledger: LedgerReader) -> None:
        self._ledger = ledger
        self._keys: Sequence[LedgerKey] = ()
        self._good: tuple[str, Checkpoint] | None = None

    def opened(self, note: str) -> Checkpoint:
        """See `shared.proof.Prover`."""
        if self._good is not None and self._good[0] == note:
            return self._good[1]
        if not signer_ids(note) <= {key.key_id for key in self._keys}:
            self._keys = self._ledger.keys()
        now = datetime.now(UTC)
        signing = [key.note_key() for key in self._keys if key.signs_until is None or now < key.signs_until]
        if not signing:
            raise Broken("the ledger lists no key that still signs")
        self._good = note, opened_checkpoint(note, signing)
        return self._good[1]


class HttpSource:
    """A source over HTTP, with the service's token."""

    def __init__(self, base_url: str, source: str, token: str, tls: Tls | None = None) -> None:
        self._client = client(base_url, token, tls)
        self._path = f"/{source}/v1/releases"

    def releases(self, lane: Lane, after: int, limit: int) -> Sequence[Release]:
        """See `SourceReader`."""
        answer = get(self._client, self._path, lane=str(lane), after=after, limit=limit)
        return _models(Release, answer.get("releases"))

    def release(self, key: str, version: int) -> Release:
        """See `SourceReader`."""
        return _models(Release, [get(self._client, f"{self._path}/{key}/{version}")])[0]

    def newest(self, key: str) -> Release | None:
        """See `SourceReader`."""
        versions = get(self._client, f"{self._path}/{key}")
        return self.release(key, len(versions)) if versions else None


class HttpLedger:
    """The ledger over HTTP, with the service's token (application bodies are withheld from anybody else)."""

    def __init__(self, base_url: str, token: str, tls: Tls | None = None) -> None:
        self._client = client(base_url, token, tls)

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        """See `LedgerReader`."""
        answer = get(self._client, "/ledger/v1/entries", **{"from": after + 1, "limit": limit, "proofs": True})
        return _models(Entry, answer.get("entries"))

    def head(self) -> Head:
        """See `LedgerReader`."""
        return _models(Head, [get(self._client, "/ledger/v1/head")])[0]

    def consistency(self, first: int, second: int) -> list[bytes]:
        """See `LedgerReader`."""
        answer = get(self._client, "/ledger/v1/proof/consistency", first=first, second=second)
        try:
            return [bytes.fromhex(step) for step in answer["path"]]
        except (KeyError, TypeError, ValueError) as error:
            raise UpstreamDown(f"upstream sent no proof: {type(error).__name__}") from error

    def keys(self) -> Sequence[LedgerKey]:
        """See `LedgerReader`."""
        return _models(LedgerKey, get(self._client, "/ledger/v1/keys").get("keys"))

    def current(self, after: str, limit: int) -> Sequence[KeyMark]:
        """See `LedgerReader`."""
        return _models(KeyMark, get(self._client, "/ledger/v1/current", after=after, limit=limit).get("keys"))

    def history(self, key: str) -> Iterator[Entry]:
        """See `LedgerReader`."""
        marks = _models(KeyMark, get(self._client, f"/ledger/v1/versions/{key}").get("versions"))
        for mark in reversed(marks):
            yield from self.entries(mark.position - 1, 1)

    def snapshot(self) -> SignedStatement:
        """See `SnapshotReader`."""
        return _models(SignedStatement, [get(self._client, "/ledger/v1/snapshot")])[0]

    def snapshot_page(self, size: int, after: int, limit: int) -> SnapshotPage:
        """See `SnapshotReader`."""
        answer = get(self._client, "/ledger/v1/snapshot/entries", size=size, after=after, limit=limit)
        return _models(SnapshotPage, [answer])[0]

    def predecessors(self, size: int, positions: Sequence[int]) -> Sequence[Predecessor]:
        """See `SnapshotReader`."""
        answer = get(self._client, "/ledger/v1/snapshot/predecessors", size=size, position=list(positions))
        return _models(Predecessor, answer.get("predecessors"))


def client(base_url: str, token: str = "", tls: Tls | None = None) -> httpx.Client:
    """An HTTP client for one service; never follows redirects, never uses a proxy.

    With `tls` the county's authorities alone are believed; without it an `https` address needs a public certificate.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    verify = tls.client() if tls else True
    return httpx.Client(base_url=base_url, headers=headers, timeout=TIMEOUT, trust_env=False, verify=verify)


def get(http: httpx.Client, path: str, **params: Any) -> Any:
    """GET and parse JSON. Raises `NotFound` for 404, `UpstreamDown` for everything else that is not 200."""
    try:
        answer = http.get(path, params=params)
    except httpx.HTTPError as error:
        raise UpstreamDown(f"{http.base_url}{path}: {reason(error)}") from error
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise NotFound(f"{http.base_url}{path}: not found")
    if answer.status_code != httpx.codes.OK:
        raise UpstreamDown(f"{http.base_url}{path}: status {answer.status_code}")
    try:
        return answer.json()
    except ValueError as error:
        raise UpstreamDown(f"{http.base_url}{path}: not JSON") from error


def _models(model: type[M], values: Any) -> list[M]:
    try:
        return [model.model_validate(value) for value in values]
    except (ValidationError, TypeError) as error:
        raise UpstreamDown(f"upstream sent no {model.__name__}: {type(error).__name__}") from error
