"""What the released items state about serving online, visits and time: one short row an item, for counting.

A fact that nobody has stated stays null: whoever counts must count it as unknown.
"""

from datetime import UTC, datetime

from sqlmodel import Session, col, select

from contracts.base import Json
from contracts.codes.identifiers import PARENT, USCC
from shared.publishing.editions.model import EditionRow, EditionState, ReleasingSource
from shared.publishing.editions.steps import situation

FIELDS = (
    "task_type", "is_online", "online_handle_depth", "limit_scene_num", "anticipate_day", "anticipate_type",
    "promise_day", "promise_type",
)  # fmt: skip


def figures(session: Session, who: ReleasingSource, after: str, limit: int) -> tuple[list[Json], str | None]:
    """Return the rows of the items shown now in order of code, and the code to go on after.

    `unit`: 统一社会信用代码 in the code; `parent`: the code without its situation, so that one item counts once;
    `has_address`: whether the item states where it is handled online.
    """
    now = datetime.now(UTC)
    query = (
        select(EditionRow)
        .where(EditionRow.state != EditionState.DRAFT, col(EditionRow.code) > after)
        .order_by(col(EditionRow.code))
        .limit(limit)
    )
    rows = list(session.exec(query))
    found = []
    for row in rows:
        current = situation(session, who, row, now).in_force
        if current is not None and current.shows(now) and current.body is not None:
            found.append(_figures(row.code, current.body))
    return found, rows[-1].code if len(rows) == limit else None


def _figures(code: str, body: Json) -> Json:
    return {
        "code": code,
        "parent": code[PARENT],
        "unit": code[USCC],
        "name": body.get("task_name"),
        "dept_name": body.get("dept_name"),
        "has_address": bool(body.get("online_handle_url") or body.get("mobile_terminal_url")),
        **{name: body.get(name) for name in FIELDS},
    }
