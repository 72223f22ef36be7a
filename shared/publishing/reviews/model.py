"""The tables of reviews, and the digest of what a gate signs."""

from enum import StrEnum

from sqlalchemy import Column, MetaData, Text
from sqlmodel import Field, SQLModel

from contracts.base import Json
from shared.transparency.canonical import digest

LONGEST_OPINION = 2000


class ReviewKind(StrEnum):
    """What a review is of. `URGENT`: a withdrawal that was executed before its review."""

    EDITION = "edition"
    SET = "set"
    IMPORT = "import"
    URGENT = "urgent"


class ReviewState(StrEnum):
    """See the picture in `shared.publishing.reviews`."""

    GATHERING = "gathering"
    WAITING = "waiting"
    OPEN = "open"
    APPROVED = "approved"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    OBSOLETE = "obsolete"
    RELEASED = "released"


class Operation(StrEnum):
    """What a member does to its edition."""

    RELEASE = "release"
    WITHDRAW = "withdraw"
    SUSPEND = "suspend"


class Verdict(StrEnum):
    """What a reviewer says at a gate. `RETURN` closes the review."""

    PASS = "pass"  # noqa: S105  # no password
    RETURN = "return"


class ReviewModel(SQLModel):
    """Base of the tables of reviews."""

    metadata = MetaData()


class ReviewRow(ReviewModel, table=True):
    """One review. `authors`: JSON. `preview`: the digest of the import's preview."""

    __tablename__ = "review"

    number: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=16)
    state: str = Field(max_length=16, index=True)
    subject: str = Field(max_length=300)
    digest: str = Field(default="", max_length=64, description="Over all members: what every gate signs.")
    preview: str | None = Field(default=None, max_length=64)
    authors: str = Field(sa_column=Column(Text, nullable=False))
    submitted_by: str = Field(max_length=64)
    submitted_by_title: str = Field(max_length=64)
    submitted_at: str = Field(max_length=27)
    note: str | None = Field(default=None, sa_column=Column(Text))
    reason: str | None = Field(default=None, max_length=40, description="Urgent: the public reason, as of an act.")
    successors: str = Field(default="[]", sa_column=Column(Text, nullable=False), description="Urgent: as of an act.")
    approved_at: str | None = Field(default=None, max_length=27, description="When the fifth gate was passed.")
    closed_at: str | None = Field(default=None, max_length=27)


class ReviewMemberRow(ReviewModel, table=True):
    """One edition of a review. `body`: frozen at the submission; None when it leaves the channels.

    `findings`: JSON. `used_version`: the version that was released by this review.
    """

    __tablename__ = "review_member"

    review: int = Field(primary_key=True)
    key: str = Field(primary_key=True, max_length=128, index=True)
    op: str = Field(max_length=16)
    digest: str = Field(max_length=64, index=True)
    name: str = Field(max_length=300)
    body: str | None = Field(default=None, sa_column=Column(Text))
    effective_at: str | None = Field(default=None, max_length=27)
    expires_at: str | None = Field(default=None, max_length=27)
    version_in_force: int | None = None
    findings: str = Field(default="[]", sa_column=Column(Text, nullable=False))
    used_version: int | None = None

    @property
    def code(self) -> str:
        """The code of its edition."""
        return self.key.partition(":")[2]


class SignatureRow(ReviewModel, table=True):
    """What one person said at one gate. `overrides`: JSON, a reason for each finding that does not stand."""

    __tablename__ = "review_signature"

    review: int = Field(primary_key=True)
    gate: str = Field(primary_key=True, max_length=16)
    verdict: str = Field(max_length=8)
    by: str = Field(max_length=64)
    by_title: str = Field(max_length=64)
    on_behalf_of: str | None = Field(default=None, max_length=64)
    at: str = Field(max_length=27)
    opinion: str = Field(sa_column=Column(Text, nullable=False))
    overrides: str = Field(sa_column=Column(Text, nullable=False))


class AuthorRow(ReviewModel, table=True):
    """Who has changed a draft since its last release."""

    __tablename__ = "review_author"

    code: str = Field(primary_key=True, max_length=64)
    name: str = Field(primary_key=True, max_length=64)


class PolicyRow(ReviewModel, table=True):
    """The one row with the county's policy, written once."""

    __tablename__ = "review_policy"

    id: int = Field(default=1, primary_key=True)
    policy: str = Field(max_length=8)
    written_at: str = Field(max_length=27)


def member_digest(
    key: str,
    op: Operation,
    body: Json | None,
    effective_at: str | None,
    expires_at: str | None,
    announcement: Json | None = None,
) -> str:
    """Return the digest of what one member does: the fingerprint by which a release finds its review.

    Times in the form of `format_time`; None: at once, without end. The set that a version is part of is no part of it.
    """
    told = {"key": key, "op": str(op), "body": body, "effective_at": effective_at, "expires_at": expires_at}
    return digest(told if announcement is None else {**told, "announcement": announcement})


def review_digest(members: list[tuple[str, str]], preview: str | None) -> str:
    """Return what every gate signs, over key and digest of each member, and the digest of an import's preview."""
    return digest({"members": [list(one) for one in sorted(members)], "preview": preview})
