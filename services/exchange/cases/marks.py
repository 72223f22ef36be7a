"""好差评: marks of devices as events of our cases, and service records that a province asks for. Pure.

Fields: domain reference, section 5.6. A mark is known by 办件编号 and service number. Its free text and its
writer are not taken. Stars: 5 is 非常满意, as review systems count; GB/T 39046 A.8 counts the other way round.
"""

from collections.abc import Mapping, Sequence

from contracts.base import Json
from contracts.codes.identifiers import USCC
from contracts.codes.tables import HCP_TAG
from contracts.content.items import Item
from services.exchange.cases.case_reports import CaseReport, moment_of, project_no_of, required_text
from services.exchange.cases.case_rows import PROCESS_STATES, RESULTS, STATE_NAMES, beijing, standing_facts
from shared.errors import Invalid, Violation

GUIDE_WRONG = frozenset({"108", "109", "111", "112", "114", "207", "208", "211"})
"""Tags that say that the guide was wrong or broken."""

GUIDE_RIGHT = frozenset({"308", "310", "311", "313"})

COLUMNS = (
    *("taskCode", "areaCode", "taskName", "projectNo", "proStatus", "orgcode", "orgName", "acceptDate", "userProp"),
    *("userName", "userPageType", "certKey", "serviceName", "serviceNumber", "serviceTime", "projectType"),
    *("resultDate", "mobile", "deptCode", "promiseDay", "proChannel"),
)
"""Fields of a service record, in the order of the reference."""


def report_of(mark: Json) -> CaseReport:
    """Return the event of one mark. Raises `Invalid` with field, rule and remedy."""
    number = project_no_of(mark, "projectNo")
    service = required_text(mark, "serviceNumber", 10)
    if not (service.isascii() and service.isdigit()):
        raise Invalid(Violation("serviceNumber", "number", "must be the number of the service: 1 for the first one"))
    stars = str(mark.get("satisfaction", "")).strip()
    if stars not in ("1", "2", "3", "4", "5"):
        raise Invalid(Violation("satisfaction", "stars", "must be 5 (非常满意) to 1 (非常不满意): complete the mark"))
    tags_of(mark)
    event = {
        "event": "evaluated",
        "occurred_at": moment_of(mark.get("assessTime"), "assessTime"),
        "fact_id": fact_id(service),
        "stars": int(stars),
    }
    return CaseReport(number, (event,), "mark")


def fact_id(service_number: str) -> str:
    """Return the identity of the mark of a service within its case."""
    return f"mark/{int(service_number)}"


def tags_of(mark: Json) -> tuple[str, ...]:
    """Return the tags of a mark (`evalDetail`, comma-separated). Raises `Invalid` for an unknown one."""
    tags = tuple(tag.strip() for tag in str(mark.get("evalDetail") or "").split(",") if tag.strip())
    if strange := [tag for tag in tags if tag not in HCP_TAG]:
        message = "must be tags of the 好差评 table, such as 510,517: compare the device's table"
        raise Invalid(Violation("evalDetail", "known-tag", message, strange[0][:10]))
    return tags


def stored(case: Json, report: CaseReport) -> Json | None:
    """Return the event of a case that is already recorded as the mark of this service."""
    wanted = report.events[0]["fact_id"]
    return next((fact for fact in case["facts"] if fact["fact_id"] == wanted), None)


def service_records(case: Json, item: Item | None, area: str) -> Sequence[Mapping[str, str | None]]:
    """Return a service record per step of a case, numbered from 1. `area`: 行政区划 of 12 digits.

    Who the applicant is, how to reach him, and 渠道 stay NULL: no document says that they are demanded.
    """
    steps = [fact for fact in standing_facts(case) if fact["event"] in PROCESS_STATES]
    code = case["item_code"]
    fixed: dict[str, str | None] = {
        "taskCode": code,
        "areaCode": area,
        "taskName": item.task_name if item else None,
        "projectNo": case["project_no"],
        "orgcode": f"{area}_{code[USCC]}",
        "orgName": item.dept_name if item else None,
        "acceptDate": case["accept_date"],
        "projectType": item.project_type if item else None,
        "deptCode": code[USCC],
        "promiseDay": str(item.promise_day) if item and item.promise_day is not None else None,
    }
    return [{name: (fixed | _step(fact, number)).get(name) for name in COLUMNS} for number, fact in enumerate(steps, 1)]


def _step(fact: Json, number: int) -> dict[str, str | None]:
    closes = fact["event"] in RESULTS
    moment = beijing(fact["occurred_at"])
    return {
        "proStatus": "3" if closes else "1" if fact["event"] == "accepted" else "2",
        "serviceName": STATE_NAMES[PROCESS_STATES[fact["event"]]],
        "serviceNumber": str(number),
        "serviceTime": moment,
        "resultDate": moment if closes else None,
    }
