"""The contracts' pages at /docs/: read without barrier on the narrowest phone, searched without a script."""

import pytest

from tests.harness.accessibility import barriers
from tests.harness.browser import NARROWEST, Page

pytestmark = pytest.mark.second_browser_long

ADDRESSES = {
    "contents": "",
    "search": "?q=changes",
    "nothing found": "?q=没有这样的词",
    "event": "events/publications/tongyuan.guide.released",
    "endpoint": "api/mobile/get-v1-changes",
    "endpoint with a body": "api/catalog/put-v1-items-code",
    "policy": "deprecation",
}


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_page_of_the_contracts_has_no_barrier_and_no_sideways_scrolling(page: Page, name: str) -> None:
    page.open(f"/docs/{ADDRESSES[name]}")
    assert barriers(page) == []

    page.resize(*NARROWEST)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= NARROWEST[0]
    assert barriers(page) == []


def test_a_reader_finds_an_event_by_a_member_and_sees_its_example(page: Page) -> None:
    page.open("/docs/")
    page.type("#q", "amount_fen")
    page.click("form.search button")
    page.wait("() => location.search.includes('amount_fen')")
    found = page.evaluate("() => [...document.querySelectorAll('main .rows a')].map((one) => one.getAttribute('href'))")

    assert "/docs/events/publications/tongyuan.guide.released" in found
    assert "/docs/events/publications/tongyuan.item.withdrawn" not in found
    page.click("a[href='/docs/events/publications/tongyuan.guide.released']")
    page.wait("() => document.querySelector('h1')?.textContent.includes('tongyuan.guide.released')")
    assert '"specversion": "1.0"' in page.text("pre.long")
