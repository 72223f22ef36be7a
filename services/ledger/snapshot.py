"""Snapshots: the newest entry of every key at a size, for whoever starts. Nothing of it is stored, it is asked for.

The size is that of a signed statement, whose `snapshot_root` the reader works out from the entries himself. The ledger
goes on meanwhile: what was the newest entry among the first `size` stays so, and all pages of a size belong together.
"""

from collections.abc import Sequence
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import bindparam, text
from sqlmodel import Session, col, select

from contracts.base import Json
from contracts.publication import Head
from services.ledger import queries
from services.ledger.commands import StoredTiles
from services.ledger.model import EntryRow, HeadRow
from services.ledger.snapshot_tree import NEWEST_AT
from shared import merkle
from shared.database import Database
from shared.errors import Invalid, NotFound, Violation
from shared.http import Number, is_service

MOST_PREDECESSORS = 100
PAGE = text(
    f"SELECT key.first_position, {NEWEST_AT} AS position FROM key "  # noqa: S608  # our own text
    "WHERE key.first_position > :after AND key.first_position <= :size ORDER BY key.first_position LIMIT :limit"
)
BEFORE = text(
    "SELECT e.position AS successor, o.position FROM entry e "
    "JOIN entry o ON o.key = e.key AND o.version = e.version - 1 WHERE e.position IN :positions"
).bindparams(bindparam("positions", expanding=True))
Size = Annotated[Number, Query(description="Of the statement; every page of a snapshot has the same.")]
Positions = Annotated[list[Number], Query(alias="position", min_length=1, max_length=MOST_PREDECESSORS)]


def router(db: Database) -> APIRouter:
    """`/v1/snapshot` and what hangs below it."""
    routes = APIRouter(prefix="/v1/snapshot", tags=["snapshot"])

    @routes.get("", summary="The newest statement and the head that it speaks of")
    def opening(response: Response) -> Json:
        response.headers["Cache-Control"] = "no-cache"
        with db.read() as session:
            return snapshot(session)

    @routes.get("/entries", summary="The newest entry of every key, in order of their first releases")
    def newest_entries(
        request: Request,
        size: Size,
        after: Annotated[Number, Query(description="`next` of the page before.")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 500,
    ) -> Response:
        """`next` is null on the last page."""
        trusted = is_service(request)
        with db.read() as session:
            rows, following = page(session, size, after, limit)
            documents = queries.documents(session, rows, trusted=trusted)
        return _json(f'{{"entries":[{",".join(documents)}],"next":{orjson.dumps(following).decode()}}}')

    @routes.get("/predecessors", summary="The entries one version before those at `position`, each with its proof")
    def entries_before(request: Request, size: Size, positions: Positions) -> Response:
        """For keys whose newest version does not count yet, or cannot be shown. In the order that was asked for."""
        trusted = is_service(request)
        with db.read() as session:
            rows, paths = predecessors(session, size, positions)
            documents = queries.documents(session, rows, trusted=trusted)
        steps = [orjson.dumps([step.hex() for step in path]).decode() for path in paths]
        joined = ",".join(f'{{"entry":{one},"path":{path}}}' for one, path in zip(documents, steps, strict=True))
        return _json(f'{{"predecessors":[{joined}]}}')

    return routes


def snapshot(session: Session) -> Json:
    """The statement's note, and the head of the same size. Raises `Unavailable` before the first one."""
    row = queries.newest_statement(session)
    head = session.get(HeadRow, row.size)
    assert head is not None, "a statement is signed together with a head of its size"
    return {"note": row.note, "head": Head.model_validate(head, from_attributes=True).model_dump(mode="json")}


def page(session: Session, size: int, after: int, limit: int) -> tuple[list[EntryRow], int | None]:
    """Newest entries among the first `size`, of keys released first behind position `after`; and the next `after`."""
    size = queries.covered(session, size, "size")
    marks = session.connection().execute(PAGE, {"size": size, "after": after, "limit": limit}).all()
    rows = _entries(session, [mark.position for mark in marks])
    return rows, marks[-1].first_position if len(marks) == limit else None


def predecessors(session: Session, size: int, positions: Sequence[int]) -> tuple[list[EntryRow], list[list[bytes]]]:
    """The entries one version before, and the paths of their leaves to the root of `size` entries.

    Raises `NotFound` for a first version, and for what is not among the first `size`.
    """
    size = queries.covered(session, size, "size")
    if not all(1 <= position <= size for position in positions):
        raise Invalid(Violation("position", "in_tree", f"must be 1 to {size}"))
    found = session.connection().execute(BEFORE, {"positions": list(positions)}).all()
    before = {int(row.successor): int(row.position) for row in found}
    if missing := [position for position in positions if position not in before]:
        raise NotFound(f"the entry at position {missing[0]} is the first of its key")
    rows = _entries(session, [before[position] for position in positions])
    tiles = merkle.GrowingTiles(StoredTiles(session), size)
    return rows, [merkle.inclusion_proof(tiles, row.position - 1, size) for row in rows]


def _entries(session: Session, positions: Sequence[int]) -> list[EntryRow]:
    """In the order of `positions`."""
    rows = session.exec(select(EntryRow).where(col(EntryRow.position).in_(positions)))
    by_position = {row.position: row for row in rows}
    return [by_position[position] for position in positions]


def _json(content: str) -> Response:
    headers = {"Cache-Control": "no-cache", "Vary": "Authorization"}
    return Response(content, media_type="application/json", headers=headers)
