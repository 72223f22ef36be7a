"""What was changed about people and rights: rows of the desk's audit log, in the transaction of the change."""

from sqlmodel import Session

from contracts.base import Json
from services.console.accounts.model import AccountRow
from services.console.accounts.people import departments_of, roles_of
from shared.audit.queries import AuditFilter, page
from shared.audit.recording import AuditEntry, record
from shared.tokens.person import Actor

ACCOUNT = "account"
"""Kind of the objects of these rows."""


def note(
    session: Session, by: Actor, action: str, account: str, before: Json | None = None, after: Json | None = None
) -> None:
    """Append a row; call it last. If we die before the commit, neither the change nor its row is stored.

    `before`, `after`: what the change is about, never a secret.
    """
    record(session, by, AuditEntry(action, f"{ACCOUNT}:{account}", before, after))


def newest(session: Session, account: str | None, before: int | None, limit: int) -> list[Json]:
    """Return changes, newest first; `account`: only those of this one; `before`: `id` of the previous page's last."""
    wanted = AuditFilter(object=f"{ACCOUNT}:{account}") if account is not None else AuditFilter(kind=ACCOUNT)
    return [_told(row) for row in page(session, wanted, before, limit, with_changes=False)]


def facts(row: AccountRow) -> Json:
    """Return what a change shows of an account."""
    return {
        "display_name": row.display_name,
        "roles": sorted(roles_of(row.roles)),
        "departments": sorted(departments_of(row.departments)),
        "locked": row.locked_at is not None,
    }


def _told(row: Json) -> Json:
    return {
        "id": row["sequence"],
        "at": row["at"],
        "actor": row["actor"]["name"],
        "address": row["actor"]["address"],
        "action": row["action"],
        "account": row["object"].partition(":")[2],
        "before": row["before"],
        "after": row["after"],
    }
