"""What the pages need to know of a channel, as one small port."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from contracts.base import Json
from contracts.publication import Kind
from services.channels.directory import Facets, Listing
from services.channels.facets import Filter
from services.channels.past import Step
from services.channels.queries import CaseCounts


@dataclass(frozen=True, slots=True)
class Gone:
    """An item that is shown no more: since when, what it was (None: the ledger cannot tell now), and what there is.

    `successors` carry the same 31 characters of the code: an item is published either whole or by its situations.
    """

    since: datetime
    was: Json | None
    successors: list[Json]
    similar: list[Json]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far the channel is: ledger position, time of the newest head it covers, and whether that is too old."""

    position: int
    head_time: datetime | None = None
    late: bool = False


class Reader(Protocol):
    """Reads one channel. Every document carries `source`."""

    def item(self, code: str) -> Json | None:
        """The item shown now; None when there is none."""

    def guide(self, code: str) -> Json | None:
        """The guide of an item shown now; None when there is none."""

    def gone(self, code: str) -> Gone | None:
        """What there is to say of an item that was shown once and is not any more; None for any other."""

    def step(self, kind: Kind, code: str) -> Step | None:
        """See `Past.step`. Raises `Unavailable`."""

    def items(self, wanted: Filter, offset: int, limit: int) -> Listing:
        """One page of items' heads, by code, with what else can be chosen."""

    def facets(self) -> Facets:
        """What can be chosen on the home page."""

    def search(self, query: str, wanted: Filter, offset: int, limit: int) -> Listing:
        """One page of what answers a question and is wanted, best first."""

    def lookup(self, project_no: str, query_code: str, address: str) -> Json:
        """A case. Raises `NotFound` or `Invalid` for a pair that fits none, `TooManyRequests` after too many tries."""

    def give_feedback(self, fields: Json, address: str) -> None:
        """See `Box.give`."""

    def documents(self, kind: Kind) -> Iterator[Json]:
        """Everything shown of a kind, in order of the codes."""

    def cursor(self) -> str:
        """Another one whenever anything that is shown has changed."""

    def released(self) -> str:
        """The same for items and guides alone: cases move all the time."""

    def news(self, since: str, limit: int) -> list[Json]:
        """See `queries.news`."""

    def cases(self, day: date) -> CaseCounts:
        """See `queries.cases`."""

    def ends(self) -> dict[str, str]:
        """See `queries.ends`."""

    def called(self) -> Json:
        """See `called.get`."""

    def freshness(self) -> Freshness:
        """See `Freshness`."""
