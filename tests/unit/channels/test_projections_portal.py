"""The portal discloses: permanent address, index number, date and publisher, and no online form."""

import re
from datetime import UTC, datetime

from hypothesis import given

from contracts.codes.identifiers import is_uscc
from tests.harness.projecting import (
    CODE,
    any_item,
    county,
    guide,
    item,
    leaves,
    of_guide,
    of_item,
    published,
    shown,
)


def test_an_item_is_disclosed_under_a_permanent_address():
    document = shown("portal", of_item(item()))

    assert document["address"] == f"/portal/items/{CODE}"
    assert document["publisher"] == "云溪县公安局"


def test_the_index_number_names_region_unit_kind_and_key():
    region, unit, last = shown("portal", of_item(item()))["index_no"].split("/")

    assert region == "339921000000"
    assert is_uscc(unit)
    assert re.fullmatch(r"SX-[0-9A-F]{8}", last)
    assert shown("portal", of_guide(guide()))["index_no"].startswith(f"{region}/{unit}/ZN-")


def test_the_index_number_never_changes_from_version_to_version():
    first = published(f"item:{CODE}", item().model_dump(mode="json"))
    later = published(
        f"item:{CODE}",
        item(task_name="居民身份证换领").model_dump(mode="json"),
        version=7,
        position=900,
        released_at=datetime(2031, 1, 1, tzinfo=UTC),
    )

    assert shown("portal", first)["index_no"] == shown("portal", later)["index_no"]


def test_no_two_documents_of_the_county_share_an_index_number():
    publications = [made for one, its in county() for made in (of_item(one), of_guide(its))]

    numbers = {shown("portal", publication)["index_no"] for publication in publications}

    assert len(numbers) == len(publications)


def test_the_day_of_publication_is_the_day_in_china():
    midnight_in_china = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)
    body = item().model_dump(mode="json")

    assert (
        shown("portal", published(f"item:{CODE}", body, released_at=midnight_in_china))["published_on"] == "2026-03-02"
    )


@given(one=any_item)
def test_no_address_of_an_online_form_is_disclosed(one):
    texts = [str(value) for value in leaves(shown("portal", of_item(one)))]

    assert not {one.online_handle_url, one.mobile_terminal_url}.intersection(texts)


@given(one=any_item)
def test_every_fact_has_a_value(one):
    facts = shown("portal", of_item(one))["facts"]

    assert all(fact["value"] for fact in facts)
    assert {"name": "实施编码", "value": one.code} in facts
