"""Mobile backend: documents of blocks `{"t": title, "v": value}` for a small screen, without empty values."""

from contracts.base import Json
from contracts.content.guides import Guide, Window
from contracts.content.items import Item
from contracts.envelope.publication import Kind, Publication
from services.channels.api import document_heads
from services.channels.core.bodies import guide_of, item_of
from services.channels.text import chinese_labels

LONGEST = 120
"""Characters of a value. A longer text is split into several blocks of the same title: nothing is cut."""

Blocks = list[dict[str, str]]


class Mobile:
    """移动终端."""

    name = "mobile"
    title = "掌上办事"

    def project(self, publication: Publication) -> Json | None:
        """See `Adapter`. Raises ValueError for a body that cannot be read."""
        match publication.kind:
            case Kind.ITEM:
                document = item_document(item_of(publication))
            case Kind.GUIDE:
                document = guide_document(guide_of(publication))
            case Kind.APPLICATION:
                document = document_heads.case_document(publication)
            case Kind.ACT:
                document = document_heads.act_document(publication)
            case _:
                return None
        compact: Json = document_heads.without_empty(document)
        # Lists read the short answers of every item, so `glance` exists even if it is empty.
        return compact if publication.kind != Kind.ITEM else {**compact, "glance": compact.get("glance", {})}

    def summary(self, document: Json) -> Json:
        """See `Adapter`."""
        return document_heads.summary(document)


def item_document(item: Item) -> Json:
    """Return the head, `blocks`, and the address where the app continues (`mobile_terminal_url`)."""
    offers = {"预约办理": item.is_schedule, "邮寄送达": item.is_express, "自助终端": item.is_service_terminals}
    untold = [name for name, offered in offers.items() if offered is None]
    facts = {
        "事项类型": chinese_labels.label("task_type", item.task_type) or chinese_labels.ASK,
        "办理方式": chinese_labels.ways_of_applying(item),
        "承诺时限": chinese_labels.days(item.promise_day, item.promise_type),
        "法定时限": chinese_labels.days(item.anticipate_day, item.anticipate_type),
        "为什么要到现场": item.limit_scene_explain,
        "通办范围": "、".join(chinese_labels.labels("handle_area", item.handle_area)),
        "办理结果": item.result_name,
        **{name: "支持" for name, offered in offers.items() if offered},
        "、".join(untold): chinese_labels.ASK if untold else None,
    }
    blocks = [block for title, text in facts.items() for block in titled(title, text)]
    return {**document_heads.item_head(item), "blocks": blocks, "mobile_terminal_url": item.mobile_terminal_url}


def guide_document(guide: Guide) -> Json:
    """Return the head, then one array of blocks for each part of the guide."""
    return {
        **document_heads.guide_head(guide),
        "condition": titled("受理条件", guide.accept_condition),
        "materials": [
            block
            for one in guide.materials or ()
            for block in titled(
                one.material_name, chinese_labels.material(one), chinese_labels.material_source(one), one.fill_explain
            )
        ],
        "files": [
            {"t": one.material_name, **document_heads.file_document(guide, file)}
            for one in guide.materials or ()
            for file in one.files or ()
        ],
        "steps": [block for step in guide.steps for block in titled(step.name, step.content or step.name)],
        "fees": [
            block for fee in guide.fees for block in titled(fee.fee_name, chinese_labels.fee(fee), fee.desc_explain)
        ],
        "windows": [block for window in guide.windows for block in place(window)],
        "questions": [block for one in guide.questions for block in titled(one.question, one.answer)],
        "laws": [
            {"t": "设定依据", "v": piece}
            for law in guide.by_law
            for piece in chinese_labels.pieces(chinese_labels.law(law), LONGEST)
        ],
        "contact": titled("咨询", guide.link_way) + titled("监督投诉", guide.supervise_way),
        "remedy": titled("行政复议与诉讼", guide.remedy),
        "more": titled("特别程序", guide.special_procedure) + titled("时限说明", guide.time_limit_explain),
        "glance": {"bring": chinese_labels.bring(guide), "cost": chinese_labels.fees(guide)},
    }


def place(window: Window) -> Blocks:
    """Return where, when, and the telephone number."""
    title = window.window_no or "办理窗口"
    return titled(title, window.address, window.hours, window.phone, window.traffic)


def titled(title: str, *texts: str | None) -> Blocks:
    """Return one block for each short piece of the texts."""
    return [{"t": title, "v": piece} for text in texts for piece in chinese_labels.pieces(text, LONGEST)]


ADAPTER = Mobile()
