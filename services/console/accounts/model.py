"""Tables of people: accounts, recovery codes, sessions, API tokens and failed sign-ins."""

from sqlalchemy import BigInteger, Column, Index, Text
from sqlmodel import Field, SQLModel

from services.console.model import console_metadata

SHA256_HEX = 64
TIME = 27
"""Characters of a time as `contracts.base.format_time` writes it."""


class AccountRow(SQLModel, table=True):
    """A person of the county's staff. Accounts are locked, never deleted: the audit log names them for ten years."""

    metadata = console_metadata
    __tablename__ = "account"
    __table_args__ = (Index("account_bound_subject", "bound_subject", unique=True),)

    name: str = Field(primary_key=True, max_length=32)
    display_name: str = Field(max_length=40)
    roles: str = Field(sa_column=Column(Text, nullable=False), description="JSON: names of `StaffRole`, sorted.")
    departments: str = Field(sa_column=Column(Text, nullable=False), description="JSON: 统一社会信用代码, sorted.")
    password_hash: str = Field(sa_column=Column(Text, nullable=False), description="Argon2id, PHC string format.")
    must_change_password: bool = False
    password_changed_at: str = Field(max_length=TIME)
    created_at: str = Field(max_length=TIME)
    locked_at: str | None = Field(default=None, max_length=TIME, description="Locked by an administrator.")
    totp_secret: str | None = Field(
        default=None, sa_column=Column(Text), description="Base32 (RFC 6238), sealed; see `second_factor`."
    )
    totp_confirmed_at: str | None = Field(default=None, max_length=TIME, description="Since when it is asked for.")
    totp_last_step: int = Field(
        default=0, sa_column=Column(BigInteger, nullable=False), description="Time step of the last code that was used."
    )
    bound_subject: str | None = Field(
        default=None, max_length=SHA256_HEX, description="Whose it is at the provider; see `binding`."
    )
    bound_at: str | None = Field(default=None, max_length=TIME)


class RecoveryCodeRow(SQLModel, table=True):
    """A code that replaces the second factor once. It is deleted when it is used."""

    metadata = console_metadata
    __tablename__ = "recovery_code"

    code_hash: str = Field(primary_key=True, max_length=SHA256_HEX)
    account: str = Field(max_length=32, index=True)


class SessionRow(SQLModel, table=True):
    """A signed-in browser. Only the hash of the cookie's value is stored."""

    metadata = console_metadata
    __tablename__ = "session"

    token_hash: str = Field(primary_key=True, max_length=SHA256_HEX)
    account: str = Field(max_length=32, index=True)
    stage: str = Field(max_length=16, description="See `services.console.accounts.sessions.Stage`.")
    created_at: str = Field(max_length=TIME)
    seen_at: str = Field(max_length=TIME)
    expires_at: str = Field(max_length=TIME, description="Absolute end, whatever is done meanwhile.")
    address: str = Field(max_length=64)
    browser: str = Field(max_length=200, description="The header User-Agent, shortened.")
    method: str = Field(max_length=16, description="See `services.console.accounts.sessions.Method`.")
    subject: str | None = Field(
        default=None, max_length=SHA256_HEX, description="Whom a provider named; see `binding`."
    )


class ApiTokenRow(SQLModel, table=True):
    """A token with which a program acts for a person, with at most that person's roles."""

    metadata = console_metadata
    __tablename__ = "api_token"

    id: int | None = Field(default=None, primary_key=True)
    account: str = Field(max_length=32, index=True)
    title: str = Field(max_length=60)
    token_hash: str = Field(max_length=SHA256_HEX, unique=True)
    roles: str = Field(sa_column=Column(Text, nullable=False), description="JSON: names of `StaffRole`, sorted.")
    created_at: str = Field(max_length=TIME)
    expires_at: str = Field(max_length=TIME)
    used_at: str | None = Field(default=None, max_length=TIME)
    revoked_at: str | None = Field(default=None, max_length=TIME)


class SignInFailureRow(SQLModel, table=True):
    """How often signing in failed, by account and address together, by address, and by account alone."""

    metadata = console_metadata
    __tablename__ = "sign_in_failure"

    subject: str = Field(primary_key=True, max_length=SHA256_HEX, description="SHA-256 of account and address.")
    failures: int
    failed_at: str = Field(max_length=TIME)
