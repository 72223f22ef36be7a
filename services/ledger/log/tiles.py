"""C2SP `tlog-tiles`: the tree and its leaves as immutable files, for mirrors and for tools of other projects.

checkpoint                      the newest signed head
tile/<L>/<N>[.p/<W>]            256 (or W) hashes of level L
tile/entries/<N>[.p/<W>]        256 (or W) leaves, each preceded by its length in two bytes

A tile is served only when a signed head covers it.
"""

import re
from dataclasses import dataclass

import orjson
from fastapi import APIRouter, Response
from sqlmodel import Session

from contracts.envelope.publication import Publication
from services.ledger import queries
from services.ledger.log.append import StoredTiles
from shared.database.engine import Database
from shared.errors import Invalid, NotFound, Unavailable, Violation
from shared.transparency.canonical import canonical
from shared.transparency.merkle import HASH_SIZE, TILE_HEIGHT, TILE_WIDTH

FOR_EVER = "public, max-age=31536000, immutable"
PATH = re.compile(r"(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)
HIGHEST_LEVEL = 63


@dataclass(frozen=True, slots=True)
class Tile:
    """The address of a tile. `level` is None for a tile of leaves; `width` is the number of hashes or leaves."""

    level: int | None
    number: int
    width: int


def router(db: Database) -> APIRouter:
    """Return the router of `/v1/checkpoint` and `/v1/tile/…`."""
    routes = APIRouter(prefix="/v1", tags=["tiles"])

    @routes.get("/checkpoint", summary="Read the newest signed head as a C2SP checkpoint", response_class=Response)
    def checkpoint() -> Response:
        with db.read() as session:
            row = queries.newest_head(session)
        if row is None:
            raise Unavailable("no head has been signed yet")
        return Response(row.checkpoint, media_type="text/plain", headers={"Cache-Control": "no-cache"})

    @routes.get("/tile/{path:path}", summary="Read hashes or entries as a C2SP tlog-tile", response_class=Response)
    def tile(path: str) -> Response:
        with db.read() as session:
            content = _content(session, parsed(path))
        return Response(content, media_type="application/octet-stream", headers={"Cache-Control": FOR_EVER})

    return routes


def parsed(path: str) -> Tile:
    """Parse `<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`; N is written in groups of three digits. Raises `Invalid`."""
    found = PATH.fullmatch(path)
    if found is None:
        raise Invalid(Violation("path", "tlog_tiles", "must be <L>/<N>[.p/<W>] or entries/<N>[.p/<W>]", path[:80]))
    kind, groups, width = found.groups()
    number = int(groups.replace("x", "").replace("/", ""))
    if spelled(number) != groups:
        raise Invalid(Violation("path", "tlog_tiles", f"tile {number} must be spelled {spelled(number)}", path[:80]))
    if kind != "entries" and int(kind) > HIGHEST_LEVEL:
        raise Invalid(Violation("path", "tlog_tiles", f"the level must be 0 to {HIGHEST_LEVEL}", path[:80]))
    wanted = int(width or TILE_WIDTH)
    if wanted > TILE_WIDTH or (width and wanted == TILE_WIDTH):
        raise Invalid(
            Violation("path", "tlog_tiles", f"a partial tile has a width of 1 to {TILE_WIDTH - 1}", path[:80])
        )
    return Tile(None if kind == "entries" else int(kind), number, wanted)


def spelled(number: int) -> str:
    """Return a tile's number as a path, e.g. 1234067 → `x001/x234/067`."""
    groups = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        groups.append(f"x{number % 1000:03}")
    return "/".join(reversed(groups))


def _content(session: Session, tile: Tile) -> bytes:
    row = queries.newest_head(session)
    complete = (row.size if row else 0) >> (TILE_HEIGHT * (tile.level or 0))
    if tile.number * TILE_WIDTH + tile.width > complete:
        raise NotFound("no signed head covers this tile in this width")
    if tile.level is not None:
        return StoredTiles(session).tile(tile.level, tile.number)[: tile.width * HASH_SIZE]
    metas = queries.metas(session, tile.number * TILE_WIDTH + 1, tile.width)
    leaves = [canonical(Publication.model_validate({**orjson.loads(meta), "body": None}).leaf()) for meta in metas]
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)
