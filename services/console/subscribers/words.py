"""Subscribers in words for people: states, deliveries, and what the service refuses. Pure."""

import re
from collections.abc import Mapping

from services.console.pages.forms import by_field
from shared.errors import Refused

STATES: Mapping[str, str] = {"active": "正常", "paused": "已暂停", "revoked": "已撤销"}
STANDING = "停滞"
DELIVERIES: Mapping[str, str] = {"feed": "自行拉取", "webhook": "推送（webhook）", "amqp": "消息队列（AMQP）"}
DELIVERY_STATES: Mapping[str, str] = {"open": "待送达", "delivered": "已送达", "given_up": "已放弃"}
SCOPES: Mapping[str, str] = {"feed": "读取事件", "deliveries": "读取投递记录"}
DONE: Mapping[str, str] = {
    "changed": "已保存。筛选从现在起的事件开始适用。",
    "paused": "已暂停：不再推送，事件在等待，恢复后全部送达。",
    "resumed": "已恢复：等待的事件马上开始送达。",
    "tested": "已发出测试事件，几秒后在下面的投递记录里；自行拉取的订阅方会在事件流里读到。",
    "key-revoked": "密钥已撤销，立即失效。",
}
BILINGUAL = re.compile(r"(.*[一-鿿].*?) \([^()一-鿿]+\)", re.DOTALL)
"""The service says everything in Chinese and, in brackets, in English."""
RULES: Mapping[str, str] = {
    "string_too_long": "太长，请写短一些",
    "string_too_short": "请填写",
    "missing": "请填写",
    "int_parsing": "应为整数",
    "greater_than_equal": "数字太小",
    "less_than_equal": "数字太大",
}
"""Rule → words, for what the service's models refuse in English. Forms are checked before, so these are rare."""


def chinese(message: str) -> str:
    """Return the Chinese half of what the service says; what has none stays."""
    found = BILINGUAL.fullmatch(message)
    return found[1] if found else message


def errors_of(error: Refused) -> dict[str, str]:
    """Return what a form shows, field → message. Places within filters are told at the field of the JSON."""
    found: dict[str, str] = {}
    rules = {one.field: one.rule for one in getattr(error, "violations", ())}
    for name, message in by_field(error).items():
        field, dot, place = name.partition(".")
        told = RULES.get(rules.get(name, ""), "") or chinese(message)
        # A start that the service refuses is the position that was typed.
        at = "position" if field == "start" else field
        found.setdefault(at, f"{place}：{told}" if dot else told)
    return found
