"""What people do with their own account: password, second factor, API tokens. Each wants the password once more."""

import secrets
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, delete, select

from contracts.base import format_time
from services.console.accounts import changes
from services.console.accounts.administration import forget_second_factor
from services.console.accounts.lockout import Lockout
from services.console.accounts.model import AccountRow, ApiTokenRow, RecoveryCodeRow
from services.console.accounts.password_rules import require_good_password
from services.console.accounts.passwords import hashed, is_right
from services.console.accounts.people import list_text
from services.console.accounts.rights import TOKEN_PREFIX
from services.console.accounts.second_factor import (
    new_recovery_codes,
    new_secret,
    recovery_hash,
    secret_of,
    set_secret,
    step_of,
)
from services.console.accounts.sessions import end_all, hash_of
from shared.database.engine import Database
from shared.errors import Conflict, Invalid, NotFound, Violation
from shared.tokens.person import Actor, Person, StaffRole

LONGEST_TITLE = 60
MOST_DAYS = 365
MOST_TOKENS = 50


class Credentials:
    """The credentials of one account in the desk's store. `county`: its name may not be a password."""

    def __init__(self, db: Database, county: str, lockout: Lockout) -> None:
        self._db, self._county, self._lockout = db, county, lockout

    def account(self, person: Person) -> AccountRow:
        """Return the person's own account."""
        with self._db.read() as session:
            return _row(session, person)

    def recovery_codes_left(self, person: Person) -> int:
        """Return how many recovery codes were not used."""
        with self._db.read() as session:
            return len(session.exec(select(RecoveryCodeRow).where(RecoveryCodeRow.account == person.name)).all())

    def require_password(self, person: Person, password: str, field: str = "current") -> None:
        """Raise `Invalid` unless this is the person's password; `TooManyRequests` after several wrong ones."""
        self._lockout.attempt(person.name, person.address)
        with self._db.read() as session:
            row = session.get(AccountRow, person.name)
        if not is_right(password, row.password_hash if row else None):
            raise Invalid(Violation(field, "wrong", "现在的密码不对"))
        self._lockout.succeeded(person.name, person.address)

    def set_password(self, person: Person, password: str, keep: str = "", field: str = "password") -> None:
        """Replace the password and end every session but `keep`. Raises `Invalid` for one that breaks a rule."""
        require_good_password(password, person.name, person.display_name, self._county, field)
        with self._db.read() as session:
            known = _row(session, person).password_hash
        if is_right(password, known):
            raise Invalid(Violation(field, "unchanged", "新密码和原来的一样"))
        made = hashed(password)
        with self._db.write() as session:
            row = _row(session, person)
            row.password_hash, row.must_change_password = made, False
            row.password_changed_at = format_time(datetime.now(UTC))
            session.add(row)
            end_all(session, person.name, but=keep)
            changes.note(session, Actor.of(person), "password.changed", person.name)

    def begin_second_factor(self, person: Person) -> str:
        """Return the secret of a second factor that is being set up: the same until it is confirmed.

        Raises `Conflict` when there is one already.
        """
        with self._db.write() as session:
            row = _row(session, person)
            if row.totp_confirmed_at is not None:
                raise Conflict("已经启用了两步验证；要换手机，请先停用")
            secret = secret_of(session, row)
            if secret is None:
                secret = new_secret()
                set_secret(session, row, secret)
            return secret

    def confirm_second_factor(self, person: Person, code: str) -> list[str]:
        """Switch the second factor on with its first code; return the recovery codes, which are shown once.

        Raises `Invalid` for a wrong code, `Conflict` when none is being set up.
        """
        self._lockout.attempt(person.name, person.address)
        codes = new_recovery_codes()
        with self._db.write() as session:
            row = _row(session, person, for_update=True)
            secret = secret_of(session, row)
            if secret is None or row.totp_confirmed_at is not None:
                raise Conflict("没有正在设置的两步验证，请重新开始")
            step = step_of(code, secret, row.totp_last_step)
            if step is None:
                raise Invalid(Violation("code", "wrong", "验证码不对：请看手机上最新的 6 位数字，并检查手机时间"))
            row.totp_last_step, row.totp_confirmed_at = step, format_time(datetime.now(UTC))
            session.add(row)
            _store_recovery_codes(session, person.name, codes)
            changes.note(session, Actor.of(person), "second_factor.enabled", person.name)
        self._lockout.succeeded(person.name, person.address)
        return codes

    def renew_recovery_codes(self, person: Person) -> list[str]:
        """Return new recovery codes; the old ones stop working. Raises `Conflict` without a second factor."""
        codes = new_recovery_codes()
        with self._db.write() as session:
            if _row(session, person).totp_confirmed_at is None:
                raise Conflict("还没有启用两步验证")
            _store_recovery_codes(session, person.name, codes)
            changes.note(session, Actor.of(person), "second_factor.codes_renewed", person.name)
        return codes

    def end_second_factor(self, person: Person) -> None:
        """Switch the second factor off, for instance before a new telephone."""
        with self._db.write() as session:
            row = _row(session, person)
            if row.totp_secret is not None:
                forget_second_factor(session, row)
                changes.note(session, Actor.of(person), "second_factor.disabled", person.name)

    def tokens(self, person: Person) -> list[ApiTokenRow]:
        """Return the person's API tokens that were not revoked, newest first."""
        newest = col(ApiTokenRow.id).desc()
        with self._db.read() as session:
            mine = select(ApiTokenRow).where(ApiTokenRow.account == person.name, col(ApiTokenRow.revoked_at).is_(None))
            return list(session.exec(mine.order_by(newest)))

    def make_token(self, person: Person, title: str, roles: Collection[StaffRole], days: int) -> tuple[int, str]:
        """Return number and text of a new API token; only its hash is stored. Raises `Invalid`, `Conflict`."""
        _require_token(person, title, roles, days)
        if len(self.tokens(person)) >= MOST_TOKENS:
            raise Conflict(f"最多 {MOST_TOKENS} 个令牌：请先撤销不用的")
        token, now = TOKEN_PREFIX + secrets.token_urlsafe(32), datetime.now(UTC)
        row = ApiTokenRow(
            account=person.name,
            title=title.strip(),
            token_hash=hash_of(token),
            roles=list_text(roles),
            created_at=format_time(now),
            expires_at=format_time(now + timedelta(days=days)),
        )
        with self._db.write() as session:
            session.add(row)
            session.flush()
            after = {"number": row.id, "title": row.title, "roles": sorted(roles), "expires_at": row.expires_at}
            changes.note(session, Actor.of(person), "token.created", person.name, None, after)
            return row.id or 0, token

    def revoke_token(self, person: Person, number: int) -> None:
        """Revoke a token. Raises `NotFound` for one that is not the person's."""
        with self._db.write() as session:
            row = session.get(ApiTokenRow, number)
            if row is None or row.account != person.name or row.revoked_at is not None:
                raise NotFound("there is no such token")
            row.revoked_at = format_time(datetime.now(UTC))
            session.add(row)
            changes.note(
                session, Actor.of(person), "token.revoked", person.name, {"number": number, "title": row.title}
            )


def _row(session: Session, person: Person, *, for_update: bool = False) -> AccountRow:
    row = session.get(AccountRow, person.name, with_for_update=for_update or None)
    if row is None:
        raise NotFound("there is no account of this name")
    return row


def _store_recovery_codes(session: Session, account: str, codes: Collection[str]) -> None:
    session.exec(delete(RecoveryCodeRow).where(col(RecoveryCodeRow.account) == account))
    session.add_all(RecoveryCodeRow(code_hash=recovery_hash(code), account=account) for code in codes)


def _require_token(person: Person, title: str, roles: Collection[StaffRole], days: int) -> None:
    broken = []
    if not 0 < len(title.strip()) <= LONGEST_TITLE:
        broken.append(Violation("title", "length", f"请写明用途，最多 {LONGEST_TITLE} 个字"))
    if not roles:
        broken.append(Violation("roles", "required", "至少选一个角色"))
    if not set(roles) <= person.roles:
        broken.append(Violation("roles", "too_many", "令牌的角色不能多于您自己的"))
    if not 1 <= days <= MOST_DAYS:
        broken.append(Violation("days", "range", f"有效期为 1 到 {MOST_DAYS} 天"))
    if broken:
        raise Invalid(*broken)
