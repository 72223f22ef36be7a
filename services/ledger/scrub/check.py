"""Check stored entries against their leaves, and the tree against its heads. Reads only.

body      its digest equals the leaf's; it is present unless the version withdraws or the law has erased it
meta      its leaf hash equals the one in the tile
columns   the columns that repeat parts of the meta equal it
tile      the root of a full tile equals the hash in the tile above it
tree      the tiles give the root of the newest signed head
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import orjson
from pydantic import ValidationError
from sqlmodel import Session

from contracts.base import format_time
from contracts.envelope.publication import Op, Publication
from services.ledger import queries
from services.ledger.erasure.retention import erasures
from services.ledger.log.append import StoredTiles
from services.ledger.model import EntryRow
from services.ledger.scrub.model import DamagedPart
from shared.errors import Broken
from shared.transparency.canonical import canonical, digest
from shared.transparency.merkle import HASH_SIZE, TILE_WIDTH, Tiles, leaf_hash, subtree_root, tree_root


@dataclass(frozen=True, slots=True)
class Damage:
    """A difference from what was recorded. `position`: for a tile its first leaf's, for the tree the head's size."""

    position: int
    part: DamagedPart
    key: str
    version: int
    detail: str


def check_entries(session: Session, first: int, last: int) -> list[Damage]:
    """Return the damage in entries `first` to `last`, and in the full tiles that end among them."""
    tiles = StoredTiles(session)
    # Read the entries first: if a body is erased between the two reads, its erasure row is found by the second.
    rows = {row.position: row for row in queries.entries(session, first, last - first + 1)}
    erased = erasures(session, list(rows), trusted=True)
    found: list[Damage] = []
    for position in range(first, last + 1):
        row = rows.get(position)
        if row is None:
            found.append(Damage(position, DamagedPart.ENTRY, "", 0, "there is no entry at this position"))
        else:
            found += check_entry(session, row, tiles, erased)
        found += _check_full_tiles(tiles, position)
    return found


def check_entry(session: Session, row: EntryRow, tiles: Tiles, erased: Collection[int]) -> Iterator[Damage]:
    """Yield the damage in one entry."""

    def damage(part: DamagedPart, detail: str) -> Damage:
        return Damage(row.position, part, row.key, row.version, detail)

    entry = read_meta(row)
    stored = leaf_at(tiles, row.position)
    if entry is None:
        yield damage(DamagedPart.META, "its meta is not a ledger entry")
        return
    if leaf_hash(canonical(entry.leaf())) != stored:
        part = DamagedPart.META if tile_holds(session, tiles, row.position) else DamagedPart.TILE
        yield damage(part, "meta and tile yield different leaves")
        if part == DamagedPart.META:
            return
    repeated = (row.position, row.key, row.version, row.kind, row.released_at)
    if repeated != (entry.position, entry.key, entry.version, entry.kind, format_time(entry.released_at)):
        yield damage(DamagedPart.COLUMNS, "its columns differ from its meta")
    if problem := body_problem(row, entry, erased):
        yield damage(DamagedPart.BODY, problem)


def body_problem(row: EntryRow, entry: Publication, erased: Collection[int]) -> str | None:
    """Return why the stored body is not the recorded one; None if it is, or if the law has erased it."""
    if row.body is None:
        if entry.op == Op.RELEASE and row.position not in erased:
            return "the body is missing and no erasure is recorded"
        return None
    try:
        body = orjson.loads(row.body)
        same = digest(entry.model_copy(update={"body": body}).content()) == entry.digest
    except (ValueError, TypeError, Broken):
        return "the body is not JSON that the ledger could have recorded"
    return None if same else "the digest of the body differs from the leaf"


def read_meta(row: EntryRow) -> Publication | None:
    """Return the entry in its meta, without body; None if it cannot be parsed."""
    try:
        return Publication.model_validate({**orjson.loads(row.meta), "body": None})
    except (ValueError, TypeError, ValidationError):
        return None


def leaf_at(tiles: Tiles, position: int) -> bytes:
    """Return the leaf hash in the tree; empty if there is none."""
    number, offset = divmod(position - 1, TILE_WIDTH)
    return tiles.tile(0, number)[offset * HASH_SIZE : (offset + 1) * HASH_SIZE]


def tile_holds(session: Session, tiles: Tiles, position: int) -> bool:
    """Return whether the tile with this entry's leaf is the signed one, by the tile above it or else by the head."""
    number = (position - 1) // TILE_WIDTH
    above = hash_above(tiles, 0, number)
    if above:
        return full_root(tiles.tile(0, number)) == above
    return check_tree(session, tiles) is None


def check_tree(session: Session, tiles: Tiles) -> Damage | None:
    """Return the damage if the tiles do not give the newest head's root, else None."""
    head = queries.newest_head(session)
    if head is None:
        return None
    try:
        root = tree_root(tiles, head.size).hex()
    except IndexError:
        root = ""
    if root == head.root:
        return None
    return Damage(head.size, DamagedPart.TREE, "", 0, f"the tiles do not yield the signed root of {head.size} entries")


def full_root(tile: bytes) -> bytes:
    """Return the root of a full tile; empty for a tile that is not full."""
    return subtree_root(tile) if len(tile) == TILE_WIDTH * HASH_SIZE else b""


def _check_full_tiles(tiles: Tiles, position: int) -> Iterator[Damage]:
    """Check the tiles that this entry's leaf completed, from the leaves upwards."""
    level, count = 0, position
    while count % TILE_WIDTH == 0:
        count //= TILE_WIDTH
        if full_root(tiles.tile(level, count - 1)) != hash_above(tiles, level, count - 1):
            first = (count - 1) * TILE_WIDTH ** (level + 1) + 1
            yield Damage(
                first, DamagedPart.TILE, "", 0, f"tile {level}/{count - 1} differs from its hash in the tile above"
            )
        level += 1


def hash_above(tiles: Tiles, level: int, number: int) -> bytes:
    """Return the root of this tile as the tile above has it; empty while this tile is not full."""
    index, offset = divmod(number, TILE_WIDTH)
    return tiles.tile(level + 1, index)[offset * HASH_SIZE : (offset + 1) * HASH_SIZE]
