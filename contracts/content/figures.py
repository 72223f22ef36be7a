"""The grammar by which a sentence of an item or a guide states one figure: an amount, days, visits, copies, windows.

A sentence is *read* only when it states exactly one figure with its unit and nothing that qualifies it (起, 以上, from,
up to, …). Otherwise it is *unreadable* if it has a figure of this kind, and states *nothing* if it has none. Full width
and half width, 两 and 二, and letter case make no difference. docs/integrating/facts.md has the grammar in words.
"""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from contracts.content.numerals import HAN, NUMBER, NUMBER_EN, number

_GAP = r"\s{0,3}"

_CITATION = re.compile(r"《[^《》]{0,200}》|[一-鿿]{0,12}[〔\[(（]\d{4}[〕\])）]\d{1,6}号|第[^,，。;；]{1,8}条")
_DATE = re.compile(r"\d{4}年(?:\d{1,2}月(?:\d{1,2}日)?)?")

QUALIFIERS = (
    "起", "以上", "以下", "不超过", "不低于", "不少于", "不足", "至少", "最高", "最低", "上限", "下限", "左右",
    "约", "按", "依据", "根据", "比例", "%", "‰", "折", "减半", "减免", "减收", "加收", "另收", "另行", "每增加",
    "每超", "超出", "超过", "除外", "其中", "视", "浮动", "或", "到", "至", "~", "—", "-", "首次", "补办", "补领",
    "换领", "换证", "残疾", "低保", "的", "如", "对", "不含", "待定", "尚未", "不免", "非免", "取消", "原", "曾",
    "自", "from", "up to", "at least", "at most", "about", "between", "plus", "more", "less", "per cent", "or",
    "to", "if", "unless", "except", "first", "not", "was", "until",
)  # fmt: skip
"""Words with which an amount is not one single figure."""

_FREE = re.compile(
    r"免费(?:办理)?|不(?:收取?|需|要)(?:任何)?(?:费用?|钱)|无需(?:缴费|付费)|不收费|零收费|免收(?:费用)?|无收费"
    r"|(?:it is )?free(?: of charge)?|no (?:fee|charge)s?"
)
_MONEY = re.compile(
    rf"(?:人民币|rmb|cny|[¥￥]){_GAP}(?P<before>{NUMBER}){_GAP}(?P<ten>万)?(?!\d)|"
    rf"(?P<after>{NUMBER_EN}){_GAP}(?P<thousands>万)?{_GAP}(?P<unit>元|圆|块|角|分(?!之)|yuan|rmb|cny)"
)
_FEN = {"角": 10, "分": 1}

_DAY_UNITS = "个工作日|工作日|个自然日|自然日|个日历日|日历日|天|日|working days?|business days?|calendar days?|days?"
_DAYS = re.compile(rf"(?P<number>{NUMBER_EN}){_GAP}(?:个)?{_GAP}(?P<unit>{_DAY_UNITS})")
_NAMED_LIMITS = {
    name: re.compile(rf"(?:{word})[^\d,，。;；{HAN}]{{0,10}}(?P<number>{NUMBER_EN}){_GAP}(?P<unit>{_DAY_UNITS})")
    for name, word in (("promise", "承诺|promised?"), ("anticipate", "法定|statutory"))
}
_DAY_WORDS = re.compile(
    r"本?环节|办理|办结|承诺|法定|时限|期限|时间|受理|审查|审核|审批|决定|核发|发证|送达|制证|完成|作出|出具|结果|于|在|为|不超过|最长|需要?|"
    r"用时|共|自受理之日起|自受理起|之?内|以内|(?<![一-鿿])(?:within|in|takes?|it|the|step|time|limit|is)\b|[\s:：,，。.、;；()]"
)

_NO_VISIT = re.compile(
    r"零跑动|零跑腿|零次|不用跑|不需要?跑|一次[都也]不[用需]跑|no visits?(?: (?:is|are) needed| needed)?|zero visits?"
)
_VISITS = re.compile(
    rf"(?:跑|到场|跑动|到现场|到窗口|到办事现场)(?:次数)?(?:为|：|:)?{_GAP}(?P<before>{NUMBER}){_GAP}(?:次|趟)"
    rf"|(?P<after>{NUMBER_EN}){_GAP}(?:次(?:到)?(?:现场|窗口)|visits?|trips?)"
)

_COPIES = re.compile(rf"(?:一式)?{_GAP}(?P<number>{NUMBER_EN}){_GAP}(?:份|copies|copy)")
_DUPLICATE = {"in duplicate": 2, "in triplicate": 3}
_COPY_QUALIFIERS = ("至少", "以上", "各", "或", "每", "人", "at least", "or", "each", "per")

_MATERIALS = re.compile(
    rf"(?:材料|资料){_GAP}(?:一?共|总?计|合计|有)?(?:需|要)?(?:提交)?{_GAP}(?P<before>{NUMBER}){_GAP}(?P<unit>份|项|种|件|个|类|样)"
    rf"|(?:一共|共计|总共|共|合计)(?:需|要)?(?:提交|带|准备)?{_GAP}(?P<after>{NUMBER}){_GAP}"
    r"(?P<kind>份|[项种件个类样](?=(?:申请)?(?:材料|资料)))(?:申请)?(?:材料|资料)?"
    rf"|(?P<english>{NUMBER_EN}){_GAP}(?:documents?|materials?)"
)

_ONE_PLACE, _JOIN = r"[A-Za-z]?(?<!\d)\d{1,6}", r"[-—–~～至到、,，和及]"
_PLACES = re.compile(
    rf"(?:(?<![路街巷道弄\d])(?P<numbers>{_ONE_PLACE}(?:号?{_JOIN}{_ONE_PLACE}){{0,20}}){_GAP}号?{_GAP}(?P<kind>窗口|室(?![一-鿿]))"
    r"|(?P<kind_first>窗口|\bwindows?|\brooms?|\bcounters?)\s{0,3}(?:no\.?|number)?\s{0,3}"
    rf"(?P<then>{_ONE_PLACE}(?:号?(?:{_JOIN}|\s{{1,3}}and\s{{1,3}}){_ONE_PLACE}){{0,20}}))",
    re.IGNORECASE,
)
_PLACE_KINDS = {"窗口": "window", "室": "room"}
MOST_PLACES = 200
"""A range such as 1-200 is expanded no further: a longer one is no range of windows."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sentence states of one kind of figure.

    `value`: the figure; None when there is none, or none that can be read. `unreadable`: it has a figure of this kind
    that the grammar cannot read. `unit`: of days, 1 工作日 or 2 自然日; of materials, the measure word.
    """

    value: int | None = None
    unreadable: bool = False
    unit: str | None = None


NOTHING = Reading()
UNREADABLE = Reading(unreadable=True)


def amount(text: str) -> Reading:
    """Read an amount in 分: 每证10元, 10元/本, ¥10, 10 yuan per copy, 免费, free of charge."""
    plain = _without_citations(_plain(text))
    found = list(_MONEY.finditer(plain))
    if not found:
        if _has_digit(plain) or not _FREE.search(plain):
            return NOTHING
        return Reading(0) if _FREE.fullmatch(_bare(plain)) else UNREADABLE
    rest = _MONEY.sub("", plain, count=1)
    if len(found) > 1 or _has_digit(rest) or _qualified(rest, QUALIFIERS) or _FREE.search(rest):
        return UNREADABLE
    match = found[0]
    yuan = number(match["before"] or match["after"])
    if yuan is None:
        return UNREADABLE
    fen = yuan * (10_000 if match["ten"] or match["thousands"] else 1) * _FEN.get(match["unit"] or "", 100)
    return Reading(int(fen)) if fen == int(fen) else UNREADABLE


def days(text: str) -> Reading:
    """Read a step's time: 5个工作日, 办理时限：5个工作日内办结, within 5 working days.

    Whatever else the text says makes it unreadable: it may be the time of something else, such as a public notice.
    """
    plain = _plain(text)
    found = list(_DAYS.finditer(plain))
    if not found:
        return NOTHING
    rest = _DAY_WORDS.sub("", _DAYS.sub("", plain, count=1))
    return UNREADABLE if len(found) > 1 or rest else _day_reading(found[0])


def limits(text: str) -> dict[str, Reading]:
    """Read the time limits of an item in a sentence, by field: `promise` (承诺), `anticipate` (法定).

    承诺5个工作日，法定20个工作日 states both; a sentence that `days` reads states the promise.
    """
    plain = _plain(text)
    found = {
        name: [_day_reading(match) for match in pattern.finditer(plain)] for name, pattern in _NAMED_LIMITS.items()
    }
    named = {name: one[0] if len(set(one)) == 1 else UNREADABLE for name, one in found.items() if one}
    alone = days(text)
    return named or ({} if alone == NOTHING else {"promise": alone})


def visits(text: str) -> Reading:
    """Read how often people must come: 最多跑0次, 最多跑一次, 零跑动, at most 1 visit."""
    plain = _plain(text)
    found = list(_VISITS.finditer(plain))
    if not found:
        return Reading(0) if _NO_VISIT.search(plain) and not _has_digit(plain) else NOTHING
    numbers = {number(match["before"] or match["after"]) for match in found}
    if _has_digit(_VISITS.sub("", plain)) or _NO_VISIT.search(_VISITS.sub("", plain)):
        return UNREADABLE
    return _only(numbers)


def copies(text: str) -> Reading:
    """Read a number of copies: 一式两份, 共3份, 复印件2份, 2 copies, in duplicate."""
    plain = _plain(text)
    found = list(_COPIES.finditer(plain))
    said = [number for words, number in _DUPLICATE.items() if words in plain]
    if not found and not said:
        return NOTHING
    rest = _COPIES.sub("", plain)
    if len(found) + len(said) > 1 or _qualified(rest, _COPY_QUALIFIERS):
        return UNREADABLE
    return Reading(said[0]) if said else _only({number(found[0]["number"])})


def materials(text: str) -> Reading:
    """Read a number of materials: 申请材料共3份, 共需提交3项材料, 3 documents. `unit`: 份, 项, …"""
    plain = _plain(text)
    found = list(_MATERIALS.finditer(plain))
    if not found:
        return NOTHING
    match = found[0]
    if len(found) > 1 or _qualified(_MATERIALS.sub("", plain), ("至少", "以上", "或", "at least", "or more")):
        return UNREADABLE
    read = _only({number(match["before"] or match["after"] or match["english"])})
    return Reading(read.value, read.unreadable, match["unit"] or match["kind"])


def places(text: str) -> frozenset[tuple[str, str]] | None:
    """Return the windows and rooms that a text names, as (kind, number): 3-5号窗口, 窗口5, 302室, window 5.

    Empty when it names none; None when a range cannot be read.
    """
    found: set[tuple[str, str]] = set()
    for match in _PLACES.finditer(unicodedata.normalize("NFKC", text)):
        numbers = _listed(match["numbers"] or match["then"])
        if numbers is None:
            return None
        word = (match["kind"] or match["kind_first"]).lower()
        found |= {(_PLACE_KINDS.get(word, "room" if word.startswith("room") else "window"), one) for one in numbers}
    return frozenset(found)


def window_numbers(text: str) -> frozenset[str] | None:
    """Return the numbers in a 窗口号 such as 5, A01、A02号窗口, 3-5号; None when it is not such a list."""
    plain = re.sub(
        r"\s|^第|号|窗口|室|windows?|rooms?|counters?|no\.?", "", unicodedata.normalize("NFKC", text).lower()
    )
    if not re.fullmatch(r"[a-z]?\d{1,6}(?:[-—–~至到、,和及][a-z]?\d{1,6}){0,20}", plain):
        return None
    return _listed(plain)


def _listed(text: str) -> frozenset[str] | None:
    """Expand `3-5`, `A01、A02`; leading zeros do not count."""
    found: set[str] = set()
    for part in re.split(r"[、,，和及]|\s+and\s+", text.lower().replace("号", "")):
        ends = [re.fullmatch(r"\s{0,3}([a-z]?)0*(\d+)\s{0,3}", one) for one in re.split(r"[-—–~～至到]", part)]
        first, last = ends[0], ends[-1]
        if first is None or last is None or len(ends) > 2 or last[1] not in ("", first[1]):
            return None
        span = range(int(first[2]), int(last[2]) + 1)
        if not 0 < len(span) <= MOST_PLACES:
            return None
        found |= {f"{first[1]}{number}" for number in span}
    return frozenset(found)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower().strip()


def _without_citations(text: str) -> str:
    return _DATE.sub("", _CITATION.sub("", text))


def _bare(text: str) -> str:
    """Return the text without what may stand around a word for nothing."""
    return re.sub(
        r"^(?:本事项|该事项|本项目|办理|收费标准|费用|this (?:item|service) is)?[:：\s]{0,5}|[。.!；;\s]{1,5}$",
        "",
        text,
    )


def _has_digit(text: str) -> bool:
    return any(sign.isdigit() for sign in text)


def _qualified(rest: str, words: tuple[str, ...]) -> bool:
    return any(
        re.search(rf"\b{word}\b", rest) if word[0].isascii() and word[0].isalpha() else word in rest for word in words
    )


def _day_reading(match: re.Match[str]) -> Reading:
    read = _only({number(match["number"])})
    return Reading(read.value, read.unreadable, None if read.unreadable else _day_unit(match["unit"]))


def _only(numbers: set[Decimal | None]) -> Reading:
    found = numbers.pop() if len(numbers) == 1 else None
    return UNREADABLE if found is None or found != int(found) else Reading(int(found))


def _day_unit(word: str) -> str | None:
    if "工作" in word or "working" in word or "business" in word:
        return "1"
    return "2" if "自然" in word or "日历" in word or "calendar" in word else None
