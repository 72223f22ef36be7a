"""Hall kiosk: items that the hall takes (是否进驻政务大厅), short answers, window numbers, short plain texts.

Short answers made from codes are also given in English, under `…_en`.
"""

from contracts.base import Json
from contracts.content.files import FILE_TYPES, MaterialFile
from contracts.content.guides import Guide, Material, Window
from contracts.content.items import Item
from contracts.envelope.publication import Kind, Publication
from services.channels.api import document_heads
from services.channels.core.bodies import guide_of, item_of
from services.channels.text import chinese_labels, english_labels
from services.channels.text.opening_hours import opening

NOTE = 60
"""Characters of a note beside a material: people read it standing."""

PARAGRAPH = 100
"""Characters of a paragraph. A longer text is split into several: nothing is cut."""


class Kiosk:
    """实体大厅."""

    name = "kiosk"
    title = "政务服务大厅自助查询"

    def project(self, publication: Publication) -> Json | None:
        """See `Adapter`. Not shown: items not stated to be taken in the hall, and guides without a window."""
        match publication.kind:
            case Kind.ITEM:
                item = item_of(publication)
                return item_document(item) if item.is_entry_center else None
            case Kind.GUIDE:
                guide = guide_of(publication)
                return guide_document(guide) if guide.windows else None
            case Kind.APPLICATION:
                return document_heads.case_document(publication)
            case Kind.ACT:
                return document_heads.act_document(publication)
            case _:
                return None

    def summary(self, document: Json) -> Json:
        """See `Adapter`; also says whether a self-service terminal can do it."""
        more = {field: document[field] for field in ("is_service_terminals", "glance_en") if field in document}
        return document_heads.summary(document) | more


def item_document(item: Item) -> Json:
    """Return the head, the English short answers, whether a terminal can do it, and the result."""
    return {
        **document_heads.item_head(item),
        "glance_en": english_labels.glance(item),
        "is_service_terminals": item.is_service_terminals,
        "why_come": chinese_labels.shorten(item.limit_scene_explain, NOTE) or None,
        "result_name": item.result_name,
        "laws": [chinese_labels.law(basis) for basis in item.by_law],
    }


def guide_document(guide: Guide) -> Json:
    """Return what to bring, where to go and what it costs, in paragraphs short enough to read standing."""
    return {
        **document_heads.guide_head(guide),
        "glance": {"bring": chinese_labels.bring(guide), "where": where(guide), "cost": chinese_labels.fees(guide)},
        "glance_en": {"bring": english_labels.bring(guide), "cost": english_labels.fees(guide)},
        "windows": [_window(window) for window in guide.windows],
        "materials": None
        if guide.materials is None
        else [
            {
                "name": one.material_name,
                "words": chinese_labels.material(one),
                "words_en": english_labels.material(one),
                "note": chinese_labels.shorten(one.fill_explain or chinese_labels.material_source(one), NOTE),
                **forms(one),
            }
            for one in guide.materials
        ],
        "condition": chinese_labels.pieces(guide.accept_condition, PARAGRAPH),
        "steps": [step.name for step in guide.steps],
        "fees": [
            {"name": fee.fee_name, "words": chinese_labels.fee(fee), "words_en": english_labels.fee(fee)}
            for fee in guide.fees
        ],
        "questions": [
            {"question": one.question, "answer": chinese_labels.pieces(one.answer, PARAGRAPH)}
            for one in guide.questions
        ],
        "contact": guide.link_way,
        "complaint": guide.supervise_way,
    }


def forms(material: Material) -> Json:
    """Return which forms there are. A screen in a hall hands out no file: a person takes it on the phone, or on paper.

    Nothing without any, so that documents of before stay as they were.
    """
    return {"forms": [form(one) for one in material.files]} if material.files else {}


def form(file: MaterialFile) -> Json:
    """Return what a form is, in both languages."""
    return {
        "purpose": file.purpose,
        "type": FILE_TYPES[file.media_type].en,
        **document_heads.file_labels(file),
    }


def where(guide: Guide) -> str:
    """Return the number of the first window that has one, else the first window's address."""
    return next((window.window_no for window in guide.windows if window.window_no), guide.windows[0].address)


def _window(window: Window) -> Json:
    """Return one window; `opening` is `hours` as far as they can be parsed, see `opening_hours.opening`."""
    return {
        "no": window.window_no,
        "place": window.address,
        "hours": window.hours,
        "opening": opening(window.hours),
        "phone": window.phone,
    }


ADAPTER = Kiosk()
