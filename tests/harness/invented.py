"""Generated valid histories of any length, for tests of the checker to corrupt in one place."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.envelope.publication import Kind, Lane, Op, Publication, Release
from shared.transparency.canonical import canonical, digest
from shared.transparency.merkle import GrowingTiles, NoTiles, leaf_hash
from tests.harness.history import Dump, History, LaneEnd, Mark, chained

CHANNELS = ("web", "kiosk")
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
ORIGIN = "county.example/ledger"
THEN = datetime(2026, 1, 1, tzinfo=UTC)


def sound(steps: Sequence[tuple[int, bool]]) -> History:
    """Return a history in which editors change items (`number`, withdraw?) one after another.

    Readers look after every step; then one fault is healed and everything settles.
    """
    history = History(keys={KEY.public_key().public_bytes_raw().hex()}, ended=THEN + timedelta(days=1))
    versions: dict[str, int] = {}
    for number, withdraw in steps:
        key = f"item:{number}"
        versions[key] = versions.get(key, 0) + 1
        _step(history, key, versions[key], withdraw=withdraw and versions[key] > 1)
    history.lanes[("catalog", "live")] = LaneEnd(len(steps), len(steps))
    history.channels = {name: dump_of(history, len(steps)) for name in CHANNELS}
    _aftermath(history, float(len(steps)))
    return history


def dump_of(history: History, position: int) -> Dump:
    """Return what a channel shows at this position."""
    marks = {key: mark_of(entry) for key, entry in history.newest(position).items()}
    content = {key: mark.digest for key, mark in marks.items() if not mark.gone}
    return Dump(position, marks, content=content, projected=dict(content))


def mark_of(entry: Publication) -> Mark:
    """Return the entry as a channel shows it."""
    return Mark(entry.key, entry.version, entry.position, entry.digest, gone=entry.op == Op.WITHDRAW)


def note(size: int, root: str, key: Ed25519PrivateKey = KEY) -> str:
    """Return a signed note in C2SP format."""
    text = f"{ORIGIN}\n{size}\n{base64.b64encode(bytes.fromhex(root)).decode()}\n"
    signature = base64.b64encode(b"kkkk" + key.sign(text.encode())).decode()
    return f"{text}\n\N{EM DASH} {ORIGIN} {signature}\n"


def release_of(key: str, version: int, sequence: int, *, withdraw: bool = False) -> Release:
    """Return a release as a source makes it."""
    op = Op.WITHDRAW if withdraw else Op.RELEASE
    draft = Release(
        source="catalog", lane=Lane.LIVE, sequence=sequence, key=key, kind=Kind.ITEM, version=version, op=op,
        region="339921000000", released_at=THEN, body=None if withdraw else {"version": version}, digest="0" * 64,
    )  # fmt: skip
    return draft.model_copy(update={"digest": digest(draft.content())})


def entry_of(release: Release, position: int) -> Publication:
    """Return the entry of a release."""
    return Publication(**release.model_dump(), position=position, recorded_at=THEN)


def root_of(entries: Sequence[Publication]) -> str:
    """Return the root of the tree over these entries."""
    tiles = GrowingTiles(NoTiles(), 0)
    for entry in entries:
        tiles.append(leaf_hash(canonical(entry.leaf())))
    return tiles.root().hex()


def _step(history: History, key: str, version: int, *, withdraw: bool) -> None:
    at = float(len(history.entries))
    release = release_of(key, version, len(history.releases) + 1, withdraw=withdraw)
    entry = entry_of(release, len(history.entries) + 1)
    history.releases.append(release)
    history.entries.append(entry)
    history.add("editor", "release", t=at + 0.2, began=at + 0.1, key=key, version=version)
    root = root_of(history.entries)
    for name in CHANNELS:
        marks = tuple(mark_of(one) for one in history.newest(len(history.entries)).values())
        history.add(f"reader of {name}", "saw", t=at + 0.6, began=at + 0.5, what=name, marks=marks)
        history.add(f"screen of {name}", "saw", t=at + 0.4, what=name, marks=(mark_of(entry),))
        history.add(f"reader of {name}", "read", t=at + 0.6, began=at + 0.5, what=name)
        history.add(name, "head", t=at + 0.7, value=entry.position, digest=root, note=note(entry.position, root))
    history.add("ledger", "effect", t=at, key=f"{key}/{version}")


def _aftermath(history: History, at: float) -> None:
    """Add a fault with its alarm, healed, and everything settling."""
    history.add("nemesis", "fault", t=at, what="broker stopped", note="outbox is old")
    history.add("outbox is old", "state", t=at + 20, what="alarm", value=1)
    history.add("kiosk", "down", t=at + 1)
    history.add("reader of kiosk", "read", "fail", t=at + 2, began=at + 2, what="kiosk")
    history.add("kiosk", "up", t=at + 3)
    history.add("nemesis", "healed", t=at + 30)
    for place, what in (
        ("catalog/live", "outbox"), ("web", "behind"), ("web.publications", "queue"), ("web-worker", "canary"),
        ("web", "unready"), ("advisory lock", "lock"), ("outbox is old", "alarm"),
    ):  # fmt: skip
        history.add(place, "state", t=at + 31, what=what, value=float(what == "canary"))
        history.add(place, "state", t=at + 40, what=what)
    for second in range(3):
        history.add("web-worker", "count", t=at + second, what="retries", value=5.0 * second)
    history.add("operator", "act", t=at, note="rebuild kiosk")
    history.add("ledger", "audit", t=at, note="rebuild kiosk", digest=chained(["rebuild kiosk"])[0])
    history.add("nemesis", "inject", t=at, key="garbage", what="dead")
    history.add("nemesis", "inject", t=at, key="twice", what="harmless")
    history.dead = {"garbage"}
    history.limits = {"descriptors": 100}
    history.add("web", "sample", t=at, what="descriptors", value=40)
    history.drafts, history.persons = {"a draft's word"}, {"a name"}
    history.search("reader", "web", "nothing of theirs")
    history.add("stranger", "write", "fail", t=at, what="catalog")


def altered(entry: Publication) -> Publication:
    """Return an entry for the same place with other content and a matching digest."""
    changed = entry.model_copy(update={"body": {"version": "another"}})
    return changed.model_copy(update={"digest": digest(changed.content())})
