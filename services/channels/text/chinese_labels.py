"""Codes, numbers and long texts as Chinese text for readers; the same wording in every channel. Pure."""

import re
from collections.abc import Iterable
from datetime import datetime

from contracts.codes.tables import HANDLE_TYPE, MATERIAL_FORMAT, MATERIAL_TYPE, SOURCE_TYPE, TABLES, TIME_UNIT
from contracts.content.guides import Fee, Guide, Material
from contracts.content.items import Item, LegalBasis
from shared.text.dates import BEIJING

BADGES: dict[str, str] = {
    "correction": "需要补正",
    "special": "特别程序",
    "not_accepted": "不予受理",
    "withdrawn": "已撤回",
    "deemed": "视为受理",
    "overdue": "超过承诺时限",
}
"""Labels of `contracts.content.cases.Badge`."""

ASK = "以窗口告知为准"
"""Text for a fact that nobody has stated."""

_MADE_THERE = re.compile(
    r"(?:^|[，。；：])(?:由[^，。；]{0,8}(?:窗口|登记处|受理人员|工作人员)[^，。；]{0,4}(?:打印|提供|生成)"
    r"|在(?:[^，。；]{0,6}窗口|登记处|现场)[^，。；]{0,8}(?:当面|现场|当场)?(?:填写|填表|打印))"
)
"""A form that exists only at the window, stated without a condition; `或者在窗口免费领取` leaves the choice."""

_ONLINE = "2"
_COURIER = "3"
_IMMEDIATE = "1"


def labels(table: str, codes: Iterable[str]) -> list[str]:
    """Return the Chinese labels of `codes`. A code that the table does not have is left out."""
    known = TABLES[table]
    return [known[code] for code in codes if code in known]


def label(table: str, code: str | None) -> str | None:
    """Return the Chinese label of one code; None if there is none."""
    return None if code is None else TABLES[table].get(code)


def days(count: int | None, unit: str | None) -> str | None:
    """Return `5个工作日`. Without a unit the number, and that the unit is not known."""
    if count is None:
        return None
    return f"{count}个{TIME_UNIT[unit]}" if unit in TIME_UNIT else f"{count}（单位{ASK}）"


def how_long(item: Item) -> str | None:
    """Return the promised time, or the legal limit if nothing is promised."""
    return promised(item) or days(item.anticipate_day, item.anticipate_type)


def promised(item: Item) -> str | None:
    """Return what the county promises (即办件: 0 or 1 day, domain 6.2); a legal limit alone is not a promise."""
    if item.promise_day == 0 or (item.project_type == _IMMEDIATE and (item.promise_day or 0) <= 1):
        return "当场办结"
    return days(item.promise_day, item.promise_type)


def visits(item: Item) -> str | None:
    """Return how often people must come in person (“最多跑一次” is one or less)."""
    match item.limit_scene_num:
        case None:
            return None
        case 0:
            return "不用跑现场"
        case 1:
            return "最多跑1次"
        case times:
            return f"需到现场{times}次"


def at_home(item: Item) -> str | None:
    """Return whether it can be done from home; None if that is not stated."""
    online = applied_online(item)
    if online is None:
        return None
    if online and item.limit_scene_num == 0:
        return "可以，全程网上办"
    if online and item.limit_scene_num:
        return f"可以网上申请，还需到现场{item.limit_scene_num}次"
    if online:
        return "可以网上申请"
    if item.handle_type is None:
        return f"不能网上申请，其他方式{ASK}"
    return "可以邮寄申请" if _COURIER in item.handle_type else "需到现场办理"


def applied_online(item: Item) -> bool | None:
    """是否网办, as the item states it, or else from its ways of applying."""
    if item.is_online is None and item.handle_type:
        return _ONLINE in item.handle_type
    return item.is_online


def cost(item: Item) -> str | None:
    """Return whether there is a fee; the amounts are in the guide."""
    return None if item.is_fee is None else "收费" if item.is_fee else "不收费"


def yuan(fen: int) -> str:
    """2000 → `20元`, 1050 → `10.50元`."""
    return f"{fen // 100}元" if fen % 100 == 0 else f"{fen // 100}.{fen % 100:02}元"


def fee(fee: Fee) -> str:
    """Return one fee in the words of its standard, or as an amount."""
    reduction = f"（能否减免{ASK}）" if fee.is_desc is None else "（可减免）" if fee.is_desc else ""
    return (fee.fee_stand or (yuan(fee.amount_fen) if fee.amount_fen is not None else "")) + reduction


def fees(guide: Guide) -> str | None:
    """Return all fees in one line; None if the guide has none."""
    return "；".join(f"{one.fee_name}：{fee(one)}" for one in guide.fees) or None


def material(material: Material) -> str:
    """Return `必要 · 原件 1份 · 纸质/电子化`; facts that are not stated are named as such."""
    kind = MATERIAL_TYPE.get(material.material_type or "", "")
    number = f"{material.copies}份" if material.copies else ""
    form = MATERIAL_FORMAT.get(material.material_format or "")
    known = [part for part in (_need(material), f"{kind} {number}".strip(), form) if part]
    if not tells_all(material):
        known.append(f"其余{ASK}" if known else ASK)
    if made_at_window(material):
        known.append("在窗口打印或者填写，不用带")
    return " · ".join(known)


def tells_all(material: Material) -> bool:
    """Whether necessity, kind, number and form are all stated, in known codes."""
    told = (
        material.is_need,
        MATERIAL_TYPE.get(material.material_type or ""),
        material.copies,
        MATERIAL_FORMAT.get(material.material_format or ""),
    )
    return all(value is not None for value in told)


def material_source(material: Material) -> str | None:
    """Return where the applicant gets it."""
    return material.source_explain or SOURCE_TYPE.get(material.source_type or "")


def bring(guide: Guide) -> str | None:
    """Return what must be brought, counted and by name: `3样：甲、乙、丙`. Forms of the window are not brought."""
    if not guide.materials:
        return None
    needed = to_bring(guide.materials)
    made = [one.material_name for one in guide.materials if one.is_need is not False and made_at_window(one)]
    forms = f"{'、'.join(made)}在窗口打印或者填写，不用带" if made else ""
    if not needed:
        return f"没有必须带的材料{'：' if forms else ''}{forms}"
    unsure = "" if all(one.is_need is not None for one in needed) else f"（是否都要带，{ASK}）"
    names = "、".join(one.material_name for one in needed)
    return f"{len(needed)}样{unsure}：{names}{'。' if forms else ''}{forms}"


def to_bring(materials: Iterable[Material]) -> list[Material]:
    """Return the materials that are not stated to be optional, to be handed in later or to be made at the window."""
    return [one for one in materials if one.is_need is not False and not one.tolerable and not made_at_window(one)]


def made_at_window(material: Material) -> bool:
    """Whether its texts (填报须知, 来源渠道说明) state that the window prints it or that it is filled in there."""
    texts = (material.fill_explain, material.source_explain)
    return any(text and _MADE_THERE.search(text) for text in texts)


def _need(material: Material) -> str | None:
    if material.tolerable:
        return "可容缺后补"
    return None if material.is_need is None else "必要" if material.is_need else "需要时提供"


def handle_ways(item: Item) -> list[str]:
    """Return the labels of the ways of applying."""
    return [HANDLE_TYPE[code] for code in item.handle_type or () if code in HANDLE_TYPE]


def ways_of_applying(item: Item) -> str:
    """Return the ways of applying in one line; `ASK` if they are not stated, or only in unknown codes."""
    return "" if item.handle_type == [] else "、".join(handle_ways(item)) or ASK


def law(basis: LegalBasis) -> str:
    """`《中华人民共和国户口登记条例》（文号）第十条`."""
    number = f"（{basis.document_no}）" if basis.document_no else ""
    return f"{basis.law_name}{number}{basis.article or ''}"


def beijing_date(moment: datetime) -> str:
    """Return the date in China, `2026-03-01`."""
    return moment.astimezone(BEIJING).date().isoformat()


def size(count: int) -> str:
    """Return bytes as people read them, never rounded to nothing: `1 KB`, `24 KB`, `1.3 MB`."""
    thousands = -(-count // 1024)
    if thousands < 1024:
        return f"{thousands} KB"
    tenths = count * 10 // 1024**2
    return f"{tenths // 10}.{tenths % 10} MB"


def pieces(text: str | None, longest: int) -> list[str]:
    """Split `text` into paragraphs of at most `longest` characters, by line, sentence, clause. Nothing is lost."""
    lines = (" ".join(line.split()) for line in (text or "").splitlines())
    return [piece for line in lines for piece in _packed(line, longest)]


def shorten(text: str | None, longest: int) -> str:
    """Shorten `text` to one line marked with `……`, after a sentence or clause if one ends in the second half."""
    plain = " ".join((text or "").split())
    if len(plain) <= longest:
        return plain
    head = plain[: longest - 2]
    end = max(head.rfind(mark) for mark in "。；，、;,")
    return (head[: end + 1] if end >= longest // 2 else head).rstrip("。；，、;, ") + "……"


def _packed(line: str, longest: int, marks: tuple[str, ...] = ("。；;！？!?", "，、,:：")) -> list[str]:
    """Pack whole sentences while they fit; split a longer sentence by clauses, a longer clause by characters."""
    if len(line) <= longest:
        return [line] if line else []
    if not marks:
        return [line[at : at + longest] for at in range(0, len(line), longest)]
    sentence = rf"[^{marks[0]}]*[{marks[0]}]+|[^{marks[0]}]+"
    packed: list[str] = []
    for part in re.findall(sentence, line):
        for piece in _packed(part, longest, marks[1:]):
            if packed and len(packed[-1]) + len(piece) <= longest:
                packed[-1] += piece
            else:
                packed.append(piece)
    return [piece for piece in map(str.strip, packed) if piece]
