"""The start page of a county at one address, and the demonstration's receipts."""

from tests.harness.accessibility import barriers
from tests.harness.browser import PHONE, Browser
from tests.harness.county import EmbeddedCounty


def test_the_start_page_leads_everywhere_and_its_numbers_are_those_of_now(
    browser: Browser, county: EmbeddedCounty
) -> None:
    with browser.page(county.url("web"), PHONE) as page:
        page.open("/")
        links = page.evaluate("() => [...document.querySelectorAll('main a')].map((e) => e.getAttribute('href'))")
        places = {"/web/", "/mobile/", "/kiosk/", "/portal/", "/console/", "/demo/", "/verify/", "/ledger/v1/head"}
        assert places <= set(links)
        assert barriers(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        size = county.http("ledger").get("/ledger/v1/head").json()["size"]
        page.wait("(size) => Number(document.querySelector('[data-number=web]').textContent) >= size", size)
        page.evaluate("() => { document.querySelector('[data-number=ledger]').textContent = 'old'; }")
        page.wait("() => document.querySelector('[data-number=ledger]').textContent !== 'old'")


def test_the_receipts_of_the_demonstration_are_a_page_of_the_same_design(
    browser: Browser, county: EmbeddedCounty
) -> None:
    with browser.page(county.url("web"), PHONE) as page:
        page.open("/demo/")
        assert page.text("h1") == "演示办件"
        assert barriers(page) == []
