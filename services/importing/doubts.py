"""What is odd about an item although it breaks no rule: contradictions of real files (domain sections 7.3, 9)."""

from contracts.catalog import Item
from contracts.guides import Guide
from services.importing.conversions import compared
from services.importing.notes import Notes
from services.importing.row import WarningName


def note_doubts(item: Item, guide: Guide | None, notes: Notes) -> None:
    """Note every doubt about one item and its guide."""
    _limits(item, notes)
    _visits(item, notes)
    if guide is not None:
        _phones(guide, notes)


def _limits(item: Item, notes: Notes) -> None:
    legal, promise = item.anticipate_day, item.promise_day
    if promise is not None and legal is None:
        notes.warn(WarningName.MISSING_LIMIT, "anticipate_day", "a promise without a legal limit", f"promise {promise}")
    elif promise is not None and legal is not None and item.promise_type == item.anticipate_type and promise > legal:
        notes.warn(WarningName.PROMISE_OVER_LIMIT, "promise_day", f"longer than the legal limit of {legal}", promise)


def _visits(item: Item, notes: Notes) -> None:
    if item.limit_scene_num == 0 and not item.is_online and not item.is_express:
        message = "no visit needed, but neither online nor by courier (G-5)"
        notes.warn(WarningName.ZERO_VISITS_WITHOUT_CHANNEL, "limit_scene_num", message, 0)


def _phones(guide: Guide, notes: Notes) -> None:
    consult, complain = guide.link_way, guide.supervise_way
    if consult and complain and compared(consult) == compared(complain):
        message = "the same as for consultation: who complains reaches who is complained of (G-8)"
        notes.warn(WarningName.SAME_PHONE, "supervise_way", message, complain)
