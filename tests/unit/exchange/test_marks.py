"""Marks of 好差评 and service records: which fields they have, and which they never have."""

from typing import Any

import pytest

from services.exchange.cases.marks import COLUMNS, GUIDE_WRONG, report_of, service_records, tags_of
from shared.errors import Invalid

MARK: dict[str, Any] = {
    "projectNo": "A-1",
    "serviceNumber": 2,
    "satisfaction": "1",
    "evalDetail": "109,115",
    "writingEvaluation": "让我多交了材料，电话13800005678",
    "assessTime": "2026-11-06 10:00:00",
}
CASE = {
    "project_no": "A-1",
    "item_code": "11440232MB2D06811W4000117051000",
    "accept_date": "2026-11-03",
    "applicant": {"name": "张三丰", "page_code": "440232199001011234", "contact_mobile": "13800005678"},
    "facts": [
        {"fact_id": "1", "event": "accepted", "occurred_at": "2026-11-03T02:00:00Z"},
        {"fact_id": "2", "event": "review_started", "occurred_at": "2026-11-04T02:00:00Z"},
        {"fact_id": "3", "event": "approved", "occurred_at": "2026-11-05T02:00:00Z"},
        {"fact_id": "4", "event": "evaluated", "occurred_at": "2026-11-06T02:00:00Z", "stars": 5},
    ],
    "superseded": ["2"],
}


def test_a_mark_is_an_event_known_by_its_service_without_its_free_text() -> None:
    report = report_of(MARK)

    (event,) = report.events
    assert (event["event"], event["stars"], event["fact_id"]) == ("evaluated", 1, "mark/2")
    assert event["occurred_at"] == "2026-11-06T10:00:00+08:00"
    assert "13800005678" not in str(report)
    assert GUIDE_WRONG & set(tags_of(MARK)) == {"109"}


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("satisfaction", "6", "stars"),
        ("satisfaction", None, "stars"),
        ("serviceNumber", "second", "number"),
        ("evalDetail", "999", "known-tag"),
        ("assessTime", "", "moment"),
        ("projectNo", "", "required"),
    ],
)
def test_a_mark_that_breaks_a_rule_is_refused(name: str, value: object, rule: str) -> None:
    with pytest.raises(Invalid) as refused:
        report_of({**MARK, name: value})

    assert [(one.field, one.rule) for one in refused.value.violations] == [(name, rule)]


def test_each_step_of_a_case_is_a_service_record_that_names_nobody() -> None:
    first, last = service_records(CASE, None, "440232000000")

    assert tuple(first) == COLUMNS
    assert (first["proStatus"], first["serviceNumber"], first["resultDate"]) == ("1", "1", None)
    assert (last["proStatus"], last["serviceNumber"], last["resultDate"]) == ("3", "2", "2026-11-05 10:00:00")
    assert last["orgcode"] == "440232000000_11440232MB2D06811W"
    assert {first[name] for name in ("userName", "certKey", "mobile", "taskName")} == {None}
    assert "张三丰" not in str((first, last))
