"""Signing in: who a password, a provider, a code, a cookie or an API token belongs to, and what is still to be done."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, select

from contracts.base import format_time
from services.console.accounts import changes
from services.console.accounts.binding import bind, require_same
from services.console.accounts.credentials import Credentials
from services.console.accounts.lockout import Lockout
from services.console.accounts.model import AccountRow, ApiTokenRow, RecoveryCodeRow
from services.console.accounts.passwords import hashed, is_outdated, is_right
from services.console.accounts.people import person_of, roles_of
from services.console.accounts.rights import TOKEN_PREFIX
from services.console.accounts.roles import needs_second_factor
from services.console.accounts.second_factor import recovery_hash, secret_of, step_of
from services.console.accounts.sessions import Arrival, Method, Sessions, SignedIn, Stage, end_old, hash_of
from shared import log
from shared.database.engine import Database
from shared.errors import Invalid, NotAllowed, NotFound, Violation
from shared.tokens.person import LONGEST_ADDRESS, Actor, Person

WRONG_PAIR = "账户名或密码不对。"
ONE_TIME_OVER = "一次性密码已过期，请找系统管理员重新设置。"
WRONG_CODE = "验证码不对，或者已经用过：请看手机上最新的 6 位数字。"
LOST_KEY = "两步验证的密钥丢失了，验证码现在用不了：请用恢复码，或者请管理员重设两步验证。"
ONE_TIME = timedelta(days=7)
"""So long a one-time password is good."""

USED_EVERY = timedelta(minutes=1)
"""How exactly a token's last use is known."""

_log = log.get("sign_in")


@dataclass(frozen=True, slots=True)
class Begun:
    """A new session: the cookie's value, and what its owner must do next."""

    cookie: str
    stage: Stage


class SignIn:
    """Signing in to the desk. `demo`: the county is a demonstration, see `needs_second_factor`."""

    def __init__(self, db: Database, county: str, *, demo: bool) -> None:
        self._db, self._demo = db, demo
        self._lockout = Lockout(db)
        self.sessions = Sessions(db)
        self.credentials = Credentials(db, county, self._lockout)

    def by_password(self, name: str, password: str, address: str, browser: str) -> Begun:
        """Begin a session. Raises `Invalid` for a wrong pair, `TooManyRequests` after several.

        An account that does not exist, one that is locked and a wrong password are told in the same words after the
        same time.
        """
        self._lockout.attempt(name, address)
        with self._db.read() as session:
            account = session.get(AccountRow, name)
        known = account.password_hash if account and account.locked_at is None else None
        if not is_right(password, known) or account is None:
            _log.warning("sign-in refused", address=address)
            raise Invalid(Violation("password", "wrong", WRONG_PAIR))
        if account.must_change_password and _age(account) > ONE_TIME:
            raise Invalid(Violation("password", "expired", ONE_TIME_OVER))
        self._rehash(account, password)
        begun = self._begin(account, Arrival(address, browser))
        if begun.stage != Stage.SECOND_FACTOR:
            self._lockout.succeeded(name, address)
        return begun

    def by_provider(self, name: str, came: Arrival) -> Begun:
        """Begin a session of the account that an OpenID provider names.

        Raises `NotFound`, `NotAllowed` if it is locked, `BoundElsewhere`.
        """
        with self._db.read() as session:
            account = session.get(AccountRow, name)
            if account is None:
                raise NotFound("there is no account of this name")
            if account.locked_at is not None:
                raise NotAllowed("the account is locked")
            if came.subject is not None:
                require_same(session, account, came.subject)
        return self._begin(account, came)

    def by_code(self, signed_in: SignedIn, code: str) -> Begun:
        """Go on with a code of the second factor, or with a recovery code.

        Raises `Invalid`, `TooManyRequests`, `BoundElsewhere`.
        """
        person = signed_in.person
        self._lockout.attempt(person.name, person.address)
        with self._db.write() as session:
            account = session.get(AccountRow, person.name, with_for_update=True)
            if account is None or not self._takes(session, account, code):
                lost = account is not None and secret_of(session, account) is None
                raise Invalid(Violation("code", "lost" if lost else "wrong", LOST_KEY if lost else WRONG_CODE))
        self._lockout.succeeded(person.name, person.address)
        self._complete(account, Arrival(person.address, "", signed_in.method, signed_in.subject))
        return self.go_on(signed_in)

    def go_on(self, signed_in: SignedIn) -> Begun:
        """Renew the session after a step of signing in."""
        with self._db.read() as session:
            account = session.get(AccountRow, signed_in.person.name)
        stage = self._stage(account, signed_in.method) if account else Stage.SECOND_FACTOR
        return Begun(self.sessions.renew(signed_in.token_hash, stage), stage)

    def by_cookie(self, token: str, address: str) -> SignedIn | None:
        """See `services.console.accounts.rights.SignIns`."""
        signed_in = self.sessions.find(token, address)
        if signed_in is None or signed_in.stage != Stage.COMPLETE:
            return signed_in
        # Somebody may have given the account a role, or taken away its second factor, since it signed in.
        with self._db.read() as session:
            account = session.get(AccountRow, signed_in.person.name)
        return replace(signed_in, stage=self._stage(account, signed_in.method)) if account else None

    def by_api_token(self, token: str, address: str) -> Person | None:
        """Return the person for whom a token acts, with the roles that token and person have both."""
        if not token.startswith(TOKEN_PREFIX):
            return None
        now = datetime.now(UTC)
        with self._db.read() as session:
            row = session.exec(select(ApiTokenRow).where(ApiTokenRow.token_hash == hash_of(token))).first()
            account = session.get(AccountRow, row.account) if row else None
        if row is None or account is None or account.locked_at or row.revoked_at:
            return None
        if row.expires_at <= format_time(now) or account.must_change_password:
            return None
        if row.used_at is None or now - datetime.fromisoformat(row.used_at) >= USED_EVERY:
            self._note_use(row.id, now)
        person = person_of(account)
        return replace(person, roles=person.roles & roles_of(row.roles), address=address[:LONGEST_ADDRESS])

    def _begin(self, account: AccountRow, came: Arrival) -> Begun:
        asks = account.totp_confirmed_at is not None and came.method != Method.OIDC_TWO_FACTORS
        stage = Stage.SECOND_FACTOR if asks else self._stage(account, came.method)
        if not asks:
            self._complete(account, came)
        return Begun(self.sessions.begin(account.name, stage, came), stage)

    def _stage(self, account: AccountRow, method: Method) -> Stage:
        """Return what is still to be done by an account whose password and second factor were right."""
        if method == Method.PASSWORD and account.must_change_password:
            return Stage.NEW_PASSWORD
        if method == Method.OIDC_TWO_FACTORS:
            return Stage.COMPLETE
        if account.totp_confirmed_at is None and needs_second_factor(person_of(account), demo=self._demo):
            return Stage.ENROLMENT
        return Stage.COMPLETE

    def _takes(self, session: Session, account: AccountRow, code: str) -> bool:
        """Use up a code; False for a wrong one."""
        secret = secret_of(session, account)
        step = step_of(code, secret, account.totp_last_step) if secret else None
        if step is not None:
            account.totp_last_step = step
            session.add(account)
            return True
        recovery = session.get(RecoveryCodeRow, recovery_hash(code), with_for_update=True)
        if recovery is None or recovery.account != account.name:
            return False
        session.delete(recovery)
        changes.note(session, Actor.of(person_of(account)), "second_factor.code_used", account.name)
        return True

    def _complete(self, account: AccountRow, came: Arrival) -> None:
        by = Actor.of(replace(person_of(account), address=came.address))
        with self._db.write() as session:
            end_old(session)
            # Only who has passed everything that is asked for binds an account.
            if came.subject is not None and (row := session.get(AccountRow, account.name, with_for_update=True)):
                bind(session, by, row, came.subject)
            changes.note(session, by, "person.signed_in", account.name, after={"method": came.method})

    def _rehash(self, account: AccountRow, password: str) -> None:
        if is_outdated(account.password_hash):
            with self._db.write() as session:
                row = session.get(AccountRow, account.name)
                if row is not None and row.password_hash == account.password_hash:
                    row.password_hash = hashed(password)
                    session.add(row)

    def _note_use(self, number: int | None, now: datetime) -> None:
        with self._db.write() as session:
            row = session.get(ApiTokenRow, number)
            if row is not None:
                row.used_at = format_time(now)
                session.add(row)


def _age(account: AccountRow) -> timedelta:
    return datetime.now(UTC) - datetime.fromisoformat(account.password_changed_at)
