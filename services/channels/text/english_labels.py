"""The short answers of `chinese_labels` in English, made from the same codes; text is never translated.

What the county releases stays Chinese; only our own phrases exist in both languages. Pure.
"""

from contracts.content.guides import Fee, Guide, Material
from contracts.content.items import Item
from services.channels.text import chinese_labels

ASK = "ask at the window"
"""See `chinese_labels.ASK`."""

DAY = {"1": "working day", "2": "day"}
KIND = {"1": "original", "2": "copy", "3": "original and copy"}
FORM = {"1": "on paper", "2": "electronic", "3": "on paper or electronic"}

_COURIER = "3"
_IMMEDIATE = "1"


def glance(item: Item) -> dict[str, str | None]:
    """Return the item's short answers, as `document_heads.item_head` has them under `glance`."""
    return {"how_long": how_long(item), "cost": cost(item), "visits": visits(item), "at_home": at_home(item)}


def counted(count: int, noun: str) -> str:
    """`1 visit`, `2 visits`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def days(count: int | None, unit: str | None) -> str | None:
    """`5 working days`."""
    if count is None:
        return None
    return counted(count, DAY[unit]) if unit in DAY else f"{count} ({ASK} what unit is meant)"


def how_long(item: Item) -> str | None:
    """See `chinese_labels.how_long`."""
    if item.promise_day == 0 or (item.project_type == _IMMEDIATE and (item.promise_day or 0) <= 1):
        return "while you wait"
    return days(item.promise_day, item.promise_type) or days(item.anticipate_day, item.anticipate_type)


def visits(item: Item) -> str | None:
    """See `chinese_labels.visits`."""
    match item.limit_scene_num:
        case None:
            return None
        case 0:
            return "no visit"
        case 1:
            return "1 visit at most"
        case times:
            return counted(times, "visit")


def at_home(item: Item) -> str | None:
    """See `chinese_labels.at_home`."""
    online = chinese_labels.applied_online(item)
    if online is None:
        return None
    if online and item.limit_scene_num == 0:
        return "yes, all of it online"
    if online and item.limit_scene_num:
        return f"apply online, then {counted(item.limit_scene_num, 'visit')}"
    if online:
        return "apply online"
    if item.handle_type is None:
        return f"not online; {ASK} about other ways"
    return "apply by courier" if _COURIER in item.handle_type else "no, please come in person"


def cost(item: Item) -> str | None:
    """See `chinese_labels.cost`."""
    return None if item.is_fee is None else "fee charged" if item.is_fee else "no fee"


def yuan(fen: int) -> str:
    """2000 → `CNY 20`, 1050 → `CNY 10.50`."""
    return f"CNY {fen // 100}" if fen % 100 == 0 else f"CNY {fen // 100}.{fen % 100:02}"


def fee(fee: Fee) -> str | None:
    """Return the amount of a fee; None if only its standard, a Chinese text, states it."""
    if fee.amount_fen is None:
        return None
    reduction = f" ({ASK} whether it may be reduced)" if fee.is_desc is None else " (may be reduced)"
    return yuan(fee.amount_fen) + (reduction if fee.is_desc is not False else "")


def fees(guide: Guide) -> str | None:
    """Return the sum of all fees if each has an amount."""
    amounts = [one.amount_fen for one in guide.fees]
    known = [amount for amount in amounts if amount is not None]
    return yuan(sum(known)) if amounts and len(known) == len(amounts) else None


def material(material: Material) -> str:
    """See `chinese_labels.material`."""
    kind = KIND.get(material.material_type or "", "")
    number = f"{kind} × {material.copies}" if kind and material.copies else kind
    if not kind and material.copies and material.material_type is None:
        number = f"× {material.copies}"
    known = [part for part in (_need(material), number, FORM.get(material.material_format or "")) if part]
    if not chinese_labels.tells_all(material):
        known.append(f"{ASK} about the rest" if known else ASK)
    if chinese_labels.made_at_window(material):
        known.append("made out at the window, not to be brought")
    return " · ".join(known)


def bring(guide: Guide) -> str | None:
    """Return how many things must be brought; their names exist in Chinese only."""
    if not guide.materials:
        return None
    needed = chinese_labels.to_bring(guide.materials)
    made = any(one.is_need is not False and chinese_labels.made_at_window(one) for one in guide.materials)
    forms = "; forms are made out at the window" if made else ""
    if not needed:
        return f"nothing that must be brought{forms}"
    unsure = "" if all(one.is_need is not None for one in needed) else f" ({ASK} whether all are needed)"
    return counted(len(needed), "thing") + unsure + forms


def _need(material: Material) -> str | None:
    if material.tolerable:
        return "may follow later"
    return None if material.is_need is None else "required" if material.is_need else "if it applies"
