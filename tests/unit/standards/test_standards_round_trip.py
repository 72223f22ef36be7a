"""What is exported as HSDS or CPSV-AP is imported as the same item and guide."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.base import Contract
from services.exchange.items.item_rows import ReleasedItem
from services.exchange.standards import cpsv_terms, hsds_terms
from services.exchange.standards.documents import Documents
from services.exchange.standards.facts import NOT_CARRIED, facts_of
from services.exchange.standards.formats import Format, read, written
from services.importing.formats.up_task import convert
from services.importing.row import Accepted, Row
from tests.harness.county import REPOSITORY
from tests.harness.released_items import BARE, released_items

REGION = "440232000000"
FORMATS = pytest.mark.parametrize("kind", list(Format))


def taken(documents: Documents) -> list[Accepted]:
    """Return what the import makes of the documents; nothing is refused, lost or left out."""
    assert not documents.refusals
    assert not documents.losses
    outcomes = [convert(Row(number, facts)) for number, facts in enumerate(documents.facts, start=1)]
    accepted = [one for one in outcomes if isinstance(one, Accepted)]
    assert accepted == outcomes
    assert not [warning for one in accepted for warning in one.warnings if warning.broken]
    return accepted


def carried(content: Contract | None) -> object:
    """Return a body without what no standard carries."""
    assert content is not None
    return _carried(content.model_dump(mode="json"))


def _carried(value: object) -> object:
    if isinstance(value, dict):
        return {name: _carried(part) for name, part in value.items() if name not in NOT_CARRIED}
    return [_carried(part) for part in value] if isinstance(value, list) else value


@FORMATS
@settings(max_examples=30, deadline=None)
@given(one=released_items())
def test_an_item_and_its_guide_come_back_as_they_left(kind: Format, one: ReleasedItem) -> None:
    (outcome,) = taken(read([written([facts_of(one)], kind, REGION)], kind))

    assert carried(outcome.item) == carried(one.item)
    assert carried(outcome.guide) == carried(one.guide)


@FORMATS
@settings(max_examples=10, deadline=None)
@given(several=st.lists(released_items(), max_size=4, unique_by=lambda one: one.item.code))
def test_services_of_one_document_keep_apart(kind: Format, several: list[ReleasedItem]) -> None:
    outcomes = taken(read([written([facts_of(one) for one in several], kind, REGION)], kind))

    assert {one.code: carried(one.item) for one in outcomes} == {one.item.code: carried(one.item) for one in several}


@FORMATS
@settings(max_examples=10, deadline=None)
@given(one=released_items())
def test_the_same_facts_are_the_same_bytes(kind: Format, one: ReleasedItem) -> None:
    assert written([facts_of(one)], kind, REGION) == written([facts_of(one)], kind, REGION)


@FORMATS
def test_an_amount_keeps_its_last_fen(kind: Format) -> None:
    facts = {**facts_of(BARE), "fees": [{"fee_name": "开垦费", "fee_stand": "一次性", "amount_fen": "1234567890123"}]}

    (outcome,) = taken(read([written([facts], kind, REGION)], kind))

    assert outcome.guide is not None
    assert outcome.guide.fees[0].amount_fen == 1234567890123


@FORMATS
def test_what_nobody_states_is_not_in_the_document_and_stays_unknown(kind: Format) -> None:
    (outcome,) = taken(read([written([facts_of(BARE)], kind, REGION)], kind))

    assert carried(outcome.item) == carried(BARE.item)
    assert outcome.guide is None


def test_the_page_for_integrators_names_every_field_that_is_lost_and_every_property() -> None:
    page = (REPOSITORY / "docs" / "integrating" / "standards.md").read_text(encoding="utf-8")
    named = {*cpsv_terms.TEXTS, *cpsv_terms.PARTS, *cpsv_terms.CONCEPTS, *cpsv_terms.NODES, *hsds_terms.OWN}

    assert [field for field in sorted({*NOT_CARRIED, *named}) if f"`{field}`" not in page] == []
