"""The words of rows for people: logs, actions, who acted, and each field before and after. Pure."""

from collections.abc import Mapping
from typing import Any

from contracts.base import Json
from contracts.topology import CONSOLE, SUBSCRIPTIONS
from services.console.accounts.roles import titles
from services.console.content.shape import ContentKind, label_of
from services.console.content.values import UNKNOWN
from services.console.operations.actions import ACTION_TITLES
from shared.audit.differences import differences
from shared.tokens.person import StaffRole

LOG_TITLES: Mapping[str, str] = {
    CONSOLE: "管理台",
    "catalog": "事项",
    "guides": "办事指南",
    "applications": "办件",
    "ledger": "账本",
    SUBSCRIPTIONS: "订阅",
}
"""Titles of the logs; the channels have titles of their own."""

PEOPLE_ACTIONS: Mapping[str, str] = {
    "person.created": "新建账户",
    "person.changed": "修改账户",
    "person.locked": "锁定账户",
    "person.unlocked": "解除锁定",
    "person.signed_in": "登录",
    "person.bound": "绑定单位账号",
    "person.unbound": "解除单位账号的绑定",
    "person.sign_in_refused": "拒绝用单位账号登录",
    "password.reset": "重置密码",
    "password.changed": "修改密码",
    "second_factor.enabled": "启用两步验证",
    "second_factor.disabled": "停用两步验证",
    "second_factor.reset": "移除两步验证",
    "second_factor.codes_renewed": "更换恢复码",
    "second_factor.code_used": "使用恢复码",
    "second_factor.key_changed": "更换两步验证的密钥",
    "delegation.given": "委托他人",
    "delegation.revoked": "撤销委托",
    "token.created": "新建令牌",
    "token.revoked": "撤销令牌",
}
OUTCOMES: Mapping[str, str] = {"begun": "开始", "done": "完成", "failed": "没有成功"}
ACTIONS: Mapping[str, str] = {
    **PEOPLE_ACTIONS,
    **{
        f"{action}.{end}": f"{title}：{word}"
        for action, title in ACTION_TITLES.items()
        for end, word in OUTCOMES.items()
    },
    "set.begun": "开始成组发布",
    "set.cancelling": "取消成组发布",
    "set.cancelled": "成组发布已取消",
    "set.complete": "成组发布已发齐",
    "preview.made": "生成预览链接",
    "preview.revoked": "撤销预览链接",
    "block.created": "新建内容块",
    "block.bound": "修改内容块的使用范围",
    "block.changed": "修改内容块",
    "block.deleted": "删除内容块",
    "audit.exported": "导出审计日志",
    "audit.verified": "核验审计日志",
    "audit.removed": "删除满十年的审计记录",
    "save": "保存草稿",
    "release": "发布",
    "withdraw": "撤下",
    "suspend": "暂停",
    "restore": "恢复",
    "cancel_plans": "取消计划",
    "undo": "撤销修改",
    "follow": "随事项变动",
    "import": "导入",
    "undo_import": "撤销导入",
    "complete_set": "成组发布生效",
    "announce": "显示预告",
    "directory": "导入基本目录",
    "feedback_open": "收到意见",
    "feedback_answered": "答复意见",
    "feedback_closed": "关闭意见",
    "open": "登记办件",
    "facts": "更新办件",
    "report": "更新办件进度",
    "personal_data": "更新办件个人信息",
    "reissue": "更换查询码",
    "erase": "删除办件内容",
    "erase_bodies": "删除旧版本内容",
    "fall_due": "办件到期",
    "recount": "重算期限",
    "calendar": "更新工作日历",
    "compact": "清理旧版本内容",
    **{str(action): title for action, title in ACTION_TITLES.items()},
    "repair": "按账本修复",
    "screen.offered": "登记屏幕",
    "screen.enrolled": "屏幕启用",
    "screen.revoked": "停用屏幕",
    "key.listed": "来源的新密钥",
    "key.retired": "来源的密钥到期",
    "key.revoked": "撤销来源的密钥",
    "sign_again": "重新签名",
    "submit_review": "提交审核",
    "sign_gate": "审核通过",
    "return_review": "审核退回",
    "withdraw_review": "收回审核",
    "reopen_review": "成组发布撤销，审核恢复有效",
    "urgent_request": "请求紧急撤下",
    "urgent_withdrawal": "紧急撤下",
    "rename": "更改县名",
    "subscription.add": "新建订阅",
    "subscription.change": "修改订阅",
    "subscription.pause": "暂停推送",
    "subscription.resume": "恢复推送",
    "subscription.revoke": "撤销订阅",
    "subscription.key-add": "新建订阅的密钥",
    "subscription.key-revoke": "撤销订阅的密钥",
    "subscription.rotate": "更换推送的签名密钥",
    "subscription.redeliver": "重送事件",
    "subscription.test": "发测试事件",
    "subscription.restart": "重新读账本，订阅从头开始",
}
FIELDS: Mapping[str, str] = {
    "display_name": "姓名",
    "roles": "角色",
    "departments": "单位",
    "locked": "已锁定",
    "title": "用途",
    "expires_at": "到期",
    "number": "编号",
    "reason": "理由",
    "detail": "结果",
    "members": "内容",
    "effective_at": "生效时间",
    "undoes": "撤销的一组",
    "problem": "问题",
    "link": "链接摘要",
    "version": "版本",
    "revision": "修订号",
    "state": "状态",
    "draft": "草稿摘要",
    "released": "发布内容摘要",
    "releases": "发布记录",
    "name": "名称",
    "value": "内容",
    "bound": "使用范围",
    "events": "办理环节",
    "digest": "内容摘要",
    "through": "删除到序号",
    "at": "时间",
    "hash": "链值",
    "rows": "条数",
    "contact": "联系部门",
    "filters": "筛选条件",
    "delivery": "收到的方式",
    "url": "回调地址",
    "rate": "每秒次数",
    "payload_limit": "报文上限",
    "position": "位置",
    "epoch": "事件流",
    "first": "从位置",
    "last": "到位置",
    "opened": "重送",
}
MACHINES: Mapping[str, str] = {
    "command_line": "命令行（直接打开数据库）",
    "screen": "大厅屏幕",
    "auditor": "巡检",
    "bootstrap": "管理令牌",
    "operator": "命令行（运维令牌）",
    "system": "系统自动",
    "intake": "大厅系统",
    "demo": "演示数据",
}
LONGEST_VALUE = 400


def told(row: Json, log_title: str) -> Json:
    """Return a row with its words: `log_title`, `action_title`, `actor_title`, `roles`, and `fields` that differ."""
    actor = row["actor"]
    return {
        **row,
        "log_title": log_title,
        "action_title": ACTIONS.get(row["action"], row["action"]),
        "actor_title": MACHINES.get(actor["name"], actor["title"]),
        "roles": "、".join(_roles(actor["roles"])),
        "fields": fields(row),
    }


def fields(row: Json) -> list[Json]:
    """Return `{"label", "before", "after"}` of each field that differs; of a saved draft, the draft's fields."""
    kind, _, _ = row["object"].partition(":")
    found = [_field(one, _content_label(kind, one["field"])) for one in row.get("changes") or []]
    found += [_field(one, _label(one["field"])) for one in differences(row["before"], row["after"])]
    return found


def _field(one: Json, label: str) -> Json:
    more = f"还有 {one['more']} 处" if "more" in one else ""
    return {"label": label or "…", "before": _value(one["before"]), "after": more or _value(one["after"])}


def _content_label(kind: str, path: str) -> str:
    return label_of(ContentKind(kind), path) if kind in set(ContentKind) else _label(path)


def _label(path: str) -> str:
    name, dot, rest = path.partition(".")
    return f"{FIELDS.get(name, name)}{dot}{rest}"


def _value(value: Any) -> str:
    """Return a value as text; a value that was too long for the row is shown by its digest."""
    match value:
        case None:
            return ""
        case bool():
            return "是" if value else "否"
        case list():
            return "、".join(_value(one) for one in value)[:LONGEST_VALUE] or "（空）"
        case {"sha256": str() as digest}:
            return f"（内容较长，摘要 {digest[:16]}）"
        case dict():
            return "；".join(f"{_label(name)} {_value(one)}" for name, one in value.items())[:LONGEST_VALUE]
        case _:
            return str(value)[:LONGEST_VALUE]


def _roles(names: list[str] | None) -> list[str]:
    if names is None:
        return [UNKNOWN]
    known = {str(role) for role in StaffRole}
    return [*titles(StaffRole(name) for name in names if name in known), *(name for name in names if name not in known)]
