"""Suggest a mapping from a table's header: the names of the national tables, and how counties spell them.

A suggestion is printed for a person to read. Columns that no field is known for are listed as comments, so that it can
be seen what would be lost. A column whose name fits two fields is not guessed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import yaml

from services.importing.fields.conversions import compared
from services.importing.fields.notes import shown
from services.importing.formats.csv_reading import csv_records
from services.importing.formats.file_kinds import FileKind, kind_of
from services.importing.formats.rows import LARGEST_FILE, refused
from services.importing.formats.table_header import LOOKED_AT, Header, Record, best_header
from services.importing.formats.xls_reading import xls_sheets
from services.importing.formats.xlsx_reading import xlsx_sheets
from shared.errors import Violation

MOST_EXAMPLES = 3
"""Different values that are shown of a column, so that a person sees what it contains."""

ITEM_SPELLINGS = {
    "code": "实施编码 事项编码 实施清单编码 事项实施编码 业务办理项编码 办理项编码 事项代码 权力编码 编码",
    "local_task_code": "地方实施编码 地方编码 本地编码 原事项编码 内部编码",
    "catalog_code": "基本编码 事项基本编码 目录编码 基本目录编码 国家基本编码",
    "task_name": "事项名称 实施事项名称 业务办理项名称 办理项名称 政务服务事项名称 服务事项名称 名称",
    "short_name": "事项简称 简称",
    "keywords": "常用叫法 关键词 关键字 搜索关键词 俗称 别名",
    "task_type": "事项类型 权力类型 事项类别 职权类型 类型",
    "use_level": "行使层级 实施层级 办理层级 层级",
    "dept_name": "实施主体 实施部门 实施机构 实施主体名称 责任部门 主管部门 办理部门 部门名称 单位名称 部门 单位",
    "dept_code": "实施主体编码 部门编码 实施机构编码 统一社会信用代码 组织机构代码 部门统一社会信用代码 单位编码",
    "dept_type": "实施主体性质 主体性质",
    "entrust_name": "委托部门 受委托部门",
    "power_source": "权力来源",
    "serve_type": "服务对象 办理对象 面向对象 申请对象 适用对象",
    "project_type": "办件类型 办理类型",
    "handle_type": "办理形式 办理方式 受理方式",
    "handle_area": "通办范围",
    "anticipate_day": "法定办结时限 法定时限 法定期限 法定办理时限 法定办结期限",
    "anticipate_type": "法定办结时限单位 法定时限单位",
    "promise_day": "承诺办结时限 承诺时限 承诺期限 承诺办理时限 承诺办结期限",
    "promise_type": "承诺办结时限单位 承诺时限单位",
    "limit_scene_num": "到办事现场次数 跑动次数 到现场次数 最多跑动次数 到办事现场的次数 跑腿次数",
    "limit_scene_explain": "必须现场办理原因说明 必须到现场原因",
    "is_fee": "是否收费 收费与否",
    "is_entry_center": "是否进驻政务大厅 进驻大厅 是否进驻大厅 是否进驻政务服务中心 是否进驻中心 进驻政务大厅",
    "is_online": "是否网办 是否网上办理 网办 可否网办 是否支持网上办理",
    "is_schedule": "是否支持预约办理 是否预约 是否支持预约",
    "is_pay_online": "是否支持网上支付 网上支付",
    "is_express": "是否支持物流快递 物流快递 是否支持邮寄 是否快递",
    "is_service_terminals": "是否支持自助终端办理 自助终端办理 是否自助办理",
    "online_handle_depth": "网上办理深度 网办深度",
    "online_handle_url": "网上办理地址 在线办理地址 网办地址 网上办理链接 在线办理链接",
    "mobile_terminal_url": "移动端办理地址 手机办理地址",
    "user_topic_type": "面向自然人事项主题分类 自然人主题 个人主题分类 自然人主题分类",
    "corp_topic_type": "面向法人事项主题分类 法人主题 法人主题分类",
    "result_type": "审批结果类型 结果类型",
    "result_name": "审批结果名称 结果名称 办理结果 结果文书",
    "plan_effective_date": "计划生效日期 生效日期 实施日期",
    "plan_cancel_date": "计划取消日期 取消日期 失效日期",
    "by_law": "设定依据 法律依据 实施依据 办理依据",
    "accept_condition": "受理条件 申请条件 办理条件 申办条件",
    "materials": "申请材料 所需材料 办理材料 申请材料名称 材料清单 提交材料 材料",
    "steps": "办理流程 办事流程 办理程序 流程 办理环节",
    "fees": "收费项目 收费项目名称",
    "special_procedure": "特别程序",
    "time_limit_explain": "时限说明 承诺时限说明 办理时限说明",
    "link_way": "咨询方式 咨询电话 联系电话 咨询渠道 电话",
    "supervise_way": "监督投诉方式 投诉电话 监督电话 监督投诉电话 监督投诉渠道",
    "remedy": "行政复议与行政诉讼 救济途径",
    "window_address": "办理地点 办公地址 办理地址 窗口地址 受理地点 地址",
    "window_no": "窗口号 办理窗口 窗口名称 窗口",
    "window_hours": "办理时间 办公时间 受理时间 工作时间 时间",
    "window_phone": "窗口电话",
    "window_traffic": "交通指引 乘车路线",
    "region": "行政区划 行政区划代码 区划代码 区划编码",
    "task_state": "事项状态 状态",
    "version": "事项版本 版本号 版本",
    "operation": "操作标识 操作类型 操作",
}
"""Our field → the names of its column, the best one first."""

CHILD_SPELLINGS: dict[str, dict[str, str]] = {
    "materials": {
        "material_name": "材料名称 申请材料 申请材料名称 名称",
        "is_need": "是否必要 材料必要性 必要性 是否必需 是否必须",
        "tolerable": "可容缺后补 是否容缺 容缺受理",
        "material_type": "材料类型 原件复印件 原件/复印件",
        "material_format": "材料形式 材料形态 纸质电子",
        "copies": "份数 材料份数 数量 纸质份数",
        "source_type": "来源渠道 材料来源 来源",
        "source_explain": "来源渠道说明 来源说明",
        "form_url": "空白表格 空白表格地址",
        "example_url": "示例样表 样表地址",
        "fill_explain": "填报须知 填写说明",
        "accept_stand": "受理标准 材料要求",
    },
    "fees": {
        "fee_name": "收费项目名称 收费项目 费用名称 名称",
        "amount": "金额 收费金额",
        "fee_stand": "收费标准 标准",
        "by_law": "收费依据 依据",
        "is_desc": "是否允许减免 可否减免",
        "desc_explain": "减免说明",
    },
    "steps": {
        "name": "环节名称 步骤名称 办理环节 环节 步骤 名称",
        "content": "办理内容 环节内容 内容 审查标准",
        "day": "环节时限 办理时限 时限",
        "result": "环节结果 办理结果 结果",
    },
    "questions": {"question": "问题 常见问题", "answer": "解答 回答 答复"},
    "windows": {
        "address": "办理地点 窗口地址 地址",
        "window_no": "窗口号 窗口名称 窗口",
        "hours": "办理时间 办公时间",
        "phone": "联系电话 窗口电话 电话",
        "traffic": "交通指引",
    },
}
_NEEDED_OF_CHILD = {"materials": 2, "fees": 2, "steps": 2, "questions": 2, "windows": 2}
"""Columns of a child table, beside the code, that must be known before a sheet is taken for one."""

_NOTE = re.compile(r"[（(【\[].*?[)）】\]]|[*＊:：]|\d+[.、]")


@dataclass
class Suggestion:
    """A suggested mapping. `lost`: columns for which no field is known; `sheets`: the sheets with items."""

    columns: dict[str, str] = field(default_factory=dict)
    children: dict[str, dict[str, object]] = field(default_factory=dict)
    sheets: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def as_yaml(self, name: str) -> str:
        """Return the mapping file, with the lost columns as comments."""
        content: dict[str, object] = {"columns": self.columns}
        if len(self.sheets) > 1:
            content["sheets"] = self.sheets
        if self.children:
            content["children"] = self.children
        lost = "".join(f"#   {one}\n" for one in self.lost)
        head = f"# Suggested from the header of {name}. Read it before you use it.\n"
        tail = f"# No field is known for these columns. They are left out:\n{lost}" if lost else ""
        return head + yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120) + tail


@dataclass(frozen=True)
class HeaderTable:
    """The header of one sheet (of a CSV file: without a name), and for each column its first values."""

    sheet: str
    header: Header
    examples: dict[str, list[str]]


def suggested(path: Path, largest: int = LARGEST_FILE) -> Suggestion:
    """Suggest a mapping for a table of any kind.

    Raises `Invalid` if no sheet has a column for the item's code, or if the file is no table; `NotFound`, `TooLarge`.
    """
    tables = tables_of(path, largest)
    made = suggested_from(tables)
    if "code" not in made.columns:
        seen = [(one.sheet, ", ".join(_named(one.header))) for one in tables]
        has = "; ".join(f"{name}: {names[:200]}" if name else names[:400] for name, names in seen)
        raise refused(path, f"no column looks like the 实施编码 of an item; it has {has[:800] or 'nothing'}")
    return made


def suggested_from(tables: Sequence[HeaderTable]) -> Suggestion:
    """Suggest a mapping for these tables, perhaps without a column for the item's code."""
    made = Suggestion()
    for one in tables:
        _add_sheet(made, one.sheet, one.header)
    return made


def tables_of(path: Path, largest: int = LARGEST_FILE) -> list[HeaderTable]:
    """Return the tables of a file that have a header. Raises `Invalid` if it is no table; `NotFound`, `TooLarge`."""
    found = []
    for name, first in _beginnings(path, largest):
        header = best_header(first, _known)
        if header is not None:
            found.append(HeaderTable(name, header, _examples(first, header)))
    return found


def _examples(first: Sequence[Record], header: Header) -> dict[str, list[str]]:
    rows = [record for number, record in first if number > header.last_row and not isinstance(record, Violation)]
    found = {}
    for place, name in enumerate(header.names):
        values = (shown(row[place].strip()) for row in rows if place < len(row) and row[place].strip())
        if not header.unnamed(place):
            found[name] = [value for value in dict.fromkeys(values) if value][:MOST_EXAMPLES]
    return found


def _beginnings(path: Path, largest: int) -> list[tuple[str, list[Record]]]:
    kind = kind_of(path, largest)
    if kind == FileKind.TEXT:
        return [("", list(islice(csv_records(path, largest), LOOKED_AT)))]
    with (xlsx_sheets if kind == FileKind.XLSX else xls_sheets)(path) as sheets:
        return [(sheet.name, list(islice(sheet.records(), LOOKED_AT))) for sheet in sheets]


def _add_sheet(made: Suggestion, sheet: str, header: Header) -> None:
    names = _named(header)
    items = _fields(names, ITEM_SPELLINGS)
    child = max(CHILD_SPELLINGS, key=lambda one: len(_fields(names, CHILD_SPELLINGS[one])))
    of_child = _fields(names, CHILD_SPELLINGS[child])
    is_child = len(of_child) >= _NEEDED_OF_CHILD[child] and "task_type" not in items and "dept_name" not in items
    if sheet and is_child and "code" in items and (made.columns or "task_name" not in items):
        made.children.setdefault(child, {"sheet": sheet, "code": items["code"], "columns": of_child})
        made.columns.pop(child, None)
        taken = {items["code"], *of_child.values()}
    elif "code" in items:
        made.sheets += [sheet] if sheet else []
        for ours, column in items.items():
            if ours not in made.children:
                made.columns.setdefault(ours, column)
        taken = set(made.columns.values())
    else:
        return
    made.lost += [f"{name}  ({sheet})" if sheet else name for name in names if name not in taken]


def _fields(names: Sequence[str], known: Mapping[str, str]) -> dict[str, str]:
    """Return our field → the column with the best known spelling of it; earlier spellings are better."""
    found: dict[str, str] = {}
    bare = {bare_name(name): name for name in reversed(names)}
    for ours, spellings in known.items():
        column = next((bare[bare_name(one)] for one in (ours, *spellings.split()) if bare_name(one) in bare), None)
        if column is not None and column not in found.values():
            found[ours] = column
    return found


def _known(name: str) -> bool:
    return bare_name(name) in _ALL


def bare_name(name: str) -> str:
    """Return a column's name as spellings are compared: without its group, notes in brackets, stars and numbers."""
    own = name if compared(name) == "原件/复印件" else name.rpartition("/")[2] or name
    return compared(_NOTE.sub("", own)) or compared(own)


_ALL = frozenset(
    bare_name(one)
    for table in (ITEM_SPELLINGS, *CHILD_SPELLINGS.values())
    for ours, spellings in table.items()
    for one in (ours, *spellings.split())
)


def _named(header: Header) -> list[str]:
    return [name for place, name in enumerate(header.names) if not header.unnamed(place)]
