"""How an import changes existing content: nothing unstated is changed, nothing newer is overwritten."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from contracts.content.items import DirectoryRow
from contracts.envelope.publication import Lane
from services.catalog.commands import ItemImport
from services.catalog.model import CountyUnits, read_units
from services.importing.engine.report import unknown_of
from services.importing.engine.sources import ImportOrigin
from shared.errors import UpstreamDown
from shared.feeds.outbox import history
from shared.publishing import editions
from shared.publishing.editions import Period, Plans
from shared.publishing.imports.provenance import provenance_of
from shared.publishing.imports.request import ImportRequest
from shared.text.local_midnight import COUNTY_TIME
from tests.harness.actors import TESTER
from tests.harness.importing import Direct, bring, exchange_row, imported, outcomes_of
from tests.harness.pipeline import Pipeline, code_of, item, pipeline

CODE = code_of(1)
GONE = {"cd_operation": "D"}
LATER = "2099-01-01"
FOREIGN = "11330182MB0000019C"
CHANNELS_OF_ITEM = ("is_online", "is_schedule", "is_pay_online", "is_express", "is_service_terminals")
OLD = {
    *("code", "catalog_code", "task_name", "task_type", "use_level", "dept_name", "dept_code", "dept_type"),
    *("project_type", "promise_day", "promise_type", "is_entry_center", *CHANNELS_OF_ITEM),
}
"""Fields of an item from an earlier version's import: those that its file stated, and those filled in."""


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=("web",)) as made:
        yield made


def made_by_an_import_of_before(county, count):
    """Items and guides of rows 1 to `count`, with the fields that an earlier version's import filled in."""
    rows = [row(number) for number in range(1, count + 1)]
    bring(county, *rows)
    facts = {"is_need": True, "tolerable": False, "material_type": "1", "material_format": "3", "copies": 1}
    for name, source in (("catalog", county.catalog), ("guides", county.guides)):
        bodies = [standing(county, name, code_of(number)).released for number in range(1, count + 1)]
        for body in bodies:
            if name == "catalog":
                body.update({"dept_type": "1", "project_type": "2"} | dict.fromkeys(CHANNELS_OF_ITEM, False))
            else:
                body["materials"] = [one | facts | {"source_type": "10"} for one in body["materials"]]
        with source.db.write() as session:
            wanted = [editions.BodyToRelease(body["code"], body) for body in bodies]
            editions.release_many(session, source.who, TESTER, wanted, Lane.BACKFILL)
            session.execute(text("DELETE FROM import_statement"))


def row(number=1, **changes):
    return exchange_row(number, **changes)


# Order


def test_an_older_version_changes_nothing(county):
    bring(county, row(task_version=6, promise_day=5))

    assert bring(county, row(task_version=5, promise_day=9)).fates == ["older"]
    assert released(county)["promise_day"] == 5


def test_an_older_deletion_deletes_nothing(county):
    bring(county, row(task_version=6))

    assert bring(county, row(task_version=5, **GONE)).fates == ["older"]
    assert state(county) == "released"


def test_what_was_deleted_and_is_listed_again_is_back(county):
    bring(county, row(task_version=1))
    assert bring(county, row(task_version=1, **GONE)).fates == ["withdrawn"]
    assert bring(county, row(task_version=2, task_name="改了名")).fates == ["released"]
    assert (state(county), released(county)["task_name"]) == ("released", "改了名")


def test_what_was_suspended_and_is_in_use_again_is_back(county):
    bring(county, row(task_state="1"))
    bring(county, row(task_state="2"))
    assert state(county) == "suspended"
    assert bring(county, row(task_state="1")).fates == ["released"]


def test_one_version_with_two_contents_is_rejected_whichever_file_it_comes_in(county):
    bring(county, row(task_version=5))
    second = bring(county, row(task_version=5, promise_day=3), file="b")

    assert second.fates == ["rejected"]
    assert [(one.field, one.rule) for one in second.result(1).reasons] == [("version", "C-10")]
    assert released(county)["promise_day"] == 10


def test_versions_of_two_sources_are_not_compared(county):
    bring(county, row(task_version=5), source="exchange")

    assert bring(county, row(task_version=1, link_way="110"), source="phones").fates == ["released"]


# Situations


def test_a_split_is_one_change_in_which_the_situations_come_before_the_whole_goes(county):
    bring(county, row(task_version=1))
    split = [row(task_version=2, **GONE), *(row(task_code=CODE + n, task_version=2, task_name=n) for n in ("01", "02"))]

    assert bring(county, *split).fates == ["withdrawn", "released", "released"]
    sequences = last_sequences(county, CODE + "01", CODE + "02", CODE)
    assert sequences == sorted(sequences)
    assert states(county) == {CODE: "withdrawn", CODE + "01": "released", CODE + "02": "released"}
    assert bring(county, *split).fates == ["unchanged"] * 3


def test_a_merge_is_one_change_too(county):
    bring(county, *(row(task_code=CODE + n, task_name=n) for n in ("01", "02")))
    merge = [*(row(task_code=CODE + n, **GONE) for n in ("01", "02")), row(task_name="合并")]

    assert bring(county, *merge).fates == ["withdrawn", "withdrawn", "released"]
    whole, first, second = last_sequences(county, CODE, CODE + "01", CODE + "02")
    assert whole < min(first, second)


def test_a_split_whose_situations_the_county_refuses_leaves_the_whole_where_it_is(county):
    bring(county, row())
    split = [row(**GONE), row(task_code=CODE + "01"), row(task_code=CODE + "02", task_name=None, dept_name=None)]
    brought = bring(county, *split)

    assert brought.fates == ["rejected"] * 3
    assert {one.rule for number in (1, 2) for one in brought.result(number).reasons} == {"one_change"}
    assert states(county) == {CODE: "released"}


def test_a_split_into_what_begins_later_lets_the_whole_stay_until_then(county):
    bring(county, row())
    bring(county, row(**GONE), row(task_code=CODE + "01", plan_effective_date=LATER))

    assert shown(county, CODE) == 200
    last = history_of(county, CODE)[-1]
    assert (last["op"], last["effective_at"]) == ("withdraw", "2098-12-31T16:00:00.000000Z")


def test_situations_of_a_whole_that_stays_are_rejected(county):
    bring(county, row())

    assert bring(county, row(task_code=CODE + "01")).fates == ["rejected"]
    assert state(county) == "released"


def test_situations_do_not_wait_for_a_breaker_that_counts_withdrawals(county):
    bring(county, *(row(n) for n in range(1, 31)))
    split = [one for n in range(1, 31) for one in (row(n, **GONE), row(n, task_code=code_of(n) + "01"))]

    assert set(bring(county, *split, confirm=False).fates) == {"withdrawn", "released"}


# Three ways


def test_what_somebody_changed_by_hand_stays_while_the_source_says_the_same(county):
    bring(county, row())
    by_hand(county, link_way="0571-5369999", materials=[])
    again = bring(county, row())

    assert again.fates == ["kept"]
    assert again.result(1).kept == ["link_way", "materials"]
    assert guide_released(county)["link_way"] == "0571-5369999"


def test_what_the_source_changes_is_taken_and_named_where_somebody_had_changed_it(county):
    bring(county, row())
    by_hand(county, link_way="0571-5369999", accept_condition="亲手改的")
    again = bring(county, row(link_way="0571-5360000"))

    assert again.fates == ["released"]
    assert (again.result(1).overrides, again.result(1).kept) == (["link_way"], ["accept_condition"])
    assert guide_released(county)["link_way"] == "0571-5360000"
    assert guide_released(county)["accept_condition"] == "亲手改的"
    assert again.report.warnings["overrides_hand_change"] == 1


def test_a_draft_is_never_overwritten_and_never_released(county):
    bring(county, row())
    draft(county, task_name="还没审的草稿")
    bring(county, row(promise_day=4))

    assert released(county)["task_name"] == "第1号事项"
    assert released(county)["promise_day"] == 4
    assert edition(county)["draft"]["task_name"] == "还没审的草稿"


def test_what_somebody_withdrew_by_hand_stays_away_while_the_source_says_the_same(county):
    bring(county, row(task_state="1"))
    county.withdraw(item(1))

    assert bring(county, row(task_state="1")).fates == ["kept"]
    assert state(county) == "withdrawn"


def test_a_list_of_one_department_does_not_bring_back_what_another_took_off(county):
    bring(county, row(), source="exchange")
    bring(county, row(**GONE), source="exchange")

    assert bring(county, row(link_way="110"), source="phones").fates == ["kept"]
    assert state(county) == "withdrawn"


def test_what_somebody_released_again_stays_while_the_source_repeats_its_deletion(county):
    bring(county, row())
    bring(county, row(**GONE))
    draft(county, task_name="亲手恢复")
    with county.dbs["catalog"].write() as session:
        editions.release(session, county.catalog.who, TESTER, CODE, Period())

    assert bring(county, row(**GONE)).fates == ["kept"]
    assert state(county) == "released"


def test_importing_the_same_file_leaves_a_plan_and_an_end_of_an_editor_alone(county):
    bring(county, row(), row(2))
    start = datetime.now(UTC) + timedelta(days=3)
    draft(county, task_name="计划中的第二版")
    county.catalog.release_item(TESTER, CODE, Period(start), None)
    county.catalog.release_item(TESTER, code_of(2), Period(None, start), None)
    before = edition(county), edition(county, code_of(2))

    assert bring(county, row(), row(2)).fates == ["unchanged", "unchanged"]
    assert (edition(county), edition(county, code_of(2))) == before


def test_a_change_of_the_source_leaves_a_plan_and_an_end_of_an_editor_alone_too(county):
    bring(county, row(), row(2))
    start = datetime.now(UTC) + timedelta(days=3)
    draft(county, task_name="计划中的第二版")
    county.catalog.release_item(TESTER, CODE, Period(start), None)
    county.catalog.release_item(TESTER, code_of(2), Period(None, start), None)
    bring(county, row(promise_day=4), row(2, promise_day=4))

    first, second = edition(county), edition(county, code_of(2))
    assert (first["in_force"]["body"]["promise_day"], first["in_force"]["body"]["task_name"]) == (4, "第1号事项")
    assert [one["op"] for one in first["planned"]] == ["release"]
    assert second["in_force"]["expires_at"] is not None


# Absence


def test_columns_that_a_file_does_not_have_change_nothing(county):
    bring(county, row())
    before = released(county), guide_released(county)
    phones = {"task_code": CODE, "link_way": "0571-5369999"}

    assert bring(county, phones, source="phones").fates == ["released"]
    assert released(county) == before[0]
    assert guide_released(county) == {**before[1], "link_way": "0571-5369999"}


def test_a_row_that_states_too_little_for_a_new_item_is_rejected_by_field(county):
    brought = bring(county, {"task_code": CODE, "link_way": "110"})

    assert brought.fates == ["rejected"]
    assert {one.field for one in brought.result(1).reasons} == {"task_name", "task_type", "dept_name"}


@pytest.mark.parametrize("blank", ["", "  ", None, []])
def test_a_blank_cell_empties_only_on_request(county, blank):
    bring(county, row())
    given = {**row(), "accept_condition": blank, "material": blank}
    bring(county, given)
    assert guide_released(county)["accept_condition"] == "年满18周岁"

    emptied = bring(county, given, empty_cells=True)
    assert emptied.result(1).emptied == ["accept_condition", "materials"]
    assert not guide_released(county).get("accept_condition")
    assert not guide_released(county).get("materials")


def test_a_word_for_nothing_states_what_the_table_says(county):
    bring(county, row(charges=[{"fee_name": "工本费", "fee_stand": "10元"}], is_fee="1"))
    bring(county, row(charges="无", material="无", link_way="/", is_entry_center="-"))

    guide = guide_released(county)
    assert (guide["fees"], guide["materials"], guide["link_way"]) == ([], [], "0571-5360001")
    assert (released(county)["is_fee"], released(county)["is_entry_center"]) == (False, True)


def test_fees_that_are_stated_to_be_none_say_that_it_is_free(county):
    bring(county, row(charges="不收费"))

    assert released(county)["is_fee"] is False


def test_another_number_without_a_unit_does_not_inherit_the_unit(county):
    bring(county, row())
    bring(county, row(promise_day=7, promise_type=None))

    assert (released(county)["promise_day"], released(county).get("promise_type")) == (7, None)


# Unknown


def test_a_report_counts_what_nobody_has_stated_when_all_is_done(county):
    least = {"promise_type": None, "is_entry_center": None, "material": ["申请表", "照片"]}
    unknown = unknown_of(bring(county, row(1, **least), row(2)).course.results)

    counted = ("promise_type", "is_entry_center", "is_online", "materials.copies", "materials.is_need")
    assert [unknown[name] for name in counted] == [1, 1, 2, 2, 1]


def test_a_guide_that_went_for_saying_nothing_does_not_come_back(county):
    says_nothing = {"promise_type": None, "accept_condition": None, "transact_addr": None, "link_way": None}
    listed = row(material=None, task_state="1", **says_nothing)
    empty = {"code": CODE, "task_name": "第1号事项", "dept_name": "云溪县公安局"}
    bring(county, row())
    county.guides.import_guides(
        TESTER, ImportRequest(rows=[empty | {name: None for name in guide_released(county) if name not in empty}])
    )
    bring(county, listed)
    versions = everything(county)

    assert edition(county, service="guides")["state"] == "withdrawn"
    bring(county, listed)
    assert everything(county) == versions


def test_what_a_file_does_not_say_is_not_unknown_where_another_has_said_it(county):
    bring(county, row(1))
    phones = bring(county, {"task_code": CODE, "link_way": "110"}, source="phones")

    assert unknown_of(phones.course.results)["is_entry_center"] == 0


def test_what_an_import_of_before_filled_in_is_unknown_again_when_its_file_comes_again(county):
    invented = {"dept_type": "1", "project_type": "2"} | dict.fromkeys(CHANNELS_OF_ITEM, False)
    stated = {"task_name": "第1号事项", "dept_name": "云溪县公安局", "promise_day": 10, "promise_type": "1"}
    body = item(1, **(stated | invented)).model_dump(mode="json", exclude_none=True)
    county.catalog.import_items(
        TESTER, ItemImport(rows=[{name: body[name] for name in body if name in OLD}], source="old")
    )
    bring(county, {"task_code": CODE, "link_way": "110"}, source="phones")
    assert released(county)["project_type"] == "2"

    bring(county, row(1))
    assert [released(county).get(name) for name in ("project_type", "is_online", "promise_day")] == [None, None, 10]


# Breaker


@pytest.mark.parametrize(
    ("changes", "wishes", "kind"),
    [
        (GONE, {}, "withdrawals"),
        ({"link_way": ""}, {"empty_cells": True}, "emptying"),
        ({"promise_day": 3}, {}, "changes"),
    ],
)
def test_much_at_once_is_held_row_by_row_and_the_rest_is_done(county, changes, wishes, kind):
    bring(county, *(row(n) for n in range(1, 41)))
    rows = [*(row(n, **changes) for n in range(1, 31)), row(50), row(51, task_type="没有")]
    versions = len(everything(county))
    dry = bring(county, *rows, confirm=False, dry_run=True, **wishes)
    assert len(everything(county)) == versions
    wet = bring(county, *rows, confirm=False, **wishes)

    assert dry.fates == wet.fates == ["held"] * 30 + ["released", "rejected"]
    assert set(wet.course.questions) == {kind}
    confirmed = bring(county, *rows, **wishes)
    assert "held" not in confirmed.fates


def test_twenty_changes_ask_nobody(county):
    bring(county, *(row(n) for n in range(1, 31)))

    assert set(bring(county, *(row(n, promise_day=3) for n in range(1, 21)), confirm=False).fates) == {"released"}


def test_taking_back_what_imports_of_before_filled_in_asks_nobody_and_is_named(county):
    made_by_an_import_of_before(county, 30)

    corrected = bring(county, *(row(n) for n in range(1, 31)), confirm=False)

    assert set(corrected.fates) == {"released"}
    assert {"project_type", "is_online", "materials"} <= set(corrected.result(1).corrected)
    assert bring(county, *(row(n) for n in range(1, 31)), confirm=False).fates == ["unchanged"] * 30


def test_an_import_that_died_before_the_guides_goes_on_without_asking(county):
    rows = [row(n) for n in range(1, 41)]
    sources = Direct(county)
    planned, item_request = 2, 1
    sources.dies_after = planned + item_request
    with pytest.raises(UpstreamDown):
        imported(sources, outcomes_of(rows))
    assert all(state == "released" for state in states(county).values())

    again = bring(county, *rows, confirm=False)

    assert set(again.fates) == {"released"}
    assert len(everything(county)) == 2 * len(rows)


def test_a_file_that_also_changes_something_is_asked_about(county):
    made_by_an_import_of_before(county, 30)

    assert bring(county, *(row(n, promise_day=3) for n in range(1, 31)), confirm=False).fates == ["held"] * 30


# A full list


def test_what_a_full_list_no_longer_contains_is_named_and_withdrawn_on_request(county):
    bring(county, row(1), row(2), row(3))

    named = bring(county, row(1), full=True)
    assert named.course.missing.codes == [code_of(2), code_of(3)]
    assert set(states(county).values()) == {"released"}
    bring(county, row(1), full=True, withdraw_missing=True)
    assert states(county) == {code_of(1): "released", code_of(2): "withdrawn", code_of(3): "withdrawn"}


def test_a_full_list_of_one_source_says_nothing_of_what_another_has_said(county):
    bring(county, row(1), source="a")
    bring(county, row(2), source="b")

    assert bring(county, row(2), source="b", full=True, withdraw_missing=True).course.missing.codes == []
    assert set(states(county).values()) == {"released"}


def test_a_rejected_row_is_not_missing_and_an_unreadable_one_withdraws_nothing(county):
    bring(county, row(1), row(2), row(3))

    bring(county, row(1), row(2, promise_day="很快"), full=True, withdraw_missing=True)
    assert states(county) == {code_of(1): "released", code_of(2): "released", code_of(3): "withdrawn"}
    bring(county, row(1), row(9, task_code="X"), full=True, withdraw_missing=True)
    assert states(county)[code_of(2)] == "released"


def test_withdrawing_what_is_missing_asks_the_breaker(county):
    bring(county, *(row(n) for n in range(1, 31)))
    brought = bring(county, row(1), full=True, withdraw_missing=True, confirm=False)

    assert set(brought.course.questions) == {"withdrawals"}
    assert set(states(county).values()) == {"released"}


# Where it belongs


def foreign_row():
    code = f"{FOREIGN}4000117000010"
    return row(task_code=code, task_type="01", dept_name="邻县测试局")


def test_a_unit_of_another_county_is_refused_by_name_unless_it_is_named(county):
    refused = bring(county, foreign_row())
    assert refused.fates == ["rejected"]
    assert [(one.rule, one.value) for one in refused.result(1).reasons] == [("C-8", "330182")]

    assert bring(county, foreign_row(), row(2)).fates == ["rejected", "released"]
    assert fate_with_regions(county, foreign_row(), "330182") == ["released"]


@pytest.mark.parametrize("entry", ["330182", FOREIGN])
def test_units_in_the_countys_list_belong_to_it(tmp_path, entry):
    with pipeline(tmp_path, channels=()) as county:
        object.__setattr__(county.catalog, "place", CountyUnits(county.catalog.region, None, frozenset({entry})))
        assert bring(county, foreign_row()).fates == ["released"]


def test_a_list_of_units_has_a_code_a_line_and_names_a_line_that_is_none():
    assert read_units("# 旧区划\n511303 广安区\n\n11330182mb0000019c,县测试局\n") == {"511303", FOREIGN}
    with pytest.raises(ValueError, match="line 2: '广安'"):
        read_units("511303\n广安\n")


def test_a_thousand_withdrawals_of_a_script_are_looked_up_in_parts(county, monkeypatch):
    monkeypatch.setattr("shared.publishing.imports.engine.CODES_A_STATEMENT", 7)
    bring(county, *(row(n) for n in range(1, 25)))

    outcome = county.catalog.import_items(TESTER, ItemImport(withdraw=[code_of(n) for n in range(1, 21)]))
    assert outcome.withdrawn == 20


def test_what_was_published_by_mistake_can_be_taken_back(county):
    fate_with_regions(county, foreign_row(), "330182")

    assert bring(county, {**foreign_row(), **GONE}).fates == ["withdrawn"]


# 基本目录


def test_what_one_format_guessed_refuses_no_row_of_another(county):
    guess = DirectoryRow(catalog_code="339917051000", task_name="猜的", task_type="01", use_level=["2"])
    county.catalog.import_items(TESTER, import_request(guessed=[guess.model_dump()]))

    assert bring(county, row(1)).fates == ["released"]


def test_a_directory_that_was_given_refuses_what_it_does_not_hold(county):
    other = {"catalog_code": "000117051000", "task_name": "别的事项", "task_type": "01", "use_level": "4"}
    dry = bring(county, other, row(1), dry_run=True)
    wet = bring(county, other, row(1))

    assert dry.fates == wet.fates == ["released", "rejected"]
    assert [one.rule for one in wet.result(2).reasons] == ["C-7"]
    assert bring(county, other).fates == ["unchanged"]


# Time


def test_a_planned_day_is_obeyed_once_and_does_not_flap(county):
    assert bring(county, row(plan_effective_date=LATER)).fates == ["scheduled"]
    assert (shown(county, CODE), shown(county, CODE, "guides")) == (404, 404)
    versions = everything(county)

    assert bring(county, row(plan_effective_date=LATER)).fates == ["unchanged"]
    assert everything(county) == versions


def test_a_correction_of_what_is_scheduled_takes_its_place(county):
    bring(county, row(plan_effective_date=LATER))
    assert bring(county, row(plan_effective_date=LATER, promise_day=3)).fates == ["scheduled"]

    (planned,) = edition(county)["planned"]
    assert planned["effective_at"] == "2098-12-31T16:00:00.000000Z"
    assert released(county)["promise_day"] == 3


def test_the_guide_of_what_is_scheduled_can_be_corrected_too(county):
    bring(county, row(plan_effective_date=LATER))

    assert bring(county, row(plan_effective_date=LATER, link_way="110")).fates == ["scheduled"]
    assert guide_released(county)["link_way"] == "110"
    assert (shown(county, CODE), shown(county, CODE, "guides")) == (404, 404)


@pytest.mark.parametrize("day", ["2098-01-01", "2099-06-01"])
def test_a_planned_day_that_the_source_moves_is_moved(county, day):
    bring(county, row(plan_effective_date=LATER))
    bring(county, row(plan_effective_date=day))

    midnight = datetime.fromisoformat(day).replace(tzinfo=COUNTY_TIME).astimezone(UTC)
    assert [datetime.fromisoformat(one["effective_at"]) for one in edition(county)["planned"]] == [midnight]


def test_what_has_ended_is_not_released_and_a_second_run_changes_nothing(county):
    ended = row(plan_cancel_date="2020-01-01")
    first = bring(county, ended)

    assert first.fates == ["unchanged"]
    assert "2020-01-01" in first.result(1).note
    assert first.report.warnings["not_released"] == 1
    assert bring(county, ended).fates == ["unchanged"]
    assert everything(county) == []


def test_what_is_shown_and_has_ended_is_withdrawn_once(county):
    bring(county, row())

    assert bring(county, row(plan_cancel_date="2020-01-01")).fates == ["withdrawn"]
    assert bring(county, row(plan_cancel_date="2020-01-01")).fates == ["unchanged"]
    assert bring(county, row(plan_cancel_date="2099-01-01")).fates == ["released"]


# Provenance


def test_each_version_knows_its_file_its_row_and_who_imported_it(county):
    bring(county, row(2), row(1), file="事项清单", source="住建局")
    bring(county, row(1, **GONE), file="撤销清单", source="住建局")

    with county.dbs["catalog"].read() as session:
        first, second = provenance_of(session, f"item:{CODE}")
    assert (first["version"], first["file"], first["row"]) == (1, "事项清单.jsonl", 2)
    assert (second["version"], second["file"], second["row"]) == (2, "撤销清单.jsonl", 1)
    assert {(one["source"], one["by"]) for one in (first, second)} == {("住建局", "张三")}
    assert len(first["sha256"]) == 64


def import_request(**content):
    return ItemImport(**content)


def fate_with_regions(county: Pipeline, one, *regions):
    course, _ = imported(Direct(county), outcomes_of([one]), origin=ImportOrigin("test", regions=regions))
    return [str(result.fate) for result in course.results]


def edition(county, code=CODE, service="catalog"):
    who = county.catalog.who if service == "catalog" else county.guides.who
    with county.dbs[service].read() as session:
        return editions.view(session, who, editions.find(session, code))


def standing(county, service, code):
    who = county.catalog.who if service == "catalog" else county.guides.who
    with county.dbs[service].write() as session:
        return editions.standings(session, who, [code])[code]


def released(county, code=CODE):
    return standing(county, "catalog", code).released


def guide_released(county, code=CODE):
    return standing(county, "guides", code).released


def states(county):
    with county.dbs["catalog"].read() as session:
        return editions.states(session)


def state(county, code=CODE):
    return states(county)[code]


def draft(county, code=CODE, **changes):
    body = released(county, code) | changes
    county.catalog.save_item(TESTER, code, body, edition(county, code)["revision"])


def by_hand(county, code=CODE, **changes):
    """Change and release the guide, as an editor."""
    body = guide_released(county, code) | changes
    county.guides.save_guide(TESTER, code, body, edition(county, code, "guides")["revision"])
    county.guides.release_guide(TESTER, code, Period(), None, Plans.KEEP)


def history_of(county, code):
    with county.dbs["catalog"].read() as session:
        return history(session, f"item:{code}")


def last_sequences(county, *codes):
    return [history_of(county, code)[-1]["sequence"] for code in codes]


def shown(county, code, kind="items"):
    county.flow()
    return county.get(f"web/v1/{kind}/{code}").status_code


def everything(county):
    """Return every version of every source."""
    tables = [
        county.execute(service, "SELECT key, version FROM release ORDER BY 1, 2") for service in ("catalog", "guides")
    ]
    return [version for table in tables for version in table]
