"""Models of the demonstration only: the county itself, and cases that advance by a script."""

from datetime import date
from typing import Any, Literal

from pydantic import Field

from contracts.base import Contract, Json
from contracts.codes.identifiers import PARENT, new_project_no
from contracts.content.files import FilePurpose

EventName = Literal[
    "submitted",
    "pre_rejected",
    "received",
    "correction_requested",
    "correction_completed",
    "not_applicable",
    "not_accepted",
    "accepted",
    "review_started",
    "special_started",
    "special_ended",
    "approved",
    "approved_tolerant",
    "rejected",
    "withdrawn",
    "withdrawn_back",
    "revoked",
    "delivered",
    "evaluated",
]

CASES_PER_ROUND = 100
ROUND_SECONDS = 600
"""A new round may begin this often; the last events of the previous round may come after that."""


class Department(Contract):
    """实施主体: a unit that carries out items, with its desk in the hall."""

    name: str
    short_name: str
    code: str = Field(pattern=r"^[0-9A-Z]{18}$", description="统一社会信用代码.")
    catalog_digits: str = Field(pattern=r"^\d{2}$", description="业务指导部门 in its items' 基本编码.")
    dept_type: str
    entrust_name: str | None = None
    address: str
    hall_zone: str
    windows: str
    phone: str
    complaint_phone: str


class DemoCounty(Contract):
    """The county, its hall (政务服务中心) and its departments."""

    name: str
    region: str = Field(pattern=r"^\d{12}$")
    city: str
    hall_name: str
    hall_address: str
    hours: str
    self_service_hours: str
    area_code: str = Field(pattern=r"^0\d{2,3}$")
    phone: str
    complaint_phone: str
    hotline: str
    traffic: str
    floors: list[str]
    departments: list[Department] = Field(min_length=1)


class DemoApplicant(Contract):
    """The applicant of a case. All of it is personal and fictional, and none of it may leave the source."""

    name: str
    kind: str = Field(pattern=r"^[1-9]$", description="服务对象: 1 自然人, 2 企业法人 …")
    page_type: str | None = Field(default=None, description="证件类型: 111 居民身份证; null for organisations.")
    page_code: str
    legal: str | None = None
    contact_name: str
    contact_code: str
    contact_mobile: str = Field(pattern=r"^1390000\d{4}$")
    address: str


class DemoEvent(Contract):
    """One scripted report about a case. Everything but `after_seconds` and `event` is a detail of the fact."""

    after_seconds: int = Field(ge=0, description="Seconds after the start of the round.")
    event: EventName
    window_no: str | None = None
    handle_user: str | None = None
    explain: str | None = None
    reason: str | None = None
    accept_doc_no: str | None = None
    special_type: str | None = None
    special_name: str | None = None
    extension_days: int | None = None
    tolerance_days: int | None = Field(default=None, description="Natural days from the event: 容缺材料补交期限.")
    result_type: str | None = None
    result_name: str | None = None
    certificate_no: str | None = None
    stars: int | None = None

    def details(self) -> dict[str, Any]:
        """Return the details under the names of a reported fact, without `tolerance_days`, which needs the day."""
        return self.model_dump(exclude_none=True, exclude={"after_seconds", "event", "tolerance_days"})


class DemoCase(Contract):
    """A case and its events in one round of the demonstration."""

    item_code: str
    serial: int = Field(ge=1, lt=CASES_PER_ROUND)
    applicant: DemoApplicant
    project_name: str = Field(title="办理摘要", description="Contains the applicant's name, as in real systems.")
    script: list[DemoEvent] = Field(min_length=1)

    def project_no(self, day: date, turn: int = 0) -> str:
        """Return the 办件编号 of this case on `day` in round `turn` (0 … 98): every round has its own numbers."""
        return new_project_no(self.item_code[PARENT], day, turn * CASES_PER_ROUND + self.serial)


class BlankForm(Contract):
    """空白表格: a page that a guide's material links to."""

    path: str = Field(description="The same as in `Material.form_url`, e.g. `/demo/forms/gongsi-dengji.html`.")
    html: str


class DemoFile(Contract):
    """A file of a guide's material. `file`: its name in the folder `files`."""

    code: str
    material_name: str
    purpose: FilePurpose
    name: str
    file: str


Calendars = dict[int, Json]
"""Year → the holiday notice in the shape `{"year", "papers", "days": [{"name", "date", "isOffDay"}]}`."""
