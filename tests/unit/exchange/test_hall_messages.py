"""The hall systems' messages, each kind of them, as events of our cases; and what is refused."""

import re

import pytest

from services.applications.intake import mappings
from services.exchange.cases.hall_messages import OPERATIONS, OPERATIONS_BY_STATE, report_of
from shared.errors import Invalid

FACT_ID = r"[0-9A-Za-z:._/-]{1,120}"
BODY = {"project_no": "11440232MB2D06811W4000117051000202010200008", "occurred_at": "2026-11-02 09:30:00"}
KINDS = [
    *((operation, None, events) for operation, events in OPERATIONS.items()),
    *((operation, state, (event,)) for operation, by in OPERATIONS_BY_STATE.items() for state, event in by.items()),
]


@pytest.mark.parametrize(("operation", "state", "events"), KINDS)
def test_each_kind_of_message_reports_its_events(operation: str, state: str | None, events: tuple[str, ...]) -> None:
    report = report_of(f"project.370800.{operation}.4711", BODY | ({"state": state} if state else {}))

    assert report.project_no == BODY["project_no"]
    assert tuple(one["event"] for one in report.events) == events
    assert {one["occurred_at"] for one in report.events} == {"2026-11-02T09:30:00+08:00"}
    assert all(re.fullmatch(FACT_ID, one["fact_id"]) for one in report.events)


def test_the_vocabulary_is_the_one_that_the_broker_takes() -> None:
    assert {name: tuple(map(str, events)) for name, events in mappings.HALL_OPERATIONS.items() if events} == OPERATIONS
    by_state = {name: {k: str(v) for k, v in by.items()} for name, by in mappings.HALL_OPERATIONS_BY_STATE.items()}
    assert by_state == OPERATIONS_BY_STATE


def test_the_same_message_has_the_same_identity_and_another_moment_another_one() -> None:
    def identity(**changes: str) -> str:
        return str(report_of("project.370800.jj.1", BODY | changes).events[0]["fact_id"])

    assert identity() == identity()
    assert identity() != identity(occurred_at="2026-11-02 09:31:00")


@pytest.mark.parametrize(
    ("key", "changes", "field", "rule"),
    [
        ("project.370800.jj", {}, "routing_key", "routing-key"),
        ("case.370800.jj.1", {}, "routing_key", "routing-key"),
        ("project.370800.teleport.1", {}, "operation", "known-operation"),
        ("project.370800.sendresult.1", {}, "state", "known-state"),
        ("project.370800.specialresult.1", {"state": "11"}, "state", "known-state"),
        ("project.370800.jj.1", {"project_no": ""}, "project_no", "required"),
        ("project.370800.jj.1", {"project_no": "../张三"}, "project_no", "project-no"),
        ("project.370800.jj.1", {"occurred_at": "昨天"}, "occurred_at", "moment"),
    ],
)
def test_what_is_not_understood_is_refused_with_field_rule_and_remedy(
    key: str, changes: dict[str, str], field: str, rule: str
) -> None:
    with pytest.raises(Invalid) as refused:
        report_of(key, BODY | changes)

    (violation,) = refused.value.violations
    assert (violation.field, violation.rule) == (field, rule)
    assert ":" in violation.message
    assert "张三" not in str(violation)


def test_names_in_a_body_are_not_taken() -> None:
    report = report_of("projectV3.370800.jj.1", BODY | {"applicantName": "张三丰", "handle_user": "李四"})

    assert "张三丰" not in str(report)
    assert "李四" not in str(report)
