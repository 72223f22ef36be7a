"""What is asked of the desk when sets are released, plans cancelled, and links to previews made."""

from datetime import UTC, datetime

from pydantic import Field

from contracts.base import Contract, Json, Timestamp
from contracts.content.acts import LONGEST_NOTE
from contracts.content.announcements import AnnouncementText
from services.console.release import single
from shared.publishing.editions import Period
from shared.publishing.sets.requests import Code, Member, MemberOp


class SetRequest(Contract):
    """A set of items and guides. Without `effective_at` it is shown as soon as it is complete."""

    items: list[Member] = Field(default=[], max_length=500, title="事项")
    guides: list[Member] = Field(default=[], max_length=500, title="办事指南")
    effective_at: Timestamp | None = Field(default=None, title="生效时间")
    announcement: AnnouncementText | None = Field(
        default=None, title="预告", description="What citizens are told on the pages in force until effective_at."
    )
    note: str | None = Field(default=None, min_length=1, max_length=LONGEST_NOTE, title="变更说明")

    def members(self) -> dict[str, list[Json]]:
        """Return the members by source, as `Sets.begin` takes them."""
        given = {"catalog": self.items, "guides": self.guides}
        dumped = {
            source: [one.model_dump(mode="json", exclude_none=True) for one in some] for source, some in given.items()
        }
        return announced(dumped, self.effective_at, self.announcement)


def announced(
    members: dict[str, list[Json]], effective_at: datetime | None, words: AnnouncementText | None
) -> dict[str, list[Json]]:
    """Return the members with the announcement: each that is released, but a guide whose item says it already.

    Raises `Invalid` for an announcement of what is shown at once, and for one that may not be public.
    """
    if words is None:
        return members
    Period(effective_at, announcement=words).check_announcement(datetime.now(UTC))
    told = words.model_dump(mode="json", exclude_none=True)
    items = {one["code"] for one in members.get("catalog", ()) if one["op"] == MemberOp.RELEASE}
    return {
        source: [
            {**one, "announcement": told}
            if one["op"] == MemberOp.RELEASE and (source == "catalog" or one["code"] not in items)
            else one
            for one in some
        ]
        for source, some in members.items()
    }


class UndoRequest(Contract):
    """What citizens are told of the undoing."""

    note: str | None = Field(default=None, min_length=1, max_length=LONGEST_NOTE, title="变更说明")


class PreviewLinkRequest(Contract):
    """The code whose drafts are to be seen."""

    code: Code


class CancelRequest(single.Which):
    """Which plans of an edition are cancelled."""

    ends: bool = Field(default=False, title="连同失效时间")
