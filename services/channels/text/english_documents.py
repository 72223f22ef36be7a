"""Applies `english_labels` to documents that contain whole contracts: those of `web`, and guides of `portal`. Pure."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from contracts.base import Json
from contracts.content.guides import Fee, Guide, Material
from contracts.content.items import Item
from services.channels.text import english_labels

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


days = english_labels.days
material = _of(Material, english_labels.material)
fee = _of(Fee, english_labels.fee)
fees = _of(Guide, english_labels.fees)
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
"""The fields that `english_labels.glance` reads."""


def glance(item: Json) -> dict[str, str | None]:
    """See `english_labels.glance`; empty if the document lacks fields. Not validated: lists call it for every item."""
    if any(field not in item for field in SAID_OF_ITEM):
        return {}
    return english_labels.glance(Item.model_construct(**{field: item[field] for field in SAID_OF_ITEM}))
