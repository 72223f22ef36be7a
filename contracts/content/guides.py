"""The service guide (办事指南) as released: what to bring, where to go, what it costs, how long it takes.

A field without a value is unknown: nobody has stated it. For the meaning of an empty list see ADR 0042.
"""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from contracts.base import Contract, Salt
from contracts.content.announcements import MOST_ANNOUNCEMENTS, Announcement
from contracts.content.files import MOST_FILES, MaterialFile
from contracts.content.items import LegalBasis


class Material(Contract):
    """申请材料 (up_task_*_material)."""

    WRITTEN_UNKNOWN: ClassVar[frozenset[str]] = frozenset(
        {"is_need", "tolerable", "material_type", "material_format", "copies", "source_type"}
    )
    """See `contracts.content.items.Item`."""

    CODED: ClassVar[Mapping[str, str]] = {name: name for name in ("material_type", "material_format", "source_type")}
    """See `contracts.content.items.Item`."""

    ADDRESSES: ClassVar[Mapping[str, str]] = {"form_url": "file", "example_url": "file"}
    """See `contracts.content.items.Item`."""

    material_name: str = Field(title="材料名称", min_length=1, max_length=500)
    is_need: bool | None = Field(default=None, title="是否必要")
    tolerable: bool | None = Field(default=None, title="可容缺后补")
    material_type: str | None = Field(default=None, title="材料类型", description="1 原件, 2 复印件, 3 原件和复印件")
    material_format: str | None = Field(default=None, title="材料形式", description="1 纸质, 2 电子化, 3 纸质/电子化")
    copies: int | None = Field(
        default=None, ge=0, le=99, title="份数", description="The number that name and notes state, if any."
    )
    source_type: str | None = Field(
        default=None, title="来源渠道", description="10 申请人自备, 20 政府部门核发, 99 其他"
    )
    source_explain: str | None = Field(default=None, title="来源渠道说明", max_length=500)
    form_url: str | None = Field(default=None, title="空白表格", max_length=2000)
    example_url: str | None = Field(default=None, title="示例样表", max_length=2000)
    fill_explain: str | None = Field(default=None, title="填报须知", max_length=2000)
    accept_stand: str | None = Field(default=None, title="受理标准", max_length=2000)
    files: list[MaterialFile] | None = Field(
        default=None,
        title="表格文件",
        min_length=1,
        max_length=MOST_FILES,
        description="Blank forms and samples that the county serves itself; null or absent: none.",
    )


class Step(Contract):
    """办理流程的一个环节."""

    name: str = Field(title="环节名称", min_length=1, max_length=100)
    content: str | None = Field(
        default=None, title="办理内容", max_length=2000, description="A time for the step in it is that of `day`."
    )
    day: int | None = Field(default=None, ge=0, le=3650, title="环节时限", description="工作日")
    result: str | None = Field(default=None, title="环节结果", max_length=200)


class Fee(Contract):
    """收费项目 (up_task_*_fee_project). Amounts in 分; null where the standard is not a single amount."""

    WRITTEN_UNKNOWN: ClassVar[frozenset[str]] = frozenset({"is_desc"})
    """See `contracts.content.items.Item`."""

    fee_name: str = Field(title="收费项目名称", min_length=1, max_length=300)
    amount_fen: int | None = Field(default=None, ge=0, title="金额（分）")
    fee_stand: str = Field(
        title="收费标准", max_length=2000, description="An amount in it that can be read is that of `amount_fen`."
    )
    by_law: str | None = Field(default=None, title="收费依据", max_length=2000)
    is_desc: bool | None = Field(default=None, title="是否允许减免")
    desc_explain: str | None = Field(default=None, title="减免说明", max_length=2000)


class Window(Contract):
    """办理窗口: a place, its number and its hours."""

    address: str = Field(title="办理地点", min_length=1, max_length=500)
    window_no: str | None = Field(
        default=None, title="窗口号", max_length=50, description="Among the windows that `address` names, if any."
    )
    hours: str | None = Field(default=None, title="办理时间", max_length=500)
    phone: str | None = Field(default=None, title="联系电话", max_length=100)
    traffic: str | None = Field(default=None, title="交通指引", max_length=500)


class Question(Contract):
    """常见问题."""

    question: str = Field(title="问题", min_length=1, max_length=1000)
    answer: str = Field(title="解答", min_length=1, max_length=5000)


class Guide(Contract):
    """How to get one item done. It has the item's code, but is released separately, with its own versions."""

    code: str = Field(title="实施编码", pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$")
    task_name: str = Field(title="事项名称", min_length=1, max_length=1000)
    dept_name: str = Field(title="实施主体", min_length=1, max_length=200)
    accept_condition: str | None = Field(default=None, title="受理条件", max_length=20_000)
    materials: list[Material] | None = Field(
        default=None, title="申请材料", max_length=200, description="Null: it is unknown which materials are needed."
    )
    steps: list[Step] = Field(default=[], title="办理流程", max_length=50)
    fees: list[Fee] = Field(default=[], title="收费项目", max_length=100)
    windows: list[Window] = Field(default=[], title="办理窗口", max_length=100)
    questions: list[Question] = Field(default=[], title="常见问题", max_length=100)
    by_law: list[LegalBasis] = Field(default=[], title="设定依据", max_length=100)
    special_procedure: str | None = Field(default=None, title="特别程序", max_length=2000)
    time_limit_explain: str | None = Field(default=None, title="时限说明", max_length=2000)
    link_way: str | None = Field(default=None, title="咨询方式", max_length=1000)
    supervise_way: str | None = Field(default=None, title="监督投诉方式", max_length=1000)
    remedy: str | None = Field(default=None, title="行政复议与行政诉讼", max_length=2000)
    announcements: list[Announcement] | None = Field(default=None, title="预告", max_length=MOST_ANNOUNCEMENTS)
    salt: str | None = Salt
