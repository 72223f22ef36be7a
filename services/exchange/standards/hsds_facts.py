"""An HSDS 3 service as the facts of an item. Pure.

What is read is taken out of the service; what then is left of it has no field in our contract, and is lost by name.
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import chain
from typing import Any

from contracts.base import Json
from services.exchange.refusals import Refusal
from services.exchange.standards.documents import JOIN, ROW_GUID, Documents, code_missing, loss, shown
from services.exchange.standards.facts import FIELDS, LISTS, Facts
from services.exchange.standards.hsds_terms import (
    ACTIVE,
    CURRENCY,
    HEADS,
    IDENTIFIER_TYPE,
    OBJECTS,
    OWN,
    PHYSICAL,
    TABLE,
    TAXONOMY,
    VIRTUAL,
    flow_text,
    organization_description,
)

Attributes = dict[str | None, dict[str, list[tuple[str | None, str]]]]
"""Id of what an attribute belongs to (None: the service) → field → the attributes' ids and values."""

ADDRESS = ("address_1", "address_2", "city", "region", "state_province", "postal_code")
_CODE = f"attributes[taxonomy_term.taxonomy = {TAXONOMY}code].value"


def read_service(service: Any, documents: Documents) -> None:
    """Add the facts of a service to `documents`, or its refusal, and what is lost of it. Takes `service` apart."""
    if not isinstance(service, dict):
        remedy = "send services as JSON objects, as HSDS has them"
        documents.refusals.append(Refusal(TABLE, None, TABLE, "type", remedy, type(service).__name__))
        return
    identity = _text(service, "id")
    attributes = _attributes(service, identity)
    codes = attributes.get(None, {}).get("code", [])
    code = codes[0][1] if len(codes) == 1 else None
    if refusal := _refusal(service, identity, code):
        documents.refusals.append(refusal)
        return
    facts = {ROW_GUID: identity, **_own(service), **_objects(service, attributes), **_extended(attributes)}
    text = _text(service, "application_process")
    if "steps" not in facts and text:
        facts["steps"] = text
    elif text != flow_text(facts.get("steps", [])):
        service["application_process"] = text
    documents.facts.append({name: value for name, value in facts.items() if value not in (None, "", [])})
    documents.lose(loss(TABLE, identity, place, value) for place, value in chain(_left(service), _unread(attributes)))


def _refusal(service: Json, identity: str | None, code: str | None) -> Refusal | None:
    if code is None:
        return code_missing(TABLE, identity, _CODE, service.get("name"))
    status = service.pop("status", ACTIVE)
    if status == ACTIVE:
        return None
    remedy = "withdraw the item at the desk, with a reason: an import of this standard only states what is in force"
    return Refusal(TABLE, identity, "status", "status-active", remedy, shown(status))


def _own(service: Json) -> Facts:
    """Take the fields that HSDS has a place for."""
    phones = [phone for phone in _objects_of(service, "phones") if isinstance(phone.get("number"), str)]
    return {
        "task_name": _text(service, "name"),
        "short_name": _text(service, "alternate_name"),
        "accept_condition": _text(service, "eligibility_description"),
        "link_way": JOIN.join(text for phone in phones if (text := _text(phone, "number"))),
        **_organization(service),
    }


def _organization(service: Json) -> Facts:
    organization = _object(service, "organization")
    name, code = _text(organization, "name"), None
    for one in _objects_of(organization, "organization_identifiers"):
        if code is None and one.get("identifier_type") == IDENTIFIER_TYPE:
            code = _text(one, "identifier")
            del one["identifier_type"]
    if organization.get("description") == organization_description(name or "", code or ""):
        del organization["description"]
    return {"dept_name": name, "dept_code": code}


def _objects(service: Json, attributes: Attributes) -> Facts:
    """Take documents, costs and places, each with its attributes."""
    found: Facts = {field: [] for field in OBJECTS}
    for one in _objects_of(service, "required_documents"):
        if name := _text(one, "document"):
            found["materials"].append({"material_name": name, **_of_child(attributes, one)})
    for one in _objects_of(service, "cost_options"):
        if name := _text(one, "option"):
            told = {"fee_name": name, "fee_stand": _text(one, "amount_description"), "amount_fen": _amount(one)}
            found["fees"].append({**told, **_of_child(attributes, one)})
    places = _objects_of(service, "service_at_locations")
    virtual = [_object(one, "location").get("location_type") for one in places].count(VIRTUAL)
    for one in places:
        location = _object(one, "location")
        kind = location.get("location_type")
        if kind == PHYSICAL and (address := _address(location)):
            found["windows"].append({**_window(one, location, address), **_of_child(attributes, one)})
        elif kind == VIRTUAL and virtual == 1:
            found["online_handle_url"] = _text(location, "url")
            del location["location_type"]
    return {name: [_stated(child) for child in value] if name in OBJECTS else value for name, value in found.items()}


def _window(place: Json, location: Json, address: str) -> Facts:
    del location["location_type"]
    hours = [_text(one, "description") for one in _objects_of(place, "schedules")]
    phones = [_text(one, "number") for one in _objects_of(place, "phones")]
    return {
        "address": address,
        "hours": JOIN.join(filter(None, hours)),
        "phone": JOIN.join(filter(None, phones)),
        "traffic": _text(location, "transportation"),
    }


def _address(location: Json) -> str:
    """Take name and address of a place, as they stand, in one text; a postal address is none."""
    parts = [_text(location, "name")]
    for one in _objects_of(location, "addresses"):
        if one.get("address_type", PHYSICAL) == PHYSICAL and len(parts) == 1:
            parts += [_text(one, name) for name in ADDRESS]
            one.pop("address_type", None)
    return "，".join(filter(None, parts))


def _amount(option: Json) -> str | None:
    """Take an amount in 元 as 分. Other currencies, and fractions of a 分, are left."""
    amount, currency = option.get("amount"), option.get("currency")
    if isinstance(amount, bool) or not isinstance(amount, int | float) or str(currency).upper() != CURRENCY:
        return None
    fen = Decimal(str(amount)) * 100
    if not fen.is_finite() or fen < 0 or fen != int(fen):
        return None
    del option["amount"], option["currency"]
    return str(int(fen))


def _attributes(service: Json, identity: str | None) -> Attributes:
    """Take the attributes that are ours. One that names the service, or nothing, is the service's."""
    found: Attributes = {}
    for one in _objects_of(service, "attributes"):
        value, field = one.get("value"), one.get("link_type")
        taxonomy = _object(one, "taxonomy_term").get("taxonomy")
        if isinstance(field, str) and isinstance(value, str) and taxonomy == f"{TAXONOMY}{field}":
            link = one.get("link_id")
            of_what = found.setdefault(link if isinstance(link, str) and link != identity else None, {})
            of_what.setdefault(field, []).append((_text(one, "id"), value.strip()))
            one.clear()
    return found


def _extended(attributes: Attributes) -> Facts:
    """Take the attributes of the service. Of several for one fact, none counts."""
    found: Facts = {}
    of_service = attributes.get(None, {})
    for field in (name for name in FIELDS if name in of_service and name not in OWN and name not in OBJECTS):
        given = of_service.pop(field)
        if field in HEADS:
            found[field] = [
                {HEADS[field]: value, **_of_child(attributes, {"id": identity})} for identity, value in given
            ]
        elif field in LISTS:
            found[field] = [value for _, value in given]
        elif len(given) == 1:
            found[field] = given[0][1]
        else:
            of_service[field] = given
    if "steps" in found:  # the contract counts 工作日, the import wants the unit beside the number
        found["steps"] = [{**step, "unit": "1"} if "day" in step else step for step in found["steps"]]
    return found


def _of_child(attributes: Attributes, child: Json) -> Facts:
    """Take the attributes of a child, of which each field has one."""
    of_child = attributes.get(child.get("id") or "", {})
    return {field: given.pop()[1] for field, given in of_child.items() if len(given) == 1}


def _text(place: Json, name: str) -> str | None:
    """Take a text; anything else stays, and so does a blank."""
    value = place.get(name)
    if not isinstance(value, str) or not value.strip():
        return None
    del place[name]
    return value.strip()


def _object(place: Json, name: str) -> Json:
    found = place.get(name)
    return found if isinstance(found, dict) else {}


def _objects_of(place: Json, name: str) -> list[Json]:
    found = place.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _stated(child: Facts) -> Facts:
    return {name: value for name, value in child.items() if value not in (None, "")}


def _left(service: Json) -> Iterator[tuple[str, Any]]:
    """Yield place and value of what is left, a list of plain values as one. Ids name parts; they are no facts."""
    waiting: list[tuple[str, Any]] = [("", service)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict):
            dot = f"{place}." if place else ""
            waiting += [(f"{dot}{name}", part) for name, part in reversed(value.items()) if name != "id"]
        elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
            waiting += [(f"{place}[{number}]", value[number]) for number in reversed(range(len(value)))]
        elif value not in (None, "", []):
            yield place, value


def _unread(attributes: Attributes) -> Iterator[tuple[str, str]]:
    """Yield place and value of attributes that were ours to read and have no field, or whose field has a value."""
    for by_field in attributes.values():
        for field, given in by_field.items():
            yield from ((f"attributes[{field}]", value) for _, value in given)
