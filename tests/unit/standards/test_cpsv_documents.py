"""CPSV-AP 3: an exported graph has what the profile makes compulsory, and an imported one is read without invention.

The shapes of CPSV-AP are in no package registry. The cardinalities here are those of its specification 3.2.0, which has
a section for each class: https://semiceu.github.io/CPSV-AP/releases/3.2.0/#PublicService
"""

from collections.abc import Iterator

from hypothesis import given, settings
from rdflib import DCTERMS, RDF, SKOS, XSD, Graph, Literal, URIRef
from rdflib.term import Node

from services.exchange.items.item_rows import ReleasedItem
from services.exchange.standards.cpsv_graph import graph_of
from services.exchange.standards.cpsv_terms import CPSV, CV
from services.exchange.standards.documents import Documents
from services.exchange.standards.facts import Facts, facts_of
from services.exchange.standards.formats import Format, read, written
from tests.harness.released_items import BARE, CODE, UNIT, released_items

REGION = "440232000000"
MANY = 1_000_000

CARDINALITIES: dict[URIRef, dict[URIRef, tuple[int, int]]] = {
    CPSV.PublicService: {  # section PublicService
        DCTERMS.identifier: (1, 1),
        DCTERMS.title: (1, MANY),
        DCTERMS.description: (1, MANY),
        CV.hasCompetentAuthority: (1, MANY),
        CV.processingTime: (0, 1),
    },
    CV.PublicOrganisation: {SKOS.prefLabel: (1, MANY), DCTERMS.spatial: (1, MANY)},  # section PublicOrganization
    CV.Evidence: {DCTERMS.identifier: (1, 1), DCTERMS.title: (1, MANY)},  # section Evidence
    CV.Cost: {DCTERMS.identifier: (1, 1), CV.hasValue: (0, 1), CV.currency: (0, 1)},  # section Cost
    CV.Channel: {DCTERMS.identifier: (1, 1), CV.processingTime: (0, 1), DCTERMS.type: (0, 1)},  # section Channel
    CV.Output: {DCTERMS.identifier: (1, 1), DCTERMS.title: (1, MANY)},  # section Output
    CV.Requirement: {DCTERMS.identifier: (1, 1), DCTERMS.title: (1, MANY)},  # section Requirement
    CPSV.Rule: {  # section Rule
        DCTERMS.identifier: (1, 1),
        DCTERMS.title: (1, MANY),
        DCTERMS.description: (1, MANY),
        DCTERMS.type: (0, 1),
    },
}

CLASSES: dict[URIRef, URIRef] = {
    CV.hasCompetentAuthority: CV.PublicOrganisation,
    CPSV.hasInput: CV.Evidence,
    CV.hasCost: CV.Cost,
    CV.hasChannel: CV.Channel,
    CPSV.produces: CV.Output,
    CPSV.follows: CPSV.Rule,
    CV.holdsRequirement: CV.Requirement,
    CV.contactPoint: CV.ContactPoint,
    DCTERMS.audience: SKOS.Concept,
    CV.thematicArea: SKOS.Concept,
    CV.isClassifiedBy: SKOS.Concept,
    CV.currency: SKOS.Concept,
}
"""Property → the class of its values, in the same sections."""

PREFIXES = """
@prefix cpsv: <http://purl.org/vocab/cpsv#> . @prefix cv: <http://data.europa.eu/m8g/> .
@prefix dct: <http://purl.org/dc/terms/> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix locn: <http://www.w3.org/ns/locn#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix ex: <http://example.com/> . @prefix code: <https://tongyuan.invalid/codes/> .
"""


def broken_rules(graph: Graph) -> Iterator[str]:
    for type_, properties in CARDINALITIES.items():
        for node in graph.subjects(RDF.type, type_):
            for of_node, (least, most) in properties.items():
                if not least <= len(list(graph.objects(node, of_node))) <= most:
                    yield f"{type_}: {of_node}"
    for of_node, type_ in CLASSES.items():
        for value in graph.objects(None, of_node):
            if (value, RDF.type, type_) not in graph:
                yield f"{of_node}: {value} is no {type_}"
    for of_node in (DCTERMS.title, DCTERMS.description, SKOS.prefLabel):
        for value in graph.objects(None, of_node):
            if not isinstance(value, Literal) or value.language != "zh":
                yield f"{of_node}: {value} has no language"


def read_turtle(text: str) -> Documents:
    return read([(PREFIXES + text).encode()], Format.TURTLE)


def service(more: str) -> Facts:
    """Return what is read of a service with a code, and `more`."""
    (facts,) = read_turtle(f'ex:s a cpsv:PublicService ; dct:identifier "{CODE}" ; {more} .').facts
    return facts


def lost(more: str) -> dict[str, str | None]:
    found = read_turtle(f'ex:s a cpsv:PublicService ; dct:identifier "{CODE}" ; {more} .')
    return {one.field: one.value for one in found.losses}


# --- export ---


@settings(max_examples=30, deadline=None)
@given(one=released_items())
def test_an_exported_service_has_what_the_profile_makes_compulsory(one: ReleasedItem) -> None:
    assert list(broken_rules(graph_of([facts_of(one)], REGION))) == []


def test_the_rules_notice_what_is_missing() -> None:
    graph = graph_of([facts_of(BARE)], REGION)
    graph.remove((None, DCTERMS.spatial, None))
    graph.remove((None, DCTERMS.title, None))

    assert len(list(broken_rules(graph))) == 2


def test_a_promise_in_working_days_is_no_duration_because_a_duration_counts_calendar_days() -> None:
    def durations(unit: str) -> list[Node]:
        facts = {**facts_of(BARE), "promise_day": "15", "promise_type": unit}
        return list(graph_of([facts], REGION).objects(None, CV.processingTime))

    assert durations("2") == [Literal("P15D", datatype=XSD.duration)]
    assert durations("1") == []


def test_json_ld_has_its_context_inside() -> None:
    assert b'"@context": {' in written([facts_of(BARE)], Format.JSON_LD, REGION)


# --- import ---


def test_the_example_of_the_specification_without_our_code_is_refused_by_name() -> None:
    found = read_turtle('ex:tax a cpsv:PublicService ; dct:title "Tax-on-web"@en .')

    (refusal,) = found.refusals
    assert (found.facts, refusal.row_guid, refusal.field) == ([], "http://example.com/tax", "dct:identifier")
    assert "实施编码" in refusal.remedy


def test_two_identifiers_are_refused_because_nothing_says_which_counts() -> None:
    found = read_turtle(f'ex:s a cpsv:PublicService ; dct:identifier "{CODE}", "another" .')

    assert [one.rule for one in found.refusals] == ["required"]


def test_the_chinese_text_counts_and_the_others_are_lost_by_name() -> None:
    texts = 'dct:title "税务登记"@zh-Hans, "Tax registration"@en'

    assert service(texts)["task_name"] == "税务登记"
    assert lost(texts) == {"dct:title": "Tax registration"}


def test_of_two_chinese_texts_none_counts() -> None:
    texts = 'dct:title "税务登记"@zh, "登记税务"@zh'

    assert "task_name" not in service(texts)
    assert len(read_turtle(f'ex:s a cpsv:PublicService ; dct:identifier "{CODE}" ; {texts} .').losses) == 2


def test_days_of_a_duration_are_calendar_days_and_other_durations_are_lost() -> None:
    whole, months = 'cv:processingTime "P20D"^^xsd:duration', 'cv:processingTime "P3M"^^xsd:duration'

    assert (service(whole)["promise_day"], service(whole)["promise_type"]) == ("20", "2")
    assert "promise_day" not in service(months)
    assert list(lost(months)) == ["cv:processingTime"]


def test_a_cost_in_another_currency_is_read_without_its_amount() -> None:
    cost = 'cv:hasCost [ a cv:Cost ; dct:title "工本费"@zh ; cv:hasValue 10.0e0 ; cv:currency ex:EUR ]'

    assert service(cost)["fees"] == [{"fee_name": "工本费"}]
    assert {place.rpartition(":")[2] for place in lost(cost)} == {"hasValue", "currency"}


def test_requirements_are_conditions_in_the_order_of_their_identifiers() -> None:
    more = """cv:holdsRequirement [ a cv:Requirement ; dct:identifier "2" ; dct:title "有住所"@zh ],
              [ a cv:Requirement ; dct:identifier "1" ; dct:title "年满十八周岁"@zh ]"""

    assert service(more)["accept_condition"] == "年满十八周岁\n有住所"


def test_evidence_is_a_material_of_which_nothing_more_is_known() -> None:
    assert service('cpsv:hasInput [ a cv:Evidence ; dct:title "申请表"@zh ]')["materials"] == [
        {"material_name": "申请表"}
    ]


def test_a_channel_without_a_whole_address_is_no_window_and_is_lost() -> None:
    channel = "cv:hasChannel [ a cv:Channel ; locn:address [ a locn:Address ; locn:poBox 'Postfach 3' ] ]"

    assert "windows" not in service(channel)
    assert "Postfach 3" in lost(channel).values()


def test_a_rule_of_another_catalogue_is_no_step_and_is_lost() -> None:
    rule = 'cpsv:follows [ a cpsv:Rule ; dct:title "办法"@zh ; dct:description "第一条"@zh ]'

    assert "steps" not in service(rule)
    assert {"办法", "第一条"} <= set(lost(rule).values())


def test_concepts_of_other_vocabularies_are_lost_and_not_taken_for_our_codes() -> None:
    area = "cv:thematicArea ex:serve_type"

    assert service(area).keys() == {"row_guid", "code"}
    assert list(lost(area).values()) == ["http://example.com/serve_type"]


def test_what_belongs_to_no_service_is_lost_by_name() -> None:
    found = read_turtle('ex:e a cv:Event ; dct:title "结婚"@zh ; cv:hasRelatedService ex:s .')

    assert found.facts == []
    assert {one.value for one in found.losses} == {"结婚", "http://example.com/s"}


def test_of_two_authorities_the_one_of_the_code_counts_or_none() -> None:
    def authorities(identifier: str) -> str:
        return f"""cv:hasCompetentAuthority [ skos:prefLabel "住建局"@zh ; dct:identifier "{identifier}" ],
                   [ skos:prefLabel "应急局"@zh ; dct:identifier "another" ]"""

    assert service(authorities(UNIT))["dept_name"] == "住建局"
    assert "dept_name" not in service(authorities("a third"))


def test_of_two_codes_for_one_fact_none_counts() -> None:
    codes = "cv:isClassifiedBy code:project_type\\/1, code:project_type\\/2"

    assert "project_type" not in service(codes)
    assert len(lost(codes)) == 1


def test_texts_that_one_field_has_are_joined() -> None:
    more = 'cv:contactPoint [ cv:telephone "0751-1" ], [ cv:telephone "0751-2" ]'

    assert set(service(more)["link_way"].split("；")) == {"0751-1", "0751-2"}


def test_an_organisation_that_two_services_share_is_read_for_both() -> None:
    text = f"""ex:a a cpsv:PublicService ; dct:identifier "{CODE}" ; cv:hasCompetentAuthority ex:o .
               ex:b a cpsv:PublicService ; dct:identifier "{CODE}01" ; cv:hasCompetentAuthority ex:o .
               ex:o a cv:PublicOrganisation ; skos:prefLabel "住建局"@zh ; dct:spatial ex:area ."""
    found = read_turtle(text)

    assert [one["dept_name"] for one in found.facts] == ["住建局", "住建局"]
    assert [one.value for one in found.losses] == ["http://example.com/area"]
