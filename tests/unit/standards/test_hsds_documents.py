"""HSDS 3: exported services are valid, and of an imported one nothing is invented and nothing is dropped in silence."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator, FormatChecker

from contracts.base import Json
from services.exchange.items.item_rows import ReleasedItem
from services.exchange.standards.documents import Documents
from services.exchange.standards.facts import facts_of
from services.exchange.standards.formats import Format, read
from services.exchange.standards.hsds_pages import pages_of
from services.exchange.standards.hsds_service import service_of
from tests.harness.hsds_schema import COMPULSORY, hsds_schema
from tests.harness.released_items import CODE, released_items

OURS = {"link_entity": "service", "link_type": "code", "value": CODE, "taxonomy_term": {"taxonomy": "tongyuan/code"}}


@pytest.fixture(scope="module")
def validator(data: Path) -> Draft202012Validator:
    return Draft202012Validator(hsds_schema(data), format_checker=FormatChecker())


@pytest.fixture
def example(data: Path) -> Json:
    """The published example of a whole service, with the code of an item, which HSDS has no member for."""
    service: Json = json.loads((data / "hsds-service_full.json").read_bytes())
    service["attributes"].append(OURS)
    return service


def read_one(service: object) -> Documents:
    return read([json.dumps(service).encode()], Format.HSDS)


def lost(documents: Documents) -> dict[str, str | None]:
    return {one.field: one.value for one in documents.losses}


# --- export ---


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=released_items())
def test_an_exported_service_is_valid(validator: Draft202012Validator, one: ReleasedItem) -> None:
    validator.validate(service_of(facts_of(one)))


def test_the_schema_takes_the_published_example_and_misses_what_is_compulsory(
    validator: Draft202012Validator, data: Path
) -> None:
    service = json.loads((data / "hsds-service_full.json").read_bytes())
    validator.validate(service)

    for member in COMPULSORY["service"]:
        assert not validator.is_valid({name: value for name, value in service.items() if name != member})
    assert not validator.is_valid({**service, "status": "open"})
    assert not validator.is_valid({**service, "id": "4711"})
    assert not validator.is_valid({**service, "task_name": "消防设计审查"})


def test_a_list_has_the_pages_of_the_hsds_api() -> None:
    services: list[Json] = [{"id": str(number)} for number in range(5)]

    first, second, last = pages_of(services, 2)

    assert (first["contents"], second["contents"], last["contents"]) == (services[:2], services[2:4], services[4:])
    assert (first["first_page"], first["last_page"], last["first_page"], last["last_page"]) == (
        True,
        False,
        False,
        True,
    )
    assert {name: last[name] for name in ("total_items", "total_pages", "page_number", "size", "empty")} == {
        "total_items": 5,
        "total_pages": 3,
        "page_number": 3,
        "size": 1,
        "empty": False,
    }


def test_a_county_without_items_has_one_empty_page() -> None:
    (page,) = pages_of([], 10)

    assert (page["empty"], page["total_pages"], page["contents"]) == (True, 1, [])


# --- import ---


def test_a_service_without_our_code_is_refused_by_name(data: Path) -> None:
    found = read([(data / "hsds-service_full.json").read_bytes()], Format.HSDS)

    (refusal,) = found.refusals
    assert found.facts == []
    assert (refusal.row_guid, refusal.rule) == ("ac148810-d857-441c-9679-408f346de14b", "required")
    assert "实施编码" in refusal.remedy


def test_what_hsds_has_a_member_for_is_read(example: Json) -> None:
    (facts,) = read_one(example).facts

    assert facts["task_name"] == "Community Counselling"
    assert facts["short_name"] == "MyCity Counselling Services"
    assert facts["dept_name"] == "Example Organization Inc."
    assert facts["accept_condition"].startswith("This service is intended for all people aged 12")
    assert facts["steps"].startswith("If you are an NHS patient")
    assert facts["materials"][0]["material_name"].startswith("Any official identification document")
    assert facts["fees"] == [{"fee_name": "Under 18s and Over 60s", "fee_stand": "per 1 hour session"}]


def test_what_a_service_does_not_say_stays_unknown(example: Json) -> None:
    (facts,) = read_one(example).facts

    assert not {"promise_day", "is_fee", "is_online", "online_handle_url", "serve_type", "task_type"} & facts.keys()
    assert "amount_fen" not in facts["fees"][0]
    assert "is_need" not in facts["materials"][0]


def test_every_value_of_a_service_is_read_or_lost_by_name(example: Json) -> None:
    found = read_one(example)
    known = json.dumps(found.facts, ensure_ascii=False) + CODE
    missing = {one.value for one in found.losses}

    for place, value in _leaves(example):
        own = json.dumps(value.strip() if isinstance(value, str) else value, ensure_ascii=False).strip('"')
        assert own in known or str(value)[:100] in missing or place == "status" or "tongyuan" in own, place


def test_an_amount_in_another_currency_is_lost_and_not_taken_for_yuan(example: Json) -> None:
    found = lost(read_one(example))

    assert (found["cost_options[0].amount"], found["cost_options[0].currency"]) == ("35", "gbp")


def test_a_page_of_the_service_is_not_its_address_for_handling(example: Json) -> None:
    assert lost(read_one(example))["url"] == "http://example.com/counselling"


def test_hours_as_a_rule_of_a_calendar_are_lost_and_their_description_is_read() -> None:
    schedule = {"id": "s", "description": "工作日 9:00-17:00", "opens_at": "09:00", "byday": "MO,TU"}
    place = {"id": "p", "location": {"id": "l", "location_type": "physical", "name": "大厅"}, "schedules": [schedule]}
    found = read_one({"name": "某事项", "status": "active", "service_at_locations": [place], "attributes": [OURS]})

    assert found.facts[0]["windows"] == [{"address": "大厅", "hours": "工作日 9:00-17:00"}]
    assert set(lost(found)) == {
        "service_at_locations[0].schedules[0].opens_at",
        "service_at_locations[0].schedules[0].byday",
    }


def test_a_place_is_read_with_its_address_and_a_postal_one_is_no_window() -> None:
    address = {"address_1": "鹰峰中路1号", "city": "云溪县", "address_type": "physical"}
    there = {"location": {"location_type": "physical", "name": "政务中心", "addresses": [address]}}
    postal = {"location": {"location_type": "postal", "name": "信箱3号"}}
    found = read_one({"status": "active", "service_at_locations": [there, postal], "attributes": [OURS]})

    assert found.facts[0]["windows"] == [{"address": "政务中心，鹰峰中路1号，云溪县"}]
    assert lost(found)["service_at_locations[1].location.name"] == "信箱3号"


@pytest.mark.parametrize("status", ["inactive", "defunct", "temporarily closed", 7])
def test_a_service_that_is_not_active_is_refused_and_not_withdrawn(example: Json, status: object) -> None:
    found = read_one({**example, "status": status})

    (refusal,) = found.refusals
    assert found.facts == []
    assert (refusal.field, refusal.rule, refusal.value) == ("status", "status-active", str(status))


def test_attributes_of_other_taxonomies_are_not_taken_for_ours(example: Json) -> None:
    other = {"link_type": "is_fee", "value": "0", "taxonomy_term": {"taxonomy": "elsewhere/is_fee"}}
    found = read_one({**example, "attributes": [OURS, other]})

    assert "is_fee" not in found.facts[0]
    assert lost(found)["attributes[1].value"] == "0"


def test_an_attribute_that_names_the_service_is_the_services(example: Json) -> None:
    assert len(read_one({**example, "attributes": [{**OURS, "link_id": example["id"]}]}).facts) == 1


def test_an_attribute_of_a_document_that_is_not_there_is_lost_by_name(example: Json) -> None:
    stray = {
        "link_id": "nowhere",
        "link_type": "copies",
        "value": "2",
        "taxonomy_term": {"taxonomy": "tongyuan/copies"},
    }

    assert lost(read_one({**example, "attributes": [OURS, stray]}))["attributes[copies]"] == "2"


def test_of_two_values_of_one_field_none_counts_and_both_are_lost_by_name(example: Json) -> None:
    def promise(days: str) -> Json:
        return {"link_type": "promise_day", "value": days, "taxonomy_term": {"taxonomy": "tongyuan/promise_day"}}

    found = read_one({**example, "attributes": [OURS, promise("5"), promise("7")]})

    assert "promise_day" not in found.facts[0]
    assert [one.value for one in found.losses if one.field == "attributes[promise_day]"] == ["5", "7"]


def test_two_codes_are_refused_because_nothing_says_which_counts(example: Json) -> None:
    found = read_one({**example, "attributes": [OURS, {**OURS, "value": f"{CODE}01"}]})

    assert (found.facts, [one.rule for one in found.refusals]) == ([], ["required"])


def test_two_different_services_of_one_code_are_refused_and_the_same_twice_counts_once(example: Json) -> None:
    same = read_one([example, example])
    different = read_one({"contents": [example, {**example, "id": "other", "name": "Another"}]})

    assert (len(same.facts), same.refusals) == (1, [])
    assert (different.facts, [one.rule for one in different.refusals]) == ([], ["unique", "unique"])


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, part in value.items():
            if name != "id":
                yield from _leaves(part, f"{place}.{name}".strip("."))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _leaves(part, f"{place}[{number}]")
    elif value not in (None, ""):
        yield place, value
