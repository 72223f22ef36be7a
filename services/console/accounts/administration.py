"""What an administrator does with people: create, change roles and units, lock, unlock, reset. One transaction each.

One administrator always remains: the last one can neither be locked nor lose the role.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlmodel import Session, col, delete, select, update

from contracts.base import Json, format_time
from services.console.accounts import changes
from services.console.accounts.binding import told
from services.console.accounts.model import AccountRow, ApiTokenRow, RecoveryCodeRow
from services.console.accounts.passwords import hashed
from services.console.accounts.people import list_text, new_account, roles_of
from services.console.accounts.second_factor import new_one_time_password
from services.console.accounts.sessions import end_all
from shared.database.engine import Database
from shared.errors import Conflict, Invalid, NotFound, Violation
from shared.text.invisible_characters import without_invisible
from shared.tokens.person import LONGEST_DISPLAY_NAME, MOST_DEPARTMENTS, NAME_PATTERN, Actor, Person, StaffRole

USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
LAST_ADMINISTRATOR = "至少要有一位没有锁定的系统管理员：请先让另一个人担任"
FIRST_ADMINISTRATOR = Person("admin", "系统管理员", frozenset({StaffRole.ADMINISTRATOR}))


class Administration:
    """The people in the desk's store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def people(self) -> list[AccountRow]:
        """Return every account by name."""
        with self._db.read() as session:
            return list(session.exec(select(AccountRow).order_by(AccountRow.name)))

    def account(self, name: str) -> AccountRow:
        """Return one account. Raises `NotFound`."""
        with self._db.read() as session:
            return _found(session, name)

    def create(self, by: Actor, person: Person) -> str:
        """Create an account; return its one-time password. Raises `Invalid`, `Conflict` for a name that is taken."""
        require_valid(person)
        password = new_one_time_password()
        row = new_account(person, password, one_time=True)
        with self._db.write() as session:
            if session.get(AccountRow, person.name) is not None:
                raise Conflict(f"账户名 {person.name} 已经有人用了")
            session.add(row)
            changes.note(session, by, "person.created", person.name, None, changes.facts(row))
        return password

    def change(self, by: Actor, person: Person) -> None:
        """Give an account this display name, these roles and units. Raises `NotFound`, `Invalid`, `Conflict`."""
        require_valid(person)
        with self._db.write() as session:
            row = _locked(session, person.name)
            before = changes.facts(row)
            row.display_name, row.roles = person.display_name, list_text(person.roles)
            row.departments = list_text(person.departments)
            session.add(row)
            _require_administrator(session)
            if changes.facts(row) != before:
                changes.note(session, by, "person.changed", person.name, before, changes.facts(row))

    def lock(self, by: Actor, name: str) -> None:
        """Lock an account: its sessions end, its tokens stop working. Raises `NotFound`, `Conflict`."""
        with self._db.write() as session:
            row = _locked(session, name)
            if row.locked_at is not None:
                return
            row.locked_at = format_time(datetime.now(UTC))
            session.add(row)
            _require_administrator(session)
            end_all(session, name)
            changes.note(session, by, "person.locked", name)

    def unlock(self, by: Actor, name: str) -> None:
        """Unlock an account. Raises `NotFound`."""
        with self._db.write() as session:
            row = _found(session, name)
            if row.locked_at is None:
                return
            row.locked_at = None
            session.add(row)
            changes.note(session, by, "person.unlocked", name)

    def reset_password(self, by: Actor, name: str) -> str:
        """Replace the password by a one-time one and return it. Sessions end, tokens are revoked. Raises `NotFound`."""
        password = new_one_time_password()
        made, now = hashed(password), format_time(datetime.now(UTC))
        with self._db.write() as session:
            row = _found(session, name)
            row.password_hash, row.must_change_password, row.password_changed_at = made, True, now
            session.add(row)
            end_all(session, name)
            revoke_all(session, name, now)
            changes.note(session, by, "password.reset", name)
        return password

    def reset_second_factor(self, by: Actor, name: str) -> None:
        """Remove a lost second factor. Sessions end; who must have one sets up a new one. Raises `NotFound`."""
        with self._db.write() as session:
            row = _found(session, name)
            if row.totp_secret is None:
                return
            forget_second_factor(session, row)
            end_all(session, name)
            changes.note(session, by, "second_factor.reset", name)

    def unbind(self, by: Actor, name: str) -> None:
        """Free an account of its person at the provider: the next sign-in binds it. Sessions end. Raises `NotFound`."""
        with self._db.write() as session:
            row = _found(session, name)
            if row.bound_subject is None:
                return
            before, row.bound_subject, row.bound_at = told(row), None, None
            session.add(row)
            end_all(session, name)
            changes.note(session, by, "person.unbound", name, before)

    def history(self, account: str | None, before: int | None, limit: int) -> list[Json]:
        """Return what was changed, newest first."""
        with self._db.read() as session:
            return changes.newest(session, account, before, limit)

    def tokens(self, account: str) -> list[Json]:
        """Return the API tokens of an account that were not revoked. Raises `NotFound`."""
        with self._db.read() as session:
            _found(session, account)
            mine = select(ApiTokenRow).where(ApiTokenRow.account == account, col(ApiTokenRow.revoked_at).is_(None))
            return [token_json(row) for row in session.exec(mine.order_by(col(ApiTokenRow.id).desc()))]

    def first_administrator(self, by: Actor) -> str | None:
        """Create the first administrator in a store without people; return the one-time password, else None.

        If we die before it is shown, nobody knows it: `tongyuan user reset-password admin` makes another.
        """
        if self.people():
            return None
        return self.create(by, FIRST_ADMINISTRATOR)


def token_json(row: ApiTokenRow) -> Json:
    """Return an API token without the token itself."""
    facts = row.model_dump(include={"title", "created_at", "expires_at", "used_at"})
    return {"number": row.id, "roles": sorted(roles_of(row.roles)), **facts}


def require_valid(person: Person) -> None:
    """Raise `Invalid` for a person whose name, display name, roles or units break a rule; all of them are named."""
    broken = [*_broken(person)]
    if broken:
        raise Invalid(*broken)


def forget_second_factor(session: Session, row: AccountRow) -> None:
    """Remove the second factor and its recovery codes. The last step stays, so that no code is good twice."""
    row.totp_secret = row.totp_confirmed_at = None
    session.add(row)
    session.exec(delete(RecoveryCodeRow).where(col(RecoveryCodeRow.account) == row.name))


def revoke_all(session: Session, account: str, now: str) -> None:
    """Revoke every API token of an account."""
    working = (col(ApiTokenRow.account) == account, col(ApiTokenRow.revoked_at).is_(None))
    session.exec(update(ApiTokenRow).where(*working).values(revoked_at=now))


def _broken(person: Person) -> Iterable[Violation]:
    if not re.fullmatch(NAME_PATTERN, person.name):
        message = "账户名用 2 到 32 个小写字母、数字、点、横线，以字母开头"
        yield Violation("name", "pattern", message, person.name[:LONGEST_DISPLAY_NAME])
    if not 0 < len(person.display_name) <= LONGEST_DISPLAY_NAME:
        yield Violation("display_name", "length", f"姓名要填，最多 {LONGEST_DISPLAY_NAME} 个字")
    elif person.display_name != without_invisible(person.display_name).strip():
        yield Violation("display_name", "invisible", "姓名里有看不见的字符，请重新输入")
    if not person.roles:
        yield Violation("roles", "required", "至少选一个角色")
    if len(person.departments) > MOST_DEPARTMENTS:
        yield Violation("departments", "too_many", f"最多 {MOST_DEPARTMENTS} 个单位")
    for code in sorted(person.departments):
        if not USCC.fullmatch(code):
            yield Violation(
                "departments", "uscc", "单位用 18 位统一社会信用代码，每行一个", code[:LONGEST_DISPLAY_NAME]
            )


def _found(session: Session, name: str) -> AccountRow:
    row = session.get(AccountRow, name)
    if row is None:
        raise NotFound("there is no account of this name")
    return row


def _locked(session: Session, name: str) -> AccountRow:
    """Return an account, after every account was locked in one order: two changes at once see one another."""
    session.exec(select(AccountRow).order_by(AccountRow.name).with_for_update()).all()
    return _found(session, name)


def _require_administrator(session: Session) -> None:
    rows = session.exec(select(AccountRow).where(col(AccountRow.locked_at).is_(None)))
    if not any(StaffRole.ADMINISTRATOR in roles_of(row.roles) for row in rows):
        raise Conflict(LAST_ADMINISTRATOR)
