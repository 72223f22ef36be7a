"""The second factor: time-based one-time passwords (RFC 6238) and recovery codes; secrets are sealed in the store.

Who reads the store, or a backup of it, cannot make codes: the key is in a file beside it (`shared.security.vault`).
"""

import hmac
import secrets
import time
from base64 import b32encode

import pyotp
import segno
from sqlmodel import Session, col, select

from contracts.base import Json
from services.console.accounts import changes
from services.console.accounts.model import AccountRow
from services.console.accounts.sessions import hash_of
from shared import log
from shared.database.engine import Database
from shared.database.erasure import empty_journal, overwrite
from shared.errors import SettingsError, Unavailable
from shared.security.vault import SealedField, Tampered, Vault, add_key, is_sealed, retire_keys
from shared.tokens.person import Actor

STEP_SECONDS = 30
DRIFT_STEPS = 1
"""Steps by which the telephone's clock may differ in either direction."""

RECOVERY_CODES = 10
RECOVERY_BYTES = 10
GROUP = 4
_log = log.get("second_factor")


def new_secret() -> str:
    """Return a new secret, 160 random bits in Base32."""
    return pyotp.random_base32()


def address_of_secret(secret: str, account: str, county: str) -> str:
    """Return the `otpauth://` address that an authenticator app reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=f"{county}内容管理台")


def qr_of(address: str) -> str:
    """Return the QR code of the address as inline SVG, without styles."""
    return segno.make(address, error="m", micro=False).svg_inline(
        border=4, omitsize=True, svgclass="qr", lineclass=None, light="#fff"
    )


def secret_of(session: Session, account: AccountRow) -> str | None:
    """Return an account's secret; None without one, and if it cannot be opened because its key is lost."""
    sealed = account.totp_secret
    if sealed is None or not is_sealed(sealed):
        return sealed
    try:
        return _vault(session).open(sealed, _place(account))
    except (Unavailable, Tampered) as error:
        _log.error("a second factor cannot be opened", account=account.name, reason=str(error))
        return None


def set_secret(session: Session, account: AccountRow, secret: str) -> None:
    """Store an account's secret, sealed. Raises `Unavailable` without a key."""
    account.totp_secret = _vault(session).seal(secret, _place(account))
    session.add(account)


class SecretSeals:
    """Keeps every secret of the store sealed with the newest key."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._done = False

    def ensure(self) -> None:
        """Once for each process: seal secrets of versions that did not seal, and those of an older key.

        Raises `Unavailable`; the next call tries again.
        """
        if not self._done:
            lost = self.reseal()
            self._done = True
            if lost:
                _log.error("second factors are lost with their key: reset them", accounts=lost)

    def reseal(self) -> list[str]:
        """Seal every secret with the newest key, in one transaction; return the accounts whose key is lost."""
        lost = []
        with self._db.write() as session:
            overwrite(self._db, session)
            vault = _vault(session)
            rows = select(AccountRow).where(col(AccountRow.totp_secret).is_not(None)).order_by("name")
            for row in session.exec(rows.with_for_update()):
                if not vault.is_current(row.totp_secret or ""):
                    secret = secret_of(session, row)
                    if secret is None:
                        lost.append(row.name)
                    else:
                        set_secret(session, row, secret)
        empty_journal(self._db)
        return lost

    def change_key(self, by: Actor) -> Json:
        """Seal everything with a new key, and move the old one to a file that ends in `.retired`.

        If we die in between, both keys are in the file, and the next call goes on. Raises `Unavailable`.
        """
        with self._db.read() as session:
            path = _vault(session).path
            newest, *older = _vault(session).ring()
        key = newest if older else add_key(path)
        lost = self.reseal()
        retire_keys(path)
        with self._db.write() as session:
            changes.note(session, by, "second_factor.key_changed", "*", None, {"key": key.key_id, "lost": lost})
        return {"key": key.key_id, "lost": lost}


def _vault(session: Session) -> Vault:
    vault = session.info["vault"]
    if not isinstance(vault, Vault):
        raise SettingsError("staff-keys: the desk's store was opened without them (docs/operating/people.md)")
    return vault


def _place(account: AccountRow) -> SealedField:
    return SealedField("account", "totp_secret", (account.name,))


def step_of(code: str, secret: str, last_step: int, now: float | None = None) -> int | None:
    """Return the time step of a code, or None for a wrong one. A code of `last_step` or before was used already."""
    current = int(time.time() if now is None else now) // STEP_SECONDS
    totp = pyotp.TOTP(secret)
    sent = "".join(code.split())
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if step > last_step and hmac.compare_digest(totp.generate_otp(step).encode(), sent.encode()):
            return step
    return None


def new_recovery_codes() -> list[str]:
    """Return new codes of 80 random bits, in groups that people can copy: `abcd-efgh-ijkl-mnop`."""
    return [_grouped(b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()) for _ in range(RECOVERY_CODES)]


def recovery_hash(code: str) -> str:
    """Return the hash of a recovery code, however its groups are typed."""
    return hash_of("".join(one for one in code.lower() if one.isalnum()))


def new_one_time_password() -> str:
    """Return a password of 80 random bits, for one sign-in."""
    return new_recovery_codes()[0]


def _grouped(text: str) -> str:
    return "-".join(text[place : place + GROUP] for place in range(0, len(text), GROUP))
