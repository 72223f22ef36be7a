"""The service platform in real browsers: ticks that stay at home, and choosing by facets."""

import pytest

from tests.harness.accessibility import barriers
from tests.harness.browser import NARROWEST, Page

TICKED = "() => [...document.querySelectorAll('[data-checklist] input')].map((box) => box.checked)"
KEPT = "() => localStorage.getItem('checklist')"


def test_ticks_stay_in_this_browser_until_they_are_cleared(page: Page, code: str) -> None:
    page.open(f"/web/items/{code}")
    page.click("[data-checklist] label")
    assert page.evaluate(TICKED)[0]

    page.open("/web/")
    page.open(f"/web/items/{code}", status=None)  # Firefox asks whether its copy still holds

    assert page.evaluate(TICKED)[0]
    assert "已备好 1 样" in page.text("[data-ticked]")
    page.click("[data-clear]")
    assert not any(page.evaluate(TICKED))
    assert page.evaluate(KEPT) is None


def test_on_a_narrow_screen_facets_are_folded_and_on_a_wide_one_beside_the_list(page: Page) -> None:
    seen = "() => document.querySelector('.facets li a').checkVisibility({contentVisibilityAuto: true})"
    can = "() => CSS.supports('selector(details::details-content)')"
    page.open("/web/items")
    assert page.evaluate(seen) or not page.evaluate(can)

    page.resize(*NARROWEST)

    assert not page.evaluate(seen)
    page.click(".facets > summary")
    page.click(".facets li a")
    page.wait("() => document.querySelector('.chips') !== null")


@pytest.mark.one_browser
@pytest.mark.parametrize("place", ["web", "portal"])
def test_neither_mode_nor_language_keeps_anybody_out(page: Page, place: str, code: str) -> None:
    addresses = ["items", f"items/{code}"]
    addresses += [f"items/{code}/feedback", f"items/{code}/changes"] if place == "web" else []
    page.resize(*NARROWEST)
    for address in addresses:
        page.open(f"/{place}/{address}", status=None)
        for modes in ({"contrast": "on", "lang": "en"}, {"elder": "on"}):
            page.evaluate(
                "(m) => { for (const [k, v] of Object.entries(m)) document.documentElement.dataset[k] = v }", modes
            )
            assert barriers(page) == [], f"{address} {modes}"
            assert page.evaluate("() => document.documentElement.scrollWidth") <= NARROWEST[0]
