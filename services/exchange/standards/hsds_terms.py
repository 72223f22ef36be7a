"""Names that the HSDS documents of this county use, for writing and reading alike."""

from collections.abc import Mapping, Sequence

from services.exchange.standards.facts import Facts

TABLE = "service"

OWN = frozenset(
    {"task_name", "short_name", "dept_name", "dept_code", "accept_condition", "link_way", "online_handle_url"}
)
"""Fields that HSDS has a place for. Every other one is an attribute of the service."""

OBJECTS: Mapping[str, str] = {
    "materials": "required_document",
    "fees": "cost_option",
    "windows": "service_at_location",
}
"""Field with children → the HSDS object that a child is."""

PLACES: Mapping[str, frozenset[str]] = {
    "materials": frozenset({"material_name"}),
    "fees": frozenset({"fee_name", "fee_stand", "amount_fen"}),
    "windows": frozenset({"address", "hours", "phone", "traffic"}),
}
"""Field with children → the fields of a child that its object has a place for; the others are attributes of it."""

HEADS: Mapping[str, str] = {"by_law": "law_name", "steps": "name", "questions": "question"}
"""Field whose children have no object in HSDS → the field of a child that is the value of an attribute of the service.
The other fields of the child are attributes of that attribute.
"""

TAXONOMY = "tongyuan/"
"""Beginning of `taxonomy` of our attributes; the field follows. Attributes of other taxonomies are not ours to read."""

IDENTIFIER_TYPE = "实施主体编码"
CURRENCY = "CNY"
ACTIVE = "active"
PHYSICAL, VIRTUAL = "physical", "virtual"


def organization_description(name: str, code: str) -> str:
    """Return the description that HSDS requires of an organization: its name and its code, nothing else."""
    return f"{name}（{IDENTIFIER_TYPE} {code}）"


def flow_text(steps: Sequence[Facts]) -> str | None:
    """Return 办理流程 as a text for readers of other systems, a numbered line per step; None for no steps."""
    lines = (
        f"{number}. {step['name']}{'：' + step['content'] if 'content' in step else ''}"
        for number, step in enumerate(steps, start=1)
    )
    return "\n".join(lines) or None
