"""Turtle and JSON-LD as graphs and back. Nothing that a document names is fetched.

RDF/XML is not read: its document type declarations may name files and addresses, and may grow without bound.
"""

import logging
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Self

from rdflib import Graph, Literal
from rdflib.plugins.parsers.jsonld import to_rdf
from rdflib.plugins.serializers.turtle import TurtleSerializer
from rdflib.term import Node

from services.exchange.standards.cpsv_terms import PREFIXES
from services.exchange.standards.documents import parsed_json, require_size
from shared.errors import Invalid, Violation

MOST_STATEMENTS = 500_000
"""Of a document: about ten thousand services, and 0.8 GB of memory."""

BASE = "https://tongyuan.invalid/document/"
"""What relative names in a document are relative to: without it, the folder of this process."""

# rdflib prints what it cannot convert, with a traceback. Such a value is lost, and is listed by us.
logging.getLogger("rdflib").setLevel(logging.CRITICAL)


class _BoundedGraph(Graph):
    """A graph that takes no more statements than fit in memory: a document of few bytes may have very many."""

    def add(self, triple: tuple[Node, Node, Node]) -> Self:
        if len(self) >= MOST_STATEMENTS:
            raise _TooManyError
        return super().add(triple)


class _TooManyError(Exception):
    """The document has more statements than a graph takes."""


class _ExactTurtle(TurtleSerializer):
    """Writes every literal with its type: the short form of a double has seven digits, and an amount would change."""

    def label(self, node: Node, position: int) -> str:
        if isinstance(node, Literal):
            return node.n3(self.store.namespace_manager)
        return super().label(node, position)


def turtle(graph: Graph) -> bytes:
    """Return the graph as Turtle."""
    made = BytesIO()
    _ExactTurtle(graph).serialize(made)
    return made.getvalue()


def json_ld(graph: Graph) -> bytes:
    """Return the graph as JSON-LD, with its context inside."""
    return graph.serialize(format="json-ld", encoding="utf-8", context=dict(PREFIXES))


def read_turtle(content: bytes) -> Graph:
    """Parse Turtle. Raises `Invalid`."""
    require_size(content)
    if content.lstrip().startswith((b"<?xml", b"<rdf:RDF", b"<!DOCTYPE")):
        message = "is RDF/XML, which is not read: convert it to Turtle or JSON-LD"
        raise Invalid(Violation("document", "format", message))
    try:
        return _BoundedGraph().parse(data=content, format="turtle", publicID=BASE)
    except Exception as error:  # noqa: BLE001  # rdflib raises whatever its parser meets in a broken document
        raise _unreadable("Turtle", error) from None


def read_json_ld(content: bytes) -> Graph:
    """Parse JSON-LD. Raises `Invalid`, also for a context that would have to be fetched."""
    told = parsed_json(content)
    for where, remote in _remote_contexts(told):
        message = f"names a context elsewhere ({remote[:100]}): nothing is fetched, put the context into the document"
        raise Invalid(Violation(where, "remote-context", message))
    graph = _BoundedGraph()
    try:
        to_rdf(told, graph, base=BASE)
    except Exception as error:  # noqa: BLE001  # as above
        raise _unreadable("JSON-LD", error) from None
    return graph


def _remote_contexts(told: Any) -> Iterator[tuple[str, str]]:
    """Yield place and address of every context in the document that is not in it."""
    waiting: list[tuple[Any, bool]] = [(told, False)]
    while waiting:
        value, is_context = waiting.pop()
        if isinstance(value, dict):
            waiting += [(part, name == "@context") for name, part in value.items()]
            if "@import" in value:
                yield "@import", str(value["@import"])
        elif isinstance(value, list):
            waiting += [(part, is_context) for part in value]
        elif is_context and value is not None:
            yield "@context", str(value)


def _unreadable(kind: str, error: Exception) -> Invalid:
    if isinstance(error, _TooManyError):
        message = f"has more than {MOST_STATEMENTS:,} statements: send its services in several documents"
        return Invalid(Violation("document", "size", message))
    reason = "it is nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())[:200]
    return Invalid(Violation("document", "rdf", f"is no {kind} that can be read: {reason}"))
