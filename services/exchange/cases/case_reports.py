"""Events of cases, as a hall or a device reports them, to the applications service; what it refuses is listed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from contracts.base import Json
from services.exchange.refusals import Refusal
from services.exchange.services_over_http import Services
from shared.errors import Conflict, Invalid, NotFound, Violation
from shared.text.dates import BEIJING

APPLICATIONS = "applications"
NO_CASE = "the county has no open case of this number: open it, then send the message again"
NOT_ALLOWED = "the state of the case does not allow it: send the earlier messages first, then this one again"


@dataclass(frozen=True, slots=True)
class CaseReport:
    """Events of one case, in order, recorded together. Each has a `fact_id`: repeated, it has no effect."""

    project_no: str
    events: tuple[Json, ...]
    name: str
    """What the message is called in the list of refusals; it names no person."""


@dataclass
class Reported:
    """How many messages were taken (a repetition counts), and those that were not."""

    taken: int = 0
    refusals: list[Refusal] = field(default_factory=list)


def report_to(services: Services, report: CaseReport, done: Reported) -> None:
    """Send one report. Raises `Refused`, `UpstreamDown` for what is no fault of the message."""
    try:
        services.post(APPLICATIONS, f"applications/{report.project_no}/events", list(report.events))
        done.taken += 1
    except NotFound:
        done.refusals.append(Refusal(report.name, None, "project_no", "known-case", NO_CASE, report.project_no))
    except Conflict as error:
        told = f"{NOT_ALLOWED} ({error})"
        done.refusals.append(Refusal(report.name, None, "event", "allowed", told, report.project_no))


def refused(name: str, error: Invalid) -> list[Refusal]:
    """Return the refusals of a message that cannot be read."""
    return [Refusal(name, None, one.field, one.rule, one.message, one.value) for one in error.violations]


def json_lines(lines: Iterable[bytes]) -> Iterable[tuple[int, Json | None]]:
    """Yield each line's number and object; None for a line that is no JSON object. Blank lines are passed over."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                told = orjson.loads(line)
            except ValueError:
                told = None
            yield number, told if isinstance(told, dict) else None


def required_text(body: Json, name: str, most: int) -> str:
    """Return a text that must be there. Raises `Invalid`; the value is not repeated, it may be personal."""
    value = body.get(name)
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not 1 <= len(text) <= most:
        raise Invalid(Violation(name, "required", f"must be a text of 1 to {most} characters: complete the message"))
    return text


def project_no_of(body: Json, name: str) -> str:
    """Return 办件编号: letters, digits and hyphens, so that it is safe in an address. Raises `Invalid`."""
    number = required_text(body, name, 50).upper()
    if not all(one.isascii() and (one.isalnum() or one == "-") for one in number):
        raise Invalid(Violation(name, "project-no", "has letters, digits and hyphens only: send the case's number"))
    return number


def moment_of(value: Any, name: str) -> str:
    """Return a time with its offset; without one it is Beijing time. Raises `Invalid`."""
    try:
        moment = datetime.fromisoformat(str(value).strip())
    except ValueError:
        message = "must be a time such as 2026-10-20 09:30:00: complete the message"
        raise Invalid(Violation(name, "moment", message)) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)).isoformat()
