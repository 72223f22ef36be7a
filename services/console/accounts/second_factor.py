"""The second factor: time-based one-time passwords (RFC 6238) and recovery codes. No I/O."""

import hmac
import secrets
import time
from base64 import b32encode

import pyotp
import segno

from services.console.accounts.sessions import hash_of

STEP_SECONDS = 30
DRIFT_STEPS = 1
"""Steps by which the telephone's clock may differ in either direction."""

RECOVERY_CODES = 10
RECOVERY_BYTES = 10
GROUP = 4


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
