"""How the form of a document is cut into sections, and what helps to fill in a field, with the source of its rule."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.console.content.shape import ContentKind, FieldShape, shape_of

OTHERS = "其他"
"""The section of fields that no section names, such as those of a newer contract."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a form. `id`: unique on the page."""

    id: str
    title: str
    fields: tuple[FieldShape, ...]


TITLES: Mapping[ContentKind, Mapping[str, tuple[str, ...]]] = {
    ContentKind.ITEM: {
        "基本信息": (
            "task_name", "short_name", "keywords", "task_type", "dept_name", "dept_code", "dept_type", "catalog_code",
            "use_level", "power_source", "entrust_name", "local_task_code",
        ),
        "服务对象和办理时限": (
            "serve_type", "project_type", "promise_day", "promise_type", "anticipate_day", "anticipate_type",
        ),
        "怎么办": (
            "handle_type", "handle_area", "limit_scene_num", "limit_scene_explain", "is_entry_center", "is_online",
            "online_handle_depth", "online_handle_url", "mobile_terminal_url", "is_schedule", "is_express",
            "is_service_terminals",
        ),
        "收费和结果": ("is_fee", "is_pay_online", "result_type", "result_name"),
        "主题和日期": ("user_topic_type", "corp_topic_type", "plan_effective_date", "plan_cancel_date"),
        "事项的设定依据": ("by_law",),
    },
    ContentKind.GUIDE: {
        "受理条件": ("accept_condition",),
        "申请材料": ("materials",),
        "办理流程": ("steps", "time_limit_explain", "special_procedure"),
        "收费项目": ("fees",),
        "办理窗口": ("windows",),
        "咨询、投诉和救济": ("link_way", "supervise_way", "remedy"),
        "常见问题": ("questions",),
        "指南的设定依据": ("by_law",),
    },
}  # fmt: skip
FROM_CODE = frozenset({"code"})
"""Fields that the page's address states."""
FROM_ITEM = frozenset({"code", "task_name", "dept_name"})
"""Fields of a guide that repeat its item's."""


def sections_of(kind: ContentKind, *, shown: frozenset[str] = frozenset()) -> list[Section]:
    """Return the sections of a form. `shown`: fields shown although they repeat the item's, because they differ."""
    shape = shape_of(kind)
    hidden = (FROM_ITEM if kind is ContentKind.GUIDE else FROM_CODE) - shown
    named = {name for names in TITLES[kind].values() for name in names}
    rest = [name for name in shape if name not in named and name not in hidden]
    titles = {**TITLES[kind], **({OTHERS: tuple(rest)} if rest else {})}
    return [
        Section(f"{kind.value}-{number}", title, tuple(shape[name] for name in names if name in shape))
        for number, (title, names) in enumerate(titles.items(), start=1)
    ]


HELP: Mapping[str, str] = {
    "item.catalog_code": "12位，须与实施编码第20至31位一致（C-5），并在基本目录中（C-7）。",
    "item.dept_code": "统一社会信用代码，须与实施编码前18位一致（C-3）。",
    "item.use_level": "须与实施编码第19位一致（C-4）。",
    "item.task_type": "须与基本编码第3、4位一致（C-6）。",
    "item.keywords": "群众平时怎么叫，一行一个，例如：办身份证。",
    "item.project_type": "承诺时限为0的是即办件，其余是承诺件（G-1）。",
    "item.promise_day": "填天数；当场办结填0。不能长于法定时限（G-2）。",
    "item.anticipate_day": "法律法规规定的时限；行政许可没有特别规定的为20个工作日（G-3，行政许可法第四十二条）。",
    "item.limit_scene_num": "全程网办的为0（G-6）；为0的须能网上办理或者快递申请（G-5）。",
    "item.limit_scene_explain": "要到现场的，写明原因（G-5）。文字里的次数须与上面一致。",
    "item.is_fee": "收费的，须在指南里写明收费项目、标准和依据（G-7）。",
    "item.is_pay_online": "不收费的选“否”（G-7）。",
    "item.online_handle_url": "以 https:// 开头的完整网址。",
    "item.mobile_terminal_url": "以 https:// 开头的完整网址。",
    "item.result_type": "名称以“证”“证书”结尾的为证照，以“批复”“批文”结尾的为批文（G-4）。",
    "item.user_topic_type": "服务对象有自然人的，至少选一个（G-10）。",
    "item.corp_topic_type": "服务对象有法人和其他组织的，至少选一个（G-10）。",
    "item.plan_effective_date": "到这一天才对外公布；不填为发布后立即生效。",
    "item.plan_cancel_date": "到这一天自动撤下（G-16）。",
    "item.by_law": "写到条款；已废止的不能作为依据（G-16）。",
    "guide.accept_condition": "逐条写明，不写“符合规定”之类的空话（G-11）。文字里的材料份数须与材料清单一致。",
    "guide.materials": "逐项列出，不写“其他材料”“有关材料”（G-11）；提供空白表格或者注明自备（G-14）。",
    "guide.materials.copies": "材料名称和须知里写到份数的，须与这里一致。",
    "guide.materials.form_url": "本县的文件以 / 开头，其他以 https:// 开头（G-14）。",
    "guide.materials.files": "PDF、.docx、.xlsx、PNG 或 JPEG，每个最多10MB；不能有宏和脚本，样表不能有真实的个人信息。",
    "guide.steps": "行政许可须有受理、审查、决定、办结、送达（G-12）。",
    "guide.steps.day": "工作日；各环节合计不超过承诺时限（G-12）。",
    "guide.fees": "不收费的不列（G-7）。",
    "guide.fees.amount_fen": "单位为元，例如 10 或 10.50；不是单一金额的留空。须与收费标准里的金额一致。",
    "guide.fees.by_law": "写明文件名称和文号（G-7）。",
    "guide.windows.address": "写到门牌号、楼层（G-9）。",
    "guide.windows.hours": "写明“工作日”，或者“全天”“24小时”（G-9）。",
    "guide.windows.phone": "带区号（G-8）。",
    "guide.link_way": "电话带区号（G-8）。",
    "guide.supervise_way": "不能与咨询电话相同（G-8）。",
    "guide.questions": "行政许可至少一条（G-12）。",
    "guide.by_law": "写到条款；已废止的不能作为依据（G-16）。",
}
"""Kind, field and field of a part → what to write, and the rule it comes from."""


def help_for(kind: ContentKind, name: str, part: str = "") -> str:
    """Return the help for a field or the field of a part; empty if there is none."""
    return HELP.get(f"{kind.value}.{name}.{part}" if part else f"{kind.value}.{name}", "")
