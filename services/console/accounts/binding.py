"""Which account of the unit an account of the desk belongs to.

A name can be given to another person at the provider; its `sub` cannot. The first complete sign-in binds the account to
issuer and `sub` (OpenID Connect Core 2: the two name a person together). Only their SHA-256 is stored: a `sub` may be
personal, and the audit log is kept for ever.
"""

import hashlib
from datetime import UTC, datetime

from sqlmodel import Session, select

from contracts.base import format_time
from services.console.accounts import changes
from services.console.accounts.model import AccountRow
from shared.errors import NotAllowed
from shared.tokens.person import Actor

SHOWN = 16
"""Digits of the digest that the audit log shows: enough to tell two apart."""

BOUND_ELSEWHERE = (
    "没有登录：单位账号系统里现在叫这个名字的人，不是以前用这个账户登录的人。"
    "请告诉系统管理员：确认是同一个人以后，在“人员”里对这个账户“解除绑定”，再重新登录。"
)


class BoundElsewhere(NotAllowed):
    """The account belongs to another person of the provider, or the person to another account."""

    def __init__(self) -> None:
        super().__init__(BOUND_ELSEWHERE)


def subject_of(issuer: str, sub: str) -> str:
    """Return the name of a person at a provider, in hexadecimal."""
    return hashlib.sha256(f"{issuer}\n{sub}".encode()).hexdigest()


def require_same(session: Session, account: AccountRow, subject: str) -> None:
    """Raise `BoundElsewhere` unless account and person are each other's, or neither is bound."""
    if account.bound_subject == subject:
        return
    others = select(AccountRow.name).where(AccountRow.bound_subject == subject)
    if account.bound_subject is not None or session.exec(others).first() is not None:
        raise BoundElsewhere


def bind(session: Session, by: Actor, account: AccountRow, subject: str) -> None:
    """Bind a locked row at the first sign-in. Raises `BoundElsewhere`."""
    require_same(session, account, subject)
    if account.bound_subject is None:
        account.bound_subject, account.bound_at = subject, format_time(datetime.now(UTC))
        session.add(account)
        changes.note(session, by, "person.bound", account.name, None, told(account))


def told(account: AccountRow) -> dict[str, str]:
    """Return what the audit log shows of a binding."""
    return {"unit_account": (account.bound_subject or "")[:SHOWN]}
