"""Signing in: who a password, a cookie or an API token belongs to."""

from dataclasses import replace
from datetime import UTC, datetime

from sqlmodel import select

from contracts.base import format_time
from services.console.accounts.model import AccountRow, ApiTokenRow
from services.console.accounts.passwords import is_right
from services.console.accounts.people import person_of, roles_of
from services.console.accounts.sessions import Sessions, SignedIn, Stage, hash_of
from shared.database.engine import Database
from shared.tokens.person import Person

TOKEN_PREFIX = "ty_"  # noqa: S105  # not a token


class SignIn:
    """The desk's accounts, as signing in needs them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.sessions = Sessions(db)

    def by_cookie(self, token: str, address: str) -> SignedIn | None:
        """See `services.console.accounts.rights.SignIns`."""
        return self.sessions.find(token, address)

    def by_api_token(self, token: str, address: str) -> Person | None:
        """Return the person for whom a token acts, with the roles that token and person have both."""
        if not token.startswith(TOKEN_PREFIX):
            return None
        now = format_time(datetime.now(UTC))
        with self._db.read() as session:
            row = session.exec(select(ApiTokenRow).where(ApiTokenRow.token_hash == hash_of(token))).first()
            account = session.get(AccountRow, row.account) if row else None
        if row is None or account is None or account.locked_at or row.revoked_at or row.expires_at <= now:
            return None
        person = person_of(account)
        return replace(person, roles=person.roles & roles_of(row.roles), address=address)

    def by_password(self, name: str, password: str, address: str, browser: str) -> tuple[str, Stage] | None:
        """Begin a session: return the cookie's value and what is still to be done; None when the pair is wrong."""
        with self._db.read() as session:
            account = session.get(AccountRow, name)
        known = account.password_hash if account and account.locked_at is None else None
        if not is_right(password, known) or account is None:
            return None
        stage = Stage.NEW_PASSWORD if account.must_change_password else Stage.COMPLETE
        return self.sessions.begin(name, stage, address, browser), stage
