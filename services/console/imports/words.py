"""States, figures and findings of imports, in Chinese."""

from contracts.base import Json
from services.console.pages.frame import minute
from services.console.upstream.refusal_words import chinese_part

KINDS = {"preview": "预览", "submission": "送审", "run": "导入", "undo_preview": "撤销的预览", "undo": "撤销"}
STATES = {
    "waiting": "排队中",
    "running": "进行中",
    "finished": "完成",
    "stopped": "没有做完",
    "interrupted": "中断了",
}
FIGURES = {
    "new": "新增",
    "changed": "修改",
    "emptied": "其中有字段被清空",
    "withdrawn": "撤下",
    "untouched": "不变",
    "rejected": "不能导入",
    "held": "等您确认",
    "missing": "完整清单里没有的事项",
    "not_reached": "没有处理到",
}
"""In the order in which a page shows them."""

SEVERITIES = {"refused": "整行不能导入", "left_out": "这个字段没有用", "doubtful": "请核对"}
QUESTIONS = {
    "withdrawals": "撤下的事项很多（超过20项或全部的5%），或者有事项会从所有渠道消失",
    "emptying": "很多事项会有字段被清空（超过20项或全部的5%）",
    "changes": "一次修改的事项很多（超过20项或全部的25%）",
}
FILES = {
    "findings.csv": "问题清单（CSV，可用Excel或WPS打开）",
    "findings.json": "问题清单（JSON）",
    "report.jsonl": "每一行的结果（JSON Lines）",
    "rejects.jsonl": "不能导入的行（JSON Lines）",
    "warnings.jsonl": "全部提醒（JSON Lines）",
}
FORMATS = {
    "table": "表格（.xlsx、.xls、CSV）",
    "up-task": "国家平台交换库（JSON）",
    "gd-portal": "广东政务服务网（JSON）",
}
DIALECTS = {"": "国家标准", "guangdong": "广东", "sichuan": "四川", "liaoning": "辽宁"}


def size(count: int) -> str:
    """`1536` → `1.5 KB`."""
    if count < 1024:
        return f"{count} 字节"
    return f"{count / 1024:.1f} KB" if count < 2**20 else f"{count / 2**20:.1f} MB"


def kept(upload: Json) -> str:
    """Return until when an uploaded file is kept, or why it is not here."""
    if upload["removed_at"]:
        return f"已过期，{minute(upload['removed_at'])} 删除"
    if not upload["here"]:
        return "文件不在（备份里没有上传的文件），请重新上传"
    return minute(upload["keep_until"]) if upload["keep_until"] else "任务结束前不会删除"


def figures(outcome: Json) -> list[tuple[str, int]]:
    """Return title and number of each figure, without what is nought and tells nothing."""
    always = ("new", "changed", "withdrawn", "untouched", "rejected")
    found: Json = outcome["figures"]
    return [(title, found[name]) for name, title in FIGURES.items() if found[name] or name in always]


def chinese(text: str) -> str:
    """Return what a job says of itself, in Chinese: jobs keep their sentences in both languages."""
    return chinese_part(text)
