"""HSDS services as JSON: the page of a list as the HSDS API gives it, and what may be read. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from contracts.base import Json
from services.exchange.standards.documents import MOST_SERVICES, Documents, loss, parsed_json
from services.exchange.standards.hsds_facts import read_service
from services.exchange.standards.hsds_terms import TABLE
from shared.errors import Invalid, Violation

OF_A_PAGE = frozenset(
    {"total_items", "total_pages", "page_number", "size", "first_page", "last_page", "empty", "contents"}
)


def pages_of(services: Sequence[Json], size: int | None = None) -> Iterator[Json]:
    """Yield the services in pages of `size`; in one page without it. There is always a first page."""
    size = size or max(len(services), 1)
    last = max(-(-len(services) // size), 1)
    for number in range(1, last + 1):
        contents = services[(number - 1) * size : number * size]
        yield {
            "total_items": len(services),
            "total_pages": last,
            "page_number": number,
            "size": len(contents),
            "first_page": number == 1,
            "last_page": number == last,
            "empty": not contents,
            "contents": contents,
        }


def page_bytes(page: Json) -> bytes:
    """Return the page as JSON."""
    return orjson.dumps(page, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read_hsds(content: bytes) -> Documents:
    """Read a service, an array of services, or a page of them. Raises `Invalid`; then nothing was read."""
    told, found = parsed_json(content), Documents()
    services = _services(told)
    if len(services) > MOST_SERVICES:
        raise Invalid(Violation("document", "size", f"has more than {MOST_SERVICES:,} services: send it in pages"))
    for service in services:
        read_service(service, found)
    if isinstance(told, dict) and "contents" in told:
        found.lose(loss(TABLE, None, name, told[name]) for name in told if name not in OF_A_PAGE)
    return found


def _services(told: Any) -> list[Any]:
    if isinstance(told, list):
        return told
    if isinstance(told, dict) and isinstance(told.get("contents"), list):
        return list(told["contents"])
    if isinstance(told, dict) and ("organization" in told or "status" in told):
        return [told]
    message = "is neither an HSDS service, nor an array of services, nor a page with `contents`"
    raise Invalid(Violation("document", "hsds", message))
