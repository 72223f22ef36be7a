"""What is asked of `/v1/reviews`."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from contracts.base import Contract, Timestamp
from contracts.content.acts import LONGEST_NOTE, Reason
from contracts.content.announcements import AnnouncementText
from contracts.content.gates import Gate
from shared.publishing.editions.model import Plans
from shared.publishing.reviews.model import LONGEST_OPINION, Operation, Verdict

MOST_MEMBERS = 500
"""Members of one request, as of a set at one source."""

Code = Annotated[str, StringConstraints(pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_OPINION)]


class SubmittedMember(Contract):
    """One edition to review: its draft at this revision is released, or it leaves the channels.

    Times as the release will name them; null: at once, without end.
    """

    code: Code = Field(title="编码")
    op: Operation = Field(default=Operation.RELEASE, title="动作")
    revision: int | None = Field(default=None, ge=1, title="修订号")
    effective_at: Timestamp | None = Field(default=None, title="生效时间")
    expires_at: Timestamp | None = Field(default=None, title="失效时间")
    announcement: AnnouncementText | None = Field(default=None, title="预告")


class SubmitRequest(Contract):
    """What is to be reviewed as one. An import has no members yet: they are gathered by its dry run.

    `preview`: the digest of the import's preview, which the gates sign with the members.
    """

    members: list[SubmittedMember] = Field(default=[], max_length=MOST_MEMBERS, title="成员")
    kind: Literal["edition", "set", "import"] = Field(default="edition", title="种类")
    note: str | None = Field(default=None, min_length=1, max_length=LONGEST_OPINION, title="说明")
    preview: Sha256 | None = Field(default=None, title="预览摘要")

    @model_validator(mode="after")
    def _has_what_its_kind_has(self) -> Self:
        if (self.kind == "import") != (not self.members):
            raise ValueError("members is required, but for an import, whose members its dry run gathers")
        if self.kind == "edition" and len(self.members) > 1:
            raise ValueError("kind must be set for several members: they are reviewed and released as one")
        if (self.kind == "import") != (self.preview is not None):
            raise ValueError("preview is required for an import, and for nothing else")
        if len({one.code for one in self.members}) < len(self.members):
            raise ValueError("members must not name a code twice")
        return self


class Override(Contract):
    """Why a finding does not stand."""

    finding: str = Field(pattern=r"^[0-9a-f]{16}$", title="发现")
    reason: Words = Field(title="理由")


class OtherBody(Contract):
    """The body of another source with which a member was compared."""

    key: str = Field(pattern=r"^[a-z]+:[0-9A-Z]{31,33}$", title="标识")
    digest: Sha256 = Field(title="摘要")


class ComparedFinding(Contract):
    """What a member and a body of another source state differently, which this source cannot find itself."""

    id: str = Field(pattern=r"^[0-9a-f]{16}$", title="发现")
    gate: Gate = Field(title="关口")
    code: Code = Field(title="编码")
    field: str = Field(max_length=200, title="字段")
    rule: str = Field(max_length=40, title="规则")
    message: str = Field(max_length=LONGEST_OPINION, title="说明")
    text: str = Field(default="", max_length=LONGEST_OPINION, title="原文")
    other: OtherBody = Field(title="比较的另一份")


class SignRequest(Contract):
    """What a reviewer says at one gate of the review with this digest.

    `on_behalf_of`: the account of the absent colleague; the signature counts as that of the person who signs.
    `compared`: what the caller, who may read both sources, has found between them; each needs a reason as well.
    """

    verdict: Verdict = Field(title="结论")
    opinion: str = Field(default="", max_length=LONGEST_OPINION, title="意见")
    overrides: list[Override] = Field(default=[], max_length=10_000, title="不采纳的发现")
    compared: list[ComparedFinding] = Field(default=[], max_length=1_000, title="与另一份的不同")
    digest: Sha256 = Field(title="所见内容的摘要")
    on_behalf_of: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9._-]{1,31}$", title="受谁委托")


class UrgentRequest(Contract):
    """A withdrawal that cannot wait for its review. `reason` and `note` are public, as of any withdrawal."""

    code: Code = Field(title="编码")
    action: Literal["withdraw", "suspend"] = Field(title="动作")
    reason: Reason = Field(title="原因")
    note: str = Field(min_length=1, max_length=LONGEST_NOTE, title="公开说明")
    successors: list[str] = Field(default=[], max_length=100, title="承接事项")
    plans: Plans = Field(default=Plans.CANCEL, title="已有计划的处理")
