"""The formats of the standards, by name and by the ending of a file: facts to bytes, and bytes to facts. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from services.exchange.standards import hsds_terms
from services.exchange.standards.cpsv_facts import read_cpsv
from services.exchange.standards.cpsv_graph import graph_of
from services.exchange.standards.cpsv_terms import TABLE as PUBLIC_SERVICE
from services.exchange.standards.documents import Documents
from services.exchange.standards.facts import Facts
from services.exchange.standards.hsds_pages import page_bytes, pages_of, read_hsds
from services.exchange.standards.hsds_service import service_of
from services.exchange.standards.rdf_documents import json_ld, read_json_ld, read_turtle, turtle
from shared.errors import Invalid, Violation


class Format(StrEnum):
    """The formats; the last two are CPSV-AP."""

    HSDS = "hsds"
    TURTLE = "turtle"
    JSON_LD = "json-ld"


ENDINGS: Mapping[str, Format] = {".json": Format.HSDS, ".ttl": Format.TURTLE, ".jsonld": Format.JSON_LD}
SOURCES: Mapping[Format, str] = {Format.HSDS: "hsds", Format.TURTLE: "cpsv-ap", Format.JSON_LD: "cpsv-ap"}
"""Format → the default name of its import source."""

TABLES: Mapping[Format, str] = {
    Format.HSDS: hsds_terms.TABLE,
    Format.TURTLE: PUBLIC_SERVICE,
    Format.JSON_LD: PUBLIC_SERVICE,
}
"""Format → what it calls a service."""


def format_of(file: Path) -> Format:
    """Return the format that a file's name says. Raises `Invalid`."""
    try:
        return ENDINGS[file.suffix.lower()]
    except KeyError:
        known = ", ".join(f"{ending} ({name})" for ending, name in ENDINGS.items())
        raise Invalid(Violation(file.name, "format", f"ends in none of {known}: rename it, or use --as")) from None


def written(services: Sequence[Facts], format: Format, region: str) -> bytes:  # noqa: A002
    """Return one document with all services. `region`: 行政区划 of the county."""
    if format == Format.HSDS:
        (page,) = pages_of([service_of(facts) for facts in services])
        return page_bytes(page)
    graph = graph_of(services, region)
    return turtle(graph) if format == Format.TURTLE else json_ld(graph)


def read(contents: Iterable[bytes], format: Format) -> Documents:  # noqa: A002
    """Read documents of one format. Raises `Invalid` for one that cannot be read at all; then nothing was read."""
    found = Documents()
    for content in contents:
        found.add(_read_one(content, format))
    return found.without_repetitions(TABLES[format])


def _read_one(content: bytes, format: Format) -> Documents:  # noqa: A002
    if format == Format.HSDS:
        return read_hsds(content)
    return read_cpsv(read_turtle(content) if format == Format.TURTLE else read_json_ld(content))
