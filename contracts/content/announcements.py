"""An announcement (预告): what citizens are told, on the page in force, of a version that is scheduled.

The released body of each version carries, under `announcements`, its own announcement and those of the versions that
are planned after it. Channels show those whose time is yet to come when the version begins. The source puts them in;
they are no part of a draft (docs/adr/0089).
"""

from pydantic import Field

from contracts.base import Contract, Timestamp

LONGEST_TEXT, LONGEST_ENGLISH = 200, 400
MOST_ANNOUNCEMENTS = 20


class AnnouncementText(Contract):
    """What an editor writes. Public at once, so it says nothing of the scheduled version but this."""

    text: str = Field(title="预告", min_length=1, max_length=LONGEST_TEXT)
    text_en: str | None = Field(default=None, title="预告（英文）", min_length=1, max_length=LONGEST_ENGLISH)


class Announcement(AnnouncementText):
    """The text, and when the scheduled version takes effect; from then on it is not shown."""

    until: Timestamp = Field(title="预告到")
