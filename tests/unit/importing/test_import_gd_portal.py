"""Portal rows: each known defect of real rows becomes a named warning, or a rejection with field and rule."""

from typing import Any

import pytest

from services.importing.formats.gd_portal import convert
from services.importing.row import Accepted, Outcome, Rejected, Row, WarningName

USCC = "11440232MB2D06811W"
BASIC = "440117051000"


def portal_row(**changes: Any) -> dict[str, Any]:
    return {
        "TASK_CODE": USCC + "4" + BASIC,
        "ORGCODE": "MB2D06811",
        "TASK_TYPE": "01",
        "TASK_TYPE_TEXT": "行政许可",
        "LIMIT_SCENE_NUM": "0",
        "TASK_STATE": None,
        "DEPT_NAME": "乳源瑶族自治县住房和城乡建设管理局",
        "TASK_NAME": "建设工程消防设计审查",
        "subTaskName": None,
        "CATAID": BASIC,
        "URL": "https://www.gdzwfw.gov.cn/item",
        "AREACODE": "440232",
        "subCatalogName": "建设工程消防设计审查",
        "ONLINECHECK": "1",
        "matter_name": "建设工程消防设计审查",
        "matter_short": "消防设计审查",
        "matter_daily": "消防设计，消防审图",
        "matter_code": "无",
        "matter_level": "县级",
        "visit_number": "0",
        "handle_location": "办理地点：乳源县鹰峰中路1号3楼5号窗口",
        "handle_time": "20(工作日)",
        "handle_time_limit": "15(工作日)",
        "accept_standard": "建设工程已取得规划许可",
        "consult_phone": "0751-5361234",
        "courier_service": "是",
        "complain_phone": "0751-12345",
        "online_book": "是",
        "theme_category": ["规划建设"],
        "service_object_name": ["自然人", "企业法人"],
        "material_intro": ["消防设计审查申请表", "消防设计文件"],
    } | changes


def converted(**changes: Any) -> Outcome:
    return convert(Row(7, portal_row(**changes)))


def good(**changes: Any) -> Accepted:
    outcome = converted(**changes)
    assert isinstance(outcome, Accepted), outcome
    return outcome


def broken(**changes: Any) -> list[tuple[str, str]]:
    outcome = converted(**changes)
    assert isinstance(outcome, Rejected)
    assert outcome.number == 7
    assert outcome.raw == portal_row(**changes)
    return [(violation.field, violation.rule) for violation in outcome.violations]


def doubts(**changes: Any) -> set[WarningName]:
    return {warning.name for warning in good(**changes).warnings if not warning.name.routine}


def with_unit(uscc: str) -> dict[str, str]:
    return {"TASK_CODE": uscc + "4" + BASIC, "ORGCODE": uscc[8:17]}


def test_a_clean_row_leaves_nobody_anything_to_look_at() -> None:
    assert doubts() == set()


def test_a_wrong_check_character_of_the_unit_is_rejected() -> None:
    assert broken(**with_unit("13440000515356094L")) == [("TASK_CODE", "C-2")]


def test_a_pseudo_code_of_a_unit_is_accepted_and_flagged() -> None:
    assert doubts(**with_unit("TE440232GD030003VV")) == {WarningName.USCC_PSEUDO}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"TASK_CODE": None}, ("TASK_CODE", "required")),
        ({"TASK_CODE": "H-000185"}, ("TASK_CODE", "C-1")),
        ({"TASK_CODE": "1151130108778239R" + "4" + BASIC}, ("TASK_CODE", "C-1")),
        ({"ORGCODE": "006939756"}, ("ORGCODE", "C-3")),
        ({"matter_level": "市级"}, ("matter_level", "C-4")),
        ({"matter_level": "特级"}, ("matter_level", "code_table")),
        ({"CATAID": "440117052000"}, ("CATAID", "C-5")),
        ({"TASK_TYPE": "21", "TASK_TYPE_TEXT": "公共服务"}, ("TASK_TYPE", "C-6")),
        ({"TASK_TYPE": "77"}, ("TASK_TYPE", "code_table")),
        ({"TASK_NAME": "长" * 1001}, ("TASK_NAME", "contract:string_too_long")),
        ({"AREACODE": "粤北"}, ("AREACODE", "region")),
        ({"DEPT_NAME": ["局"]}, ("DEPT_NAME", "type")),
    ],
)
def test_a_broken_rule_is_named_with_the_files_own_column(changes: dict[str, Any], said: tuple[str, str]) -> None:
    assert said in broken(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"handle_time": "3个月"}, ("handle_time", "duration")),
        ({"handle_time_limit": "9999(工作日)"}, ("handle_time_limit", "contract:less_than_equal")),
        ({"courier_service": "也许"}, ("courier_service", "yes_no")),
        ({"LIMIT_SCENE_NUM": "多次"}, ("LIMIT_SCENE_NUM", "number")),
        ({"material_intro": ["表", {"materialName": "件", "copies": "若干"}]}, ("material_intro[1].copies", "number")),
    ],
)
def test_an_optional_value_that_cannot_be_read_costs_its_field_and_not_the_row(
    changes: dict[str, Any], said: tuple[str, str]
) -> None:
    outcome = converted(**changes)

    assert isinstance(outcome, Accepted)
    assert [(one.field, one.broken) for one in outcome.warnings if one.name == WarningName.FIELD_LEFT_OUT] == [said]


def test_all_that_is_wrong_in_a_row_is_told_at_once() -> None:
    found = broken(handle_time="很久", ONLINECHECK="?", DEPT_NAME=["局"])

    assert {field for field, _ in found} == {"handle_time", "ONLINECHECK", "DEPT_NAME"}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"handle_time": "无"}, WarningName.MISSING_LIMIT),
        ({"handle_time_limit": "21(工作日)"}, WarningName.PROMISE_OVER_LIMIT),
        ({"complain_phone": "0751-5361234"}, WarningName.SAME_PHONE),
        ({"ONLINECHECK": "0", "courier_service": "否"}, WarningName.ZERO_VISITS_WITHOUT_CHANNEL),
        ({"visit_number": "2"}, WarningName.VISITS_DIFFER),
        ({"matter_name": "消防验收"}, WarningName.NAME_DIFFERS),
        ({"TASK_TYPE_TEXT": "公共服务"}, WarningName.TYPE_LABEL_DIFFERS),
        ({"theme_category": ["找工作"]}, WarningName.UNKNOWN_THEME),
        ({"service_object_name": ["自然人", "外星人"]}, WarningName.UNKNOWN_CODE),
        ({"URL": "javascript:alert(1)"}, WarningName.UNSAFE_URL_DROPPED),
    ],
)
def test_a_doubtful_row_is_accepted_with_a_named_warning(changes: dict[str, Any], name: WarningName) -> None:
    assert doubts(**changes) == {name}


@pytest.mark.parametrize(
    ("changes", "silent"),
    [
        ({"TASK_TYPE": None, "TASK_TYPE_TEXT": None}, "task_type"),
        ({"TASK_NAME": "无"}, "task_name"),
        ({"DEPT_NAME": None}, "dept_name"),
    ],
)
def test_a_row_that_leaves_a_field_out_says_nothing_of_it(changes: dict[str, Any], silent: str) -> None:
    stated = good(**changes).stated_item

    assert stated is not None
    assert silent not in stated
    assert stated["code"] == good().code


def test_whether_a_unit_belongs_here_is_for_the_county_to_say() -> None:
    assert doubts(AREACODE="440100") == set()


def test_limits_in_different_units_are_not_compared() -> None:
    assert doubts(handle_time="20(工作日)", handle_time_limit="25(自然日)") == set()


@pytest.mark.parametrize(("written", "national"), [("20", "10"), ("21", "20")])
def test_guangdong_task_types_become_national_ones(written: str, national: str) -> None:
    basic = f"44{written}17051000"
    label = {"20": "其他行政权力", "21": "公共服务"}[written]

    outcome = good(TASK_CODE=USCC + "4" + basic, CATAID=basic, TASK_TYPE=written, TASK_TYPE_TEXT=label)

    assert outcome.item is not None
    assert outcome.item.task_type == national
    assert WarningName.TYPE_DIALECT_MAPPED in {warning.name for warning in outcome.warnings}


def test_an_item_nobody_applies_for_gets_no_guide() -> None:
    basic = "440217051000"

    outcome = good(TASK_CODE=USCC + "4" + basic, CATAID=basic, TASK_TYPE="02", TASK_TYPE_TEXT="行政处罚")

    assert outcome.item is not None
    assert outcome.guide is None
    assert WarningName.GUIDE_LEFT_OUT in {warning.name for warning in outcome.warnings}


@pytest.mark.parametrize(
    ("listed", "situation", "name"),
    [
        ("建设工程消防设计审查(特殊工程)", "特殊工程", WarningName.NAME_HAS_SITUATION),
        ("建设工程消防设计审查（特殊工程）", "特殊工程", WarningName.NAME_NORMALISED),
        ("建设工程消防设计审查\u3000", None, WarningName.NAME_NORMALISED),
        ("建设工程消防设计审查(特殊工程)", None, WarningName.NAME_DIFFERS),
    ],
)
def test_list_name_and_guide_name_are_compared_by_the_name_rule(
    listed: str, situation: str | None, name: WarningName
) -> None:
    outcome = good(TASK_CODE=USCC + "4" + BASIC + "01", TASK_NAME=listed, subTaskName=situation)

    assert name in {warning.name for warning in outcome.warnings}


def test_themes_go_to_the_table_of_the_audience_they_are_for() -> None:
    for_all = good(theme_category=["其他", "婚姻登记", "招标拍卖"])
    for_people = good(theme_category=["其他"], service_object_name=["自然人"])
    for_firms = good(theme_category=["其他"], service_object_name=["企业法人"])

    assert for_all.item is not None
    assert (for_all.item.user_topic_type, for_all.item.corp_topic_type) == (["999", "060"], ["999", "060"])
    assert for_people.item is not None
    assert (for_people.item.user_topic_type, for_people.item.corp_topic_type) == (["999"], [])
    assert for_firms.item is not None
    assert (for_firms.item.user_topic_type, for_firms.item.corp_topic_type) == ([], ["999"])


def test_what_people_call_an_item_can_be_searched_for() -> None:
    item = good(matter_short="消防审图，图审", matter_daily="消防、图纸;建设工程消防设计审查").item

    assert item is not None
    assert item.short_name == "消防审图"
    assert item.keywords == ["消防审图", "图审", "消防", "图纸"]


def test_an_item_without_a_window_has_none() -> None:
    outcome = good(handle_location="无线下办理窗口")

    assert outcome.item is not None
    assert outcome.guide is not None
    assert outcome.guide.windows == []
    assert outcome.item.is_entry_center is None
    assert outcome.item.handle_type is None


def test_what_is_done_at_once_is_an_immediate_item() -> None:
    at_once, promised = good(handle_time_limit="即办").item, good().item

    assert at_once is not None
    assert promised is not None
    assert (at_once.promise_day, at_once.project_type) == (0, "1")
    assert promised.project_type is None


def test_a_row_with_thousands_of_mistakes_is_rejected_with_the_first_hundred() -> None:
    outcome = converted(material_intro=[{"copies": "若干"}] * 5000)

    assert isinstance(outcome, Rejected)
    assert len(outcome.violations) == 101
    assert outcome.violations[-1].rule == "more"


def test_the_code_of_an_older_numbering_is_kept() -> None:
    item = good(matter_code="11440000006940116U200010500400006").item

    assert item is not None
    assert item.local_task_code == "11440000006940116U200010500400006"


def test_a_lower_case_or_full_width_code_is_the_same_code() -> None:
    assert good(TASK_CODE="１" + USCC[1:].lower() + "4" + BASIC).code == USCC + "4" + BASIC


def test_the_region_is_filled_up_to_twelve_digits_or_taken_from_the_unit() -> None:
    assert good(AREACODE="440232101").region == "440232101000"
    assert good(AREACODE=None).region == "440232000000"


@pytest.mark.parametrize(("state", "name"), [("2", WarningName.SUSPENDED), ("取消", WarningName.CANCELLED)])
def test_a_suspended_or_cancelled_item_is_withdrawn(state: str, name: WarningName) -> None:
    outcome = good(TASK_STATE=state)

    assert (outcome.withdraw, outcome.item, outcome.guide) == (outcome.code, None, None)
    assert [warning.name for warning in outcome.warnings if not warning.name.routine] == [name]
