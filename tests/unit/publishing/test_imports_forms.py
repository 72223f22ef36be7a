"""Imports of an item that changes its form (31 characters, or situations) over several files."""

import pytest

from services.catalog.commands import ItemImport
from tests.harness.actors import TESTER
from tests.harness.importing import bring, exchange_row
from tests.harness.pipeline import code_of, pipeline

CODE = code_of(1)
PARTS = [CODE + "01", CODE + "02"]
GONE = {"cd_operation": "D"}


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=()) as made:
        yield made


def row(code=CODE, **changes):
    return exchange_row(1, task_code=code, **changes)


def situations(**changes):
    return [row(code, task_name=code[-2:], **changes) for code in PARTS]


def test_situations_that_come_before_the_withdrawal_of_their_whole_are_told_how_to_come(county):
    bring(county, row())
    first = bring(county, *situations())

    assert first.fates == ["rejected", "rejected"]
    assert all("in one file" in reason.message for reason in first.result(1).reasons)


def test_a_withdrawal_after_refused_situations_waits_and_names_them(county):
    bring(county, row())
    bring(county, *situations())
    held = bring(county, row(**GONE), confirm=False)

    assert (held.fates, held.result(1).held_for) == (["held"], "withdrawals")
    assert all(code in held.result(1).note for code in PARTS)
    assert "in one file" in held.course.questions["withdrawals"]
    assert released(county) == [CODE]


def test_both_in_one_file_are_one_change(county):
    bring(county, row())
    bring(county, *situations())
    bring(county, row(**GONE), confirm=False)

    assert bring(county, row(**GONE), *situations(), confirm=False).fates == ["withdrawn", "released", "released"]
    assert released(county) == PARTS


def test_who_confirms_takes_the_whole_off_and_brings_the_situations_next(county):
    bring(county, row())
    bring(county, *situations())

    assert bring(county, row(**GONE)).fates == ["withdrawn"]
    assert released(county) == []
    assert bring(county, *situations()).fates == ["released", "released"]


def test_a_whole_that_was_refused_before_its_situations_left_holds_their_withdrawal_too(county):
    bring(county, *situations())
    assert bring(county, row()).fates == ["rejected"]

    assert bring(county, *situations(**GONE), confirm=False).fates == ["held", "held"]
    assert bring(county, *situations(**GONE), row(), confirm=False).fates == ["withdrawn", "withdrawn", "released"]


def test_what_was_refused_once_holds_nothing_when_the_form_has_changed_since(county):
    bring(county, row())
    bring(county, *situations())
    bring(county, row(**GONE), *situations())
    bring(county, *situations(**GONE), row())

    assert bring(county, row(**GONE), confirm=False).fates == ["withdrawn"]


def test_what_another_source_was_refused_holds_nothing(county):
    bring(county, row(), source="a")
    bring(county, *situations(), source="b")

    assert bring(county, row(**GONE), source="a", confirm=False).fates == ["withdrawn"]


def test_a_dry_run_remembers_no_refusal_and_a_request_of_its_own_asks_too(county):
    bring(county, row())
    bring(county, *situations(), dry_run=True)
    assert bring(county, row(**GONE), dry_run=True, confirm=False).fates == ["withdrawn"]

    bring(county, *situations())
    sent = {"source": "test", "entries": [{"code": CODE, "state": "withdrawn"}]}
    (told,) = county.catalog.import_items(TESTER, ItemImport.model_validate(sent)).entries
    assert (told.fate, told.refused) == ("held", PARTS)


def released(county):
    found = county.execute("catalog", "SELECT code FROM edition WHERE state = 'released' ORDER BY code")
    return [code for (code,) in found]
