"""What the auditor compares, how it judges, and its own store: findings and passes. Rules only; no I/O."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Column, MetaData, Text
from sqlmodel import Field, SQLModel

from contracts.base import Json
from contracts.publication import Publication
from shared.comparison import differences

ALL = "*"
"""Key of a finding about a whole surface: a channel that does not answer, an answer that is no list."""

LEDGER = "ledger"
"""In place of a channel: findings about the ledger itself, and how far it was read."""

auditor_metadata = MetaData()


class Verdict(StrEnum):
    """`stale`: late within the allowed delay. `missing`: in force and not shown. `orphan`: shown and not in force."""

    EQUAL = "equal"
    STALE = "stale"
    DIFFERENT = "different"
    MISSING = "missing"
    ORPHAN = "orphan"


class Surface(StrEnum):
    """Where something was read: a document or page at its own address, all changes, the list of items, digests."""

    DOCUMENT = "document"
    PAGE = "page"
    CHANGES = "changes"
    LIST = "list"
    DIGESTS = "digests"
    LEDGER = "ledger"
    CHANNEL = "channel"


WHOLE = (Surface.CHANGES, Surface.LIST, Surface.DIGESTS)
"""Surfaces that are read at once for all documents."""


class Line(NamedTuple):
    """What goes into a channel's digests for one document."""

    key: str
    kind: str
    version: int
    position: int
    content_digest: str


Buckets = Mapping[str, Mapping[str, str]]
"""Kind → bucket → digest."""


@dataclass(frozen=True)
class Sight:
    """A channel as it should be seen: its pure functions, given by whoever puts the processes together.

    `row`: what the channel keeps of a publication, `content` its JSON text or None. `summary`: a document's short form.
    `page`: HTML of an item's page, from the item's and the guide's document.
    """

    name: str
    row: Callable[[Publication], Mapping[str, Any]]
    summary: Callable[[Json], Json]
    page: Callable[[Json, Json | None], str]


@dataclass(frozen=True)
class Digesting:
    """How channels digest what they serve."""

    buckets: Callable[[Iterable[Line]], Buckets]
    bucket_of: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should be shown of a key. `content` None: nothing. `version` 0: the ledger has never heard of it.

    `moment`: since when it should be so. `ended`: the version's time is over.
    """

    content: Json | None
    version: int = 0
    moment: datetime | None = None
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen of one key."""

    verdict: Verdict
    differences: list[Json] = field(default_factory=list)
    moment: datetime | None = None

    @property
    def bad(self) -> bool:
        """Neither equal nor late within the allowed delay."""
        return self.verdict not in (Verdict.EQUAL, Verdict.STALE)


EQUAL = Sighting(Verdict.EQUAL)


@dataclass
class Look:
    """One reading of a surface: how many were compared, and those that were not equal."""

    checked: int = 0
    unequal: dict[str, Sighting] = field(default_factory=dict)

    def note(self, key: str, sighting: Sighting) -> None:
        """One more was compared."""
        self.checked += 1
        if sighting.verdict != Verdict.EQUAL:
            self.unequal[key] = sighting

    @property
    def bad(self) -> dict[str, Sighting]:
        """What is worth an alarm."""
        return {key: sighting for key, sighting in self.unequal.items() if sighting.bad}


class FindingRow(SQLModel, table=True):
    """A difference that was confirmed by a second look, until it was seen equal again. Kept for ever."""

    metadata = auditor_metadata
    __tablename__ = "finding"

    id: int | None = Field(default=None, primary_key=True)
    channel: str = Field(max_length=16)
    surface: str = Field(max_length=16)
    key: str = Field(max_length=128)
    verdict: str = Field(max_length=16)
    differences: str = Field(sa_column=Column(Text, nullable=False), description="JSON: path, expected, found.")
    since: str | None = Field(default=None, max_length=27, description="Last seen equal, or should be so since.")
    found_at: str = Field(max_length=27)
    attempts: int = 0
    tried_at: str | None = Field(default=None, max_length=27)
    repair: str | None = Field(default=None, max_length=16, description="replay, repair, rebuild.")
    problem: str | None = Field(default=None, max_length=300, description="Why it could not be repaired.")
    repaired_at: str | None = Field(default=None, max_length=27, description="Seen equal again.")


class PassRow(SQLModel, table=True):
    """The newest whole reading of a surface; for the ledger, how far it was read."""

    metadata = auditor_metadata
    __tablename__ = "pass"

    channel: str = Field(primary_key=True, max_length=16)
    surface: str = Field(primary_key=True, max_length=16)
    finished_at: str = Field(max_length=27)
    seconds: float
    checked: int


def judge(wanted: Wanted, shown: Json | None, now: datetime, allowed: timedelta) -> Sighting:
    """Compare what should be shown with what is. Only what lags behind can be stale, never what says something else."""
    found = differences(wanted.content, shown)
    if not found:
        return EQUAL
    if wanted.content is None:
        verdict, found = Verdict.ORPHAN, []
    elif shown is None:
        verdict, found = Verdict.MISSING, []
    else:
        verdict = Verdict.DIFFERENT
    late = wanted.moment is not None and now - wanted.moment <= allowed and _lags(wanted, shown)
    return Sighting(Verdict.STALE if late else verdict, found, wanted.moment)


def _lags(wanted: Wanted, shown: Json | None) -> bool:
    if shown is None:
        return True
    source = shown.get("source")
    version = source.get("version") if isinstance(source, dict) else None
    if not isinstance(version, int):
        return False
    return version < wanted.version or (wanted.ended and version == wanted.version)
