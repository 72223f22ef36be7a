"""The fields of a form for the announcement of what is scheduled, in both languages."""

from collections.abc import Mapping

from contracts.base import Json
from contracts.content.announcements import LONGEST_ENGLISH, LONGEST_TEXT
from services.console.pages.forms import by_field
from shared.errors import Invalid, Refused

TOLD = ("announcement", "announcement_en")
FIELDS = {"announcement.text": "announcement", "announcement.text_en": "announcement_en"}
WORDS: Mapping[str, Mapping[str, str]] = {
    "announcement": {
        "scheduled": "要写预告，请先填从什么时候起，而且是以后的时间：立即显示的内容不用预告",
        "no_page": "这个编码现在没有公布的内容，没有页面可以显示预告：请留空",
        "missing": "写了英文预告，也要写中文的",
        "string_too_long": f"预告最多{LONGEST_TEXT}字",
        "personal": "预告是公开的，不能写身份证号、手机号等个人信息",
    },
    "announcement_en": {
        "string_too_long": f"英文预告最多{LONGEST_ENGLISH}个字符",
        "personal": "预告是公开的，不能写身份证号、手机号等个人信息",
    },
}


def errors_of(error: Refused, words: Mapping[str, str]) -> dict[str, str]:
    """Return what a form shows: field → its first message; `words`: of its other fields."""
    if not isinstance(error, Invalid):
        return by_field(error)
    found: dict[str, str] = {}
    for one in error.violations:
        name = FIELDS.get(one.field, one.field)
        message = WORDS[name].get(one.rule, one.message) if name in WORDS else words.get(name, one.message)
        found.setdefault(name, message)
    return found


def told_of(typed: Mapping[str, str]) -> Json:
    """Return the announcement of a form's fields as a request has it; {} for none."""
    given = {"text": typed["announcement"], "text_en": typed["announcement_en"]}
    found = {name: words for name, words in given.items() if words}
    return {"announcement": found} if found else {}


def typed_of(announcement: Mapping[str, str] | None) -> dict[str, str]:
    """Return the fields of a form for an announcement; empty ones for none."""
    told = announcement or {}
    return {"announcement": told.get("text") or "", "announcement_en": told.get("text_en") or ""}
