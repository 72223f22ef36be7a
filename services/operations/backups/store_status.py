"""Read how far each store is, and check stores against each other and the ledger against its head."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import orjson

from contracts.envelope.publication import Head, Publication
from contracts.topology import AUDITOR, CONSOLE, IMPORTING, SOURCES, SUBSCRIPTIONS
from services.applications.privacy.key_rotation import key_ids
from services.ledger.signing.signed_head_store import MEMORY_FILE, SignedHeadStore, SignedTree
from services.operations.archive.contents import BadArchive
from services.operations.backups.statements import (
    COUNTERS,
    ENTRIES,
    MARKS,
    NEWEST_HEAD,
    POSITION,
    SIGNING_KEYS,
    SIZE,
    STAFF_KEY_PREFIXES,
)
from services.operations.backups.store_copies import Ask, asking, has_store
from services.runtime.manifests import CHANNELS
from shared.config import Settings
from shared.errors import Broken
from shared.security.vault import FORMAT, Vault, is_sealed
from shared.transparency.canonical import canonical
from shared.transparency.checkpoint import verify_checkpoint
from shared.transparency.merkle import EMPTY_ROOT, GrowingTiles, NoTiles, leaf_hash, tree_root

TELL_EVERY = 10_000


def marks_of(service: str, ask: Ask) -> dict[str, int]:
    """Return how far a store is: `catalog/live`, `ledger`, `ledger<catalog/live` (recorded from there), `web`."""
    if service in SOURCES:
        return {f"{service}/{lane}": value for lane, value in ask(COUNTERS)}
    if service in CHANNELS:
        return {service: next(iter(ask(POSITION)))[0]}
    if service in (AUDITOR, CONSOLE, IMPORTING, SUBSCRIPTIONS):
        return {}
    taken = ask(MARKS)
    marks = {f"ledger<{source}/{lane}": sequence for source, lane, sequence in taken}
    return {"ledger": next(iter(ask(SIZE)))[0], **marks}


def head_of(ask: Ask) -> Head | None:
    """Return the newest signed head in the ledger's store, or None."""
    for size, root, time, checkpoint in ask(NEWEST_HEAD):
        return Head.model_validate({"size": size, "root": root, "time": time, "checkpoint": checkpoint})
    return None


def contradictions(marks: Mapping[str, int]) -> Iterator[str]:
    """Yield, in words for an operator, which store is ahead of its upstream.

    Stores that are not in `marks` are left out.
    """
    for channel in CHANNELS:
        if channel in marks and "ledger" in marks and marks[channel] > marks["ledger"]:
            yield (
                f"{channel} has applied {marks[channel]} entries, but the ledger has {marks['ledger']}: it keeps "
                f"what it shows and does not follow the ledger until you restore a newer ledger or run "
                f"`tongyuan rebuild {channel} --new-epoch`"
            )
    for name, taken in marks.items():
        _, _, lane = name.partition("ledger<")
        if lane and lane in marks and taken > marks[lane]:
            yield (
                f"the ledger has {taken} releases of {lane}, but the source has {marks[lane]}: it ignores "
                "the next ones as old; restore the source from a newer backup, or ledger and source from the same one"
            )


def _staff_key_ids(ask: Ask) -> set[str]:
    return {row[0][len(FORMAT) : -1] for row in ask(STAFF_KEY_PREFIXES) if is_sealed(row[0])}


SEALED: Mapping[str, tuple[str, Callable[[Ask], set[str]]]] = {
    "applications": ("personal data", key_ids),
    CONSOLE: ("second factors", _staff_key_ids),
}
"""Store → what is sealed in it, and how the ids of its keys are read."""


def sealing_key_notes(service: str, ask: Ask) -> Iterator[str]:
    """Yield a note for the person who makes a backup, on the keys that seal data in this store."""
    what, ids = SEALED.get(service, ("", lambda _ask: set[str]()))
    if used := ids(ask):
        yield f"{what} are sealed with key {', '.join(sorted(used))}, which is not in this backup: keep a copy of it"


def missing_sealing_keys(settings: Settings) -> Iterator[str]:
    """Yield notes for the person who restores, on the keys that seal data and are missing here."""
    for service, file in (("applications", settings.personal_keys), (CONSOLE, settings.staff_keys)):
        url = settings.database_url_for(service)
        if not has_store(service, url):
            continue
        (what, ids), known = SEALED[service], {key.key_id for key in Vault(file).ring()} if file.exists() else set()
        with asking(service, url) as ask:
            missing = ids(ask) - known
        if missing:
            yield (
                f"{what} are sealed with key {', '.join(sorted(missing))}, and {file} does not contain it: "
                "restore it before you start"
            )


def stage_signer_state(settings: Settings, keys: Path, head: Head | None) -> None:
    """Store the backup's head in `keys` as the last one signed, unless the signer here has a store of its own.

    A machine that never signed knows nothing newer; one that did must notice that it was set back.
    """
    if head is not None and not (settings.data_dir / MEMORY_FILE).exists():
        SignedHeadStore(settings.log_origin, keys / MEMORY_FILE).set(SignedTree(head.size, bytes.fromhex(head.root)))


def signer_refusals(settings: Settings, head: Head | None) -> Iterator[str]:
    """Yield, for an operator, why the signer here will refuse a ledger whose newest head is `head`."""
    memory = SignedHeadStore(settings.log_origin, settings.data_dir / MEMORY_FILE)
    try:
        last = memory.last()
    except ValueError as error:
        yield f"{memory.path} cannot be read: {error}"
        return
    size, root = (head.size, head.root) if head else (0, EMPTY_ROOT.hex())
    if last is not None and (last.size > size or (last.size == size and last.root.hex() != root)):
        yield (
            f"the signer here has signed {last.size} entries, but the backup's newest head covers {size}: it will sign "
            f"and record nothing until you restore a newer ledger or run `tongyuan keys accept {size} {root}`"
        )


def history_conflicts(settings: Settings, tiles: GrowingTiles) -> Iterator[str]:
    """Yield why a backup's ledger, whose tree is in `tiles`, does not continue what the signer here has signed."""
    try:
        last = SignedHeadStore(settings.log_origin, settings.data_dir / MEMORY_FILE).last()
    except ValueError:
        return  # reported by `signer_refusals`
    if last is None:
        return
    if last.size > tiles.size:
        yield f"{last.size} entries are signed here, but the backup has {tiles.size}"
    elif tree_root(tiles, last.size) != last.root:
        yield f"the backup has another history: its first {last.size} entries yield a root other than the signed one"


def check_ledger(ask: Ask, tell: Callable[[int], None]) -> GrowingTiles:
    """Compute the tree from the entries and compare it with the newest signed head. Raises `BadArchive`."""
    head = head_of(ask)
    tiles = GrowingTiles(NoTiles(), 0)
    for position, meta in ask(ENTRIES):
        if position != tiles.size + 1:
            raise BadArchive(f"ledger: position {position} follows {tiles.size}")
        entry = Publication.model_validate({**orjson.loads(meta), "body": None})
        tiles.append(leaf_hash(canonical(entry.leaf())))
        if tiles.size % TELL_EVERY == 0:
            tell(tiles.size)
    if marks_of("ledger", ask)["ledger"] != tiles.size:
        raise BadArchive("ledger: its count of entries differs from its number of entries")
    if head is None:
        return tiles
    if head.size > tiles.size:
        raise BadArchive(f"ledger: its head covers {head.size} entries, but it has {tiles.size}")
    if tree_root(tiles, head.size).hex() != head.root:
        raise BadArchive(f"ledger: its entries yield a different root from the head of size {head.size}")
    keys = [(name, bytes.fromhex(key)) for name, key in ask(SIGNING_KEYS)]
    if (head.size, bytes.fromhex(head.root)) not in [_signed(head, name, key) for name, key in keys]:
        raise BadArchive(f"ledger: none of its keys has signed the head of size {head.size}")
    return tiles


def _signed(head: Head, name: str, key: bytes) -> tuple[int, bytes] | None:
    try:
        return verify_checkpoint(head.checkpoint, name, key)
    except Broken:
        return None
