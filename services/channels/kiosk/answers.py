"""The shapes of what only the hall's screens ask for, for the OpenAPI document."""

from pydantic import Field

from contracts.base import Timestamp
from services.channels.answers import Answer
from services.channels.called import Call


class FoundItem(Answer):
    """An item as the finder knows it; `facts`: a short answer and its English, null where there is none."""

    code: str
    unit: str
    themes: list[str]
    names: list[str]
    sounds: list[str] = Field(description="For each name its syllables, without tones.")
    facts: list[list[str | None]]


class CommonWord(Answer):
    """What people say, and what officials call it."""

    word: str
    sound: str
    means: list[str]


class Finder(Answer):
    """All that a browser needs to find an item without a server."""

    items: list[FoundItem]
    common: list[CommonWord]


class Board(Answer):
    """Ticket numbers that are called, newest first; times are null when nobody has called for a while."""

    calls: list[Call]
    called_at: Timestamp | None
    expires_at: Timestamp | None
