"""The facts of an item and its guide as foreign standards carry them: texts under our field names. Pure.

A field that is not in the facts is not stated. `1` and `0` stand for yes and no, as in the exchange.
"""

from collections.abc import Mapping
from typing import Any

from contracts.base import MADE_BY_THE_SOURCE
from contracts.codes.tables import TABLES
from contracts.content.guides import Fee, Guide, Material, Question, Step, Window
from contracts.content.items import Item, LegalBasis
from services.exchange.items.item_rows import ReleasedItem

Facts = dict[str, Any]
"""Field → text, list of texts, or list of children (field → text)."""

OF_THE_ITEM = frozenset({"code", "task_name", "dept_name", "by_law"})
"""Fields of a guide that repeat its item's."""

NOT_CARRIED = frozenset({*MADE_BY_THE_SOURCE, "files"})
"""What the source makes, and files, whose bytes would have to leave beside the document."""

ITEM_FIELDS = tuple(name for name in Item.model_fields if name not in NOT_CARRIED)
GUIDE_FIELDS = tuple(name for name in Guide.model_fields if name not in NOT_CARRIED | OF_THE_ITEM)
FIELDS = (*ITEM_FIELDS, *GUIDE_FIELDS)

LISTS = frozenset(
    {"keywords", "serve_type", "handle_type", "handle_area", "online_handle_depth", "user_topic_type"}
    | {"corp_topic_type"}
)
"""Fields that have several texts."""

CODED = frozenset(Item.CODED)
"""Fields of the item that are codes, each of the table of its name."""

TITLES: Mapping[str, str] = {
    name: field.title or name
    for model in (Window, Question, Step, Fee, Material, LegalBasis, Guide, Item)
    for name, field in model.model_fields.items()
}
"""Field → its Chinese title. `by_law` of a fee has that of the item: no title is read back."""


def facts_of(released: ReleasedItem) -> Facts:
    """Return what item and guide state."""
    item = released.item.model_dump(mode="json", include=set(ITEM_FIELDS))
    guide = released.guide.model_dump(mode="json", include=set(GUIDE_FIELDS)) if released.guide else {}
    return _stated({**item, **guide})


def label(field: str, code: str) -> str:
    """Return the Chinese label of a code; the code itself if its table does not have it."""
    return TABLES[field].get(code, code)


def summary(facts: Facts) -> str:
    """Return a sentence for the descriptions that a standard requires and we have no text for: it adds no fact."""
    return f"{facts['task_name']}，由{facts['dept_name']}办理。"


def _stated(values: Mapping[str, Any]) -> Facts:
    told = {name: _text(value) for name, value in values.items() if name not in NOT_CARRIED}
    return {name: value for name, value in told.items() if value not in (None, "", [])}


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return [_stated(one) if isinstance(one, dict) else _text(one) for one in value]
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value) if isinstance(value, int) else value
