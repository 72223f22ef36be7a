"""A graph of CPSV-AP 3 as the facts of items. Pure.

What is read is noted; a statement that was not read has no field in our contract, and is lost by name.
"""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from rdflib import DCTERMS, RDF, SKOS, Graph, Literal, URIRef
from rdflib.term import Node

from services.exchange.items.item_rows import JOIN as ORDER_JOIN
from services.exchange.refusals import Refusal
from services.exchange.standards.cpsv_terms import (
    CALENDAR_DAYS,
    CODES,
    CONCEPTS,
    CONDITIONS,
    CPSV,
    CV,
    FACT,
    LANGUAGE,
    LOCN,
    NODES,
    PARTS,
    STEP,
    TABLE,
    TEXTS,
    YUAN,
    step_description,
)
from services.exchange.standards.documents import JOIN, ROW_GUID, Documents, code_missing, loss
from services.exchange.standards.facts import CODED, FIELDS, LISTS, Facts, summary

Triple = tuple[Node, Node, Node]

_DAYS = re.compile(r"P(\d{1,4})D", re.ASCII)
_IDENTIFIER = "dct:identifier"


def read_cpsv(graph: Graph) -> Documents:
    """Read the public services of a graph."""
    found, read = Documents(), set[Triple]()
    for node in sorted(graph.subjects(RDF.type, CPSV.PublicService, unique=True), key=str):
        service = _Service(graph, node, read)
        code = service.text(node, DCTERMS.identifier)
        if code is None:
            found.refusals.append(code_missing(TABLE, str(node), _IDENTIFIER, graph.value(node, DCTERMS.title)))
            continue
        found.facts.append(service.facts(code))
    found.lose(_left(graph, read, {refusal.row_guid for refusal in found.refusals}))
    return found


class _Service:
    """Reads one service. `read`: the statements that were read, of all services: they may share nodes."""

    def __init__(self, graph: Graph, node: Node, read: set[Triple]) -> None:
        self._graph, self._node, self._read = graph, node, read

    def facts(self, code: str) -> Facts:
        """Return the facts of the service."""
        node = self._node
        found: Facts = {ROW_GUID: str(node), "code": code, **self._organisation(code)}
        found |= {field: self.text(node, of_node) for field, of_node in TEXTS.items() if field not in LISTS}
        found["keywords"] = list(self._texts(node, TEXTS["keywords"]))
        found |= self._conditions() | self._concepts() | self._flat() | self._limit(node)
        found |= {field: self._in_order(field, found.get(field, [])) for field in LISTS}
        found["result_name"] = self._joined(node, CPSV.produces, DCTERMS.title)
        found["link_way"] = self._joined(node, CV.contactPoint, CV.telephone)
        found |= {field: [self._child(field, part) for part in self._parts(field)] for field in PARTS}
        stated = {name: value for name, value in found.items() if value not in (None, "", [])}
        self._pass_over_summary(stated)
        return stated

    def _organisation(self, code: str) -> Facts:
        """Read the authority: of several, the one whose identifier the code of the item begins with."""
        given = list(self._graph.objects(self._node, CV.hasCompetentAuthority))
        of_the_code = [one for one in given if code.startswith(str(self._chosen(one, DCTERMS.identifier)))]
        if len(of_the_code or given) != 1:
            return {}
        (organisation,) = of_the_code or given
        self._note(self._node, CV.hasCompetentAuthority, organisation)
        self._pass_over_area(organisation)
        name = self.text(organisation, SKOS.prefLabel) or self.text(organisation, DCTERMS.title)
        return {"dept_name": name, "dept_code": self.text(organisation, DCTERMS.identifier)}

    def _pass_over_area(self, organisation: Node) -> None:
        """Note the area that we state of every organisation because CPSV-AP requires one; others are lost."""
        for area in self._graph.objects(organisation, DCTERMS.spatial):
            if str(area).startswith(CODES["region/"]):
                self._note(organisation, DCTERMS.spatial, area)
                self.text(area, DCTERMS.identifier)

    def _pass_over_summary(self, stated: Facts) -> None:
        """Note our own description, which has no fact of its own; another's is lost."""
        if "task_name" in stated and "dept_name" in stated:
            for text in self._graph.objects(self._node, DCTERMS.description):
                if str(text) == summary(stated):
                    self._note(self._node, DCTERMS.description, text)

    def _conditions(self) -> Facts:
        passages = []
        for node in self._sorted(self._node, CV.holdsRequirement):
            title, text = self.text(node, DCTERMS.title), self.text(node, DCTERMS.description)
            if title or text:
                self._note(self._node, CV.holdsRequirement, node)
                self.text(node, DCTERMS.identifier)
                passages += [title] if title and title != CONDITIONS else []
                passages += [text] if text else []
        return {"accept_condition": "\n".join(passages)}

    def _concepts(self) -> Facts:
        """Read the concepts that are codes of ours, by their names. Of several for one fact, none counts."""
        found: dict[str, dict[str, Triple]] = {}
        for of_node in (*dict.fromkeys(CONCEPTS.values()), CV.isClassifiedBy):
            for concept in self._sorted(self._node, of_node):
                field, _, code = str(concept).removeprefix(str(CODES)).partition("/")
                ours = str(concept).startswith(str(CODES)) and field in CODED and code
                if ours and CONCEPTS.get(field, CV.isClassifiedBy) == of_node:
                    found.setdefault(field, {})[code] = (self._node, of_node, concept)
        told = {field: codes for field, codes in found.items() if field in LISTS or len(codes) == 1}
        for triple in (one for codes in told.values() for one in codes.values()):
            self._note(*triple)
            self._note_concept(triple[2])
        return {field: list(codes) if field in LISTS else next(iter(codes)) for field, codes in told.items()}

    def _flat(self) -> Facts:
        fields = (name for name in FIELDS if name not in {*PARTS, *TEXTS, *NODES, *CODED})
        return {name: self.text(self._node, FACT[name]) for name in fields}

    def _in_order(self, field: str, values: list[str]) -> list[str]:
        """Return the values in the order that is stated for them; sorted without one."""
        order = self._chosen(self._node, FACT[field])
        stated = str(order).split(ORDER_JOIN)
        if order is None or sorted(stated) != sorted(values):
            return sorted(values)
        self._note(self._node, FACT[field], order)
        return stated

    def _limit(self, node: Node) -> Facts:
        """Read a processing time in whole days: days of a duration are 自然日."""
        given = list(self._graph.objects(node, CV.processingTime))
        days = _DAYS.fullmatch(str(given[0])) if len(given) == 1 else None
        if days is None or (node, FACT.promise_day, None) in self._graph:
            return {}
        self._note(node, CV.processingTime, given[0])
        return {"promise_day": days[1], "promise_type": CALENDAR_DAYS}

    def _parts(self, field: str) -> Iterator[Node]:
        """Yield the nodes of the children of a field that have what each child must have, in order."""
        part = PARTS[field]
        for node in self._sorted(self._node, part.of_service):
            if field == "steps" and (node, DCTERMS.type, STEP) not in self._graph:
                continue  # A rule may be any text of law: only ours are steps.
            if self._is_named(field, node):
                self._note(self._node, part.of_service, node)
                self.text(node, DCTERMS.identifier)
                yield node

    def _is_named(self, field: str, node: Node) -> bool:
        """Return whether a node has the text that each child of the field must have."""
        if field == "windows":
            return any(self._chosen(one, LOCN.fullAddress) for one in self._graph.objects(node, LOCN.address))
        return self._chosen(node, next(iter(PARTS[field].texts.values()))) is not None

    def _child(self, field: str, node: Node) -> Facts:
        part = PARTS[field]
        found: Facts = {name: self.text(node, of_node) for name, of_node in part.texts.items()}
        for predicate, value in self._graph.predicate_objects(node):
            if str(predicate).startswith(str(FACT)) and isinstance(value, Literal):
                name = str(predicate).removeprefix(str(FACT))
                if name not in found:
                    found[name] = self.text(node, predicate)
        if field == "steps":
            self._note_concept(STEP)
            self._note(node, DCTERMS.type, STEP)
            if found["content"] == step_description(found["name"]):
                del found["content"]
            found |= {"unit": "1"} if "day" in found else {}  # the import wants 工作日 beside the number
        if field == "fees":
            found["amount_fen"] = self._amount(node)
        if field == "windows":
            found["address"] = self._joined(node, LOCN.address, LOCN.fullAddress)
            found["hours"] = self._joined(node, CV.openingHours, DCTERMS.description)
            found["phone"] = self._joined(node, CV.contactPoint, CV.telephone)
        return {name: value for name, value in found.items() if value not in (None, "")}

    def _amount(self, node: Node) -> str | None:
        """Read an amount in 元 as 分. Other currencies, and fractions of a 分, are not read."""
        given = list(self._graph.objects(node, CV.hasValue))
        if len(given) != 1 or (node, CV.currency, YUAN) not in self._graph:
            return None
        try:
            fen = Decimal(str(given[0])) * 100
        except InvalidOperation:
            return None
        if not fen.is_finite() or fen < 0 or fen.adjusted() > 15 or fen != int(fen):
            return None
        self._note(node, CV.hasValue, given[0])
        self._note(node, CV.currency, YUAN)
        self._note_concept(YUAN)
        return str(int(fen))

    def _joined(self, node: Node, of_node: Node, text: Node) -> str:
        """Return the texts of the nodes that have one, joined."""
        found = []
        for part in self._sorted(node, of_node):
            if told := self.text(part, text):
                self._note(node, of_node, part)
                self.text(part, DCTERMS.identifier)
                found.append(told)
        return JOIN.join(found)

    def text(self, node: Node, of_node: Node) -> str | None:
        """Read a text, see `_chosen`."""
        chosen = self._chosen(node, of_node)
        if chosen is None:
            return None
        self._note(node, of_node, chosen)
        return str(chosen).strip()

    def _chosen(self, node: Node, of_node: Node) -> Literal | None:
        """Return the Chinese text, else the one without a language, else the only one. Of several, none counts."""
        given = [one for one in self._graph.objects(node, of_node) if isinstance(one, Literal) and str(one).strip()]
        chinese = [one for one in given if (one.language or "").lower().split("-")[0] == LANGUAGE]
        plain = [one for one in given if not one.language]
        chosen = chinese or plain or given
        return chosen[0] if len(chosen) == 1 else None

    def _texts(self, node: Node, of_node: Node) -> Iterator[str]:
        for one in self._sorted(node, of_node):
            if isinstance(one, Literal) and (one.language or LANGUAGE).lower().split("-")[0] == LANGUAGE:
                self._note(node, of_node, one)
                yield str(one).strip()

    def _sorted(self, node: Node, of_node: Node) -> list[Node]:
        """Return the values in the order of their identifiers: a graph has no order of its own."""
        return sorted(
            self._graph.objects(node, of_node),
            key=lambda one: (str(self._graph.value(one, DCTERMS.identifier)), str(one)),
        )

    def _note_concept(self, concept: Node) -> None:
        for of_node in (SKOS.prefLabel, SKOS.notation):
            for text in self._graph.objects(concept, of_node):
                self._note(concept, of_node, text)

    def _note(self, node: Node, of_node: Node, value: Node) -> None:
        self._read.add((node, of_node, value))


def _left(graph: Graph, read: set[Triple], refused: set[str | None]) -> Iterator[Refusal]:
    """Yield a loss for every statement that was not read. Classes of nodes are no facts."""
    services = set(graph.subjects(RDF.type, CPSV.PublicService))
    for node, of_node, value in sorted(set(graph) - read, key=lambda triple: tuple(map(str, triple))):
        if of_node != RDF.type and str(node) not in refused:
            yield loss(TABLE, str(node) if node in services else None, _place(graph, node, of_node), value)


def _place(graph: Graph, node: Node, of_node: Node) -> str:
    name = graph.namespace_manager.normalizeUri(str(of_node)) if isinstance(of_node, URIRef) else str(of_node)
    return name if (node, RDF.type, CPSV.PublicService) in graph else f"{node} {name}"
