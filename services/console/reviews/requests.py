"""What is asked of the desk about reviews, over JSON and by forms; who may ask."""

from typing import Annotated, Literal

from fastapi import Depends, Path
from pydantic import Field, StringConstraints

from contracts.base import Contract, Timestamp
from contracts.content.gates import Gate
from services.console.accounts.rights import REVIEWERS, may
from services.console.areas import RELEASE_READERS
from shared.publishing.reviews.requests import ComparedFinding, SignRequest, SubmitRequest, UrgentRequest
from shared.publishing.reviews.roles import TAKING_OFF
from shared.tokens.person import Person, StaffRole

Source = Annotated[str, Path(pattern=r"^(catalog|guides)$", description="The source that holds the review.")]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the review at its source.")]
Staff = Annotated[Person, Depends(may())]
"""Signing: a colleague who signs for an absent reviewer may have any role, so the act itself asks for the gate."""

Reader = Annotated[Person, Depends(may(*RELEASE_READERS))]
Submitter = Annotated[Person, Depends(may(StaffRole.EDITOR, StaffRole.RELEASER))]
Withdrawer = Annotated[Person, Depends(may(*TAKING_OFF))]
Reviewer = Annotated[Person, Depends(may(*REVIEWERS))]
SourceName = Literal["catalog", "guides"]
Account = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9._-]{1,31}$")]


class SubmitAt(SubmitRequest):
    """Submit drafts and withdrawals of one source. An import is submitted by importing."""

    source: SourceName = Field(title="来源")
    kind: Literal["edition", "set"] = Field(default="edition", title="种类")


class SignAt(SignRequest):
    """What a reviewer says at one gate; the desk knows on whose behalf, and compares item and guide itself."""

    on_behalf_of: None = Field(default=None, title="受谁委托")
    compared: list[ComparedFinding] = Field(default=[], max_length=0, title="与另一份的不同")


class UrgentAt(UrgentRequest):
    """A withdrawal that cannot wait for its review."""

    source: SourceName = Field(title="来源")


class DelegationRequest(Contract):
    """Who signs a gate for the caller, from and until."""

    gate: Gate = Field(title="关口")
    taker: Account = Field(title="同事的账户名")
    starts_at: Timestamp = Field(title="开始")
    ends_at: Timestamp = Field(title="结束")
