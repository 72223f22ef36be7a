"""Accounts as rows and as people."""

from collections.abc import Iterable
from datetime import UTC, datetime

import orjson
from sqlmodel import Session, select

from contracts.base import format_time
from services.console.accounts.model import AccountRow
from services.console.accounts.passwords import hashed
from shared.tokens.person import Person, StaffRole


def person_of(row: AccountRow) -> Person:
    """Return the person of an account, without an address."""
    return Person(row.name, row.display_name, roles_of(row.roles), departments_of(row.departments))


def roles_of(text: str) -> frozenset[StaffRole]:
    """Return the roles in a column."""
    return frozenset(StaffRole(role) for role in orjson.loads(text))


def departments_of(text: str) -> frozenset[str]:
    """Return the units in a column."""
    return frozenset(orjson.loads(text))


def list_text(values: Iterable[str]) -> str:
    """Return the JSON text of roles or departments in a column: sorted, so that equal sets are equal texts."""
    return orjson.dumps(sorted(values)).decode()


def is_empty(session: Session) -> bool:
    """Whether the store has no account at all."""
    return session.exec(select(AccountRow.name).limit(1)).first() is None


def new_account(person: Person, password: str, *, one_time: bool) -> AccountRow:
    """Return the row of a new account. `one_time`: the password must be replaced at the first sign-in."""
    now = format_time(datetime.now(UTC))
    return AccountRow(
        name=person.name,
        display_name=person.display_name,
        roles=list_text(person.roles),
        departments=list_text(person.departments),
        password_hash=hashed(password),
        must_change_password=one_time,
        password_changed_at=now,
        created_at=now,
    )
