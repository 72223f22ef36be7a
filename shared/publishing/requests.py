"""The requests of the commands on editions: when something takes effect, why, and what becomes of plans."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from pydantic import Field

from contracts.base import Contract, Timestamp, format_time
from contracts.content.acts import LONGEST_NOTE, Reason
from contracts.content.announcements import AnnouncementText
from shared.errors import Invalid, Violation
from shared.publishing.acts import Why
from shared.publishing.editions import Period, Plans
from shared.text.strict_json import parse_json
from shared.text.validation import parse


class StartRequest(Contract):
    """When a version takes effect; null: at once. In the past: `note` says in public why it applies from then on.

    `plans` is needed when the version would overtake one that is planned: `cancel` lets no plan come true, `keep` plans
    again, after this version, what it overtakes. With a reason, the ledger gets an act for everybody to read.
    """

    effective_at: Timestamp | None = Field(default=None, title="生效时间")
    plans: Plans | None = Field(default=None, title="已有计划的处理")
    reason: Reason | None = Field(default=None, title="原因", description="In the past, null means `backdating`.")
    note: str | None = Field(default=None, title="公开说明", min_length=1, max_length=LONGEST_NOTE)

    def period(self) -> Period:
        return Period(self.effective_at)

    def why(self) -> Why | None:
        """Return the reason that is published; None: none is."""
        reason = self.reason or (Reason.BACKDATING if self.backdates() else None)
        return None if reason is None else Why(reason, self.note)

    def backdates(self) -> bool:
        """Whether it is to apply from a time in the past."""
        return self.effective_at is not None and self.effective_at < datetime.now(UTC)

    def check(self) -> None:
        """Raises `Invalid` for a time in the past without a note, and for a note that nobody would read."""
        if self.effective_at is not None and self.backdates() and self.note is None:
            remedy = "is required: effective_at is in the past; say in public why it applies from then, or omit it"
            raise Invalid(Violation("note", "backdating", remedy, format_time(self.effective_at)))
        if self.note is not None and self.why() is None:
            raise Invalid(Violation("reason", "missing", "is required with a note"))


class ReleaseRequest(StartRequest):
    """When the version is shown. Both times null: at once, without end. An end is in the future and after the start."""

    expires_at: Timestamp | None = Field(default=None, title="失效时间")
    announcement: AnnouncementText | None = Field(
        default=None,
        title="预告",
        description="What citizens are told on the page in force until effective_at. It is public at once.",
    )

    def period(self) -> Period:
        return Period(self.effective_at, self.expires_at, announcement=self.announcement)


class WithdrawRequest(StartRequest):
    """When the item leaves the channels, and why.

    It has no end: what is suspended returns by `restore`, or by a release with `effective_at`.
    """

    successors: list[str] = Field(
        default=[], title="承接事项", max_length=100, description="Ledger keys of the successors."
    )

    def why(self) -> Why | None:
        why = super().why()
        return None if why is None else Why(why.reason, why.note, self.successors)

    def check(self) -> None:
        super().check()
        if self.successors and self.why() is None:
            raise Invalid(Violation("reason", "missing", "is required with a successor"))


class RestoreRequest(Contract):
    """Nothing: what is restored returns at once, as it was released."""


class CancelRequest(Contract):
    """Which plans are cancelled: every version that is planned, and with `ends` also the end of what is in force."""

    ends: bool = Field(default=False, title="连同失效时间")


async def _release(request: Request, plans: Annotated[Plans | None, Query()] = None) -> ReleaseRequest:
    """Parse the body, which may be empty; `plans` may be in the query instead."""
    wanted = parse(ReleaseRequest, await _content(request))
    wanted.check()
    return wanted if wanted.plans else wanted.model_copy(update={"plans": plans})


async def _withdraw(request: Request, plans: Annotated[Plans | None, Query()] = None) -> WithdrawRequest:
    """Parse the body of a withdrawal or suspension."""
    wanted = parse(WithdrawRequest, await _content(request))
    wanted.check()
    return wanted if wanted.plans else wanted.model_copy(update={"plans": plans})


async def _restore(request: Request) -> RestoreRequest:
    return parse(RestoreRequest, await _content(request))


async def _cancel(request: Request) -> CancelRequest:
    return parse(CancelRequest, await _content(request))


async def _content(request: Request) -> Any:
    raw = await request.body()
    content = parse_json(raw) if raw else None
    return {} if content is None else content


WantedRelease = Annotated[ReleaseRequest, Depends(_release)]
WantedWithdrawal = Annotated[WithdrawRequest, Depends(_withdraw)]
WantedRestore = Annotated[RestoreRequest, Depends(_restore)]
WantedCancel = Annotated[CancelRequest, Depends(_cancel)]
