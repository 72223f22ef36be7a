"""The facts of items as a graph of CPSV-AP 3. Pure.

Every node has a name that follows from the code, so the same facts are the same bytes.
"""

from collections.abc import Iterable

from rdflib import DCTERMS, RDF, SKOS, TIME, XSD, Graph, Literal, URIRef

from services.exchange.items.item_rows import JOIN, guid_of
from services.exchange.standards.cpsv_terms import (
    ADMINISTRATIVE_UNIT,
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
    PREFIXES,
    STEP,
    STEP_LABEL,
    TEXTS,
    YUAN,
    step_description,
)
from services.exchange.standards.facts import CODED, FIELDS, Facts, label, summary


def graph_of(services: Iterable[Facts], region: str) -> Graph:
    """Return the services. `region`: 行政区划 of the county, which CPSV-AP requires of an organisation."""
    graph = Graph()
    for prefix, namespace in PREFIXES.items():
        graph.bind(prefix, namespace, replace=True)
    for facts in services:
        _Service(graph, facts).write(region)
    return graph


class _Service:
    """Writes one service."""

    def __init__(self, graph: Graph, facts: Facts) -> None:
        self._graph, self._facts, self._code = graph, facts, facts["code"]
        self._node = _node("service", self._code)

    def write(self, region: str) -> None:
        self._add(self._node, RDF.type, CPSV.PublicService)
        self._add(self._node, DCTERMS.identifier, Literal(self._code))
        self._text(self._node, DCTERMS.description, summary(self._facts))
        self._organisation(region)
        self._add_nodes()
        for field in FIELDS:
            if field in PARTS:
                for number, child in enumerate(self._facts.get(field, ()), start=1):
                    self._part(field, child, number)
            elif field in self._facts and field not in NODES and field not in self._limit():
                self._flat(field, self._facts[field])

    def _flat(self, field: str, value: str | list[str]) -> None:
        values = value if isinstance(value, list) else [value]
        if values != sorted(values):  # a graph has no order, and readers sort
            self._add(self._node, FACT[field], Literal(JOIN.join(values)))
        for one in values:
            if field in TEXTS:
                self._text(self._node, TEXTS[field], one)
            elif field in CODED:
                self._add(self._node, CONCEPTS.get(field, CV.isClassifiedBy), self._concept(field, one))
            else:
                self._add(self._node, FACT[field], Literal(one))

    def _limit(self) -> frozenset[str]:
        """Return the fields that `cv:processingTime` states. A duration has no 工作日, so only 自然日 are one."""
        whole = "promise_day" in self._facts and self._facts.get("promise_type") == CALENDAR_DAYS
        return frozenset({"promise_day", "promise_type"}) if whole else frozenset()

    def _add_nodes(self) -> None:
        if self._limit():
            days = Literal(f"P{self._facts['promise_day']}D", datatype=XSD.duration)
            self._add(self._node, CV.processingTime, days)
        if condition := self._facts.get("accept_condition"):
            node = self._new("requirement", CV.holdsRequirement, CV.Requirement)
            self._text(node, DCTERMS.title, CONDITIONS)
            self._text(node, DCTERMS.description, condition)
        if result := self._facts.get("result_name"):
            self._text(self._new("output", CPSV.produces, CV.Output), DCTERMS.title, result)
        if contact := self._facts.get("link_way"):
            self._contact(self._node, contact, "contact")

    def _organisation(self, region: str) -> None:
        name, code = self._facts["dept_name"], self._facts["dept_code"]
        organisation, area = _node("organization", code, name), CODES[f"region/{region}"]
        self._add(self._node, CV.hasCompetentAuthority, organisation)
        self._add(organisation, RDF.type, CV.PublicOrganisation)
        self._add(organisation, DCTERMS.identifier, Literal(code))
        self._text(organisation, SKOS.prefLabel, name)
        self._add(organisation, DCTERMS.spatial, area)
        self._add(area, RDF.type, ADMINISTRATIVE_UNIT)
        self._add(area, DCTERMS.identifier, Literal(region))

    def _part(self, field: str, child: Facts, number: int) -> None:
        part = PARTS[field]
        node = self._new(f"{field}/{number:03}", part.of_service, part.type)
        for name, value in child.items():
            if name in part.texts:
                self._text(node, part.texts[name], value)
            elif field == "fees" and name == "amount_fen":
                self._amount(node, int(value))
            elif field == "windows" and name in ("address", "hours", "phone"):
                self._window(node, name, value, number)
            else:
                self._add(node, FACT[name], Literal(value))
        if field == "steps":
            self._add(node, DCTERMS.type, self._named_concept(STEP, STEP_LABEL))
            if "content" not in child:
                self._text(node, DCTERMS.description, step_description(child["name"]))

    def _window(self, node: URIRef, name: str, value: str, number: int) -> None:
        if name == "phone":
            self._contact(node, value, f"windows/{number:03}/contact")
            return
        of_node, type_, text = {
            "address": (LOCN.address, LOCN.Address, LOCN.fullAddress),
            "hours": (CV.openingHours, TIME.TemporalEntity, DCTERMS.description),
        }[name]
        part = _node(self._code, "windows", number, name)
        self._add(node, of_node, part)
        self._add(part, RDF.type, type_)
        self._text(part, text, value)

    def _contact(self, node: URIRef, telephone: str, name: str) -> None:
        contact = _node(self._code, name)
        self._add(node, CV.contactPoint, contact)
        self._add(contact, RDF.type, CV.ContactPoint)
        self._add(contact, CV.telephone, Literal(telephone))

    def _amount(self, node: URIRef, fen: int) -> None:
        self._add(node, CV.hasValue, Literal(f"{fen // 100}.{fen % 100:02}", datatype=XSD.double, normalize=False))
        self._add(node, CV.currency, self._named_concept(YUAN, "人民币"))

    def _new(self, name: str, of_service: URIRef, type_: URIRef) -> URIRef:
        node = _node(self._code, name)
        self._add(self._node, of_service, node)
        self._add(node, RDF.type, type_)
        self._add(node, DCTERMS.identifier, Literal(f"{self._code}/{name}"))
        return node

    def _concept(self, field: str, code: str) -> URIRef:
        concept = self._named_concept(CODES[f"{field}/{code}"], label(field, code))
        self._add(concept, SKOS.notation, Literal(code))
        return concept

    def _named_concept(self, concept: URIRef, text: str) -> URIRef:
        self._add(concept, RDF.type, SKOS.Concept)
        self._text(concept, SKOS.prefLabel, text)
        return concept

    def _text(self, node: URIRef, of_node: URIRef, text: str) -> None:
        self._add(node, of_node, Literal(text, lang=LANGUAGE))

    def _add(self, node: URIRef, of_node: URIRef, value: URIRef | Literal) -> None:
        self._graph.add((node, of_node, value))


def _node(*of: object) -> URIRef:
    return URIRef(f"urn:uuid:{guid_of(*of)}")
