"""The service item (政务服务事项, 实施清单) as released. Field names: the national exchange (up_task_general_*).

A field without a value is unknown: nobody has stated it. For the meaning of an empty list see ADR 0042.
"""

from collections.abc import Mapping
from datetime import date
from typing import ClassVar

from pydantic import Field

from contracts.base import Contract, Salt
from contracts.content.announcements import MOST_ANNOUNCEMENTS, Announcement


class LegalBasis(Contract):
    """设定依据: one law, down to the article."""

    law_name: str = Field(title="法律法规名称", max_length=300)
    document_no: str | None = Field(default=None, title="文号", max_length=100)
    article: str | None = Field(default=None, title="条款号", max_length=100)
    content: str | None = Field(default=None, title="条款内容", max_length=20_000)


class Item(Contract):
    """One service item as one unit carries it out. See `contracts.codes.tables` and `contracts.codes.item_checks`."""

    WRITTEN_UNKNOWN: ClassVar[frozenset[str]] = frozenset(
        {"dept_type", "project_type", "is_entry_center", "is_online", "is_schedule", "is_pay_online", "is_express"}
        | {"is_service_terminals"}
    )
    """Facts that are null in a body while unknown: older readers would take their absence for a statement."""

    CODED: ClassVar[Mapping[str, str]] = {
        name: name
        for name in (
            "task_type", "power_source", "use_level", "dept_type", "serve_type", "project_type", "handle_type",
            "handle_area", "anticipate_type", "promise_type", "online_handle_depth", "user_topic_type",
            "corp_topic_type", "result_type",
        )
    }  # fmt: skip
    """Field → its table in `contracts.codes.tables`, see `contracts.codes.coded_fields`."""

    ADDRESSES: ClassVar[Mapping[str, str]] = {"online_handle_url": "handling", "mobile_terminal_url": "handling"}
    """Field → its use, see `contracts.codes.addresses`."""

    code: str = Field(
        title="实施编码", pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$", description="31 characters; 33 with a situation."
    )
    catalog_code: str = Field(title="基本编码", pattern=r"^[0-9A-Z]{12}$")
    local_task_code: str | None = Field(default=None, title="地方实施编码", max_length=50)
    task_name: str = Field(title="事项名称", min_length=1, max_length=1000)
    short_name: str | None = Field(default=None, title="事项简称", max_length=100)
    keywords: list[str] = Field(default=[], title="常用叫法", max_length=50, description="Everyday names of the item.")
    task_type: str = Field(title="事项类型", pattern=r"^\d{2}$")
    by_law: list[LegalBasis] = Field(default=[], title="设定依据")
    power_source: str | None = Field(default=None, title="权力来源")
    use_level: str = Field(title="行使层级", pattern=r"^[1-6]$")
    dept_name: str = Field(title="实施主体", min_length=1, max_length=200)
    dept_code: str = Field(title="实施主体编码", min_length=1, max_length=50)
    dept_type: str | None = Field(default=None, title="实施主体性质")
    entrust_name: str | None = Field(default=None, title="委托部门", max_length=100)
    serve_type: list[str] = Field(default=[], title="服务对象")
    project_type: str | None = Field(default=None, title="办件类型")
    handle_type: list[str] | None = Field(default=None, title="办理形式")
    handle_area: list[str] = Field(default=[], title="通办范围")
    anticipate_day: int | None = Field(default=None, ge=0, le=3650, title="法定办结时限")
    anticipate_type: str | None = Field(
        default=None, title="法定时限单位", description="1 工作日, 2 自然日; null: the unit is unknown"
    )
    promise_day: int | None = Field(default=None, ge=0, le=3650, title="承诺办结时限")
    promise_type: str | None = Field(
        default=None, title="承诺时限单位", description="1 工作日, 2 自然日; null: the unit is unknown"
    )
    limit_scene_num: int | None = Field(default=None, ge=0, le=99, title="到办事现场次数")
    limit_scene_explain: str | None = Field(
        default=None,
        title="必须现场办理原因说明",
        max_length=2000,
        description="A number of visits in it is that of `limit_scene_num`.",
    )
    is_fee: bool | None = Field(default=None, title="是否收费")
    is_entry_center: bool | None = Field(default=None, title="是否进驻政务大厅")
    is_online: bool | None = Field(default=None, title="是否网办")
    is_schedule: bool | None = Field(default=None, title="是否支持预约办理")
    is_pay_online: bool | None = Field(default=None, title="是否支持网上支付")
    is_express: bool | None = Field(default=None, title="是否支持物流快递")
    is_service_terminals: bool | None = Field(default=None, title="是否支持自助终端办理")
    online_handle_depth: list[str] | None = Field(default=None, title="网上办理深度")
    online_handle_url: str | None = Field(default=None, title="网上办理地址", max_length=2000)
    mobile_terminal_url: str | None = Field(default=None, title="移动端办理地址", max_length=2000)
    user_topic_type: list[str] = Field(default=[], title="面向自然人事项主题分类")
    corp_topic_type: list[str] = Field(default=[], title="面向法人事项主题分类")
    result_type: str | None = Field(default=None, title="审批结果类型")
    result_name: str | None = Field(default=None, title="审批结果名称", max_length=500)
    plan_effective_date: date | None = Field(default=None, title="计划生效日期")
    plan_cancel_date: date | None = Field(default=None, title="计划取消日期")
    announcements: list[Announcement] | None = Field(default=None, title="预告", max_length=MOST_ANNOUNCEMENTS)
    salt: str | None = Salt


class DirectoryRow(Contract):
    """A row of the 基本目录 (up_task_directory): what may be carried out, and at which levels."""

    CODED: ClassVar[Mapping[str, str]] = {"task_type": "task_type", "use_level": "use_level"}
    """See `Item`."""

    catalog_code: str = Field(title="基本编码", pattern=r"^[0-9A-Z]{12}$")
    task_name: str = Field(title="事项名称", min_length=1, max_length=1000)
    task_type: str = Field(title="事项类型", pattern=r"^\d{2}$")
    use_level: list[str] = Field(
        title="行使层级", min_length=1, description="Levels of government that may exercise the item."
    )
