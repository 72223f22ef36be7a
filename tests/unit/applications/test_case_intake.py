"""Messages of halls and exchanges become facts or are refused with a reason; names and numbers are not shown."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts.base import Json
from services.applications.intake.mappings import (
    CASE_STATES,
    EXCHANGE_TABLES,
    HALL_OPERATIONS,
    facts_from_accept,
    facts_from_case_state,
    facts_from_hall,
    facts_from_process,
    facts_from_result,
    facts_from_special,
)
from services.applications.lifecycle.definitions import CaseStatus
from services.applications.lifecycle.facts import Fact, FactEvent
from shared.errors import Invalid
from shared.security.privacy import personal_fields
from tests.harness.cases import PROJECT_NO, SERVICE, state_of

NINE = datetime(2020, 10, 20, 1, 0, tzinfo=UTC)

ACCEPT_ROW: Json = {
    "row_guid": "a-1",
    "project_no": PROJECT_NO,
    "apply_date": "2020-10-12 10:00:00",
    "accept_date": "2020-10-13 09:30:00",
    "promise_date": "2020-10-27",
    "accept_doc_no": "S-1",
    "handle_user_name": "卡纳瑞甲",
    "applyer_name": "卡纳瑞乙",
}
PROCESS_ROW: Json = {
    "row_guid": "p-1",
    "project_no": PROJECT_NO,
    "event_name": "8",
    "process_name": "审查",
    "handle_user_name": "卡纳瑞甲",
    "handle_explain": "电话13812345678已联系",
    "event_start_time": "2020-10-14 09:00:00",
    "event_end_time": "2020-10-15 17:00:00",
}
SPECIAL_ROW: Json = {
    "row_guid": "s-1",
    "project_no": PROJECT_NO,
    "special_type": "2",
    "special_name": "听证",
    "special_reason": "卡纳瑞丙申请听证",
    "special_time": "2020-10-15",
    "end_time": "2020-10-19",
}
RESULT_ROW: Json = {
    "row_guid": "r-1",
    "project_no": PROJECT_NO,
    "result_type": "11",
    "result_date": "2020-10-20",
    "result_cetr_no": "粤X-20201234",
    "is_delivery_results": "1",
}


def events(facts: list[Fact]) -> list[str]:
    return [fact.event.value for fact in facts]


def fields_refused(call: Any, *args: Any, **kwargs: Any) -> list[str]:
    with pytest.raises(Invalid) as refused:
        call(*args, **kwargs)
    return [violation.field for violation in refused.value.violations]


def test_each_of_the_fifteen_states_is_an_event() -> None:
    assert sorted(CASE_STATES, key=int) == [str(code) for code in range(1, 16)]
    assert [events(facts_from_case_state(PROJECT_NO, code, NINE)) for code in ("1", "5", "15")] == [
        ["received"],
        ["not_accepted"],
        ["revoked"],
    ]
    assert fields_refused(facts_from_case_state, PROJECT_NO, "16", NINE) == ["case_state"]


@pytest.mark.parametrize(
    ("operation", "state", "expected"),
    [
        ("jj", None, ["received"]),
        ("accept", None, ["accepted", "review_started"]),
        ("notaccept", None, ["not_accepted"]),
        ("bz", None, ["correction_requested"]),
        ("bzwc", None, ["correction_completed"]),
        ("bmksbl", None, ["review_started"]),
        ("specialresult", "9", ["special_started"]),
        ("specialresult", "10", ["special_ended"]),
        ("specialresult", "2", ["withdrawn"]),
        ("specialresult", "13", ["rejected"]),
        ("handlenotpass", None, ["rejected"]),
        ("sendresult", "11", ["approved"]),
        ("sendresult", "13", ["rejected"]),
        ("finishfile", None, ["delivered"]),
    ],
)
def test_each_operation_of_a_hall_is_its_events(operation: str, state: str | None, expected: list[str]) -> None:
    assert operation in HALL_OPERATIONS
    assert events(facts_from_hall(operation, PROJECT_NO, NINE, state=state)) == expected


def test_a_hall_that_stops_the_clock_starts_a_procedure_of_type_two() -> None:
    assert facts_from_hall("specialresult", PROJECT_NO, NINE, state="9")[0].special_type == "2"
    assert facts_from_hall("specialresult", PROJECT_NO, NINE, state="10")[0].special_type is None


def test_an_unknown_operation_or_state_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(Invalid, match=r"operation: must be one of .*accept.*sendresult"):
        facts_from_hall("smile", PROJECT_NO, NINE)
    assert fields_refused(facts_from_hall, "sendresult", PROJECT_NO, NINE, state="9") == ["state"]
    assert fields_refused(facts_from_hall, "sendresult", PROJECT_NO, NINE) == ["state"]
    assert fields_refused(facts_from_hall, "jj", "王五的办件", NINE) == ["project_no"]


def test_the_same_message_twice_is_the_same_fact() -> None:
    assert facts_from_hall("accept", PROJECT_NO, NINE) == facts_from_hall("accept", PROJECT_NO, NINE)
    first, second = facts_from_hall("accept", PROJECT_NO, NINE)
    assert first.fact_id != second.fact_id


def test_exchange_rows_tell_a_whole_case_in_any_order() -> None:
    rows = [
        ("up_pro_result", RESULT_ROW),
        ("up_pro_special_procedure", SPECIAL_ROW),
        ("up_pro_process", PROCESS_ROW),
        ("up_pro_accept", ACCEPT_ROW),
    ]
    facts = [fact for table, row in rows for fact in EXCHANGE_TABLES[table](row)]
    case = state_of(*facts, rules=SERVICE)
    assert (case.state, case.waiting, case.violations) == (CaseStatus.APPROVED, (), ())
    assert (case.apply_date, case.accept_date, case.result_date) == (
        date(2020, 10, 12),
        date(2020, 10, 13),
        date(2020, 10, 20),
    )
    assert case.promise_date == date(2020, 10, 29)  # two working days of hearing are not counted


def test_exchange_times_are_beijing_time() -> None:
    assert facts_from_accept(ACCEPT_ROW)[2].occurred_at == datetime(2020, 10, 13, 1, 30, tzinfo=UTC)
    moment = datetime.fromisoformat("2020-10-13T09:30:00")
    assert facts_from_accept(ACCEPT_ROW | {"accept_date": moment}) == facts_from_accept(ACCEPT_ROW)


def test_a_result_known_by_its_day_comes_after_that_days_work() -> None:
    by_day = facts_from_result(RESULT_ROW | {"result_date": date(2020, 10, 20)})
    assert by_day == facts_from_result(RESULT_ROW)
    assert by_day[0].occurred_at > NINE
    assert by_day[0].day == date(2020, 10, 20)


def test_a_process_step_is_dated_by_its_start_if_it_opens_and_its_end_if_it_closes() -> None:
    assert facts_from_process(PROCESS_ROW)[0].day == date(2020, 10, 14)
    assert facts_from_process(PROCESS_ROW | {"event_name": "7"})[0].day == date(2020, 10, 15)
    assert facts_from_process(PROCESS_ROW | {"event_name": "7", "event_end_time": None})[0].day == date(2020, 10, 14)


def test_a_word_for_an_action_proves_that_review_is_under_way() -> None:
    assert events(facts_from_process(PROCESS_ROW | {"event_name": "通过"})) == ["review_started"]
    assert fields_refused(facts_from_process, PROCESS_ROW | {"event_name": "??"}) == ["event_name"]


def test_an_open_special_procedure_has_no_end_yet() -> None:
    assert events(facts_from_special(SPECIAL_ROW | {"end_time": None})) == ["special_started"]


def test_an_exchange_with_its_own_result_list_brings_it() -> None:
    own = {"0": FactEvent.APPROVED, "1": FactEvent.REJECTED}
    assert events(facts_from_result(RESULT_ROW | {"result_type": "1"}, own)) == ["rejected"]
    assert fields_refused(facts_from_result, RESULT_ROW | {"result_type": "1"}) == ["result_type"]


@pytest.mark.parametrize("value", [None, "", "2020-13-01", "20.10.2020 9 Uhr"])
def test_a_row_without_a_readable_time_is_refused(value: str | None) -> None:
    assert fields_refused(facts_from_accept, ACCEPT_ROW | {"accept_date": value}) == ["accept_date"]


def test_details_that_contradict_the_event_are_refused() -> None:
    assert fields_refused(facts_from_case_state, PROJECT_NO, "3", NINE, extension_days=3) == ["extension_days"]
    assert fields_refused(facts_from_case_state, PROJECT_NO, "1", NINE, deemed=True) == ["deemed"]
    assert fields_refused(facts_from_case_state, PROJECT_NO, "1", NINE, applyer_name="卡纳瑞乙") == ["applyer_name"]


def test_what_is_personal_is_marked_and_never_shown() -> None:
    assert personal_fields(Fact) == {"project_no", "certificate_no", "handle_user", "reason", "explain"}
    facts = [fact for row in (ACCEPT_ROW,) for fact in facts_from_accept(row)]
    facts += facts_from_process(PROCESS_ROW) + facts_from_special(SPECIAL_ROW) + facts_from_result(RESULT_ROW)
    shown = " ".join(f"{fact!r} {fact}" for fact in facts)
    assert not any(secret in shown for secret in ("卡纳瑞", "13812345678", "20201234", PROJECT_NO))
    assert facts[3].explain == "电话13812345678已联系"
