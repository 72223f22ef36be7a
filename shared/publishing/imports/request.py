"""The request of an import: entries that state fields of one body each, and where they come from."""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from contracts.base import Contract

MAX_ROWS = 2000
MAX_WITHDRAWALS = 100_000
LARGEST_VERSION = 2**63 - 1
SOURCE_PATTERN = r"^[\w.\-]{1,50}$"
REGION_PATTERN = r"^[0-9]{6}$"


class ItemState(StrEnum):
    """What a row states of its item's 事项状态."""

    IN_USE = "in_use"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


class Confirmation(StrEnum):
    """What a person has to confirm when an import would do too much of it at once."""

    WITHDRAWALS = "withdrawals"
    EMPTYING = "emptying"
    CHANGES = "changes"


class ImportFile(Contract):
    """The file that the entries were read from."""

    name: str = Field(max_length=300)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ImportEntry(Contract):
    """What one row states about one code.

    `stated` holds exactly the fields that the row states; a field that is null is stated to be empty. An entry that
    suspends or withdraws states no fields. `identity` names a body of this code, if one has to be made and the row
    gives no name. `starts` and `ends` are 计划生效日期 and 计划取消日期 of the item; `drops_start` and `drops_end`: the
    row states that there is no such date.
    """

    row: int | None = Field(default=None, ge=0, title="行号")
    code: str = Field(min_length=1, max_length=64, title="实施编码")
    version: int | None = Field(default=None, ge=0, le=LARGEST_VERSION, title="来源版本")
    state: ItemState | None = Field(default=None, title="事项状态", description="null: the row does not state it")
    stated: dict[str, Any] | None = Field(default=None, title="所述字段")
    identity: dict[str, Any] | None = Field(default=None, title="名称")
    starts: date | None = Field(default=None, title="计划生效日期")
    ends: date | None = Field(default=None, title="计划取消日期")
    drops_start: bool = Field(default=False, title="不再有计划生效日期")
    drops_end: bool = Field(default=False, title="不再有计划取消日期")

    @property
    def leaves(self) -> bool:
        """Whether it removes the item from every channel."""
        return self.state in (ItemState.SUSPENDED, ItemState.WITHDRAWN)


class ImportRequest(Contract):
    """Entries of one import source. Related entries (an item and its situations) come in one request.

    `rows` and `withdraw` are the short form for scripts: whole bodies, and codes to remove from every channel.
    """

    source: str = Field(default="api", pattern=SOURCE_PATTERN, title="来源", description="Name of the import source.")
    conversion: str = Field(
        default="",
        max_length=100,
        description="How the file was converted; a different conversion may yield other values.",
    )
    by: str | None = Field(default=None, max_length=100, title="导入人")
    file: ImportFile | None = Field(default=None, title="文件")
    entries: list[ImportEntry] = Field(default=[], max_length=MAX_ROWS)
    rows: list[dict[str, Any]] = Field(default=[], max_length=MAX_ROWS)
    withdraw: list[str] = Field(default=[], max_length=MAX_WITHDRAWALS)
    regions: list[Annotated[str, Field(pattern=REGION_PATTERN)]] = Field(
        default=[], max_length=100, title="另准行政区划", description="Other divisions whose units are accepted (C-8)."
    )
    confirm: list[Confirmation] = Field(default=[])
    confirm_withdrawals: bool = Field(default=False, description="Equivalent to confirm: [withdrawals].")
    dry_run: bool = False
    review: int | None = Field(
        default=None,
        ge=1,
        le=2**31 - 1,
        title="送审",
        description="With dry_run: the review that takes what a run does.",
    )

    @model_validator(mode="after")
    def _gathers_without_changing(self) -> Self:
        if self.review is not None and not self.dry_run:
            raise ValueError("review is for a dry run: a run finds the approved review by what it releases")
        return self

    def confirmed(self) -> frozenset[Confirmation]:
        """Return what a person has confirmed."""
        old = [Confirmation.WITHDRAWALS] if self.confirm_withdrawals else []
        return frozenset([*map(Confirmation, self.confirm), *old])

    def all_entries(self) -> Iterator[ImportEntry]:
        """Yield the entries, then the short form as entries. The order gives the index in the answer."""
        yield from self.entries
        for content in self.rows:
            yield _of_body(content)
        for code in self.withdraw:
            yield ImportEntry.model_construct(
                row=None,
                code=code,
                version=None,
                state=ItemState.WITHDRAWN,
                stated=None,
                identity=None,
                starts=None,
                ends=None,
                drops_start=False,
                drops_end=False,
            )


def _of_body(content: dict[str, Any]) -> ImportEntry:
    code = content.get("code")
    return _plain(
        code[:64] if isinstance(code, str) else "",
        stated=content,
        starts=_day(content.get("plan_effective_date")),
        ends=_day(content.get("plan_cancel_date")),
    )


def _plain(code: str, **told: Any) -> ImportEntry:
    """Build an entry without validation: an invalid row must not invalidate the whole request."""
    unsaid = dict.fromkeys(("row", "version", "state", "stated", "identity", "starts", "ends"))
    return ImportEntry.model_construct(code=code, drops_start=False, drops_end=False, **{**unsaid, **told})


def _day(value: Any) -> date | None:
    """Return None for what is not a date: the contract reports it when the body is checked."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
