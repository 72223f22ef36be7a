"""Snapshots: the newest entry of every key at a given size, for a channel that starts. They are computed, not stored.

The size is that of a signed statement; the reader computes its `snapshot_root` from the entries. The ledger may grow
meanwhile: the newest entry among the first `size` does not change, so all pages of one size are consistent.
"""

from collections.abc import Sequence
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response
from sqlmodel import Session, col, select

from contracts.base import Json
from contracts.envelope.publication import Head
from services.ledger import queries
from services.ledger.log.append import StoredTiles
from services.ledger.model import EntryRow, HeadRow
from services.ledger.statements import PREDECESSORS, SNAPSHOT_PAGE
from shared.database.engine import Database
from shared.errors import Broken, Invalid, NotFound, Violation
from shared.tokens.access import sees_bodies
from shared.transparency import merkle
from shared.web.admission import List
from shared.web.edge import Number
from shared.web.list_size import octets, taken

MOST_PREDECESSORS = 100
Size = Annotated[Number, Query(description="Size in the statement; the same for every page of a snapshot.")]
Positions = Annotated[list[Number], Query(alias="position", min_length=1, max_length=MOST_PREDECESSORS)]


def router(db: Database) -> APIRouter:
    """Return the router of `/v1/snapshot` and the addresses below it."""
    routes = APIRouter(prefix="/v1/snapshot", tags=["snapshot"])

    @routes.get("", summary="Read the newest statement and its head")
    def opening(response: Response) -> Json:
        response.headers["Cache-Control"] = "no-cache"
        with db.read() as session:
            return snapshot(session)

    @routes.get(
        "/entries", dependencies=[List], summary="List the newest entry of every key, in order of first release"
    )
    def newest_entries(
        request: Request,
        size: Size,
        after: Annotated[Number, Query(description="`next` of the previous page.")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 500,
    ) -> Response:
        """`next` is null on the last page."""
        trusted = sees_bodies(request)
        with db.read() as session:
            rows, following = page(session, size, after, limit)
            documents = queries.documents(session, rows, trusted=trusted)
        return _json(f'{{"entries":[{",".join(documents)}],"next":{orjson.dumps(following).decode()}}}')

    @routes.get(
        "/predecessors",
        dependencies=[List],
        summary="List the entries one version before those at `position`, each with its proof",
    )
    def entries_before(request: Request, size: Size, positions: Positions) -> Response:
        """For keys whose newest version is not in force yet, or cannot be shown. In the order of the request.

        If they are too large for one answer, only the first are returned: request the others again.
        """
        trusted = sees_bodies(request)
        with db.read() as session:
            rows, paths = predecessors(session, size, positions)
            documents = queries.documents(session, rows, trusted=trusted)
        steps = [orjson.dumps([step.hex() for step in path]).decode() for path in paths]
        joined = ",".join(f'{{"entry":{one},"path":{path}}}' for one, path in zip(documents, steps, strict=True))
        return _json(f'{{"predecessors":[{joined}]}}')

    return routes


def snapshot(session: Session) -> Json:
    """Return the statement's note and the head of the same size.

    Raises `Unavailable` before the first statement, `Broken` when the head is missing.
    """
    row = queries.newest_statement(session)
    head = session.get(HeadRow, row.size)
    if head is None:
        raise Broken(
            f"the ledger lacks the head of {row.size} entries that its newest statement names: restore the ledger"
        )
    return {"note": row.note, "head": Head.model_validate(head, from_attributes=True).model_dump(mode="json")}


def page(session: Session, size: int, after: int, limit: int) -> tuple[list[EntryRow], int | None]:
    """Return the newest entries among the first `size`, of keys first released after position `after`; and the next
    `after`, None on the last page.
    """
    size = queries.covered(session, size, "size")
    marks = session.connection().execute(SNAPSHOT_PAGE, {"size": size, "after": after, "limit": limit}).all()
    count = _taken(session, [mark.position for mark in marks])
    rows = _entries(session, [mark.position for mark in marks[:count]])
    may_go_on = count < len(marks) or len(marks) == limit
    return rows, marks[count - 1].first_position if may_go_on else None


def predecessors(session: Session, size: int, positions: Sequence[int]) -> tuple[list[EntryRow], list[list[bytes]]]:
    """Return the entries one version before those at `positions`, and the paths of their leaves to the root of `size`
    entries; only the first ones if not all fit into one answer.

    Raises `NotFound` for a first version, `Invalid` for a position that is not among the first `size`.
    """
    size = queries.covered(session, size, "size")
    if not all(1 <= position <= size for position in positions):
        raise Invalid(Violation("position", "in_tree", f"must be 1 to {size}"))
    found = session.connection().execute(PREDECESSORS, {"positions": list(positions)}).all()
    before = {int(row.successor): int(row.position) for row in found}
    if missing := [position for position in positions if position not in before]:
        raise NotFound(f"the entry at position {missing[0]} is the first of its key")
    wanted = [before[position] for position in positions]
    rows = _entries(session, wanted[: _taken(session, wanted)])
    tiles = merkle.GrowingTiles(StoredTiles(session), size)
    return rows, [merkle.inclusion_proof(tiles, row.position - 1, size) for row in rows]


def _taken(session: Session, positions: Sequence[int]) -> int:
    """Return how many of the entries at `positions`, from the first on, fit into a page."""
    size = octets(col(EntryRow.body)), octets(col(EntryRow.meta))
    query = select(EntryRow.position, *size).where(col(EntryRow.position).in_(positions))
    sizes = {position: (body or 0) + meta for position, body, meta in session.exec(query)}
    return taken([sizes[position] for position in positions])


def _entries(session: Session, positions: Sequence[int]) -> list[EntryRow]:
    """Return the entries in the order of `positions`."""
    rows = session.exec(select(EntryRow).where(col(EntryRow.position).in_(positions)))
    by_position = {row.position: row for row in rows}
    return [by_position[position] for position in positions]


def _json(content: str) -> Response:
    headers = {"Cache-Control": "no-cache", "Vary": "Authorization"}
    return Response(content, media_type="application/json", headers=headers)
