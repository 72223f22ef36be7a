"""A county is told which facts nobody has stated, which an earlier import may have filled in, and what to do."""

import pytest

from contracts.content.unstated_facts import is_empty, suspect_guide, suspect_item, unknown_of_guide, unknown_of_item
from services.applications.lifecycle.definitions import LegalLimits
from services.applications.lifecycle.working_days import TimeUnit
from services.catalog.commands import ItemImport
from services.operations import unstated_facts as reading
from services.operations.unstated_facts import stated_facts
from shared.publishing.editions import EditionState, find
from shared.publishing.imports.request import ImportEntry, ImportRequest
from tests.harness.actors import TESTER
from tests.harness.pipeline import code_of, guide, item, pipeline
from tests.unit.operations.test_verification import Stranger, verify

FILLED_IN_ITEM = {
    "dept_type": "1",
    "project_type": "2",
    "is_entry_center": True,
    "is_online": False,
    "is_schedule": False,
    "is_pay_online": False,
    "is_express": False,
    "is_service_terminals": False,
    "handle_type": [],
    "online_handle_depth": [],
}
FILLED_IN_MATERIAL = {
    "is_need": True,
    "tolerable": False,
    "material_type": "1",
    "material_format": "3",
    "copies": 1,
    "source_type": "10",
}
"""What earlier imports filled in where a row said nothing."""

OLD_MATERIAL = {"material_name": "申请表", **FILLED_IN_MATERIAL}
EMPTY = {"windows": [], "materials": []}


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path) as made:
        yield made


def bring(county, items=(), guides=(), without_guide=(), **more):
    """`without_guide`: codes for which the file has nothing of a guide but the item's name."""
    county.catalog.import_items(TESTER, ItemImport(rows=[one.model_dump(mode="json") for one in items]))
    bare = [ImportEntry(code=code, stated={"task_name": "居民身份证办理"}) for code in without_guide]
    rows = [one.model_dump(mode="json") for one in guides]
    outcome = county.guides.import_guides(TESTER, ImportRequest(rows=rows, entries=bare, **more))
    county.flow()
    return outcome


def told(county):
    return stated_facts(Stranger(county))


def test_facts_that_nobody_has_stated_are_counted_by_field(county):
    county.release(item(1, is_online=True))
    county.release(item(2, promise_day=15, is_online=False))
    county.release(guide(1, materials=[{"material_name": "申请表", "copies": 2}, {"material_name": "照片"}]))
    county.flow()

    unknown = told(county).unknown
    assert (unknown["is_online"], unknown["online_handle_depth"], unknown["project_type"]) == (0, 1, 2)
    assert (unknown["promise_type"], unknown["materials.copies"], unknown["materials.is_need"]) == (1, 1, 1)
    assert told(county).suspect == {}


def test_what_was_withdrawn_or_overtaken_is_not_counted(county):
    county.release(item(1))
    county.release(item(1, "新名", is_online=True))
    county.release(item(2))
    county.withdraw(item(2))
    county.flow()

    assert (told(county).unknown["is_online"], told(county).unknown["project_type"]) == (0, 1)


def test_a_county_of_many_items_is_read_page_by_page(county, monkeypatch):
    monkeypatch.setattr(reading, "PAGE", 2)
    for number in range(1, 6):
        county.release(item(number))
    county.withdraw(item(3))

    assert told(county).unknown["is_online"] == 4


def test_what_an_earlier_import_filled_in_is_suspect(county):
    bring(county, [item(1, **FILLED_IN_ITEM)], [guide(1, materials=[OLD_MATERIAL]), guide(2, **EMPTY)])

    suspect = told(county).suspect
    assert set(suspect) == {name for name in FILLED_IN_ITEM if not name.startswith(("handle", "online"))} | {
        f"materials.{name}" for name in FILLED_IN_MATERIAL
    } | {"guide"}
    assert set(suspect.values()) == {1}


def test_what_an_editor_wrote_is_not_suspect(county):
    county.release(item(1, **FILLED_IN_ITEM))
    county.release(guide(1, materials=[OLD_MATERIAL]))
    county.flow()

    assert told(county).suspect == {}


def test_the_next_import_of_the_same_rows_leaves_nothing_suspect(county):
    bring(county, [item(1, **FILLED_IN_ITEM)], [guide(1, materials=[OLD_MATERIAL]), guide(2, **EMPTY)])
    bring(county, [item(1)], [guide(1, materials=[{"material_name": "申请表"}])], without_guide=[code_of(2)])

    assert told(county).suspect == {}


def test_a_guide_without_content_goes_when_its_row_says_nothing_of_a_guide(county):
    bring(county, [item(2)], [guide(2, **EMPTY)])
    outcome = bring(county, without_guide=[code_of(2), code_of(7)])

    assert outcome.withdrawn == 1
    assert county.get(f"web/v1/guides/{code_of(2)}").status_code == 410
    again = bring(county, without_guide=[code_of(2)])
    assert (again.withdrawn, again.released) == (0, 0)


@pytest.mark.parametrize("content", [{}, {"link_way": "0751-1"}, {"materials": [OLD_MATERIAL], "windows": []}])
def test_a_guide_with_any_content_stays_although_a_row_says_nothing_of_one(county, content):
    bring(county, [item(2)], [guide(2, **content)])

    assert bring(county, without_guide=[code_of(2)]).withdrawn == 0
    assert county.get(f"web/v1/guides/{code_of(2)}").status_code == 200


def test_a_guide_without_content_that_an_editor_released_stays(county):
    county.release(guide(2, **EMPTY))

    assert bring(county, without_guide=[code_of(2)]).withdrawn == 0


def test_a_draft_does_not_decide_whether_a_released_guide_goes(county):
    bring(county, [item(2), item(3)], [guide(2, **EMPTY), guide(3)])
    for number, drafted in ((2, guide(2)), (3, guide(3, **EMPTY))):
        county.guides.save_guide(TESTER, code_of(number), drafted.model_dump(mode="json"), revision(county, number))

    assert bring(county, without_guide=[code_of(2), code_of(3)]).withdrawn == 1
    assert state(county, 3) == EditionState.RELEASED


def test_a_dry_run_says_that_a_guide_would_go_and_keeps_it(county):
    bring(county, [item(2)], [guide(2, **EMPTY)])

    assert bring(county, without_guide=[code_of(2)], dry_run=True).withdrawn == 1
    assert state(county, 2) == EditionState.RELEASED


def test_verify_counts_items_of_which_nobody_says_whether_the_hall_takes_them(county):
    for number, hall in ((1, True), (2, False), (3, None), (4, None)):
        county.release(item(number, is_entry_center=hall))
    county.withdraw(item(4))
    county.flow()
    county.flow()

    report = verify(county)
    assert report.good
    assert report.hall_unknown == report.as_json()["hall_unknown"] == 1
    assert county.get(f"kiosk/v1/items/{code_of(3)}").status_code == 410


@pytest.mark.parametrize(
    ("fields", "days", "unit"),
    [
        ({"promise_day": 15, "promise_type": "2"}, 15, TimeUnit.NATURAL),
        ({"promise_day": 15}, None, TimeUnit.WORKING),
        ({"promise_day": 0}, 0, TimeUnit.WORKING),
        ({"anticipate_day": 20}, None, TimeUnit.WORKING),
        ({"anticipate_day": 20, "anticipate_type": "1"}, 20, TimeUnit.WORKING),
        ({"promise_day": 15, "anticipate_day": 20, "anticipate_type": "1"}, None, TimeUnit.WORKING),
    ],
)
def test_a_limit_without_a_unit_promises_no_day_to_a_case(fields, days, unit):
    rules = LegalLimits.for_item(item(1, **fields))

    assert (rules.promise_day, rules.promise_type) == (days, unit)


def test_an_item_with_any_unknown_fact_was_made_by_no_earlier_import():
    assert suspect_item(item(1, **FILLED_IN_ITEM)) != []
    for name in ("dept_type", "is_online", "is_entry_center"):
        assert suspect_item(item(1, **{**FILLED_IN_ITEM, name: None})) == []


def test_one_stated_fact_of_a_material_takes_the_suspicion_from_it():
    for name, other in (("is_need", False), ("copies", 2), ("material_format", "1"), ("source_type", None)):
        assert suspect_guide(guide(1, materials=[{**OLD_MATERIAL, name: other}])) == []


def test_a_guide_is_empty_when_it_says_only_what_its_item_says():
    law = [{"law_name": "《中华人民共和国消防法》"}]

    assert is_empty(guide(1, **EMPTY, by_law=law))
    assert not is_empty(guide(1, **EMPTY, questions=[{"question": "多久？", "answer": "三天。"}]))


def test_nothing_is_unknown_of_what_is_wholly_stated():
    stated = FILLED_IN_ITEM | {
        "serve_type": ["1"], "handle_type": ["1"], "limit_scene_num": 1, "is_fee": False,
        "promise_day": 5, "promise_type": "1", "anticipate_day": 20, "anticipate_type": "1",
    }  # fmt: skip

    assert unknown_of_item(item(1, **stated)) == []
    assert unknown_of_guide(guide(1, materials=[OLD_MATERIAL])) == []


def revision(county, number):
    with county.guides.db.read() as session:
        return find(session, code_of(number)).revision


def state(county, number):
    with county.guides.db.read() as session:
        return find(session, code_of(number)).state
