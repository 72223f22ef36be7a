"""What is asked of the desk when sets are released, plans cancelled, and links to previews made."""

from datetime import datetime

from pydantic import Field

from contracts.base import Contract, Timestamp
from contracts.content.acts import LONGEST_NOTE
from services.console.release import single
from shared.publishing.sets.requests import Code, Member
from shared.text.dates import BEIJING


class SetRequest(Contract):
    """A set of items and guides. Without `effective_at` it is shown as soon as it is complete."""

    items: list[Member] = Field(default=[], max_length=500, title="事项")
    guides: list[Member] = Field(default=[], max_length=500, title="办事指南")
    effective_at: Timestamp | None = Field(default=None, title="生效时间")
    note: str | None = Field(default=None, min_length=1, max_length=LONGEST_NOTE, title="变更说明")


class UndoRequest(Contract):
    """What citizens are told of the undoing."""

    note: str | None = Field(default=None, min_length=1, max_length=LONGEST_NOTE, title="变更说明")


class PreviewLinkRequest(Contract):
    """The code whose drafts are to be seen."""

    code: Code


class CancelRequest(single.Which):
    """Which plans of an edition are cancelled."""

    ends: bool = Field(default=False, title="连同失效时间")


def beijing(text: str) -> str:
    """Return the time of a form's field as RFC 3339; without an offset it is Beijing time.

    What is no time is left as it is, and refused at its field.
    """
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=BEIJING)).isoformat()
    except ValueError:
        return text


def form_time(moment: str | None) -> str:
    """Return a time as a form's field of type datetime-local shows it, in Beijing time; "" for none."""
    return f"{datetime.fromisoformat(moment).astimezone(BEIJING):%Y-%m-%dT%H:%M}" if moment else ""
