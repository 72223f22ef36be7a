"""The short answers of `services.channels.phrases` in English, made from the same codes; never a translation of text.

What the county releases is Chinese and stays so. Only what we say of it ourselves is said twice. Pure.
"""

from contracts.catalog import Item
from contracts.guides import Fee, Guide, Material

DAY = {"1": "working day", "2": "day"}
KIND = {"1": "original", "2": "copy", "3": "original and copy"}
FORM = {"1": "on paper", "2": "electronic", "3": "on paper or electronic"}

_COURIER = "3"
_IMMEDIATE = "1"


def glance(item: Item) -> dict[str, str | None]:
    """The item's short answers, as `shapes.item_head` has them under `glance`."""
    return {"how_long": how_long(item), "cost": cost(item), "visits": visits(item), "at_home": at_home(item)}


def counted(count: int, noun: str) -> str:
    """`1 visit`, `2 visits`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def days(count: int | None, unit: str | None) -> str | None:
    """`5 working days`."""
    return None if count is None else counted(count, DAY.get(unit or "", "day"))


def how_long(item: Item) -> str | None:
    """See `phrases.how_long`."""
    if item.promise_day == 0 or (item.project_type == _IMMEDIATE and (item.promise_day or 0) <= 1):
        return "while you wait"
    return days(item.promise_day, item.promise_type) or days(item.anticipate_day, item.anticipate_type)


def visits(item: Item) -> str | None:
    """See `phrases.visits`."""
    match item.limit_scene_num:
        case None:
            return None
        case 0:
            return "no visit"
        case 1:
            return "1 visit at most"
        case times:
            return counted(times, "visit")


def at_home(item: Item) -> str:
    """See `phrases.at_home`."""
    if item.is_online and item.limit_scene_num == 0:
        return "yes, all of it online"
    if item.is_online and item.limit_scene_num:
        return f"apply online, then {counted(item.limit_scene_num, 'visit')}"
    if item.is_online:
        return "apply online"
    return "apply by courier" if _COURIER in item.handle_type else "no, please come in person"


def cost(item: Item) -> str | None:
    """See `phrases.cost`."""
    return None if item.is_fee is None else "fee charged" if item.is_fee else "no fee"


def yuan(fen: int) -> str:
    """2000 → `CNY 20`, 1050 → `CNY 10.50`."""
    return f"CNY {fen // 100}" if fen % 100 == 0 else f"CNY {fen // 100}.{fen % 100:02}"


def fee(fee: Fee) -> str | None:
    """An amount, where the fee is one amount; None where only its standard, a Chinese text, says it."""
    if fee.amount_fen is None:
        return None
    return yuan(fee.amount_fen) + (" (may be reduced)" if fee.is_desc else "")


def fees(guide: Guide) -> str | None:
    """The sum of all fees, when each is one amount."""
    amounts = [one.amount_fen for one in guide.fees]
    known = [amount for amount in amounts if amount is not None]
    return yuan(sum(known)) if amounts and len(known) == len(amounts) else None


def material(material: Material) -> str:
    """See `phrases.material`."""
    need = "may follow later" if material.tolerable else "required" if material.is_need else "if it applies"
    kind = KIND.get(material.material_type, "")
    number = f"{kind} × {material.copies}" if kind and material.copies else kind
    return " · ".join(part for part in (need, number, FORM.get(material.material_format)) if part)


def bring(guide: Guide) -> str | None:
    """How many things must be brought; their names are the county's words."""
    if not guide.materials:
        return None
    needed = sum(one.is_need and not one.tolerable for one in guide.materials)
    return counted(needed, "thing") if needed else "nothing that must be brought"
