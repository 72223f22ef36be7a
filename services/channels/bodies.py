"""Publication bodies read back as contracts: newer bodies may hold fields that this reader does not know."""

from typing import TypeVar

from contracts.applications import CaseProgress
from contracts.base import Contract
from contracts.catalog import Item
from contracts.guides import Guide
from contracts.publication import Publication

Body = TypeVar("Body", bound=Contract)


def item_of(publication: Publication) -> Item:
    """The item that is released. ValueError when the body is no item, or not the one that the key names."""
    item = _read(Item, publication)
    _require_name(publication, item.code)
    return item


def guide_of(publication: Publication) -> Guide:
    """The guide that is released. ValueError when the body is no guide, or not the one that the key names."""
    guide = _read(Guide, publication)
    _require_name(publication, guide.code)
    return guide


def progress_of(publication: Publication) -> CaseProgress:
    """The public state of a case. ValueError when the body is none."""
    return _read(CaseProgress, publication)


def name_of(key: str) -> str:
    """What a key names, without its kind: `item:<code>` → code, `application:<case_ref>` → case_ref."""
    return key.partition(":")[2]


def _read(contract: type[Body], publication: Publication) -> Body:
    return contract.model_validate(publication.body, extra="ignore")


def _require_name(publication: Publication, code: str) -> None:
    if name_of(publication.key) != code:
        raise ValueError(f"code: {publication.key} holds a body of {code}")
