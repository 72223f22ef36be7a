"""Codes, numbers and long texts in the words that people read: the same words in every channel. Pure."""

import re
from collections.abc import Iterable
from datetime import datetime

from contracts.catalog import Item, LegalBasis
from contracts.codes import (
    HANDLE_TYPE,
    MATERIAL_FORMAT,
    MATERIAL_TYPE,
    SOURCE_TYPE,
    TABLES,
    TIME_UNIT,
)
from contracts.guides import Fee, Guide, Material
from shared.dates import BEIJING

BADGES: dict[str, str] = {
    "correction": "需要补正",
    "special": "特别程序",
    "not_accepted": "不予受理",
    "withdrawn": "已撤回",
    "deemed": "视为受理",
    "overdue": "超过承诺时限",
}
"""`contracts.applications.Badge` in words."""

_COURIER = "3"
_IMMEDIATE = "1"


def labels(table: str, codes: Iterable[str]) -> list[str]:
    """Chinese labels of `codes`. A code of a newer table is left out: people cannot read it."""
    known = TABLES[table]
    return [known[code] for code in codes if code in known]


def label(table: str, code: str | None) -> str | None:
    """Chinese label of one code; None when there is none."""
    return None if code is None else TABLES[table].get(code)


def days(count: int | None, unit: str | None) -> str | None:
    """`5个工作日`; without a unit `5天`."""
    return None if count is None else f"{count}个{TIME_UNIT[unit]}" if unit in TIME_UNIT else f"{count}天"


def how_long(item: Item) -> str | None:
    """How long it takes, as promised (即办件: 0 or 1 day, domain 6.2); the legal limit where nothing is promised."""
    if item.promise_day == 0 or (item.project_type == _IMMEDIATE and (item.promise_day or 0) <= 1):
        return "当场办结"
    return days(item.promise_day, item.promise_type) or days(item.anticipate_day, item.anticipate_type)


def visits(item: Item) -> str | None:
    """How often one must come in person (“最多跑一次” is one or less)."""
    match item.limit_scene_num:
        case None:
            return None
        case 0:
            return "不用跑现场"
        case 1:
            return "最多跑1次"
        case times:
            return f"需到现场{times}次"


def at_home(item: Item) -> str:
    """Whether it can be done from home."""
    if item.is_online and item.limit_scene_num == 0:
        return "可以，全程网上办"
    if item.is_online and item.limit_scene_num:
        return f"可以网上申请，还需到现场{item.limit_scene_num}次"
    if item.is_online:
        return "可以网上申请"
    return "可以邮寄申请" if _COURIER in item.handle_type else "需到现场办理"


def cost(item: Item) -> str | None:
    """Whether it costs anything; the amounts are the guide's."""
    return None if item.is_fee is None else "收费" if item.is_fee else "不收费"


def yuan(fen: int) -> str:
    """2000 → `20元`, 1050 → `10.50元`."""
    return f"{fen // 100}元" if fen % 100 == 0 else f"{fen // 100}.{fen % 100:02}元"


def fee(fee: Fee) -> str:
    """What one fee costs, in the words of its standard, or as an amount."""
    reduction = "（可减免）" if fee.is_desc else ""
    return (fee.fee_stand or (yuan(fee.amount_fen) if fee.amount_fen is not None else "")) + reduction


def fees(guide: Guide) -> str | None:
    """All fees in one line; None when the guide names none."""
    return "；".join(f"{one.fee_name}：{fee(one)}" for one in guide.fees) or None


def material(material: Material) -> str:
    """`必要 · 原件 1份 · 纸质/电子化`."""
    need = "可容缺后补" if material.tolerable else "必要" if material.is_need else "需要时提供"
    kind = MATERIAL_TYPE.get(material.material_type, "")
    number = f"{material.copies}份" if material.copies else ""
    form = MATERIAL_FORMAT.get(material.material_format)
    return " · ".join(part for part in (need, f"{kind} {number}".strip(), form) if part)


def material_source(material: Material) -> str | None:
    """Where the applicant gets it."""
    return material.source_explain or SOURCE_TYPE.get(material.source_type)


def bring(guide: Guide) -> str | None:
    """What to bring, by name, what is necessary first counted: `3样：甲、乙、丙`."""
    needed = [one.material_name for one in guide.materials if one.is_need and not one.tolerable]
    if not guide.materials:
        return None
    if not needed:
        return "没有必须带的材料"
    return f"{len(needed)}样：{'、'.join(needed)}"


def handle_ways(item: Item) -> list[str]:
    """Ways of applying, in words."""
    return [HANDLE_TYPE[code] for code in item.handle_type if code in HANDLE_TYPE]


def law(basis: LegalBasis) -> str:
    """`《中华人民共和国户口登记条例》（文号）第十条`."""
    number = f"（{basis.document_no}）" if basis.document_no else ""
    return f"{basis.law_name}{number}{basis.article or ''}"


def beijing_date(moment: datetime) -> str:
    """The day in China, `2026-03-01`."""
    return moment.astimezone(BEIJING).date().isoformat()


def pieces(text: str | None, longest: int) -> list[str]:
    """`text` as short paragraphs of at most `longest` characters: by line, sentence, clause. No word is lost."""
    lines = (" ".join(line.split()) for line in (text or "").splitlines())
    return [piece for line in lines for piece in _packed(line, longest)]


def shorten(text: str | None, longest: int) -> str:
    """`text` in one line, cut after a whole sentence or clause where one ends in the second half, marked with `……`."""
    plain = " ".join((text or "").split())
    if len(plain) <= longest:
        return plain
    head = plain[: longest - 2]
    end = max(head.rfind(mark) for mark in "。；，、;,")
    return (head[: end + 1] if end >= longest // 2 else head).rstrip("。；，、;, ") + "……"


def _packed(line: str, longest: int, marks: tuple[str, ...] = ("。；;！？!?", "，、,:：")) -> list[str]:
    """Whole sentences as long as they fit; a longer sentence by its clauses; a longer clause by characters."""
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
