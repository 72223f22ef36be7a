"""The port through which the pages read a channel."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from contracts.base import Json
from contracts.envelope.publication import Kind
from services.channels.api.queries import CaseCounts
from services.channels.pages.version_history import VersionStep
from services.channels.search.directory import Facets, Listing
from services.channels.search.facets import Filter


@dataclass(frozen=True, slots=True)
class Gone:
    """An item that is no longer shown: since when, its last document (None: the ledger cannot tell), and alternatives.

    `named`: the withdrawal names who follows; `note` is its public note, `elsewhere` are codes of those that this
    channel does not show. Otherwise `successors` have the same 31 characters of the code: an item is published either
    whole or by its situations.
    """

    since: datetime
    was: Json | None
    successors: list[Json]
    similar: list[Json]
    named: bool = False
    note: str | None = None
    elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Freshness:
    """The time of the newest head that the channel covers, and whether that is too old."""

    head_time: datetime | None = None
    late: bool = False


class ChannelReader(Protocol):
    """Reads one channel. Every document has `source`."""

    def item(self, code: str) -> Json | None:
        """Return the item shown now; None if there is none."""

    def guide(self, code: str) -> Json | None:
        """Return the guide of an item shown now; None if there is none."""

    def gone(self, code: str) -> Gone | None:
        """Return what is known of an item that is no longer shown; None for any other."""

    def step(self, kind: Kind, code: str) -> VersionStep | None:
        """See `VersionHistory.step`. Raises `Unavailable`."""

    def items(self, wanted: Filter, offset: int, limit: int) -> Listing:
        """Return one page of items' heads in order of code, with the facets that can still be chosen."""

    def facets(self) -> Facets:
        """Return what can be chosen on the home page."""

    def search(self, query: str, wanted: Filter, offset: int, limit: int) -> Listing:
        """Return one page of items that match the query and the filter, best first."""

    def lookup(self, project_no: str, query_code: str, address: str) -> Json:
        """Return a case. Raises `NotFound` or `Invalid` if no case fits, `TooManyRequests` after too many attempts."""

    def give_feedback(self, fields: Json, address: str) -> None:
        """See `FeedbackBox.give`."""

    def documents(self, kind: Kind) -> Iterator[Json]:
        """Yield every shown document of a kind, in order of code."""

    def cursor(self) -> str:
        """Return a value that changes whenever anything shown changes."""

    def released(self) -> str:
        """Like `cursor`, for items and guides only: cases change all the time."""

    def news(self, since: str, limit: int) -> list[Json]:
        """See `queries.news`."""

    def cases(self, day: date) -> CaseCounts:
        """See `queries.cases`."""

    def ends(self) -> dict[str, str]:
        """See `queries.ends`."""

    def called(self) -> Json:
        """See `ticket_calls.get`."""

    def freshness(self) -> Freshness:
        """See `Freshness`."""
