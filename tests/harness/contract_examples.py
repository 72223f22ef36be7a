"""The examples of contracts/: a small ledger of seven entries and its signed head, sealed as the services do.

The bodies in contracts/examples/bodies are written by hand; everything around them is computed here with the functions
of the services, so that outsiders can recompute every digest, the root and the signature. `python -m
tests.harness.contract_examples` writes them.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.base import format_time
from contracts.content.feedback import FEEDBACK_TYPE, Feedback
from contracts.envelope.event import HEAD_TYPE
from contracts.envelope.messages import BODIES
from contracts.envelope.publication import Lane, NoBody, Publication, Release
from contracts.generators.json_schema import BODY_FILES
from contracts.kinds import KINDS, Kind, Op
from services.channels.api.reader_feedback import feedback_event
from services.ledger.signing.signer import Signer
from shared.feeds.outbox import envelope
from shared.transparency.canonical import canonical, digest
from shared.transparency.merkle import GrowingTiles, NoTiles, inclusion_proof, leaf_hash
from shared.transparency.proof import written
from shared.transparency.source_signature import key_name, signed_text
from tests.harness.release_signer import Ed25519ReleaseSigner

EXAMPLES = Path(__file__).resolve().parents[2] / "contracts" / "examples"
REGION = "339921000000"
ITEM_CODE = "11339921003991014U400070990100002"
CASE_REF = "galoirtox5o56kij4ibqssrtcgmbdlywkn3zwn63blkwy7pu7iyq"
"""The second test vector of `shared.security.case_ref`."""

KEYS: dict[str, str] = {
    Kind.ITEM: f"item:{ITEM_CODE}",
    Kind.GUIDE: f"guide:{ITEM_CODE}",
    Kind.APPLICATION: f"application:{CASE_REF}",
    Kind.ACT: "act:catalog-live-3",
}
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FIRST_RELEASE = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)
# This key may be public: it signs nothing but the example.
SIGNER = Signer(
    f"tongyuan/{REGION}", Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"tongyuan example").digest())
)


def documents() -> dict[str, Any]:
    """Return `<feed>/<type>` → the message as JSON."""
    entries = list(publications())
    found = {}
    for release, entry in zip(releases(), entries, strict=True):
        for feed, source, number, version in (
            ("sources", release.source, release.sequence, release),
            ("publications", "ledger", entry.position, entry),
        ):
            data = version.model_dump(mode="json", exclude={"no_body", "withheld_until"})
            if feed == "publications" and version.body is None:
                data["no_body"] = NoBody.WITHDRAWN
            event = orjson.loads(envelope(source, number, orjson.dumps(data).decode(), data))
            found[f"{feed}/{event['type']}"] = event
    return {**found, f"publications/{HEAD_TYPE}": head(entries), f"feedback/{FEEDBACK_TYPE}": feedback()}


def feedback() -> dict[str, Any]:
    """Return feedback on the example's guide, as the channel sends it."""
    given = Feedback(
        id=hashlib.sha256(b"tongyuan example of feedback").hexdigest()[:32],
        code=ITEM_CODE,
        guide_version=1,
        channel="web",
        tags=["109", "111"],
        text="窗口还要一份居住证明，指南里没有写。",
        given_at=FIRST_RELEASE + timedelta(days=1),
    )
    sent: dict[str, Any] = orjson.loads(feedback_event(given, 1, TRACEPARENT))
    return sent


def releases() -> Iterator[Release]:
    """Yield a release of each kind, and a withdrawal ten days later where possible; the act gives the item's reason."""
    first: list[tuple[str, str]] = [(kind, Op.RELEASE) for kind in KINDS if kind != Kind.ACT]
    later: list[tuple[str, str]] = [(kind, Op.WITHDRAW) for kind in KINDS if Op.WITHDRAW in KINDS[kind].words]
    last: list[tuple[str, str]] = [(Kind.ACT, Op.RELEASE)]
    for round_number, some in enumerate((first, later, last)):
        for place, (kind, op) in enumerate(some):
            source = KINDS[kind].owner(KEYS[kind])
            draft = Release(
                source=source,
                lane=Lane.LIVE,
                sequence=round_number + 1,
                key=KEYS[kind],
                kind=kind,
                version=1 if kind == Kind.ACT else round_number + 1,
                op=op,
                region=REGION,
                released_at=FIRST_RELEASE + timedelta(days=10 * round_number, minutes=5 * place),
                body=body(kind) if op == Op.RELEASE else None,
                digest="0" * 64,
                traceparent=TRACEPARENT,
            )
            sealed = draft.model_copy(update={"digest": digest(draft.content())})
            yield sealed.model_copy(update={"source_signature": source_signer(source).sign(signed_text(sealed))})


def source_key(source: str) -> Ed25519PrivateKey:
    """Return the example's key of a source. It may be public: it signs nothing but the example."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"tongyuan example of {source}".encode()).digest())


def source_signer(source: str) -> Ed25519ReleaseSigner:
    """Return the signer of a source's releases in the example."""
    return Ed25519ReleaseSigner(key_name(SIGNER.name, source), [source_key(source)])


def publications() -> Iterator[Publication]:
    """Yield the releases at positions 1 to 7, each recorded 40 ms after its release, alone, with proof."""
    tiles = GrowingTiles(NoTiles(), 0)
    for index, release in enumerate(releases()):
        recorded = release.released_at + timedelta(milliseconds=40)
        entry = Publication(**release.model_dump(), position=index + 1, recorded_at=recorded)
        tiles.append(leaf_hash(canonical(entry.leaf())))
        path, checkpoint = inclusion_proof(tiles, index, tiles.size), SIGNER.checkpoint(tiles.size, tiles.root())
        yield entry.model_copy(update={"proof": written(index, path, checkpoint)})


def head(entries: list[Publication]) -> dict[str, Any]:
    """Return the message with the head over all entries, two seconds after the last one."""
    root = root_of(entries)
    time = format_time(entries[-1].recorded_at + timedelta(seconds=2))
    return {
        "specversion": "1.0",
        "id": f"head/{len(entries)}/{time}",
        "source": "/tongyuan/ledger",
        "type": HEAD_TYPE,
        "time": time,
        "datacontenttype": "application/json",
        "sequence": str(len(entries)),
        "data": {
            "size": len(entries),
            "root": root.hex(),
            "time": time,
            "checkpoint": SIGNER.checkpoint(len(entries), root),
        },
    }


def root_of(entries: list[Publication]) -> bytes:
    """Return the root of the Merkle tree over the entries' leaves."""
    tiles = GrowingTiles(NoTiles(), 0)
    for entry in entries:
        tiles.append(leaf_hash(canonical(entry.leaf())))
    return tiles.root()


def body(kind: str) -> dict[str, Any]:
    """Return the hand-written body, checked against its contract."""
    raw = (EXAMPLES / "bodies" / f"{BODY_FILES.get(kind, kind)}.json").read_bytes()
    return BODIES[kind].model_validate_json(raw).model_dump(mode="json", exclude_none=True)


def text(document: dict[str, Any]) -> str:
    """Return a file's content: indented, Chinese unescaped, one newline at the end."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def write() -> None:
    """Write every example."""
    for name, document in documents().items():
        path = EXAMPLES / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(document), encoding="utf-8")


if __name__ == "__main__":
    write()
