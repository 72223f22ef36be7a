"""What is asked of a source when a set is released."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from contracts.base import Contract, Timestamp
from contracts.content.acts import LONGEST_NOTE, MOST_MEMBERS, SET_ACT, ActedOn, Reason
from contracts.content.announcements import AnnouncementText
from shared.publishing.editions import Plans

MOST_IN_A_SOURCE = 500
"""Members of one request: they are released in one transaction, and each channel shows them in one."""

SetKey = Annotated[
    str,
    StringConstraints(pattern=rf"^{SET_ACT}$"),
    Field(title="成组发布编号", description="Ledger key of the act that completes the set: act:<source>-set-<number>."),
]
Code = Annotated[str, StringConstraints(pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$")]


class MemberOp(StrEnum):
    """What becomes of a member when the set is shown. `BACK`: what was in force before one of its versions."""

    RELEASE = "release"
    WITHDRAW = "withdraw"
    BACK = "back"


class Member(Contract):
    """One edition of a set. `before`: for `back`, the version that is taken back."""

    code: Code = Field(title="编码")
    op: MemberOp = Field(default=MemberOp.RELEASE, title="动作")
    revision: int | None = Field(default=None, ge=1, title="修订号", description="Revision of the draft that was read.")
    expires_at: Timestamp | None = Field(default=None, title="失效时间")
    before: int | None = Field(default=None, ge=1, title="要撤销的版本")
    announcement: AnnouncementText | None = Field(default=None, title="预告")

    @model_validator(mode="after")
    def _names_what_is_taken_back(self) -> Self:
        if (self.op == MemberOp.BACK) != (self.before is not None):
            raise ValueError("before is required with op=back, and with nothing else")
        if self.announcement is not None and self.op != MemberOp.RELEASE:
            raise ValueError("announcement is of what is released: a withdrawal tells its reason in its note")
        return self


class PrepareRequest(Contract):
    """The members that this source releases, shown from `effective_at` on once the set is complete."""

    part_of: SetKey
    effective_at: Timestamp = Field(title="生效时间")
    members: list[Member] = Field(title="成员", min_length=1, max_length=MOST_IN_A_SOURCE)
    plans: Plans | None = Field(default=None, title="已有计划的处理")
    at_once: bool = Field(
        default=False, title="立即", description="The review was of a set at once; effective_at is then within 60 s."
    )

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if len({one.code for one in self.members}) < len(self.members):
            raise ValueError("members must not name a code twice")
        return self


class CompleteRequest(Contract):
    """All members of the set, of every source, as the ledger has recorded them; and what citizens are told."""

    part_of: SetKey
    effective_at: Timestamp = Field(title="生效时间")
    members: list[ActedOn] = Field(title="成员", min_length=1, max_length=MOST_MEMBERS)
    reason: Reason = Field(default=Reason.SET, title="原因")
    successors: list[str] = Field(default=[], title="承接事项", max_length=100)
    note: str | None = Field(default=None, title="公开说明", min_length=1, max_length=LONGEST_NOTE)


class AnnounceRequest(Contract):
    """The members of a complete set whose announcements are shown from now on, until the set takes effect."""

    part_of: SetKey
    codes: list[Code] = Field(title="编码", min_length=1, max_length=MOST_IN_A_SOURCE)


class CancelRequest(Contract):
    """The members of this source that are taken back, because the set will not be completed."""

    part_of: SetKey
    codes: list[Code] = Field(title="编码", min_length=1, max_length=MOST_IN_A_SOURCE)
