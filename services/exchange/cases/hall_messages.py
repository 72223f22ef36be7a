"""The vocabulary of a hall system's RabbitMQ messages as events of our cases (domain reference, section 6.4). Pure.

Routing key: `project.<areacode>.<operation>.<task_id>`, or `projectV3.<areacode>.<operation>.1`. The reference does not
know the body's fields (there it is `id.areacode.applicantName`, a name in a message, which is not taken). A hall sends
`project_no`, `occurred_at`, and `state` where the operation needs it.
"""

import re
from collections.abc import Mapping

from contracts.base import Json
from services.exchange.cases.case_reports import CaseReport, moment_of, project_no_of, required_text
from shared.errors import Invalid, Violation

ROUTING_KEY = re.compile(
    r"(?:project|projectV3)\.(?P<area>\d{6}|\d{9}|\d{12})\.(?P<operation>[a-z]+)\.(?P<task>[^.\s]{1,64})"
)

OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "jj": ("received",),
    "accept": ("accepted", "review_started"),
    "notaccept": ("not_accepted",),
    "bz": ("correction_requested",),
    "bzwc": ("correction_completed",),
    "bmksbl": ("review_started",),
    "handlenotpass": ("rejected",),
    "finishfile": ("delivered",),
}
"""Operation → the events that it reports, in order."""

OPERATIONS_BY_STATE: Mapping[str, Mapping[str, str]] = {
    "specialresult": {"9": "special_started", "10": "special_ended", "2": "withdrawn", "13": "rejected"},
    "sendresult": {"11": "approved", "12": "approved_tolerant", "13": "rejected"},
}
"""Operation → 办件状态 → event, where the state beside the operation decides."""

PAUSE = "2"
"""特别程序种类: 9 in `specialresult` stops the clock."""

DETAILS = ("accept_doc_no", "window_no", "result_type", "result_name")
"""Further fields of a body that are taken, if the hall sends them. Names and free texts are not."""

_KNOWN = sorted({*OPERATIONS, *OPERATIONS_BY_STATE})


def report_of(routing_key: str, body: Json) -> CaseReport:
    """Return the events of one message. Raises `Invalid` with field, rule and remedy; values are not repeated."""
    found = ROUTING_KEY.fullmatch(routing_key)
    if found is None:
        message = "must be project.<areacode>.<operation>.<task_id>: correct the sender's routing key"
        raise Invalid(Violation("routing_key", "routing-key", message))
    operation = found["operation"]
    events = _events(operation, body)
    number = project_no_of(body, "project_no")
    moment = moment_of(body.get("occurred_at"), "occurred_at")
    details = {name: required_text(body, name, 500) for name in DETAILS if body.get(name) not in (None, "")}
    told = [
        {
            "event": event,
            "occurred_at": moment,
            "fact_id": f"hall/{operation}/{event}/{moment}".replace("+", "_"),
            **(details if place == 0 else {}),
            **({"special_type": PAUSE} if event == "special_started" else {}),
        }
        for place, event in enumerate(events)
    ]
    return CaseReport(number, tuple(told), operation)


def _events(operation: str, body: Json) -> tuple[str, ...]:
    if operation in OPERATIONS:
        return OPERATIONS[operation]
    states = OPERATIONS_BY_STATE.get(operation)
    if states is None:
        message = f"must be one of {', '.join(_KNOWN)}: an operation that is not known is not guessed"
        raise Invalid(Violation("operation", "known-operation", message, operation[:40]))
    state = str(body.get("state", "")).strip()
    if state not in states:
        message = f"{operation} needs the state {', '.join(states)}: send it in the body"
        raise Invalid(Violation("state", "known-state", message))
    return (states[state],)
