"""The shapes of what only the hall's screens ask for, for the OpenAPI document."""

from pydantic import Field

from contracts.base import Timestamp
from services.channels.answers import Answer
from services.channels.called import Call
from services.channels.kiosk.screens import State


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


class Catalogue(Answer):
    """What a screen keeps. `entries`: address below /kiosk/ and SHA-256 of its answer, null if it changes by itself."""

    entries: list[tuple[str, str | None]]
    ends: dict[str, Timestamp] = Field(description="When what is shown of a key stops to hold; only of some.")


class ScreenFacts(Answer):
    """What is known of a screen; nulls before its first report."""

    name: str
    state: State
    red: bool = Field(description="Walk there.")
    enrolled_at: Timestamp | None
    revoked_at: Timestamp | None
    seen_at: Timestamp | None
    address: str | None = Field(description="The page it shows, below /kiosk/.")
    position: int | None
    digest: str | None = Field(description="Of the text on its glass.")
    old_since: Timestamp | None = Field(description="Shows another text than it should.")
    head_time: Timestamp | None = Field(description="Of the newest statement it has verified.")
    freshness: str | None


class Screens(Answer):
    """Every screen, by name."""

    screens: list[ScreenFacts]


class Offer(Answer):
    """A code that enrols a screen, once."""

    name: str
    code: str
    expires_at: Timestamp


class Revoked(Answer):
    """Whose token and code do not work any more."""

    revoked: str


class EnrolledScreen(Answer):
    """What this browser is called from now on."""

    name: str


class Compared(Answer):
    """Whether the screen shows what it should; null where there is nothing to compare."""

    same: bool | None


class Board(Answer):
    """Ticket numbers that are called, newest first; times are null when nobody has called for a while."""

    calls: list[Call]
    called_at: Timestamp | None
    expires_at: Timestamp | None
