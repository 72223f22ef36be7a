"""Documents that cannot be read are refused as a whole with one sentence, and nothing that they name is fetched."""

import socket
from pathlib import Path

import orjson
import pytest

from services.exchange.standards import documents, hsds_pages, rdf_documents
from services.exchange.standards.formats import Format, format_of, read
from shared.errors import Invalid
from tests.harness.released_items import CODE

ELSEWHERE = "https://elsewhere.example/context.jsonld"
LOCAL = Path(__file__).as_uri()


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a document must not make us connect to anything")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def refused(content: bytes, kind: Format) -> str:
    """Return the rule that the document breaks."""
    with pytest.raises(Invalid) as caught:
        read([content], kind)
    (violation,) = caught.value.violations
    assert "\n" not in violation.message
    assert len(violation.message) < 400
    return violation.rule


@pytest.mark.parametrize(
    "context",
    [
        ELSEWHERE,
        LOCAL,
        [{"dct": "http://purl.org/dc/terms/"}, ELSEWHERE],
        {"@import": ELSEWHERE},
        {"title": {"@id": "http://purl.org/dc/terms/title", "@context": ELSEWHERE}},
        [[ELSEWHERE]],
    ],
)
def test_a_context_elsewhere_is_refused_and_not_fetched(context: object) -> None:
    assert refused(orjson.dumps({"@context": context, "@id": "urn:x"}), Format.JSON_LD) == "remote-context"
    inside = {"@graph": [{"@id": "urn:x", "urn:p": {"@context": context, "@id": "urn:y"}}]}
    assert refused(orjson.dumps(inside), Format.JSON_LD) == "remote-context"


def test_a_context_that_is_written_with_escapes_is_found_as_well() -> None:
    content = f'{{"\\u0040context": "{ELSEWHERE}", "@id": "urn:x"}}'.encode()

    assert refused(content, Format.JSON_LD) == "remote-context"


@pytest.mark.parametrize(
    "content",
    [
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><rdf:RDF>&b;</rdf:RDF>',
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>',
        b"<!DOCTYPE html><html></html>",
    ],
)
def test_rdf_xml_with_its_entities_is_not_read(content: bytes) -> None:
    assert refused(content, Format.TURTLE) == "format"


def test_a_name_of_a_document_elsewhere_is_a_name_and_nothing_more() -> None:
    content = f"<urn:x> <http://www.w3.org/2002/07/owl#imports> <{ELSEWHERE}> ."

    assert read([content.encode()], Format.TURTLE).losses[0].value == ELSEWHERE


@pytest.mark.parametrize("kind", [Format.HSDS, Format.JSON_LD])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{}", b"NaN", b"[" * 5000 + b"]" * 5000])
def test_broken_json_is_refused(content: bytes, kind: Format) -> None:
    assert refused(content, kind) == "json"


@pytest.mark.parametrize("content", [b"7", b'"text"', b"{}", b'{"contents": 3}'])
def test_json_that_is_no_service_is_refused(content: bytes) -> None:
    assert refused(content, Format.HSDS) == "hsds"


def test_entries_of_a_list_that_are_no_services_are_refused_one_by_one() -> None:
    found = read([b'{"contents": [3, null, [[]]]}'], Format.HSDS)

    assert [one.rule for one in found.refusals] == ["type", "type", "type"]


@pytest.mark.parametrize(
    "content", [b"<urn:a> <urn:b>", b"\xff\xfe", b"@prefix : <urn:> . :a :b " + b"[ :b " * 4000, b"a b c ."]
)
def test_broken_turtle_is_refused(content: bytes) -> None:
    assert refused(content, Format.TURTLE) == "rdf"


def test_json_ld_that_rdf_has_no_meaning_for_is_refused() -> None:
    assert refused(b'{"@context": {"a": {"@id": 5}}, "a": 1}', Format.JSON_LD) == "rdf"


@pytest.mark.parametrize("kind", list(Format))
def test_a_document_that_is_too_large_is_refused_before_it_is_parsed(
    kind: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "LARGEST_DOCUMENT", 10)

    assert refused(b" " * 11, kind) == "size"


@pytest.mark.parametrize("kind", [Format.TURTLE, Format.JSON_LD])
def test_a_small_document_of_very_many_statements_is_refused(kind: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rdf_documents, "MOST_STATEMENTS", 3)
    content = b"<urn:a> <urn:b> 1, 2, 3, 4 ." if kind == Format.TURTLE else b'{"@id": "urn:a", "urn:b": [1, 2, 3, 4]}'

    assert refused(content, kind) == "size"


def test_a_document_of_very_many_values_that_no_field_takes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_LOSSES", 2)
    attribute = {"link_type": "code", "value": CODE, "taxonomy_term": {"taxonomy": "tongyuan/code"}}
    service = {"status": "active", "attributes": [attribute], "a": 1, "b": 2, "c": 3}

    assert refused(orjson.dumps(service), Format.HSDS) == "size"


def test_a_document_of_very_many_services_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hsds_pages, "MOST_SERVICES", 2)

    assert refused(b"[1, 2, 3]", Format.HSDS) == "size"


def test_services_in_a_deep_document_are_read_without_recursion() -> None:
    deep = b'{"status": "active", "extra": ' + b"[" * 900 + b"1" + b"]" * 900 + b"}"

    assert [one.rule for one in read([deep], Format.HSDS).refusals] == ["required"]


@pytest.mark.parametrize("member", ["name", "status", "extra"])
def test_a_deep_value_is_named_by_its_size(member: str) -> None:
    attribute = {"link_type": "code", "value": CODE, "taxonomy_term": {"taxonomy": "tongyuan/code"}}
    service = orjson.dumps({"status": "active", "attributes": [attribute], member: "DEEP"})
    page = b'{"contents": [' + service + b'], "more": "DEEP"}'

    found = read([page.replace(b'"DEEP"', b"[" * 900 + b"1" + b"]" * 900)], Format.HSDS)

    assert "1 entries" in {one.value for one in (*found.losses, *found.refusals)}


def test_a_file_of_another_format_is_refused_with_the_endings_that_are_known() -> None:
    with pytest.raises(Invalid, match=r"\.jsonld"):
        format_of(Path("catalogue.rdf"))
