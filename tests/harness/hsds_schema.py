"""A JSON Schema of HSDS 3, derived from its published examples: the public schema is in no package registry.

The example `service_full` fills every member, so objects take no other members than it has, and values of its types.
What is compulsory cannot be seen in an example: it is listed here, as the schema reference of HSDS 3 has it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COMPULSORY: Mapping[str, tuple[str, ...]] = {
    "service": ("id", "name", "status"),
    "organization": ("id", "name", "description"),
    "organization_identifiers": ("id", "identifier_type", "identifier"),
    "service_at_locations": ("id",),
    "location": ("id", "location_type"),
    "addresses": ("id", "address_1", "city", "state_province", "postal_code", "country", "address_type"),
    "phones": ("id", "number"),
    "schedules": ("id",),
    "cost_options": ("id",),
    "required_documents": ("id",),
    "attributes": ("id",),
    "taxonomy_term": ("id", "name", "description"),
}
"""Object → its compulsory members: https://docs.openreferral.org, "Schema Reference", column "Required"."""

WORDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("service", "status"): ("active", "inactive", "defunct", "temporarily closed"),
    ("location", "location_type"): ("physical", "postal", "virtual"),
    ("addresses", "address_type"): ("physical", "postal", "virtual"),
}
"""Member → its words, likewise."""

TABLES = {"attributes": "attributes.csv", "cost_options": "cost_options.csv", "phones": "phones.csv"}
"""Objects whose table in the tabular example has members that name other objects, such as `link_id`."""


def hsds_schema(data: Path) -> dict[str, Any]:
    """Return the schema of `service_full`. `data`: the folder of the examples."""
    members: dict[str, dict[str, dict[str, Any]]] = {}
    _note("service", json.loads((data / "hsds-service_full.json").read_bytes()), members)
    tabular = json.loads((data / "hsds-tabular.json").read_bytes())
    for name, table in TABLES.items():
        for member, value in tabular[table][0].items():
            members[name].setdefault(member, _shape(member, value))
    objects = {name: _object(name, of_it) for name, of_it in members.items()}
    return {"$ref": "#/$defs/service", "$defs": objects}


def _note(name: str, example: dict[str, Any], members: dict[str, dict[str, dict[str, Any]]]) -> None:
    of_it = members.setdefault(name, {})
    for member, value in example.items():
        of_it[member] = _shape(member, value)
        parts = value if isinstance(value, list) else [value]
        for part in parts:
            if isinstance(part, dict):
                _note(member, part, members)


def _shape(member: str, value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"type": "array", "items": {"$ref": f"#/$defs/{member}"}}
    if isinstance(value, dict):
        return {"$ref": f"#/$defs/{member}"}
    if isinstance(value, int | float):
        return {"type": "number"}
    named = member == "id" or member.endswith("_id")
    return {"type": "string", "format": "uuid"} if named else {"type": "string"}


def _object(name: str, members: dict[str, dict[str, Any]]) -> dict[str, Any]:
    properties = {
        member: {**shape, "enum": list(WORDS[name, member])} if (name, member) in WORDS else shape
        for member, shape in members.items()
    }
    required = list(COMPULSORY.get(name, ()))
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
