"""Announcements of what is scheduled: the fields of a form in both languages, and those of a complete set."""

from collections.abc import Mapping, Sequence

from contracts.base import Json
from contracts.content.announcements import LONGEST_ENGLISH, LONGEST_TEXT
from services.console.pages.forms import by_field
from services.console.upstream.services import Services
from shared import log
from shared.errors import Invalid, Refused
from shared.tokens.person import Person

_log = log.get("release")
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


def announce(services: Services, person: Person, act: str, members: Mapping[str, Sequence[Json]]) -> None:
    """Show the announcements of a complete set's members, by source. A source that refuses shows none of them.

    It may be asked again. Raises `UpstreamDown`, `Unavailable`.
    """
    for source, some in sorted(members.items()):
        codes = [one["code"] for one in some if one.get("announcement")]
        if codes:
            try:
                services.post(source, "sets/announce", person, {"part_of": act, "codes": codes})
            except Refused as error:
                _log.warning("set not announced", act=act, source=source, reason=str(error))


def typed_of(announcement: Mapping[str, str] | None) -> dict[str, str]:
    """Return the fields of a form for an announcement; empty ones for none."""
    told = announcement or {}
    return {"announcement": told.get("text") or "", "announcement_en": told.get("text_en") or ""}
