"""The classes and properties of CPSV-AP 3 that this county uses, for writing and reading alike.

A fact that CPSV-AP has no property for is a property of `FACT`. Its names, and those of our codes, are in the reserved
domain `invalid`: they identify, and nobody can be sent to fetch them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rdflib import DCAT, DCTERMS, Namespace, URIRef

CPSV = Namespace("http://purl.org/vocab/cpsv#")
CV = Namespace("http://data.europa.eu/m8g/")
ELI = Namespace("http://data.europa.eu/eli/ontology#")
LOCN = Namespace("http://www.w3.org/ns/locn#")
FACT = Namespace("https://tongyuan.invalid/facts#")
CODES = Namespace("https://tongyuan.invalid/codes/")
ADMINISTRATIVE_UNIT = URIRef("http://data.europa.eu/88u/dataset/atu-type")
YUAN = URIRef("http://publications.europa.eu/resource/authority/currency/CNY")

TABLE = "PublicService"
LANGUAGE = "zh"
CONDITIONS = "受理条件"
CALENDAR_DAYS = "2"
STEP = CODES["rule/step"]
STEP_LABEL = "办理环节"

TEXTS: Mapping[str, URIRef] = {
    "task_name": DCTERMS.title,
    "short_name": DCTERMS.alternative,
    "keywords": DCAT.keyword,
}
"""Field of the item → the property of the service that has its text."""

CONCEPTS: Mapping[str, URIRef] = {
    "serve_type": DCTERMS.audience,
    "user_topic_type": CV.thematicArea,
    "corp_topic_type": CV.thematicArea,
}
"""Coded field → the property of the service that has its concepts; `cv:isClassifiedBy` for every other."""

NODES = frozenset({"code", "dept_name", "dept_code", "accept_condition", "link_way", "result_name"})
"""Fields that stand in nodes of their own, or in the identifier."""


@dataclass(frozen=True)
class Part:
    """Where the children of a field stand. `texts`: field of a child → the property that has its text."""

    of_service: URIRef
    type: URIRef
    texts: Mapping[str, URIRef]


PARTS: Mapping[str, Part] = {
    "materials": Part(CPSV.hasInput, CV.Evidence, {"material_name": DCTERMS.title}),
    "fees": Part(CV.hasCost, CV.Cost, {"fee_name": DCTERMS.title, "fee_stand": DCTERMS.description}),
    "steps": Part(CPSV.follows, CPSV.Rule, {"name": DCTERMS.title, "content": DCTERMS.description}),
    "windows": Part(CV.hasChannel, CV.Channel, {}),
    "by_law": Part(CV.hasLegalResource, ELI.LegalResource, {"law_name": DCTERMS.title}),
    "questions": Part(FACT.questions, FACT.Question, {"question": DCTERMS.title, "answer": DCTERMS.description}),
}
"""Field with children → their nodes. Fields of a child without a property here are properties of `FACT`."""

PREFIXES: Mapping[str, str] = {
    "cpsv": str(CPSV),
    "cv": str(CV),
    "dct": str(DCTERMS),
    "dcat": str(DCAT),
    "eli": str(ELI),
    "locn": str(LOCN),
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "time": "http://www.w3.org/2006/time#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "fact": str(FACT),
}


def step_description(name: str) -> str:
    """Return the description that CPSV-AP requires of a rule, for a step of which no content is stated."""
    return f"{STEP_LABEL}：{name}"
