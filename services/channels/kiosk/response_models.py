"""The models of the answers that only the hall's screens use, for the OpenAPI document."""

from typing import Annotated

from pydantic import Field

from contracts.base import Timestamp
from services.channels.api.response_models import Answer
from services.channels.kiosk.screens import CopyState, ScreenState
from services.channels.pages.ticket_calls import TicketCall


class FoundItem(Answer):
    """An item in the finder; `facts`: a short answer and its English, null if there is none."""

    code: str
    unit: str
    themes: list[str]
    names: list[str]
    sounds: list[str] = Field(description="Syllables of each name, without tones.")
    facts: list[list[str | None]]


class CommonWord(Answer):
    """An everyday word and its official terms."""

    word: str
    sound: str
    means: list[str]


class Finder(Answer):
    """What a browser needs to find an item without a server."""

    items: list[FoundItem]
    common: list[CommonWord]


class Catalogue(Answer):
    """What a screen caches. `entries`: address below /kiosk/ and SHA-256 of its answer; null: it changes without a
    release.
    """

    entries: list[Annotated[list[str | None], Field(min_length=2, max_length=2)]]
    ends: dict[str, Timestamp] = Field(description="Expiry of the content shown for a key, if it has one.")


class ScreenFacts(Answer):
    """The state of a screen; nulls before its first report."""

    name: str
    state: ScreenState
    red: bool = Field(description="The screen needs a visit.")
    enrolled_at: Timestamp | None
    revoked_at: Timestamp | None
    seen_at: Timestamp | None
    address: str | None = Field(description="Page on the screen, below /kiosk/.")
    position: int | None
    digest: str | None = Field(description="SHA-256 of the displayed text, in hex.")
    old_since: Timestamp | None = Field(description="Since when the screen shows a different text than it should.")
    head_time: Timestamp | None = Field(description="Time of the newest statement that the screen has verified.")
    freshness: str | None
    copy_: CopyState = Field(alias="copy", description="What the screen could show if the network went now.")
    kept: int | None = Field(description="Addresses of the catalogue that the browser keeps.")
    kept_of: int | None = Field(description="Addresses in the catalogue that it tried to keep.")
    kept_at: Timestamp | None = Field(description="Time of the statement that its copy is of.")


class Screens(Answer):
    """Every screen, by name."""

    screens: list[ScreenFacts]


class PastPosition(Answer):
    """Where a screen was at a moment: null if it is unknown, because the screen did not report then."""

    screen: str
    at: Timestamp
    position: int | None = Field(description="In the ledger: the screen had shown this much at least.")
    since: Timestamp | None = Field(description="The screen reported from then on without a gap …")
    until: Timestamp | None = Field(description="… until then at least.")


class Offer(Answer):
    """A code that enrols a screen, once."""

    name: str
    code: str
    expires_at: Timestamp


class Revoked(Answer):
    """The screen whose token and code no longer work."""

    revoked: str


class EnrolledScreen(Answer):
    """The name of the screen that this browser is now."""

    name: str


class Compared(Answer):
    """Whether the screen shows what it should; null if there is nothing to compare."""

    same: bool | None


class Board(Answer):
    """Called ticket numbers, newest first; times are null if none are called."""

    calls: list[TicketCall]
    called_at: Timestamp | None
    expires_at: Timestamp | None
