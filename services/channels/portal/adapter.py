"""Government portal: item and guide as disclosed information (政府信息公开), at a permanent address.

Index number (索引号): `<region, 12 digits>/<uscc of the unit>/<SX item | ZN guide>-<8 hex digits>`, e.g.
`339921000000/11339921003991014U/SX-1F0A2B3C`. The digits are the first of SHA-256 over the ledger key, in upper case.
It contains no year and no serial number, so that every version of a key, and every rebuild, has the same one.
"""

import hashlib

from contracts.base import Json, format_time
from contracts.content.items import Item
from contracts.envelope.publication import Kind, Publication
from services.channels.api import document_heads
from services.channels.core.bodies import guide_of, item_of
from services.channels.text import chinese_labels
from shared.transparency.timeline import Timed

MARKS: dict[str, str] = {Kind.ITEM: "SX", Kind.GUIDE: "ZN"}


class Portal:
    """政府网站."""

    name = "portal"
    title = "政府信息公开"

    def project(self, publication: Publication) -> Json | None:
        """See `Adapter`. Raises ValueError for a body that cannot be read."""
        match publication.kind:
            case Kind.ITEM:
                item = item_of(publication)
                return {**item_document(item), **disclosure(publication, item.code, item.dept_name)}
            case Kind.GUIDE:
                guide = guide_of(publication)
                return {**document_heads.full_guide(guide), **disclosure(publication, guide.code, guide.dept_name)}
            case Kind.APPLICATION:
                return document_heads.case_document(publication)
            case Kind.ACT:
                return document_heads.act_document(publication)
            case _:
                return None

    def summary(self, document: Json) -> Json:
        """See `Adapter`; also the date of publication, the index number and the address."""
        more = {field: document[field] for field in ("index_no", "published_on", "address")}
        return document_heads.summary(document) | more


def disclosure(publication: Publication, code: str, publisher: str) -> Json:
    """索引号, 发布日期 (in China, from when people can see it), its time (UTC), 发布机构 and the permanent address."""
    starts = Timed.of(publication).starts
    digits = hashlib.sha256(publication.key.encode()).hexdigest()[:8].upper()
    return {
        "index_no": f"{publication.region}/{code[:18]}/{MARKS[publication.kind]}-{digits}",
        "published_on": chinese_labels.beijing_date(starts),
        "published_at": format_time(starts),
        "publisher": publisher,
        "address": f"/portal/items/{code}",
    }


def item_document(item: Item) -> Json:
    """Return head and facts `{"name": …, "value": …}`, never the address of an online form (domain 7.4)."""
    facts = {
        "事项类型": chinese_labels.label("task_type", item.task_type) or chinese_labels.ASK,
        "基本编码": item.catalog_code,
        "实施编码": item.code,
        "行使层级": chinese_labels.label("use_level", item.use_level) or chinese_labels.ASK,
        "实施主体": item.dept_name,
        "实施主体性质": chinese_labels.label("dept_type", item.dept_type) or chinese_labels.ASK,
        "委托部门": item.entrust_name,
        "服务对象": "、".join(chinese_labels.labels("serve_type", item.serve_type)),
        "办件类型": chinese_labels.label("project_type", item.project_type) or chinese_labels.ASK,
        "办理形式": chinese_labels.ways_of_applying(item),
        "法定办结时限": chinese_labels.days(item.anticipate_day, item.anticipate_type),
        "承诺办结时限": chinese_labels.promised(item),
        "到办事现场次数": chinese_labels.visits(item),
        "是否收费": chinese_labels.cost(item),
        "审批结果": item.result_name,
    }
    return {
        **document_heads.item_head(item),
        "facts": [{"name": name, "value": value} for name, value in facts.items() if value],
        "laws": [{"words": chinese_labels.law(basis), "content": basis.content} for basis in item.by_law],
    }


ADAPTER = Portal()
