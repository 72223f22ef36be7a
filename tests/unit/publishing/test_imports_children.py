"""Imports into lists whose rows state less of an element than was known, and texts without content."""

import pytest

from shared.publishing import editions
from shared.publishing.editions import Period
from tests.harness.actors import TESTER
from tests.harness.importing import bring, exchange_row
from tests.harness.pipeline import code_of, pipeline

CODE = code_of(1)
LATER = "2099-01-01"
FORM = {"material_name": "申请表", "is_need": "1", "copies": "2"}
PHOTO = {"material_name": "照片", "is_need": "0"}
NAMES = [{"material_name": "申请表"}, {"material_name": "照片"}]


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=()) as made:
        yield made


def row(**changes):
    return exchange_row(1, **changes)


def test_a_list_of_names_leaves_what_is_known_of_each_material(county):
    bring(county, row(material=[FORM, PHOTO]))

    assert bring(county, row(material=NAMES)).fates == ["unchanged"]
    bring(county, row(material=[NAMES[1], NAMES[0], {"material_name": "图纸"}]))
    assert facts(county) == [("照片", False, None), ("申请表", True, 2), ("图纸", None, None)]


def test_an_address_without_a_column_for_hours_leaves_the_hours(county):
    bring(county, row(transact_time="工作日9:00-17:00"))

    assert bring(county, row()).fates == ["unchanged"]
    assert guide(county)["windows"] == [{"address": "测试路1号", "hours": "工作日9:00-17:00"}]


def test_another_address_does_not_inherit_the_hours_of_the_one_before(county):
    bring(county, row(transact_time="工作日9:00-17:00"))
    bring(county, row(transact_addr="新路2号"))

    assert guide(county)["windows"] == [{"address": "新路2号"}]


def test_of_two_materials_with_one_name_nobody_can_tell_which_one_is_meant(county):
    bring(county, row(material=[FORM, FORM | {"copies": "5"}]))
    bring(county, row(material=[NAMES[0]]))

    assert facts(county) == [("申请表", None, None)]


def test_words_about_where_a_material_comes_from_go_with_the_source_that_they_explain(county):
    own = {"material_name": "申请表", "source_type": "10", "source_explain": "自己填写"}
    bring(county, row(material=[own]))
    bring(county, row(material=[{"material_name": "申请表", "source_type": "20"}]))

    (material,) = guide(county)["materials"]
    assert (material["source_type"], material.get("source_explain")) == ("20", None)


def test_what_somebody_changed_in_a_list_stays_while_the_source_names_the_same(county):
    bring(county, row(material=[FORM, PHOTO]))
    by_hand(county, [{"material_name": "照片", "is_need": True}])

    assert bring(county, row(material=NAMES)).fates == ["kept"]
    assert facts(county) == [("照片", True, None)]
    bring(county, row(material=[*NAMES, {"material_name": "图纸"}]))
    assert facts(county) == [("申请表", True, 2), ("照片", True, None), ("图纸", None, None)]


@pytest.mark.parametrize("word", ["未知", "不详", "待定", "/"])
def test_who_says_that_they_do_not_know_states_nothing(county, word):
    first = bring(county, row(is_fee=word))

    assert (first.fates, item_of(county).get("is_fee")) == (["released"], None)
    assert first.report.warnings["word_unclear"] == 1
    bring(county, row(is_fee="1"))
    bring(county, row(is_fee=word))
    assert item_of(county)["is_fee"] is True


@pytest.mark.parametrize("word", ["长期", "永久有效", "无"])
def test_an_item_without_an_end_loses_the_end_that_was_said_before(county, word):
    bring(county, row(plan_cancel_date=LATER))
    bring(county, row(plan_cancel_date="/"))
    assert item_of(county)["plan_cancel_date"] == LATER

    assert bring(county, row(plan_cancel_date=word)).fates == ["released"]
    assert "plan_cancel_date" not in item_of(county)
    assert bring(county, row(plan_cancel_date=word)).fates == ["unchanged"]


@pytest.mark.parametrize(
    "field", ["promise_day", "task_state", "limit_scene_num", "plan_effective_date", "project_type"]
)
def test_a_number_a_day_or_a_code_that_nobody_knows_sends_no_row_back(county, field):
    brought = bring(county, row(**{field: "待定"}))

    assert (brought.fates, brought.report.warnings["word_unclear"]) == (["released"], 1)
    assert item_of(county).get(field) is None


def test_a_fact_of_a_material_that_nobody_knows_is_unknown(county):
    bring(county, row(material=[{"material_name": "申请表", "is_need": "未知", "copies": "不详"}]))

    assert facts(county) == [("申请表", None, None)]


@pytest.mark.parametrize("text", ["[]", "{}", " [ ] "])
def test_an_empty_child_table_as_json_text_is_no_material_of_that_name(county, text):
    bring(county, row(material=[FORM]))

    assert bring(county, row(material=text)).fates == ["unchanged"]
    assert bring(county, row(material=text), empty_cells=True).fates == (
        ["unchanged"] if text == "[{}]" else ["released"]
    )


def test_a_child_table_as_json_text_is_read_as_the_table_that_it_is(county):
    bring(county, row(material='[{"material_name": "申请表", "is_need": "1", "copies": 2}]'))

    assert facts(county) == [("申请表", True, 2)]


@pytest.mark.parametrize("text", ["[申请表]", "{申请表", "[1"])
def test_a_name_that_begins_like_json_is_a_name(county, text):
    bring(county, row(material=text))

    assert facts(county) == [(text, None, None)]


def facts(county):
    names = ("material_name", "is_need", "copies")
    return [tuple(material.get(name) for name in names) for material in guide(county)["materials"]]


def by_hand(county, materials):
    view = _view(county, county.guides, "guides")
    county.guides.save_guide(TESTER, CODE, view["in_force"]["body"] | {"materials": materials}, view["revision"])
    county.guides.release_guide(TESTER, CODE, Period(), None)


def item_of(county):
    return _view(county, county.catalog, "catalog")["in_force"]["body"]


def guide(county):
    return _view(county, county.guides, "guides")["in_force"]["body"]


def _view(county, source, service):
    with county.dbs[service].read() as session:
        return editions.view(session, source.who, editions.find(session, CODE))
