"""The opening of a case: the item and its rules, the applicant, and the receipt that is issued."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from contracts.base import Contract, Json
from contracts.codes.identifiers import item_code_problem
from contracts.codes.tables import catalogue_dialect, national_task_type
from contracts.content.items import Item
from services.applications.lifecycle.definitions import LegalLimits
from services.applications.lifecycle.working_days import TimeUnit
from shared.errors import Invalid, Violation
from shared.security.case_ref import display_query_code
from shared.security.privacy import Personal


class Applicant(Contract):
    """The applicant (up_pro_accept, domain section 5.5). Every field is personal; its representation is empty."""

    name: Annotated[str, Personal] = Field(title="申请人", min_length=1, max_length=200)
    kind: Annotated[str | None, Personal] = Field(default=None, title="申请人类型", pattern=r"^\d{1,2}$")
    page_type: Annotated[str | None, Personal] = Field(default=None, title="证件类型", pattern=r"^\d{1,3}$")
    page_code: Annotated[str | None, Personal] = Field(default=None, title="证件号码", max_length=50)
    legal: Annotated[str | None, Personal] = Field(default=None, title="法定代表人", max_length=100)
    contact_name: Annotated[str | None, Personal] = Field(default=None, title="联系人", max_length=100)
    contact_code: Annotated[str | None, Personal] = Field(default=None, title="联系人证件号码", max_length=50)
    contact_mobile: Annotated[str | None, Personal] = Field(default=None, title="联系人手机", max_length=30)
    address: Annotated[str | None, Personal] = Field(default=None, title="地址", max_length=500)

    def __repr_args__(self) -> Any:
        return []

    def __str__(self) -> str:
        return repr(self)


class Persons(Contract):
    """The personal data of a case. Its representation is empty."""

    applicant: Annotated[Applicant | None, Personal] = Field(default=None, title="申请人")
    project_name: Annotated[str | None, Personal] = Field(default=None, title="办理摘要", max_length=1000)

    def __repr_args__(self) -> Any:
        return []

    def __str__(self) -> str:
        return repr(self)

    @property
    def personal(self) -> Json:
        """The personal data as JSON."""
        return self.model_dump(mode="json", include=set(Persons.model_fields), exclude_none=True)


class Opening(Persons):
    """A request to open a case.

    Without `project_no` the service assigns a number. Without `query_code` and `case_ref` it makes a query code, which
    is in the answer once and is not stored. A caller that may lose the answer sends both `request_id` (any unique
    string) and a `query_code` of its own (`shared.security.case_ref`). Without limits, those of the item apply.
    """

    CODED: ClassVar[Mapping[str, str]] = {"task_type": "task_type", "promise_type": "promise_type"}
    """See `contracts.codes.coded_fields`."""

    item_code: str = Field(title="实施编码", pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$")
    project_no: Annotated[str | None, Personal] = Field(default=None, title="办件编号", max_length=100)
    request_id: str | None = Field(default=None, min_length=8, max_length=200)
    query_code: Annotated[str | None, Personal] = Field(default=None, title="查询码", max_length=40)
    case_ref: str | None = Field(default=None, pattern=r"^[a-z2-7]{52}$", description="Instead of `query_code`.")
    task_type: str | None = Field(default=None, title="事项类型", pattern=r"^\d{2}$")
    promise_day: int | None = Field(default=None, ge=0, le=3650, title="承诺办结时限")
    promise_type: TimeUnit | None = Field(default=None, title="承诺时限单位", description="1 工作日, 2 自然日")

    @model_validator(mode="after")
    def _fits(self) -> "Opening":
        if self.query_code and self.case_ref:
            raise ValueError("query_code and case_ref: send only one of them")
        if problem := item_code_problem(self.item_code):
            raise ValueError(f"item_code: {problem}")
        return self

    def rules(self, item: Item | None) -> LegalLimits:
        """Return the limits: as given, else the item's, else only the task type from the item's code.

        Raises `Invalid`.
        """
        if item is not None and self.promise_day is None:
            return LegalLimits.for_item(item)
        task_type = self.task_type or (item.task_type if item else _task_type(self.item_code))
        return LegalLimits(task_type, self.promise_day, TimeUnit(self.promise_type or TimeUnit.WORKING))


@dataclass(frozen=True)
class Receipt:
    """The receipt of an applicant. `query_code`: 12 characters, None if it was issued before. Never log it."""

    project_no: str = field(repr=False)
    query_code: str | None = field(repr=False)
    case_ref: str
    revision: int
    created: bool

    def view(self) -> Json:
        """Return the receipt as JSON; `display_code` is the query code as it is printed."""
        display = display_query_code(self.query_code) if self.query_code else None
        return {
            "project_no": self.project_no,
            "query_code": self.query_code,
            "display_code": display,
            "case_ref": self.case_ref,
            "revision": self.revision,
        }


def _task_type(item_code: str) -> str:
    basic = item_code[19:31]
    try:
        return national_task_type(basic[2:4], catalogue_dialect(basic))
    except ValueError:
        message = "does not follow from the item's code; state it"
        raise Invalid(Violation("task_type", "required", message)) from None
