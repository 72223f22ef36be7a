"""The desk in a browser: signing in with the keyboard, and pages of people that shut nobody out."""

from tests.harness.accessibility import barriers
from tests.harness.browser import PHONE, Browser, Page
from tests.harness.county import EmbeddedCounty

PASSWORD = "yunxi-demo-2026"  # the demonstration's own
PAGES = ("account", "people", "people/+new", "people/bianji")
ENTER, TAB = "\ue007", "\ue004"


def sign_in(page: Page, name: str) -> None:
    """The account's field has the focus: nothing but keys."""
    page.open("/console/sign-in")
    page.keys(f"{name}{TAB}{PASSWORD}{ENTER}")
    page.arrive("/console/")


def test_who_signs_in_by_keyboard_finds_pages_that_shut_nobody_out(browser: Browser, county: EmbeddedCounty) -> None:
    with browser.page(county.url("console"), PHONE) as page:
        page.open("/console/sign-in")
        found = {"sign-in": barriers(page)}
        sign_in(page, "guanli")
        found["home"] = barriers(page)
        for path in PAGES:
            page.open(f"/console/{path}")
            found[path] = barriers(page)
            assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), path

    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_what_is_wrong_is_told_at_the_field_and_what_was_typed_stays(browser: Browser, county: EmbeddedCounty) -> None:
    with browser.page(county.url("console"), PHONE) as page:
        sign_in(page, "guanli")
        page.open("/console/people/+new")
        page.type("#name", "li.hua")
        page.type("#display_name", "李华")
        page.click("form.sheet > button")
        page.wait("() => !!document.querySelector('#errors')")
        assert barriers(page) == []
        assert page.evaluate("() => document.querySelector('#display_name').value") == "李华"
        assert "至少选一个角色" in page.text("#roles-error")


def test_signing_out_leaves_nothing_behind_the_back_button(browser: Browser, county: EmbeddedCounty) -> None:
    with browser.page(county.url("console"), PHONE) as page:
        sign_in(page, "bianji")
        page.open("/console/account")
        page.click(".who button")
        page.arrive("/console/sign-in")
        page.evaluate("() => history.back()")
        page.wait("() => location.pathname === '/console/sign-in' && !!document.querySelector('#password')")
