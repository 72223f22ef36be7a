"""The facts that can be reported about a case, each with its time; personal fields are marked by type."""

from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from contracts.base import Contract, Timestamp
from services.applications.lifecycle.working_days import local_date, start_of
from shared.security.privacy import Personal, personal_fields


class FactEvent(StrEnum):
    """What happened (domain sections 6.1 to 6.4), in the order in which a case meets it; `RANK` uses the order."""

    SUBMITTED = "submitted"
    PRE_REJECTED = "pre_rejected"
    RECEIVED = "received"
    CORRECTION_REQUESTED = "correction_requested"
    CORRECTION_COMPLETED = "correction_completed"
    NOT_APPLICABLE = "not_applicable"
    NOT_ACCEPTED = "not_accepted"
    ACCEPTED = "accepted"
    REVIEW_STARTED = "review_started"
    SPECIAL_STARTED = "special_started"
    SPECIAL_ENDED = "special_ended"
    APPROVED = "approved"
    APPROVED_TOLERANT = "approved_tolerant"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    WITHDRAWN_BACK = "withdrawn_back"
    REVOKED = "revoked"
    DELIVERED = "delivered"
    EVALUATED = "evaluated"


RANK = {event: rank for rank, event in enumerate(FactEvent)}
"""Order of facts with the same time, e.g. when a hall sends acceptance and start of review together."""


class SpecialType(StrEnum):
    """特别程序种类 (GB/T 39046 A.7)."""

    EXTENSION = "1"
    PAUSE = "2"


class FactDetails(Contract):
    """Details of an event besides what happened and when."""

    model_config = ConfigDict(use_enum_values=False)

    special_type: SpecialType | None = Field(default=None, title="特别程序种类", description="Null: not known yet.")
    special_name: str | None = Field(default=None, title="特别程序名称", max_length=1000)
    extension_days: int | None = Field(default=None, ge=1, le=365, title="延长工作日数")
    accept_doc_no: str | None = Field(default=None, title="受理文书编号", max_length=50)
    promise_date: date | None = Field(default=None, title="承诺办结日期", description="As reported; for comparison.")
    tolerance_due: date | None = Field(default=None, title="容缺材料补交期限")
    file_changed: bool = Field(default=False, title="申请人变更材料", description="Allows a second correction notice.")
    result_type: str | None = Field(default=None, title="审批结果类型", pattern=r"^\d{2}$")
    result_name: str | None = Field(default=None, title="审批结果名称", max_length=500)
    window_no: str | None = Field(default=None, title="窗口号或工号", max_length=50)
    stars: int | None = Field(default=None, ge=1, le=5, title="好差评星级", description="5 is best.")
    certificate_no: Annotated[str | None, Personal] = Field(default=None, title="证照编号", max_length=2000)
    handle_user: Annotated[str | None, Personal] = Field(default=None, title="办理人员", max_length=100)
    reason: Annotated[str | None, Personal] = Field(default=None, title="理由", max_length=2000)
    explain: Annotated[str | None, Personal] = Field(default=None, title="说明", max_length=2000)

    def __repr_args__(self) -> Any:
        """Keep personal fields out of logs and tracebacks."""
        return [(k, "****" if k in personal_fields(type(self)) else v) for k, v in self if v is not None]

    def __str__(self) -> str:
        return repr(self)


class Fact(FactDetails):
    """One thing that happened to one case. The same `fact_id` means the same fact, however often it is reported."""

    fact_id: str = Field(pattern=r"^[0-9A-Za-z:._/-]{1,120}$", description="Unique within the case.")
    project_no: Annotated[str, Personal] = Field(title="办件编号", pattern=r"^[0-9A-Z-]{1,50}$")
    event: FactEvent
    occurred_at: Timestamp
    deemed: bool = Field(default=False, title="视为受理", description="The limit passed without an answer.")

    @model_validator(mode="after")
    def _details_fit_the_event(self) -> "Fact":
        if self.deemed and self.event != FactEvent.ACCEPTED:
            raise ValueError("deemed: allowed for an acceptance only")
        if self.extension_days is not None and self.special_type != SpecialType.EXTENSION:
            raise ValueError("extension_days: allowed for an extension (special_type 1) only")
        return self

    @property
    def day(self) -> date:
        """The day in Asia/Shanghai, in which the law counts."""
        return local_date(self.occurred_at)


def order_of(fact: Fact) -> tuple[datetime, int, str, str]:
    """Sort key of facts: time, rank, identity, content. It is total, so the order of arrival never matters."""
    return (fact.occurred_at, RANK[fact.event], fact.fact_id, fact.model_dump_json())


def fact_id_for(*parts: object) -> str:
    """Return a stable identity for a fact whose sender gives none: 32 hex digits over what identifies it."""
    return sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]


def deemed_acceptance(project_no: str, limit: date) -> Fact:
    """Return the fact that a timer stores when `limit`, the last day for an answer, has passed (许可法 art. 32(4)).

    It only records that the day has passed. Whether the case counts as accepted is derived, so a correction notice that
    was in time but arrives late still prevails.
    """
    passed = start_of(date.fromordinal(limit.toordinal() + 1))
    identity = f"deemed:{limit.isoformat()}"
    return Fact(fact_id=identity, project_no=project_no, event=FactEvent.ACCEPTED, occurred_at=passed, deemed=True)
