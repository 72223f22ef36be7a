"""Government portal: item and guide as disclosed information (政府信息公开), under an address that never changes.

Index number (索引号): `<region, 12 digits>/<uscc of the unit>/<SX item | ZN guide>-<8 hex digits>`, e.g.
`339921000000/11339921003991014U/SX-1F0A2B3C`. The digits are the first of SHA-256 over the ledger key, upper case. It
holds no year and no serial number, so every version of a key, and every rebuild, has the same one.
"""

import hashlib

from contracts.base import Json, format_time
from contracts.catalog import Item
from contracts.publication import Kind, Publication
from services.channels import phrases, shapes
from services.channels.bodies import guide_of, item_of

MARKS = {Kind.ITEM: "SX", Kind.GUIDE: "ZN"}


class Portal:
    """政府网站."""

    name = "portal"
    title = "政府信息公开"

    def project(self, publication: Publication) -> Json | None:
        """See `Adapter`. ValueError for a body that cannot be read."""
        match publication.kind:
            case Kind.ITEM:
                item = item_of(publication)
                return {**item_document(item), **disclosure(publication, item.code, item.dept_name)}
            case Kind.GUIDE:
                guide = guide_of(publication)
                return {**shapes.full_guide(guide), **disclosure(publication, guide.code, guide.dept_name)}
            case Kind.APPLICATION:
                return shapes.case_document(publication)

    def summary(self, document: Json) -> Json:
        """See `Adapter`; with the day of publication and the index number."""
        more = {field: document[field] for field in ("index_no", "published_on", "address")}
        return shapes.summary(document) | more


def disclosure(publication: Publication, code: str, publisher: str) -> Json:
    """索引号, 发布日期 (day of the release in China), its moment (UTC), 发布机构 and the permanent address."""
    digits = hashlib.sha256(publication.key.encode()).hexdigest()[:8].upper()
    return {
        "index_no": f"{publication.region}/{code[:18]}/{MARKS[publication.kind]}-{digits}",
        "published_on": phrases.beijing_date(publication.released_at),
        "published_at": format_time(publication.released_at),
        "publisher": publisher,
        "address": f"/portal/items/{code}",
    }


def item_document(item: Item) -> Json:
    """Head and facts `{"name": …, "value": …}`. Never an address of an online form: the portal informs (domain 7.4)."""
    facts = {
        "事项类型": phrases.label("task_type", item.task_type),
        "基本编码": item.catalog_code,
        "实施编码": item.code,
        "行使层级": phrases.label("use_level", item.use_level),
        "实施主体": item.dept_name,
        "实施主体性质": phrases.label("dept_type", item.dept_type),
        "委托部门": item.entrust_name,
        "服务对象": "、".join(phrases.labels("serve_type", item.serve_type)),
        "办件类型": phrases.label("project_type", item.project_type),
        "办理形式": "、".join(phrases.handle_ways(item)),
        "法定办结时限": phrases.days(item.anticipate_day, item.anticipate_type),
        "承诺办结时限": phrases.how_long(item),
        "到办事现场次数": phrases.visits(item),
        "是否收费": phrases.cost(item),
        "审批结果": item.result_name,
    }
    return {
        **shapes.item_head(item),
        "facts": [{"name": name, "value": value} for name, value in facts.items() if value],
        "laws": [{"words": phrases.law(basis), "content": basis.content} for basis in item.by_law],
    }


ADAPTER = Portal()
