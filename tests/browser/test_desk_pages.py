"""Every page of the desk that a person reaches by links: it shuts nobody out, and fits a telephone."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest

from services.console.accounts.demo import DEMO_PASSWORD, DEMO_PEOPLE
from tests.harness.accessibility import barriers
from tests.harness.browser import NARROWEST, Browser, Page
from tests.harness.county import EmbeddedCounty

LINKS = """() => [...document.querySelectorAll("a[href^='/console']:not([download])")]
  .map((one) => one.getAttribute("href").split("#")[0])"""
WIDER_THAN_THE_SCREEN = "() => document.documentElement.scrollWidth > innerWidth"
STATUS = "() => performance.getEntriesByType('navigation')[0].responseStatus"
FILES = re.compile(r"/(files|export|tables/items|items\.(csv|xlsx))(/|$)|\.(csv|xlsx|jsonl?)$")
FEWEST = 35
"""Pages that are found at least: a page that lost its links would not be looked at any more."""


def sort_of(address: str) -> str:
    """An address without codes and numbers: two items have the same page."""
    parts = urlsplit(address)
    path = re.sub(r"/(?=[^/]*\d)[0-9A-Za-z:-]+", "/*", parts.path)
    return f"{path}?{'&'.join(name for name, _ in parse_qsl(parts.query))}"


def reached(page: Page, seen: set[str]) -> Iterator[str]:
    """Open every page of a new sort that links lead to; yield the address while it is open."""
    waiting = ["/console/"]
    while waiting:
        address = waiting.pop(0)
        if sort_of(address) in seen or FILES.search(urlsplit(address).path):
            continue
        seen.add(sort_of(address))
        page.open(address, status=None)
        yield address
        waiting += page.evaluate(LINKS)


@pytest.mark.one_browser
def test_every_page_of_the_desk_shuts_nobody_out_and_fits_a_telephone(browser: Browser, county: EmbeddedCounty) -> None:
    seen: set[str] = set()
    wrong: list[object] = []
    for person in DEMO_PEOPLE:
        # What everybody sees is looked at once; what a role adds to the first page is looked at for each.
        seen.discard(sort_of("/console/"))
        with browser.page(county.url("web"), NARROWEST) as page:
            page.open("/console/sign-in")
            page.type("#name", person.name)
            page.type("#password", DEMO_PASSWORD)
            page.click("main button")
            page.arrive("/console/")
            for address in reached(page, seen):
                found = [*barriers(page), *(["wider than the screen"] if page.evaluate(WIDER_THAN_THE_SCREEN) else [])]
                found += ["a link leads to what is refused"] if page.evaluate(STATUS) != 200 else []
                wrong += [(person.name, address, one) for one in found]

    assert wrong == []
    assert len(seen) >= FEWEST, sorted(seen)
