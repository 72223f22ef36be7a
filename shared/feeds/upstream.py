"""Clients that read upstream: a source's releases, the ledger's entries. Over HTTP, or directly within one process."""

import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from contracts.base import Timestamp, TolerantContract
from contracts.envelope.publication import Head, Lane, Release
from contracts.envelope.statement import AuditHead
from shared.errors import Broken, NotFound, UpstreamDown
from shared.publishing.recording_status import Recording
from shared.security.tls import Tls, reason
from shared.signing.offer import OfferedKey
from shared.tokens.minting import Bearer, Token
from shared.transparency.checkpoint import Checkpoint, opened_checkpoint, signer_ids
from shared.transparency.proof import LedgerEntry
from shared.transparency.snapshot import Predecessor, SignedStatement, SnapshotPage, SnapshotReader

M = TypeVar("M", bound=BaseModel)
TIMEOUT = httpx.Timeout(10.0, connect=3.0)


class SourceReader(Protocol):
    """One source, as the ledger reads it."""

    def releases(self, lane: Lane, after: int, limit: int) -> Sequence[Release]:
        """Return the releases after `after` in a lane, at most `limit`. Raises `UpstreamDown`."""

    def release(self, key: str, version: int) -> Release:
        """Return one released version. Raises `UpstreamDown`, `NotFound`."""

    def newest(self, key: str) -> Release | None:
        """Return the newest version; None when the key was never released. Raises `UpstreamDown`."""

    def heads(self) -> dict[str, int]:
        """Return the highest sequence of each lane. Raises `UpstreamDown`."""

    def keys(self) -> Sequence[OfferedKey]:
        """Return the source's public keys, oldest first; empty when it does not sign. Raises `UpstreamDown`."""

    def audit_head(self) -> AuditHead | None:
        """Return the newest row of the source's audit log; None if it has no such log. Raises `UpstreamDown`."""


class KeyMark(TolerantContract):
    """The newest version of a key in the ledger, its op, and its times."""

    key: str
    version: int
    position: int
    op: str
    effective_at: Timestamp | None = None
    expires_at: Timestamp | None = None


class LedgerKey(OfferedKey):
    """A public key that the ledger lists."""


class LedgerReader(SnapshotReader, Protocol):
    """The ledger, as a channel reads it."""

    def entries(self, after: int, limit: int) -> Sequence[LedgerEntry]:
        """Return the entries after position `after`, at most `limit`, each with its proof. Raises `UpstreamDown`."""

    def head(self) -> Head:
        """Return the newest signed head. Raises `UpstreamDown`."""

    def consistency(self, first: int, second: int) -> list[bytes]:
        """Return the proof that the tree of `second` entries extends the tree of `first`. Raises `UpstreamDown`."""

    def keys(self) -> Sequence[LedgerKey]:
        """Return the keys that sign the heads now or did earlier. Raises `UpstreamDown`."""

    def current(self, after: str, limit: int) -> Sequence[KeyMark]:
        """Return the newest versions of the keys after `after`, in order, at most `limit`. Raises `UpstreamDown`."""

    def history(self, key: str) -> Iterator[LedgerEntry]:
        """Yield every entry of a key, newest first, each with its proof and read lazily. Raises `UpstreamDown`."""


class ListedKeys:
    """The keys that the ledger lists over HTTP, for a follower that trusts its HTTP answers.

    They protect against an attacker who has only the broker. A channel checks more:
    `services.channels.trust.ledger_keys`.
    """

    def __init__(self, ledger: LedgerReader, origin: str | None = None) -> None:
        """`origin`: the county's log; keys with another name are ignored. None accepts any."""
        self._ledger, self._origin = ledger, origin
        self._keys: Sequence[LedgerKey] = ()
        self._good: tuple[str, Checkpoint] | None = None

    def opened(self, note: str) -> Checkpoint:
        """See `shared.transparency.proof.Prover`."""
        if self._good is not None and self._good[0] == note:
            return self._good[1]
        if not signer_ids(note) <= {key.key_id for key in self._keys}:
            self._keys = self._ledger.keys()
        now = datetime.now(UTC)
        own = [key for key in self._keys if self._origin in (None, key.name)]
        signing = [key.note_key() for key in own if key.signs_until is None or now < key.signs_until]
        if not signing:
            raise Broken(f"the ledger lists no active signing key{f' for {self._origin}' if self._origin else ''}")
        self._good = note, opened_checkpoint(note, signing)
        return self._good[1]


class HttpSource:
    """`SourceReader` over HTTP. `http` reaches the source with the service's token, see `client`."""

    def __init__(self, http: httpx.Client, source: str) -> None:
        self._http, self._source = http, source
        self._path, self._keys = f"/{source}/v1/releases", f"/{source}/v1/keys"

    def releases(self, lane: Lane, after: int, limit: int) -> Sequence[Release]:
        answer = get(self._http, self._path, lane=str(lane), after=after, limit=limit)
        return _models(Release, answer.get("releases"))

    def release(self, key: str, version: int) -> Release:
        return _models(Release, [get(self._http, f"{self._path}/{key}/{version}")])[0]

    def newest(self, key: str) -> Release | None:
        versions = get(self._http, f"{self._path}/{key}")
        return self.release(key, len(versions)) if versions else None

    def heads(self) -> dict[str, int]:
        try:
            return {str(lane): int(number) for lane, number in get(self._http, f"{self._path}/heads").items()}
        except (AttributeError, TypeError, ValueError) as error:
            raise UpstreamDown(f"upstream sent an invalid list of heads: {type(error).__name__}") from error

    def keys(self) -> Sequence[OfferedKey]:
        try:
            answer = get(self._http, self._keys)
        except NotFound:
            return ()
        return _models(OfferedKey, answer.get("keys") if isinstance(answer, dict) else None)

    def audit_head(self) -> AuditHead | None:
        try:
            answer = get(self._http, f"/{self._source}/v1/audit/head")
        except NotFound:
            return None
        found = {**answer, "source": self._source} if isinstance(answer, dict) else answer
        return _models(AuditHead, [found])[0]


class HttpLedger:
    """`LedgerReader` over HTTP. `http` reaches the ledger with the service's token, see `client`; without the token,
    application bodies are withheld.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def entries(self, after: int, limit: int) -> Sequence[LedgerEntry]:
        answer = get(self._http, "/ledger/v1/entries", **{"from": after + 1, "limit": limit, "proofs": True})
        return _models(LedgerEntry, answer.get("entries"))

    def head(self) -> Head:
        return _models(Head, [get(self._http, "/ledger/v1/head")])[0]

    def consistency(self, first: int, second: int) -> list[bytes]:
        answer = get(self._http, "/ledger/v1/proof/consistency", first=first, second=second)
        try:
            return [bytes.fromhex(step) for step in answer["path"]]
        except (KeyError, TypeError, ValueError) as error:
            raise UpstreamDown(f"upstream sent an invalid proof: {type(error).__name__}") from error

    def recording(self) -> Recording:
        """See `shared.publishing.recording_status.Latest`."""
        return _models(Recording, [get(self._http, "/ledger/v1/signer")])[0]

    def keys(self) -> Sequence[LedgerKey]:
        return _models(LedgerKey, get(self._http, "/ledger/v1/keys").get("keys"))

    def current(self, after: str, limit: int) -> Sequence[KeyMark]:
        return _models(KeyMark, get(self._http, "/ledger/v1/current", after=after, limit=limit).get("keys"))

    def history(self, key: str) -> Iterator[LedgerEntry]:
        for mark in reversed(self._versions(key)):
            yield from self.entries(mark.position - 1, 1)

    def _versions(self, key: str) -> list[KeyMark]:
        marks: list[KeyMark] = []
        after: Any = 0
        while after is not None:
            answer = get(self._http, f"/ledger/v1/versions/{key}", after=after)
            marks += _models(KeyMark, answer.get("versions"))
            following = answer.get("next")
            if following is not None and (not isinstance(following, int) or following <= after):
                raise UpstreamDown("upstream's list of versions is endless")
            after = following
        return marks

    def snapshot(self) -> SignedStatement:
        return _models(SignedStatement, [get(self._http, "/ledger/v1/snapshot")])[0]

    def snapshot_page(self, size: int, after: int, limit: int) -> SnapshotPage:
        answer = get(self._http, "/ledger/v1/snapshot/entries", size=size, after=after, limit=limit)
        return _models(SnapshotPage, [answer])[0]

    def predecessors(self, size: int, positions: Sequence[int]) -> Sequence[Predecessor]:
        answer = get(self._http, "/ledger/v1/snapshot/predecessors", size=size, position=list(positions))
        return _models(Predecessor, answer.get("predecessors"))


def client(base_url: str, token: Token = "", tls: Tls | None = None) -> httpx.Client:
    """Return an HTTP client for one service; it never follows redirects and never uses a proxy.

    With `tls` only the county's authorities are trusted; without it an `https` address needs a public certificate.
    """
    auth = Bearer(token) if token else None
    verify = tls.client() if tls else _public_authorities()
    return httpx.Client(base_url=base_url, auth=auth, timeout=TIMEOUT, trust_env=False, verify=verify)


@cache
def _public_authorities() -> ssl.SSLContext:
    """Return the context that trusts the public authorities; reading them takes 30 ms, so all clients share it."""
    return httpx.create_ssl_context(trust_env=False)


def get(http: httpx.Client, path: str, **params: Any) -> Any:
    """GET and parse JSON. Raises `NotFound` for 404, `UpstreamDown` for any other failure or status."""
    try:
        answer = http.get(path, params=params)
    except httpx.HTTPError as error:
        raise UpstreamDown(f"{http.base_url}{path}: {reason(error)}") from error
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise NotFound(f"{http.base_url}{path}: not found")
    if answer.status_code != httpx.codes.OK:
        raise UpstreamDown(f"{http.base_url}{path}: status {answer.status_code}{remedy(answer)}")
    try:
        return answer.json()
    except ValueError as error:
        raise UpstreamDown(f"{http.base_url}{path}: not JSON") from error


def remedy(answer: httpx.Response) -> str:
    """Return the reason that a callee gives for rejecting our token (401, 403); only this side can fix that."""
    if answer.status_code not in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return ""
    try:
        return f": {str(answer.json()['detail'])[:300]}"
    except (ValueError, KeyError, TypeError):
        return ""


def _models(model: type[M], values: Any) -> list[M]:
    try:
        return [model.model_validate(value) for value in values]
    except (ValidationError, TypeError) as error:
        raise UpstreamDown(f"upstream sent an invalid {model.__name__}: {type(error).__name__}") from error
