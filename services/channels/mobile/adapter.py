"""Mobile backend: blocks `{"t": title, "v": value}` that a small screen shows one under the other, nothing empty."""

from contracts.base import Json
from contracts.catalog import Item
from contracts.guides import Guide, Window
from contracts.publication import Kind, Publication
from services.channels import phrases, shapes
from services.channels.bodies import guide_of, item_of

LONGEST = 120
"""Characters of a value. A longer text becomes several blocks of the same title: nothing is cut."""

Blocks = list[dict[str, str]]


class Mobile:
    """移动终端."""

    name = "mobile"
    title = "掌上办事"

    def project(self, publication: Publication) -> Json | None:
        """See `Adapter`. ValueError for a body that cannot be read."""
        match publication.kind:
            case Kind.ITEM:
                document = item_document(item_of(publication))
            case Kind.GUIDE:
                document = guide_document(guide_of(publication))
            case Kind.APPLICATION:
                document = shapes.case_document(publication)
        compact: Json = shapes.without_empty(document)
        return compact

    def summary(self, document: Json) -> Json:
        """See `Adapter`."""
        return shapes.summary(document)


def item_document(item: Item) -> Json:
    """Head, `blocks`, and where the app goes on (`mobile_terminal_url`)."""
    facts = {
        "事项类型": phrases.label("task_type", item.task_type),
        "办理方式": "、".join(phrases.handle_ways(item)),
        "承诺时限": phrases.days(item.promise_day, item.promise_type),
        "法定时限": phrases.days(item.anticipate_day, item.anticipate_type),
        "为什么要到现场": item.limit_scene_explain,
        "通办范围": "、".join(phrases.labels("handle_area", item.handle_area)),
        "办理结果": item.result_name,
        "预约办理": "支持" if item.is_schedule else None,
        "邮寄送达": "支持" if item.is_express else None,
        "自助终端": "支持" if item.is_service_terminals else None,
    }
    blocks = [block for title, text in facts.items() for block in titled(title, text)]
    return {**shapes.item_head(item), "blocks": blocks, "mobile_terminal_url": item.mobile_terminal_url}


def guide_document(guide: Guide) -> Json:
    """Head, then one array of blocks for each part of the guide."""
    return {
        **shapes.guide_head(guide),
        "condition": titled("受理条件", guide.accept_condition),
        "materials": [
            block
            for one in guide.materials
            for block in titled(
                one.material_name, phrases.material(one), phrases.material_source(one), one.fill_explain
            )
        ],
        "steps": [block for step in guide.steps for block in titled(step.name, step.content or step.name)],
        "fees": [block for fee in guide.fees for block in titled(fee.fee_name, phrases.fee(fee), fee.desc_explain)],
        "windows": [block for window in guide.windows for block in place(window)],
        "questions": [block for one in guide.questions for block in titled(one.question, one.answer)],
        "laws": [
            {"t": "设定依据", "v": piece} for law in guide.by_law for piece in phrases.pieces(phrases.law(law), LONGEST)
        ],
        "contact": titled("咨询", guide.link_way) + titled("监督投诉", guide.supervise_way),
        "remedy": titled("行政复议与诉讼", guide.remedy),
        "more": titled("特别程序", guide.special_procedure) + titled("时限说明", guide.time_limit_explain),
        "glance": {"bring": phrases.bring(guide), "cost": phrases.fees(guide)},
    }


def place(window: Window) -> Blocks:
    """Where, when and by which telephone."""
    title = window.window_no or "办理窗口"
    return titled(title, window.address, window.hours, window.phone, window.traffic)


def titled(title: str, *texts: str | None) -> Blocks:
    """One block for each short piece of the texts."""
    return [{"t": title, "v": piece} for text in texts for piece in phrases.pieces(text, LONGEST)]


ADAPTER = Mobile()
