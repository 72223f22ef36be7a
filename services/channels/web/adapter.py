"""Service platform: the whole item and the whole guide as released, with labels for their codes."""

from contracts.base import MADE_BY_THE_SOURCE, Json
from contracts.codes.tables import TABLES
from contracts.content.items import Item
from contracts.envelope.publication import Kind, Publication
from services.channels.api import document_heads
from services.channels.core.bodies import guide_of, item_of
from services.channels.text import chinese_labels


class Web:
    """政务服务平台."""

    name = "web"
    title = "政务服务平台"

    def project(self, publication: Publication) -> Json | None:
        """See `Adapter`. Raises ValueError for a body that cannot be read."""
        match publication.kind:
            case Kind.ITEM:
                return item_document(item_of(publication))
            case Kind.GUIDE:
                return document_heads.full_guide(guide_of(publication))
            case Kind.APPLICATION:
                return document_heads.case_document(publication)
            case Kind.ACT:
                return document_heads.act_document(publication)
            case _:
                return None

    def summary(self, document: Json) -> Json:
        """See `Adapter`."""
        return document_heads.summary(document)


def item_document(item: Item) -> Json:
    """Return the head and every field of the contract; `labels`: field → label, for coded fields."""
    body = item.model_dump(mode="json", exclude=set(MADE_BY_THE_SOURCE))
    coded = {field: value for field, value in body.items() if field in TABLES and value}
    meant = {
        field: chinese_labels.labels(field, value) if isinstance(value, list) else chinese_labels.label(field, value)
        for field, value in coded.items()
    }
    meant["promise"] = chinese_labels.days(item.promise_day, item.promise_type)
    meant["anticipate"] = chinese_labels.days(item.anticipate_day, item.anticipate_type)
    meant["by_law"] = [chinese_labels.law(basis) for basis in item.by_law]
    return {
        **document_heads.item_head(item),
        **body,
        "labels": {field: words for field, words in meant.items() if words},
    }


ADAPTER = Web()
