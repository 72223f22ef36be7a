"""Reads publication bodies as contracts. Unknown fields are ignored: a newer body may have more of them."""

from typing import TypeVar

from contracts.base import Contract
from contracts.codes.addresses import without_wrong_addresses
from contracts.content.acts import Act
from contracts.content.cases import CaseProgress
from contracts.content.guides import Guide
from contracts.content.items import Item
from contracts.envelope.publication import Publication

Body = TypeVar("Body", bound=Contract)


def item_of(publication: Publication) -> Item:
    """Return the released item, without addresses that cannot be used.

    Raises ValueError if the body is not an item, or its code is not the key's.
    """
    item = without_wrong_addresses(_read(Item, publication))
    _require_name(publication, item.code)
    return item


def guide_of(publication: Publication) -> Guide:
    """Return the released guide, without addresses that cannot be used.

    Raises ValueError if the body is not a guide, or its code is not the key's.
    """
    guide = without_wrong_addresses(_read(Guide, publication))
    _require_name(publication, guide.code)
    return guide


def progress_of(publication: Publication) -> CaseProgress:
    """Return the public state of a case. Raises ValueError if the body is not one."""
    return _read(CaseProgress, publication)


def act_of(publication: Publication) -> Act:
    """Return the reason for which other versions were made. Raises ValueError if the body is not an act."""
    return _read(Act, publication)


def name_of(key: str) -> str:
    """Return a key without its kind: `item:<code>` → code, `application:<case_ref>` → case_ref."""
    return key.partition(":")[2]


def _read(contract: type[Body], publication: Publication) -> Body:
    return contract.model_validate(publication.body, extra="ignore")


def _require_name(publication: Publication, code: str) -> None:
    if name_of(publication.key) != code:
        raise ValueError(f"code: {publication.key} has the body of {code}")
