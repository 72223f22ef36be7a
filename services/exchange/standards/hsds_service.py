"""The facts of an item as an HSDS 3 service with everything that belongs to it (`service_full`). Pure."""

from collections.abc import Iterator
from typing import Any

from contracts.base import Json
from services.exchange.items.item_rows import guid_of
from services.exchange.standards.facts import CODED, FIELDS, LISTS, TITLES, Facts, label
from services.exchange.standards.hsds_terms import (
    ACTIVE,
    CURRENCY,
    HEADS,
    IDENTIFIER_TYPE,
    OBJECTS,
    OWN,
    PHYSICAL,
    PLACES,
    TABLE,
    TAXONOMY,
    VIRTUAL,
    flow_text,
    organization_description,
)


def service_of(facts: Facts) -> Json:
    """Return the service. Its ids follow from the code, so that the next version of the item has the same ones."""
    code = facts["code"]
    return _present(
        id=guid_of(TABLE, code),
        name=facts["task_name"],
        alternate_name=facts.get("short_name"),
        status=ACTIVE,
        eligibility_description=facts.get("accept_condition"),
        application_process=flow_text(facts.get("steps", [])),
        phones=[_phone(facts["link_way"], code)] if "link_way" in facts else None,
        service_at_locations=[*_windows(facts), *_online(facts)],
        organization=_organization(facts),
        cost_options=[_cost_option(fee, code, number) for number, fee in _numbered(facts, "fees")],
        required_documents=[
            {"id": child_id(code, "materials", number), "document": material["material_name"]}
            for number, material in _numbered(facts, "materials")
        ],
        attributes=[*_attributes_of_service(facts), *_attributes_of_children(facts)],
    )


def child_id(code: str, field: str, number: int) -> str:
    """Return the id of the HSDS object of a child."""
    return guid_of(TABLE, code, field, number)


def _organization(facts: Facts) -> Json:
    name, code = facts["dept_name"], facts["dept_code"]
    identity = guid_of("organization", code, name)  # items write the name of one unit in several ways
    identifier = {"id": guid_of(identity), "identifier_type": IDENTIFIER_TYPE, "identifier": code}
    return {
        "id": identity,
        "name": name,
        "description": organization_description(name, code),
        "organization_identifiers": [identifier],
    }


def _windows(facts: Facts) -> Iterator[Json]:
    for number, window in _numbered(facts, "windows"):
        identity = child_id(facts["code"], "windows", number)
        location = _present(
            id=guid_of(identity, "location"),
            location_type=PHYSICAL,
            name=window["address"],
            transportation=window.get("traffic"),
        )
        yield _present(
            id=identity,
            phones=[_phone(window["phone"], identity)] if "phone" in window else None,
            schedules=[{"id": guid_of(identity, "hours"), "description": window["hours"]}]
            if "hours" in window
            else None,
            location=location,
        )


def _online(facts: Facts) -> Iterator[Json]:
    if url := facts.get("online_handle_url"):
        identity = guid_of(TABLE, facts["code"], VIRTUAL)
        yield {"id": identity, "location": {"id": guid_of(identity, "location"), "location_type": VIRTUAL, "url": url}}


def _phone(number: str, *of: object) -> Json:
    return {"id": guid_of("phone", *of), "number": number}


def _cost_option(fee: Facts, code: str, number: int) -> Json:
    amount = int(fee["amount_fen"]) if "amount_fen" in fee else None
    return _present(
        id=child_id(code, "fees", number),
        option=fee["fee_name"],
        amount=None if amount is None else amount // 100 if amount % 100 == 0 else amount / 100,
        currency=None if amount is None else CURRENCY,
        amount_description=fee.get("fee_stand"),
    )


def _attributes_of_service(facts: Facts) -> Iterator[Json]:
    for field in FIELDS:
        if field in OWN or field in OBJECTS or field not in facts:
            continue
        for number, value in enumerate(_values(field, facts[field]), start=1):
            yield _attribute(field, value, TABLE, None, child_id(facts["code"], field, number))


def _values(field: str, value: Any) -> list[str]:
    if field in HEADS:
        return [child[HEADS[field]] for child in value]
    return value if field in LISTS else [value]


def _attributes_of_children(facts: Facts) -> Iterator[Json]:
    for field in (*OBJECTS, *HEADS):
        for number, child in _numbered(facts, field):
            identity = child_id(facts["code"], field, number)
            told = PLACES[field] if field in OBJECTS else {HEADS[field]}
            for name, value in child.items():
                if name not in told:
                    yield _attribute(name, value, OBJECTS.get(field, "attribute"), identity, guid_of(identity, name))


def _attribute(field: str, value: str, entity: str, link: str | None, identity: str) -> Json:
    named = label(field, value) if field in CODED else TITLES.get(field, field)
    term = {
        "id": guid_of("term", field, value if field in CODED else ""),
        "code": value if field in CODED else field,
        "name": named,
        "description": TITLES.get(field, field),
        "taxonomy": f"{TAXONOMY}{field}",
        "language": "zh",
    }
    return _present(id=identity, link_id=link, link_entity=entity, link_type=field, value=value, taxonomy_term=term)


def _numbered(facts: Facts, field: str) -> Iterator[tuple[int, Facts]]:
    return iter(enumerate(facts.get(field, []), start=1))


def _present(**members: Any) -> Json:
    """Return the members that have a value: HSDS has no word for unknown, and an empty list may mean anything."""
    return {name: value for name, value in members.items() if value is not None and value != []}
