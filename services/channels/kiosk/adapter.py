"""Hall kiosk: items that the hall takes (是否进驻政务大厅), answers at a glance, window numbers, short plain texts.

Short answers that are made from codes are made in English as well, under `…_en`.
"""

from contracts.base import Json
from contracts.catalog import Item
from contracts.guides import Guide, Window
from contracts.publication import Kind, Publication
from services.channels import english, phrases, shapes
from services.channels.bodies import guide_of, item_of
from services.channels.opening import opening

NOTE = 60
"""Characters of a note beside a material: who stands reads little."""

PARAGRAPH = 100
"""Characters of a paragraph. A longer text becomes several: nothing is cut."""


class Kiosk:
    """实体大厅."""

    name = "kiosk"
    title = "政务服务大厅自助查询"

    def project(self, publication: Publication) -> Json | None:
        """See `Adapter`. An item outside the hall and a guide without a window are not shown here."""
        match publication.kind:
            case Kind.ITEM:
                item = item_of(publication)
                return item_document(item) if item.is_entry_center else None
            case Kind.GUIDE:
                guide = guide_of(publication)
                return guide_document(guide) if guide.windows else None
            case Kind.APPLICATION:
                return shapes.case_document(publication)

    def summary(self, document: Json) -> Json:
        """See `Adapter`; with the mark of what this very machine can do."""
        more = {field: document[field] for field in ("is_service_terminals", "glance_en") if field in document}
        return shapes.summary(document) | more


def item_document(item: Item) -> Json:
    """Head and glance, whether this machine can do it, and what one gets."""
    return {
        **shapes.item_head(item),
        "glance_en": english.glance(item),
        "is_service_terminals": item.is_service_terminals,
        "why_come": phrases.shorten(item.limit_scene_explain, NOTE) or None,
        "result_name": item.result_name,
        "laws": [phrases.law(basis) for basis in item.by_law],
    }


def guide_document(guide: Guide) -> Json:
    """What to bring, where to go, what it costs; each text in paragraphs that can be read standing."""
    return {
        **shapes.guide_head(guide),
        "glance": {"bring": phrases.bring(guide), "where": where(guide), "cost": phrases.fees(guide)},
        "glance_en": {"bring": english.bring(guide), "cost": english.fees(guide)},
        "windows": [_window(window) for window in guide.windows],
        "materials": [
            {
                "name": one.material_name,
                "words": phrases.material(one),
                "words_en": english.material(one),
                "note": phrases.shorten(one.fill_explain or phrases.material_source(one), NOTE),
            }
            for one in guide.materials
        ],
        "condition": phrases.pieces(guide.accept_condition, PARAGRAPH),
        "steps": [step.name for step in guide.steps],
        "fees": [{"name": fee.fee_name, "words": phrases.fee(fee), "words_en": english.fee(fee)} for fee in guide.fees],
        "questions": [
            {"question": one.question, "answer": phrases.pieces(one.answer, PARAGRAPH)} for one in guide.questions
        ],
        "contact": guide.link_way,
        "complaint": guide.supervise_way,
    }


def where(guide: Guide) -> str:
    """Number of the first window that has one, else its place."""
    return next((window.window_no for window in guide.windows if window.window_no), guide.windows[0].address)


def _window(window: Window) -> Json:
    """One window; `opening` is `hours` as far as a machine can be sure of them, see `opening.opening`."""
    return {
        "no": window.window_no,
        "place": window.address,
        "hours": window.hours,
        "opening": opening(window.hours),
        "phone": window.phone,
    }


ADAPTER = Kiosk()
