"""The models of a channel's answers, for its OpenAPI document. They are not used to validate at run time.

Answers are built as bytes; tests check every one against these models. Clients must ignore unknown fields, since later
versions may add some. Documents differ by channel: a channel's `documents.py` declares what its documents hold beyond
the heads here, see `services.channels.api.openapi`.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.base import Timestamp
from contracts.content.cases import Badge, Milestone, Stage
from contracts.envelope.publication import Head, SourceMark

HEX = r"^[0-9a-f]{64}$"


class Answer(BaseModel):
    """Base of a channel's answers."""

    model_config = ConfigDict(frozen=True)


class Glance(Answer):
    """Short answers; a fact that the item does not state is null or absent."""

    how_long: str | None = Field(default=None, title="办理时限")
    cost: str | None = Field(default=None, title="收费")
    visits: str | None = Field(default=None, title="跑动次数")
    at_home: str | None = Field(default=None, title="网上办理")


class ItemSummary(Answer):
    """An item in a list or a search result."""

    model_config = ConfigDict(frozen=True, extra="allow")

    code: str = Field(title="实施编码", examples=["11339921003991014U4000700001000"])
    name: str = Field(title="事项名称")
    short_name: str | None = Field(default=None, title="事项简称")
    dept_name: str | None = Field(default=None, title="实施主体")
    glance: Glance | None = None
    source: SourceMark


class ItemDocument(ItemSummary):
    """An item as this channel shows it."""

    kind: Literal["item"]
    keywords: list[str] | None = None
    audiences: list[Literal["person", "business"]] | None = None
    person_themes: list[str] | None = None
    business_themes: list[str] | None = None


class GuideGlance(Answer):
    """Short answers from a guide."""

    model_config = ConfigDict(frozen=True, extra="allow")

    bring: str | None = Field(default=None, title="要带什么")
    cost: str | None = Field(default=None, title="收费")


class GuideDocument(Answer):
    """The guide of an item as this channel shows it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: Literal["guide"]
    code: str = Field(title="实施编码")
    name: str = Field(title="事项名称")
    dept_name: str | None = Field(default=None, title="实施主体")
    glance: GuideGlance | None = None
    source: SourceMark


class CaseDocument(Answer):
    """办理状态: days and fixed texts, without personal data."""

    kind: Literal["application"]
    code: str = Field(description="Hash of case number and query code; the case's key in the ledger.")
    name: str
    item_code: str = Field(title="实施编码")
    stage: Stage = Field(title="办理阶段")
    stage_label: str
    state: str = Field(title="办件状态")
    state_label: str
    badges: list[Badge] | None = None
    badge_labels: list[str] | None = None
    apply_date: str | None = Field(default=None, json_schema_extra={"format": "date"})
    accept_date: str | None = Field(default=None, json_schema_extra={"format": "date"})
    promise_date: str | None = Field(default=None, json_schema_extra={"format": "date"})
    promise_provisional: bool | None = Field(
        default=None, description="true: the promised day may move, because its year's holidays are not announced yet."
    )
    result_date: str | None = Field(default=None, json_schema_extra={"format": "date"})
    milestones: list[Milestone] | None = None
    advice: str | None = None
    source: SourceMark


class ItemPage(Answer):
    """Items in order of their codes; `next` is the `after` of the next page, null at the end."""

    items: list[ItemSummary]
    next: str | None


class Choice(Answer):
    """A value that can be chosen, and the number of items it would leave."""

    value: str
    label: str
    count: int


class Found(Answer):
    """Matching items, best first. With `counts`: number of the best, and facet → values that can still be chosen."""

    query: str
    items: list[ItemSummary]
    total: int | None = None
    facets: dict[str, list[Choice]] | None = None


class Position(Answer):
    """How far the channel has applied the ledger, and the newest signed head; null before the first."""

    position: int = Field(ge=0)
    cursor: str = Field(examples=["1f0a2b3c.1135"])
    head: Head | None


class BucketDigests(Answer):
    """See docs/integrating/mirror.md. `buckets`: kind → bucket (two hex digits) → digest; `counts`: by kind."""

    root: str = Field(pattern=HEX)
    buckets: dict[str, dict[str, str]]
    counts: dict[str, int]


class Source(Position):
    """Position and digests of the same moment."""

    channel: str
    digests: BucketDigests


class BucketLine(Answer):
    """One document as its bucket's digest counts it."""

    key: str
    version: int
    position: int
    content_digest: str = Field(pattern=HEX, description="SHA-256 of the document's bytes.")


class BucketLines(Answer):
    """Every document of one bucket, in order of key, at the moment of `cursor`."""

    cursor: str
    lines: list[BucketLine]


class ParkedEntry(Answer):
    """An entry that could not be shown, and why."""

    position: int
    key: str
    version: int
    reason: str
    parked_at: Timestamp


class Parked(Answer):
    """All parked entries, in order of position."""

    parked: list[ParkedEntry]


class Query(Answer):
    """A query that found nothing, in one spelling, and how often it was asked."""

    query: str
    count: int


class Shown(Answer):
    """The entry is shown now."""

    shown: bool


class Dropped(Answer):
    """The entry was dropped."""

    dropped: bool


class Trace(Answer):
    """The stored row of a key; `shown`: whether readers see it now."""

    key: str
    kind: str
    version: int
    position: int
    digest: str
    content_digest: str | None
    effective_at: Timestamp | None
    expires_at: Timestamp | None
    released_at: Timestamp
    starts_at: Timestamp
    change: int
    shown: bool


class Anchor(Answer):
    """The head that the ledger must continue; root null before the first."""

    size: int
    root: str | None


class Halt(Answer):
    """Since when and why the channel takes no entries."""

    since: Timestamp
    reason: str | None


class Lineage(Answer):
    """Whether the channel still follows its ledger."""

    anchor: Anchor
    halted: Halt | None = Field(description="Its ledger does not continue what it has seen.")
    paused: Halt | None = Field(default=None, description="A person paused it.")


class TrustedKey(Answer):
    """A key of the ledger that the channel trusts, and why."""

    key_id: str
    name: str
    public_key: str
    signs_until: Timestamp | None
    reason: str
    trusted_at: Timestamp


class RefusedHead(Answer):
    """The newest refused head, and the number of refused heads."""

    at: Timestamp
    reason: str
    count: int


class Witnessed(Answer):
    """The trusted keys and the newest refusal."""

    keys: list[TrustedKey]
    refused: RefusedHead | None


class Repaired(Answer):
    """Keys that differed from the ledger and were repaired."""

    changed: list[str]


class DrillReport(Answer):
    """The newest drill; nulls before the first one."""

    finished_at: Timestamp | None
    succeeded_at: Timestamp | None
    good: bool | None
    seconds: float | None = None
    entries: int | None = None
    root: str | None = None
    differences: int | None = None
    detail: list[str] | None = Field(default=None, description="Some keys that differed, or the reason for a failure.")


class Change(Answer):
    """The newest state of a key; its `document` is of the channel's own kinds."""

    change: int = Field(ge=1, description="The channel's own change number; increases, with gaps.")
    key: str = Field(examples=["item:11339921003991014U4000700001000"])
    version: int = Field(ge=0, description="Version of the key. 0: removed by the channel itself.")
    position: int = Field(ge=0, description="Position of the ledger entry.")


class Changes(Answer):
    """Changes in order, at most one per key."""

    cursor: str = Field(description="`since` of the next request; store it together with the changes.")
    more: bool = Field(description="False: there are no more changes at the moment.")
