"""The public side of a citizen's case (办件): all that the ledger and the channels may know of it.

A case is published as `application:<case_ref>`. `case_ref` is scrypt over case number and query code together
(see `shared.security.case_ref`): the holder of the receipt can compute it, nobody can list or guess it.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from contracts.base import Contract


class Stage(StrEnum):
    """办理阶段: 3 if a result exists, else 2 if a process record exists, else 1."""

    ACCEPTANCE = "1"
    PROCESSING = "2"
    CLOSED = "3"


class Badge(StrEnum):
    """What the applicant must know besides the stage."""

    CORRECTION = "correction"
    SPECIAL = "special"
    NOT_ACCEPTED = "not_accepted"
    WITHDRAWN = "withdrawn"
    DEEMED = "deemed"
    OVERDUE = "overdue"


class Milestone(Contract):
    """One dated step of a case, with a fixed text."""

    state: str = Field(title="办件状态", pattern=r"^[A-Z_]+$")
    label: str = Field(title="状态说明", max_length=50, description="Fixed text for each state; never free text.")
    day: date = Field(title="日期")


class CaseProgress(Contract):
    """办理状态 as released. The shape has no field for a name, number, phone, address or free text."""

    CODED: ClassVar[Mapping[str, str]] = {"stage": "case_stage"}
    """See `contracts.content.items.Item`."""

    item_code: str = Field(title="实施编码", pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$")
    stage: Stage = Field(title="办理阶段")
    state: str = Field(title="办件状态", pattern=r"^[A-Z_]+$")
    state_label: str = Field(title="状态说明", max_length=50)
    badges: list[Badge] = Field(default=[], title="标记")
    apply_date: date | None = Field(default=None, title="申请日期")
    accept_date: date | None = Field(default=None, title="受理日期")
    promise_date: date | None = Field(default=None, title="承诺办结日期")
    promise_provisional: bool | None = Field(
        default=None,
        title="承诺办结日期暂定",
        description="true: counted in a year whose holidays are not announced yet, so the day may move; else absent.",
    )
    result_date: date | None = Field(default=None, title="办结日期")
    milestones: list[Milestone] = Field(default=[], title="办理过程", max_length=200)
    advice: str = Field(default="", title="提示", max_length=200, description="Fixed text for each state.")
    salt: str = Field(pattern=r"^[0-9a-f]{32}$", description="128 random bits, so that the digest reveals nothing.")
