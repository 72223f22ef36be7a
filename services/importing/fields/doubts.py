"""Warn of items that break no rule but are doubtful: contradictions in real files (domain sections 7.3, 9)."""

from contracts.content.guides import Guide
from contracts.content.items import Item
from contracts.content.unstated_facts import HALL, unknown_of_guide
from services.importing.fields.conversions import compared
from services.importing.fields.notes import Notes
from services.importing.row import WarningName

HOW_TO_STATE_THE_HALL = (
    "not stated whether the hall accepts it, so the kiosk does not show it: fill in 是否进驻政务大厅 (is_entry_center; "
    "for CSV a column, or constants: {is_entry_center: 是})"
)


def note_doubts(item: Item, guide: Guide | None, notes: Notes) -> None:
    """Note every doubt about one item and its guide."""
    _limits(item, notes)
    _visits(item, notes)
    if item.is_entry_center is None:
        notes.warn(WarningName.HALL_UNKNOWN, HALL, HOW_TO_STATE_THE_HALL, item.code)
    if guide is not None:
        _phones(guide, notes)
        _materials(guide, notes)


def _limits(item: Item, notes: Notes) -> None:
    legal, promise = item.anticipate_day, item.promise_day
    if promise is not None and legal is None:
        notes.warn(WarningName.MISSING_LIMIT, "anticipate_day", "a promise without a legal limit", f"promise {promise}")
    elif promise is not None and legal is not None and item.promise_type == item.anticipate_type and promise > legal:
        notes.warn(WarningName.PROMISE_OVER_LIMIT, "promise_day", f"longer than the legal limit of {legal}", promise)


def _visits(item: Item, notes: Notes) -> None:
    if item.limit_scene_num == 0 and item.is_online is False and item.is_express is False:
        message = "no visit is needed, but neither online nor courier is possible (G-5)"
        notes.warn(WarningName.ZERO_VISITS_WITHOUT_CHANNEL, "limit_scene_num", message, 0)


def _materials(guide: Guide, notes: Notes) -> None:
    untold = [name for name in unknown_of_guide(guide) if name.startswith("materials.")]
    if untold:
        message = f"not stated for some material: {', '.join(name.partition('.')[2] for name in untold)}"
        notes.warn(WarningName.MATERIAL_FACTS_UNKNOWN, "materials", message)


def _phones(guide: Guide, notes: Notes) -> None:
    consult, complain = guide.link_way, guide.supervise_way
    if consult and complain and compared(consult) == compared(complain):
        message = "the same as for consultation: complaints reach the unit they are about (G-8)"
        notes.warn(WarningName.SAME_PHONE, "supervise_way", message, complain)
