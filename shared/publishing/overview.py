"""A short list of editions for people who look for one: name, department, state. It computes nothing of versions."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from sqlmodel import Session, col, func, select

from contracts.base import Json
from shared.database.engine import Database
from shared.publishing.editions import EditionRow, EditionState
from shared.web.edge import After

USCC_LENGTH = 18
LONGEST_QUERY = 200


def add_overview(router: APIRouter, db: Database) -> None:
    """Add `GET /overview` and `GET /overview/departments` to a router of editions; both come before `/{code}`."""

    @router.get("/overview", summary="Find editions by words of their draft, department and state")
    def overview(
        q: Annotated[str, Query(max_length=LONGEST_QUERY)] = "",
        department: Annotated[str, Query(pattern=r"^[0-9A-Z]{0,18}$")] = "",
        state: EditionState | None = None,
        changed: Annotated[bool, Query(description="Only those whose draft is not what was released last.")] = False,
        after: After = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    ) -> Json:
        with db.read() as session:
            found, following, total = rows(session, q, department, state, after, limit, changed=changed)
        return {"rows": found, "next": following, "total": total}

    @router.get("/overview/departments", summary="List the departments that have editions")
    def of_departments() -> Json:
        with db.read() as session:
            return {"departments": departments(session)}


def rows(
    session: Session,
    q: str,
    department: str,
    state: EditionState | None,
    after: str,
    limit: int,
    *,
    changed: bool = False,
) -> tuple[list[Json], str | None, int]:
    """Return editions in order of codes, the code to go on after, and how many there are in all.

    `q`: words that the draft, its code included, must contain; they are separated by blanks. `department`: the first
    characters of the code. `changed`: only those whose draft is not what was released last.
    """
    code, draft = col(EditionRow.code), col(EditionRow.draft)
    # A draft is stored as JSON, in which a quotation mark of the words is written as two characters.
    wanted = [draft.contains(orjson.dumps(word).decode()[1:-1], autoescape=True) for word in q.split()]
    if department:
        wanted.append(code.startswith(department))
    if state is not None:
        wanted.append(col(EditionRow.state) == state)
    if changed:
        wanted.append(col(EditionRow.released).is_distinct_from(draft))
    total = session.exec(select(func.count()).select_from(EditionRow).where(*wanted)).one()
    query = select(EditionRow).where(*wanted, code > after).order_by(code).limit(limit + 1)
    found = list(session.exec(query))
    shown = found[:limit]
    return [_row(one) for one in shown], shown[-1].code if len(found) > limit else None, total


def departments(session: Session) -> list[Json]:
    """Return code and name of each department, in order of codes; the name is that of its first edition."""
    unit = func.substr(col(EditionRow.code), 1, USCC_LENGTH)
    query = select(func.min(EditionRow.code), func.count()).group_by(unit).order_by(unit)
    counts: dict[str, int] = dict(session.exec(query).all())
    drafts = session.exec(select(EditionRow.code, EditionRow.draft).where(col(EditionRow.code).in_(counts)))
    return [
        {"code": code[:USCC_LENGTH], "name": orjson.loads(draft).get("dept_name", ""), "editions": counts[code]}
        for code, draft in sorted(drafts)
    ]


def _row(row: EditionRow) -> dict[str, Any]:
    draft = orjson.loads(row.draft)
    return {
        "code": row.code,
        "name": draft.get("task_name", ""),
        "department": draft.get("dept_name", ""),
        "state": row.state,
        "revision": row.revision,
        "version": row.version,
        "draft_changed": row.draft != row.released,
        "planned_until": row.planned_until,
    }
