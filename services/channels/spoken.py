"""What `english` says, of documents that hold whole contracts: those of `web`, and guides of `portal`. Pure.

A document that does not hold enough, or holds it in another shape, is said in the county's own words alone.
"""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from contracts.base import Json
from contracts.catalog import Item
from contracts.guides import Fee, Guide, Material
from services.channels import english

Read = TypeVar("Read", bound=BaseModel)
Said = TypeVar("Said")


def _of(contract: type[Read], say: Callable[[Read], Said]) -> Callable[[Json], Said | None]:
    @wraps(say)
    def of_document(document: Json) -> Said | None:
        try:
            return say(contract.model_validate(document, extra="ignore"))
        except ValidationError:
            return None

    return of_document


days = english.days
material = _of(Material, english.material)
fee = _of(Fee, english.fee)
fees = _of(Guide, english.fees)
SAID_OF_ITEM = (
    "project_type",
    "promise_day",
    "promise_type",
    "anticipate_day",
    "anticipate_type",
    "limit_scene_num",
    "is_online",
    "handle_type",
    "is_fee",
)
"""What `english.glance` looks at."""


def glance(item: Json) -> dict[str, str | None]:
    """See `english.glance`; empty where the document is not enough. Unchecked: lists ask it of all items at once."""
    if any(field not in item for field in SAID_OF_ITEM):
        return {}
    return english.glance(Item.model_construct(**{field: item[field] for field in SAID_OF_ITEM}))
