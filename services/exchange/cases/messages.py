"""Hall messages and marks from JSON lines to the applications service, one after the other."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from contracts.base import Json
from services.exchange.cases import hall_messages, marks
from services.exchange.cases.case_reports import APPLICATIONS, CaseReport, Reported, json_lines, refused, report_to
from services.exchange.refusals import Refusal
from services.exchange.services_over_http import Services
from shared.errors import Invalid, NotFound, Violation

ALREADY = "该办件已评价: a second mark of the same service is not taken"


@dataclass
class ReportedMarks(Reported):
    """`guides_wrong`: number of marks per item that say that its guide was wrong."""

    guides_wrong: Counter[str] = field(default_factory=Counter)


def report_hall(services: Services, lines: Iterable[bytes]) -> Reported:
    """Report messages of a hall: a line each, `{"routing_key": …, "body": {…}}`. Raises `Refused`, `UpstreamDown`."""
    done = Reported()
    for number, message in json_lines(lines):
        if (report := _read(number, message, _hall, done)) is not None:
            report_to(services, report, done)
    return done


def report_marks(services: Services, lines: Iterable[bytes]) -> ReportedMarks:
    """Report marks, a line each. Repeated as it was, a mark has no effect; a different one of the same service is
    refused. Raises `Refused`, `UpstreamDown`.
    """
    done = ReportedMarks()
    for number, mark in json_lines(lines):
        report = _read(number, mark, marks.report_of, done)
        if report is None or mark is None:
            continue
        try:
            case = services.get(APPLICATIONS, f"applications/{report.project_no}")
        except NotFound:
            report_to(services, report, done)  # It answers likewise, and the refusal is listed.
            continue
        known = marks.stored(case, report)
        if known is not None and known.get("stars") != report.events[0]["stars"]:
            done.refusals.append(Refusal("mark", None, "serviceNumber", "once", ALREADY, report.project_no))
            continue
        before = done.taken
        report_to(services, report, done)
        if known is None and done.taken > before and marks.GUIDE_WRONG & set(marks.tags_of(mark)):
            done.guides_wrong[case["item_code"]] += 1
    return done


def _hall(message: Json) -> CaseReport:
    body = message.get("body")
    if not isinstance(body, dict):
        raise Invalid(Violation("body", "object", "must be a JSON object with project_no and occurred_at"))
    return hall_messages.report_of(str(message.get("routing_key", "")), body)


def _read(number: int, message: Json | None, read: Callable[[Json], CaseReport], done: Reported) -> CaseReport | None:
    name = f"line {number}"
    if message is None:
        remedy = "must be one JSON object: write a message per line"
        done.refusals.append(Refusal(name, None, "line", "json", remedy))
        return None
    try:
        return read(message)
    except Invalid as error:
        done.refusals += refused(name, error)
        return None
