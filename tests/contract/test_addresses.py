"""Addresses that editors enter: one rule at every door, on every channel and in the API."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes.addresses import FILE, HANDLING, address_problem, without_wrong_addresses
from contracts.content.guides import Guide
from contracts.content.items import Item
from services.channels.pages.rendering import link, secure
from services.importing.fields.conversions import file_url, handling_url
from services.importing.fields.notes import Notes
from shared.errors import Invalid
from shared.text.validation import parse_draft
from tests.harness.actors import TESTER
from tests.harness.pipeline import code_of, guide, item, pipeline

GOOD = [
    "https://zwfw.yunxi.example/apply?x=1#y",
    "https://10.1.2.3:8443/",
    "https://[2001:db8::1]/a",
    "HTTPS://政务.例/",
]
WRONG = {
    "zwfw.yunxi.example/apply": "must begin with https://",
    "htps://zwfw.yunxi.example/apply": "must begin with https://",
    "https：//zwfw.yunxi.example/apply": "full-width ：",
    "https://zwfw。yunxi.example/apply": "full-width 。",
    "http://zwfw.yunxi.example/apply": "must begin with https://",
    "javascript:alert(1)": "must begin with https://",
    "data:text/html,x": "must begin with https://",
    "/apply": "must begin with https://",
    "//evil.example/apply": "must begin with https://",
    "https://": "names no host",
    "https:///apply": "names no host",
    "https://.example/": "names no host",
    "https://a:b@zwfw.yunxi.example/": "user name",
    "https://zwfw.yunxi.example@evil.example/": "user name",
    "https://zwfw.yunxi.example\\@evil.example/": "no address has",
    "https://zwfw.yunxi.example/a b": "no address has",
    "https://zwfw.yunxi.example/a\nb": "no address has",
    "https://[x": "is no web address",
    "https://zwfw.yunxi.example:99999/": "is no web address",
}
FILES = ["/demo/forms/a.html", "http://a.example/a.pdf", *GOOD]


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    with pipeline(tmp_path_factory.mktemp("addresses")) as made:
        yield made


@pytest.mark.parametrize("field", ["online_handle_url", "mobile_terminal_url"])
@pytest.mark.parametrize("address", WRONG)
def test_an_address_that_cannot_be_used_is_refused_when_it_is_saved(county, field, address):
    with pytest.raises(Invalid) as refused:
        county.catalog.save_item(TESTER, code_of(99), item(99, **{field: address}).model_dump(mode="json"), None)

    (violation,) = refused.value.violations
    assert (violation.field, violation.rule) == (field, "address")
    assert WRONG[address] in violation.message
    assert county.execute("catalog", f"SELECT count(*) FROM edition WHERE code = '{code_of(99)}'") == [(0,)]


def test_a_usable_address_is_taken_and_is_the_same_door_on_web_and_mobile(county):
    for number, address in enumerate(GOOD, 10):
        county.release(item(number, is_online=True, online_handle_url=address, mobile_terminal_url=address))
    county.flow()

    for number, address in enumerate(GOOD, 10):
        for channel in ("web", "mobile"):
            page = county.get(f"{channel}/items/{code_of(number)}").text
            assert f'class="door strong" href="{address}"' in page.replace("&amp;", "&"), channel


@pytest.mark.parametrize("address", [*FILES, *WRONG])
def test_a_form_may_lie_in_the_county_or_on_a_site_without_tls_and_nowhere_else(address):
    content = guide(1).model_dump(mode="json", exclude_none=True)
    content["materials"] = [{"material_name": "申请表", "form_url": address}]
    if address_problem(address, FILE) is None:
        assert address in {*FILES, "http://zwfw.yunxi.example/apply", "/apply"}
        parse_draft(Guide, content)
    else:
        assert address in WRONG
        with pytest.raises(Invalid, match=r"materials\.0\.form_url"):
            parse_draft(Guide, content)


def test_what_was_released_before_this_rule_reaches_no_page_and_no_api(county):
    for number, address in enumerate(WRONG, 50):
        one = item(number, is_online=True, online_handle_url=address, mobile_terminal_url=address)
        county.emit("catalog", f"item:{code_of(number)}", one.model_dump(mode="json"))
    county.flow()

    for number, address in enumerate(WRONG, 50):
        for channel in ("web", "mobile", "kiosk", "portal"):
            document = county.get(f"{channel}/v1/items/{code_of(number)}").json()
            assert document["source"]["version"] == 1, "it is shown, without the address"
            assert json.dumps(address)[1:-1] not in json.dumps(document)
            assert 'class="door strong" href' not in county.get(f"{channel}/items/{code_of(number)}").text


@given(st.text(max_size=30) | st.sampled_from(list(WRONG)).map(lambda one: one + "x"))
def test_import_pages_and_drafts_judge_alike(text):
    """What an import keeps a draft may hold, and what a draft may hold every page links to."""
    for convert, use, filtered in ((handling_url, HANDLING, secure), (file_url, FILE, link)):
        kept = convert(text, "x", Notes())
        if kept is not None:
            assert address_problem(kept, use) is None
            assert filtered(kept) == kept
    cleaned = without_wrong_addresses(item(1, online_handle_url=text or None))
    assert isinstance(cleaned, Item)
    assert cleaned.online_handle_url is None or address_problem(cleaned.online_handle_url, HANDLING) is None
