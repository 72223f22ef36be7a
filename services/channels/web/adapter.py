"""Service platform: the whole item and the whole guide as released, and what their codes mean in words."""

from contracts.base import Json
from contracts.catalog import Item
from contracts.codes import TABLES
from contracts.publication import Kind, Publication
from services.channels import phrases, shapes
from services.channels.bodies import guide_of, item_of


class Web:
    """政务服务平台."""

    name = "web"
    title = "政务服务平台"

    def project(self, publication: Publication) -> Json | None:
        """See `Adapter`. ValueError for a body that cannot be read."""
        match publication.kind:
            case Kind.ITEM:
                return item_document(item_of(publication))
            case Kind.GUIDE:
                return shapes.full_guide(guide_of(publication))
            case Kind.APPLICATION:
                return shapes.case_document(publication)

    def summary(self, document: Json) -> Json:
        """See `Adapter`."""
        return shapes.summary(document)


def item_document(item: Item) -> Json:
    """Head, then every field of the contract under its own name; `labels`: field → words, where codes have some."""
    body = item.model_dump(mode="json")
    coded = {field: value for field, value in body.items() if field in TABLES and value}
    meant = {
        field: phrases.labels(field, value) if isinstance(value, list) else phrases.label(field, value)
        for field, value in coded.items()
    }
    meant["promise"] = phrases.days(item.promise_day, item.promise_type)
    meant["anticipate"] = phrases.days(item.anticipate_day, item.anticipate_type)
    meant["by_law"] = [phrases.law(basis) for basis in item.by_law]
    return {**shapes.item_head(item), **body, "labels": {field: words for field, words in meant.items() if words}}


ADAPTER = Web()
