"""The auditor's verdicts and rules, and the tables of its store: findings and passes. No I/O."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, MetaData, Text
from sqlmodel import Field, SQLModel

from contracts.base import Json
from contracts.envelope.publication import Publication
from shared.transparency.comparison import differences

ALL = "*"
"""Key of a finding about a whole surface: e.g. a channel that does not answer, or an answer that is no list."""

LEDGER = "ledger"
"""In place of a channel: findings about the ledger itself, and how far it was read."""

auditor_metadata = MetaData()


class Verdict(StrEnum):
    """`stale`: late within the allowed delay. `missing`: in force and not shown. `orphan`: shown and not in force.

    `foreign`: in the ledger, and never released by its source.
    """

    EQUAL = "equal"
    STALE = "stale"
    DIFFERENT = "different"
    MISSING = "missing"
    ORPHAN = "orphan"
    FOREIGN = "foreign"


class Surface(StrEnum):
    """What was read: a document or page at its own address, all changes, the list of items, the digests; the ledger
    itself, or the ledger compared with its sources' feeds.
    """

    DOCUMENT = "document"
    PAGE = "page"
    CHANGES = "changes"
    LIST = "list"
    DIGESTS = "digests"
    LEDGER = "ledger"
    SOURCES = "sources"
    CHANNEL = "channel"


WHOLE = (Surface.CHANGES, Surface.LIST, Surface.DIGESTS)
"""Surfaces that are read as a whole for all documents."""


class ExpectedLine(NamedTuple):
    """The line of one document in a channel's digests."""

    key: str
    kind: str
    version: int
    position: int
    content_digest: str


Buckets = Mapping[str, Mapping[str, str]]
"""Kind → bucket → digest."""


@dataclass(frozen=True)
class Projection:
    """A channel's pure functions, given by the composition root.

    `row`: what the channel stores of a publication; `content` is its JSON text or None. `summary`: a document's short
    form. `page`: the HTML of an item's page, from the item's and the guide's document.
    """

    name: str
    row: Callable[[Publication], Mapping[str, Any]]
    summary: Callable[[Json], Json]
    page: Callable[[Json, Json | None], str]


@dataclass(frozen=True)
class Digesting:
    """How channels compute digests of what they serve."""

    buckets: Callable[[Iterable[ExpectedLine]], Buckets]
    bucket_of: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class ExpectedDocument:
    """What should be shown of a key. `content` None: nothing. `version` 0: the ledger does not have the key.

    `moment`: since when it should be so. `ended`: the version has expired.
    """

    content: Json | None
    version: int = 0
    moment: datetime | None = None
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of one key."""

    verdict: Verdict
    differences: list[Json] = field(default_factory=list)
    moment: datetime | None = None

    @property
    def bad(self) -> bool:
        """Whether the verdict is neither equal nor stale."""
        return self.verdict not in (Verdict.EQUAL, Verdict.STALE)


EQUAL = Observation(Verdict.EQUAL)


@dataclass
class Look:
    """One reading of a surface: how many were compared, and those that were not equal."""

    checked: int = 0
    unequal: dict[str, Observation] = field(default_factory=dict)

    def note(self, key: str, sighting: Observation) -> None:
        """Add one comparison."""
        self.checked += 1
        if sighting.verdict != Verdict.EQUAL:
            self.unequal[key] = sighting

    @property
    def bad(self) -> dict[str, Observation]:
        """The observations that need a finding."""
        return {key: sighting for key, sighting in self.unequal.items() if sighting.bad}


class FindingRow(SQLModel, table=True):
    """A difference that a second reading confirmed, until it was seen equal again. Never deleted."""

    metadata = auditor_metadata
    __tablename__ = "finding"

    id: int | None = Field(default=None, primary_key=True)
    channel: str = Field(max_length=16)
    surface: str = Field(max_length=16)
    key: str = Field(max_length=128)
    verdict: str = Field(max_length=16)
    differences: str = Field(sa_column=Column(Text, nullable=False), description="JSON: path, expected, found.")
    since: str | None = Field(
        default=None, max_length=27, description="Time of the last equal comparison, or when equality was due."
    )
    found_at: str = Field(max_length=27)
    attempts: int = 0
    tried_at: str | None = Field(default=None, max_length=27)
    repair: str | None = Field(default=None, max_length=16, description="replay, repair, rebuild.")
    problem: str | None = Field(default=None, max_length=300, description="Why the repair failed.")
    repaired_at: str | None = Field(default=None, max_length=27, description="Time of the next equal comparison.")


class PassRow(SQLModel, table=True):
    """The newest complete reading of a surface; for the ledger, how far it was read."""

    metadata = auditor_metadata
    __tablename__ = "pass"

    channel: str = Field(primary_key=True, max_length=16)
    surface: str = Field(primary_key=True, max_length=16)
    finished_at: str = Field(max_length=27)
    seconds: float
    checked: int


class ComparisonRow(SQLModel, table=True):
    """A comparison of the ledger with its sources, with the state needed to continue it, see
    `services.auditor.inspection.source_comparison`.
    """

    metadata = auditor_metadata
    __tablename__ = "comparison"

    name: str = Field(primary_key=True, max_length=16)
    position: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    state: str = Field(default="", sa_column=Column(Text, nullable=False))
    found: str = Field(
        default="{}", sa_column=Column(Text, nullable=False), description="Findings of this round: key, verdict."
    )
    began_at: str = Field(max_length=27)
    finished_at: str | None = Field(default=None, max_length=27)


def judge(wanted: ExpectedDocument, shown: Json | None, now: datetime, allowed: timedelta) -> Observation:
    """Compare what should be shown with what is. Only an older version can be stale, never a different content."""
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
    return Observation(Verdict.STALE if late else verdict, found, wanted.moment)


def _lags(wanted: ExpectedDocument, shown: Json | None) -> bool:
    if shown is None:
        return True
    source = shown.get("source")
    version = source.get("version") if isinstance(source, dict) else None
    if not isinstance(version, int):
        return False
    return version < wanted.version or (wanted.ended and version == wanted.version)
