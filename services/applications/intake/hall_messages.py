"""Parse a message of a hall or an exchange into facts and, if it contains enough, the opening of their case."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from contracts.base import Json
from contracts.content.intake import INTAKE, ExchangeMessage, HallMessage, IntakeMessage
from services.applications.intake.mappings import EXCHANGE_TABLES, facts_from_case_state, facts_from_hall
from services.applications.lifecycle.facts import Fact, FactDetails
from services.applications.lifecycle.opening import Opening, Persons
from services.applications.privacy.error_guard import parse, without_values
from shared.errors import Invalid, Violation
from shared.messaging.delivery import Message
from shared.security.case_ref import normalise_project_no
from shared.text.strict_json import parse_json

_APPLICANT_COLUMNS = {
    "name": "applyer_name",
    "kind": "applyer_type",
    "page_type": "applyer_page_type",
    "page_code": "applyer_page_code",
    "legal": "legal",
    "contact_name": "contact_name",
    "contact_code": "contact_code",
    "contact_mobile": "contact_mobile",
    "address": "address",
}


@dataclass(frozen=True)
class Arrival:
    """A parsed message. `opening`: set if the message contains enough to open the case, should it not be open yet."""

    project_no: str = field(repr=False)
    facts: tuple[Fact, ...] = field(repr=False)
    opening: Opening | None = field(repr=False)
    personal: Json = field(repr=False)


def read(message: Message) -> Arrival:
    """Parse a message. Raises `Invalid`, naming fields and rules of `contracts.content.intake`, never a value."""
    try:
        return _read(parse(INTAKE, parse_json(message.body)))
    except Invalid as error:
        raise Invalid(*without_values(error.violations)) from None
    except OverflowError:
        raise Invalid(Violation("occurred_at", "moment", "is outside the calendar")) from None


def _read(message: IntakeMessage) -> Arrival:
    if isinstance(message, ExchangeMessage):
        return _exchange(message)
    number = normalise_project_no(message.project_no)
    details = {name: value for name, value in message.details.items() if value is not None}
    if strange := details.keys() - FactDetails.model_fields.keys():
        raise Invalid(*(Violation(f"details.{name}", "known-detail", "is not a detail of a fact") for name in strange))
    if isinstance(message, HallMessage):
        facts = facts_from_hall(message.operation, number, message.occurred_at, state=message.state, **details)
    else:
        facts = facts_from_case_state(number, message.state, message.occurred_at, **details)
    return Arrival(number, tuple(facts), _opening(message, number, message.item_code, {}), {})


def _exchange(message: ExchangeMessage) -> Arrival:
    if message.table not in EXCHANGE_TABLES:
        raise Invalid(Violation("table", "known-table", f"must be one of {', '.join(EXCHANGE_TABLES)}"))
    row = message.row
    if not isinstance(row.get("project_no"), str):
        raise Invalid(Violation("row.project_no", "project-no", "must be the number of the case"))
    number = normalise_project_no(row["project_no"])
    facts = EXCHANGE_TABLES[message.table]({**row, "project_no": number})
    item_code = message.item_code or row.get("task_handle_item") or row.get("task_code")
    known = _personal(row) if message.table == "up_pro_accept" else {}
    personal = parse(Persons, known).personal
    return Arrival(number, tuple(facts), _opening(message, number, item_code, known), personal)


def _opening(message: IntakeMessage, number: str, item_code: object, personal: Json) -> Opening | None:
    """Return the opening, or None if the message does not name the item or the case's public name."""
    name = {"query_code": message.query_code, "case_ref": message.case_ref}
    if not item_code or not any(name.values()):
        return None
    rules = message.model_dump(include={"task_type", "promise_day", "promise_type"})
    content = {"project_no": number, "item_code": item_code, **name, **rules, **personal}
    return parse(Opening, {key: value for key, value in content.items() if value is not None})


def _personal(row: Mapping[str, object]) -> Json:
    applicant = {name: row[column] for name, column in _APPLICANT_COLUMNS.items() if row.get(column)}
    content: Json = {"applicant": applicant} if "name" in applicant else {}
    return content | ({"project_name": row["project_name"]} if row.get("project_name") else {})
