"""What a document of a standard holds once it was read, and what of it was refused or is lost."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson

from services.exchange.refusals import Refusal
from services.exchange.standards.facts import Facts
from shared.errors import Invalid, Violation

LARGEST_DOCUMENT = 32 * 1024 * 1024
"""Bytes of a document: the import's own limit of a file."""

MOST_SERVICES, MOST_LOSSES = 100_000, 100_000

ROW_GUID = "row_guid"
"""Key of the facts with the document's own name of the service. The import does not carry it."""

JOIN = "；"
"""Between several texts that our contract has one field for, such as telephone numbers."""

LONGEST_VALUE = 100


@dataclass
class Documents:
    """The services of a document. `losses`: values that our contract has no field for, each with its place."""

    facts: list[Facts] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    losses: list[Refusal] = field(default_factory=list)

    def lose(self, losses: Iterable[Refusal]) -> None:
        """Add losses. Raises `Invalid` for more than anybody would read, before they fill the memory."""
        self.losses += islice(losses, MOST_LOSSES + 1 - len(self.losses))
        if len(self.losses) > MOST_LOSSES:
            message = f"has more than {MOST_LOSSES:,} values that no field takes: send it in several documents"
            raise Invalid(Violation("document", "size", message))

    def add(self, other: "Documents") -> None:
        """Add what another document holds."""
        self.facts += other.facts
        self.refusals += other.refusals
        self.losses += other.losses

    def without_repetitions(self, table: str) -> "Documents":
        """Return the documents with each code once. Services of one code that differ are refused, all of them."""
        by_code: dict[str, list[Facts]] = {}
        for facts in self.facts:
            by_code.setdefault(facts["code"], []).append(facts)
        kept = Documents([], list(self.refusals), list(self.losses))
        for code, alike in by_code.items():
            if all(_content(one) == _content(alike[0]) for one in alike):
                kept.facts.append(alike[0])
                continue
            remedy = "send one service per code: nothing says which of the different ones counts"
            kept.refusals += [Refusal(table, one.get(ROW_GUID), "code", "unique", remedy, code) for one in alike]
        return kept


def require_size(content: bytes) -> None:
    """Raises `Invalid` for a document that is too large to be read."""
    if len(content) > LARGEST_DOCUMENT:
        message = f"has more than {LARGEST_DOCUMENT >> 20} MB: send its services in several documents"
        raise Invalid(Violation("document", "size", message))


def parsed_json(content: bytes) -> Any:
    """Parse JSON. Raises `Invalid` for a document that is too large, broken, or nested too deeply."""
    require_size(content)
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Invalid(Violation("document", "json", f"is no JSON in UTF-8: {error}")) from None


def shown(value: object) -> str:
    """Return a value of a document as the lists of refused and lost values show it, of a nested one only its size."""
    nested = isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict | list) for one in value))
    return f"{len(value)} entries" if nested and isinstance(value, dict | list) else str(value)[:LONGEST_VALUE]


def loss(table: str, row_guid: str | None, place: str, value: object) -> Refusal:
    """Return the record of a value that is lost."""
    remedy = "our contract has no field for it: state it at the desk if readers need it"
    return Refusal(table, row_guid, place, "not-mapped", remedy, shown(value))


def code_missing(table: str, row_guid: str | None, place: str, name: object) -> Refusal:
    """Return the refusal of a service without 实施编码: nothing else says which item it is."""
    remedy = f"state the 实施编码 (31 or 33 characters) in {place}: the item is known by it"
    return Refusal(table, row_guid, place, "required", remedy, None if name is None else shown(name))


def _content(facts: Facts) -> Facts:
    return {name: value for name, value in facts.items() if name != ROW_GUID}
