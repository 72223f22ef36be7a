"""What was changed about people and rights: one row each, in the transaction of the change."""

from datetime import UTC, datetime

import orjson
from sqlmodel import Session, col, select

from contracts.base import Json, format_time
from services.console.accounts.model import AccountRow, PeopleChangeRow
from services.console.accounts.people import departments_of, roles_of
from shared.tokens.person import LONGEST_ADDRESS, Actor

LONGEST_ACTOR = 40


def note(
    session: Session, by: Actor, action: str, account: str, before: Json | None = None, after: Json | None = None
) -> None:
    """Append a row. If we die before the commit, neither the change nor its row is stored; after it, both are.

    `before`, `after`: what the change is about, never a secret.
    """
    row = PeopleChangeRow(
        at=format_time(datetime.now(UTC)),
        actor=by.name[:LONGEST_ACTOR],
        address=by.address[:LONGEST_ADDRESS],
        action=action,
        account=account,
        before=_text(before),
        after=_text(after),
    )
    session.add(row)


def newest(session: Session, account: str | None, before: int | None, limit: int) -> list[Json]:
    """Return changes, newest first; `account`: only those of this one; `before`: `id` of the previous page's last."""
    query = select(PeopleChangeRow).order_by(col(PeopleChangeRow.id).desc()).limit(limit)
    if account is not None:
        query = query.where(PeopleChangeRow.account == account)
    if before is not None:
        query = query.where(col(PeopleChangeRow.id) < before)
    return [{**row.model_dump(), "before": _json(row.before), "after": _json(row.after)} for row in session.exec(query)]


def facts(row: AccountRow) -> Json:
    """Return what a change shows of an account."""
    return {
        "display_name": row.display_name,
        "roles": sorted(roles_of(row.roles)),
        "departments": sorted(departments_of(row.departments)),
        "locked": row.locked_at is not None,
    }


def _text(value: Json | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _json(text: str | None) -> Json | None:
    return None if text is None else orjson.loads(text)
