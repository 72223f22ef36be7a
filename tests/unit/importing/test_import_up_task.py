"""Rows of the national exchange, with its column names and Chongqing's, as items, guides and withdrawals."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from services.importing.formats.up_task import NAMES, convert
from services.importing.row import Accepted, Outcome, Rejected, Row, WarningName

CODE = "11440232MB2D06811W4000117051000"

EXCHANGE = {
    "row_guid": "6f1c",
    "cd_operation": "I",
    "cd_time": "2026-03-01 08:00:00",
    "cd_batch": "b1",
    "data_source": "339",
    "task_code": CODE,
    "catalog_code": "000117051000",
    "task_name": "建设工程消防设计审查",
    "task_type": "01",
    "task_state": "1",
    "task_version": 3,
    "by_law": "《中华人民共和国消防法》第十一条",
    "power_source": "1",
    "use_level": "4",
    "dept_name": "县住房和城乡建设局",
    "dept_code": "11440232MB2D06811W",
    "dept_type": "1",
    "server_type": "1^2",
    "project_type": "2",
    "handle_type": "1^2",
    "accept_condition": "已取得规划许可",
    "handle_flow": "受理^审查^决定",
    "anticipate_day": 20,
    "anticipate_type": "1",
    "anticipate_explain": "法定二十个工作日",
    "promise_day": 15,
    "promise_type": "1",
    "promise_explain": "承诺十五个工作日",
    "special_procedure": "无",
    "limit_scene_num": 1,
    "limit_scene_explain": "需核对原件",
    "is_fee": "0",
    "transact_addr": "鹰峰中路1号3楼5号窗口",
    "transact_time": "工作日9:00-12:00",
    "link_way": "0751-5361234",
    "supervise_way": "0751-12345",
    "is_entry_center": "1",
    "is_online": "1",
    "is_pay_online": "0",
    "is_express": "1",
    "is_service_terminals": "1",
    "online_handle_depth": "3^4",
    "user_topic_type": "070",
    "corp_topic_type": "085",
    "plan_effective_date": "2026-04-01",
    "material": [{"material_name": "申请表", "is_need": "1", "source_type": "10", "material_type": "1"}],
    "fee_project": [],
    "questions": [{"question": "要多久？", "answer": "十五个工作日。"}],
}

CHONGQING = {
    "taskCode": CODE,
    "catalogCode": "000117051000",
    "taskName": "建设工程消防设计审查",
    "taskType": "01",
    "deptName": "县住房和城乡建设局",
    "deptCode": "11440232MB2D06811W",
    "deptType": "法定机关",
    "useLevel": "县级",
    "serveType": "1,2",
    "handleType": "1,2",
    "anticipateDay": "20",
    "promiseDay": "15",
    "limitSceneNum": "1",
    "linkWay": "0751-5361234",
    "superviseWay": "0751-12345",
    "isFee": "1",
    "isPayOnline": "1",
    "itemSource": "1",
    "wsfwsd": "3,4",
    "naturalThemeType": "070",
    "legalThemeType": "085",
    "itemConditions": ["已取得规划许可", "图纸齐全"],
    "itemMaterials": [{"materialName": "申请表", "materialFormat": "3"}],
    "lobbys": [{"address": "鹰峰中路1号", "tel": "0751-1", "time": "工作日9:00-12:00"}],
    "byLaws": [
        {"lawName": "消防法", "accordingNumber": "主席令第六号", "termsNumber": "第十一条", "termsContent": "…"}
    ],
    "activitys": [
        {"activityName": "受理", "standard": "材料齐全", "result": "受理通知书", "handleTimeLimit": "1个工作日"}
    ],
    "charges": [{"feeName": "图审费", "feeStand": "每平方米1元", "byLaw": "粤价〔2019〕1号", "isDesc": "0"}],
}


def converted(base: dict[str, Any] = EXCHANGE, **changes: Any) -> Outcome:
    return convert(Row(4, base | changes))


def good(base: dict[str, Any] = EXCHANGE, **changes: Any) -> Accepted:
    outcome = converted(base, **changes)
    assert isinstance(outcome, Accepted), outcome
    return outcome


def broken(base: dict[str, Any] = EXCHANGE, **changes: Any) -> list[tuple[str, str]]:
    outcome = converted(base, **changes)
    assert isinstance(outcome, Rejected)
    return [(violation.field, violation.rule) for violation in outcome.violations]


def test_an_exchange_row_becomes_an_item_and_its_guide() -> None:
    outcome = good()
    item, guide = outcome.item, outcome.guide

    assert item is not None
    assert guide is not None
    assert (item.serve_type, item.handle_type, item.online_handle_depth) == (["1", "2"], ["1", "2"], ["3", "4"])
    assert (item.anticipate_day, item.anticipate_type, item.promise_day, item.promise_type) == (20, "1", 15, "1")
    assert (item.is_fee, item.is_pay_online, item.is_service_terminals) == (False, False, True)
    assert str(item.plan_effective_date) == "2026-04-01"
    assert [(law.law_name, law.article) for law in guide.by_law] == [("中华人民共和国消防法", "第十一条")]
    assert [step.name for step in guide.steps] == ["受理", "审查", "决定"]
    assert [(window.address, window.hours) for window in guide.windows] == [
        ("鹰峰中路1号3楼5号窗口", "工作日9:00-12:00")
    ]
    assert [(entry.material_name, entry.is_need) for entry in guide.materials] == [("申请表", True)]
    assert guide.time_limit_explain == "法定二十个工作日\n承诺十五个工作日"
    assert guide.special_procedure is None
    assert outcome.version == 3
    assert {warning.name for warning in outcome.warnings if not warning.name.routine} == set()


def test_the_camel_case_dialect_says_the_same() -> None:
    outcome = good(CHONGQING)
    item, guide = outcome.item, outcome.guide

    assert item is not None
    assert guide is not None
    assert (item.serve_type, item.use_level, item.dept_type, item.power_source) == (["1", "2"], "4", "1", "1")
    assert (item.user_topic_type, item.corp_topic_type) == (["070"], ["085"])
    assert guide.accept_condition == "已取得规划许可\n图纸齐全"
    assert guide.by_law[0].document_no == "主席令第六号"
    assert (guide.steps[0].result, guide.steps[0].day) == ("受理通知书", 1)
    assert (guide.fees[0].fee_stand, guide.fees[0].is_desc) == ("每平方米1元", False)
    assert guide.windows[0].phone == "0751-1"
    assert (item.promise_type, item.anticipate_type) == (None, None)
    assert {warning.name for warning in outcome.warnings if not warning.name.routine} == {WarningName.UNIT_UNKNOWN}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"cd_operation": "D"}, WarningName.DELETED),
        ({"task_state": "2"}, WarningName.SUSPENDED),
        ({"task_state": "3"}, WarningName.CANCELLED),
    ],
)
def test_a_deleted_suspended_or_cancelled_item_is_withdrawn(changes: dict[str, str], name: WarningName) -> None:
    outcome = good(**changes)

    assert (outcome.withdraw, outcome.item, outcome.guide) == (CODE, None, None)
    assert name in {warning.name for warning in outcome.warnings}


def test_a_withdrawal_needs_no_more_than_a_sound_code() -> None:
    bare = {"task_code": CODE, "cd_operation": "D"}

    assert good(bare, task_code=CODE).withdraw == CODE
    assert broken(bare, task_code=CODE[:-1]) == [("task_code", "C-1")]


def test_the_situation_is_the_item_where_there_is_one() -> None:
    assert good(task_handle_item=CODE + "01").code == CODE + "01"
    assert good(task_handle_item=CODE).code == CODE
    assert broken(task_handle_item=CODE[:-1] + "101") == [("task_handle_item", "pattern")]


def test_an_unknown_column_is_a_warning_and_no_reason_to_reject() -> None:
    outcome = good(favourite_colour="红")

    unknown = [warning for warning in outcome.warnings if warning.name == WarningName.UNKNOWN_COLUMN]
    assert [(warning.field, warning.value) for warning in unknown] == [("favourite_colour", "红")]


def test_two_columns_that_contradict_each_other_are_pointed_out() -> None:
    outcome = good(serve_type="9")

    assert outcome.item is not None
    assert outcome.item.serve_type == ["1", "2"]
    assert ("serve_type", "9") in {(warning.field, warning.value) for warning in outcome.warnings}


def test_a_row_of_the_directory_is_a_catalogue_row_alone() -> None:
    outcome = good(
        {"catalog_code": "000117051000", "task_name": "消防设计审查", "task_type": "01", "use_level": "2,3,4"}
    )

    assert outcome.item is None
    assert outcome.directory is not None
    assert outcome.directory.use_level == ["2", "3", "4"]
    assert not outcome.guessed


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cd_operation": "X"}, ("cd_operation", "operation")),
        ({"task_state": "9"}, ("task_state", "code_table")),
        ({"task_version": "latest"}, ("task_version", "number")),
        ({"dept_code": "2222222222222"}, ("dept_code", "C-3")),
        ({"catalog_code": "000117051001"}, ("catalog_code", "C-5")),
        ({"task_type": "99"}, ("task_type", "code_table")),
        ({"plan_cancel_date": "下月"}, ("plan_cancel_date", "date")),
        ({"task_name": "名" * 1001}, ("task_name", "contract:string_too_long")),
    ],
)
def test_a_broken_rule_is_named_with_the_exchanges_column(changes: dict[str, Any], said: tuple[str, str]) -> None:
    assert said in broken(**changes)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"promise_day": "7(自然日)"}, "promise_day", ("promise_type", "duration")),
        ({"material": [{"is_need": "1"}]}, "materials", ("material[0].material_name", "required")),
        ({"material": [{"name": ["表"]}, {"name": "证"}]}, "materials", ("material[0].name", "type")),
        ({"questions": [{"question": "为何？"}]}, "questions", ("questions[0].answer", "required")),
    ],
)
def test_an_optional_value_that_cannot_be_read_costs_its_field_and_a_list_as_a_whole(
    changes: dict[str, Any], field: str, said: tuple[str, str]
) -> None:
    outcome = good(**changes)

    assert said in [(one.field, one.broken) for one in outcome.warnings if one.name == WarningName.FIELD_LEFT_OUT]
    assert field not in {**(outcome.stated_item or {}), **(outcome.stated_guide or {})}


@pytest.mark.parametrize("written", ["MB2D06811", "MB2D0681-1", "11440232mb2d06811w"])
def test_a_units_code_in_another_spelling_is_completed(written: str) -> None:
    item = good(dept_code=written).item

    assert item is not None
    assert item.dept_code == "11440232MB2D06811W"


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


@given(changes=st.dictionaries(st.sampled_from(sorted({*EXCHANGE, *NAMES, *CHONGQING})), junk, max_size=5))
def test_garbage_in_any_column_is_accepted_as_valid_or_rejected_by_name(changes: dict[str, Any]) -> None:
    for base in (EXCHANGE, CHONGQING):
        outcome = converted(base, **changes)

        if isinstance(outcome, Rejected):
            assert all(violation.field and violation.rule for violation in outcome.violations)
            assert outcome.violations
        else:
            assert outcome.item is not None or outcome.withdraw is not None or outcome.directory is not None
