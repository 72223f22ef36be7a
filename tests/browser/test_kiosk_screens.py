"""A screen tells what is on its glass: one that does not follow is found, however well its stream goes."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.harness.accessibility import barriers
from tests.harness.browser import HALL, Browser, Page
from tests.harness.county import EmbeddedCounty, wait_for

NAME = "hall-1"
PAGES = ("", "windows", "search", "items", "items?audience=person&page=2", "browse/person", "items/{code}", "board")
SAME = """async () => {
  const {digestOf} = await import("/kiosk/static/glass.js");
  const told = {address: document.body.dataset.address, digest: await digestOf(document.getElementById("main")),
                position: 0, head_time: null, freshness: "unknown"};
  const answer = await fetch("/kiosk/v1/screen/report",
    {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(told)});
  return (await answer.json()).same;
}"""


@pytest.fixture
def page(browser: Browser, county: EmbeddedCounty) -> Iterator[Page]:
    """A screen that has been enrolled by its address."""
    with browser.page(county.url("kiosk"), HALL) as opened:
        offer = county.http("kiosk").post("/kiosk/v1/screens", json={"name": NAME}).json()
        opened.open(f"/kiosk/enrol#{offer['code']}", status=None)
        opened.wait("(name) => document.querySelector('[data-outcome]').textContent.includes(name)", NAME)
        yield opened


@pytest.fixture
def item(county: EmbeddedCounty) -> Iterator[Callable[[str], str]]:
    """Releases an item under another name and gives its code; in the end it has its own name again."""
    http: httpx.Client = county.http("catalog")
    code = county.http("kiosk").get("/kiosk/v1/items?limit=1").json()["items"][0]["code"]
    path = f"/catalog/v1/items/{code}"
    draft = http.get(path).json()["draft"]

    def release(name: str) -> str:
        revision = http.get(path).json()["revision"]
        content = {**draft, "task_name": name or draft["task_name"]}
        http.put(path, json=content, headers={"If-Match": f'"{revision}"'}).raise_for_status()
        http.post(f"{path}/release").raise_for_status()
        return str(code)

    release("事项的旧名称")
    wait_for(lambda: "旧名称" in county.http("kiosk").get(f"/kiosk/v1/items/{code}").text, "the old name is shown")
    yield release
    release("")


def screen(county: EmbeddedCounty) -> dict[str, Any]:
    """What an operator is told of it."""
    found = county.http("kiosk").get("/kiosk/v1/screens").json()["screens"]
    return next(one for one in found if one["name"] == NAME)


def until(page: Page, county: EmbeddedCounty, state: str, after: int = 0) -> dict[str, Any]:
    """What is told of the screen once it is in this state, after a position; the page gets its answers meanwhile."""

    def looked() -> dict[str, Any] | None:
        page.evaluate("() => 0")
        told = screen(county)
        return told if told["state"] == state and told["address"] and told["position"] > after else None

    return wait_for(looked, f"the screen is {state}")


def test_a_page_that_is_frozen_on_old_content_turns_red_though_its_stream_goes_on(
    page: Page, county: EmbeddedCounty, item: Callable[[str], str]
) -> None:
    code = county.http("kiosk").get("/kiosk/v1/items?limit=1").json()["items"][0]["code"]
    path = f"/kiosk/items/{code}"
    page.open(path)
    page.run("document.body.dataset.report = 0.3")
    before = until(page, county, "good")
    old = county.http("kiosk").get(path).content

    page.alter(path, lambda _new: old)
    item("事项的新名称")
    red = until(page, county, "old", after=before["position"])

    assert (before["address"], red["address"]) == (f"items/{code}", f"items/{code}")
    assert (red["red"], red["freshness"]) == (True, "now")
    assert "旧名称" in page.text("h1")
    assert page.evaluate("() => document.getElementById('freshness').dataset.state") == "now"

    page.alter(path, lambda new: new)
    until(page, county, "good")

    assert "新名称" in page.text("h1")


def test_a_screen_reports_what_it_keeps_and_a_browser_that_keeps_nothing_says_so(
    page: Page, county: EmbeddedCounty
) -> None:
    page.open("/kiosk/")
    page.wait("() => document.getElementById('freshness').dataset.state === 'now'")
    page.evaluate(REFUSED)
    page.wait("() => document.getElementById('freshness').dataset.copy === 'none'")
    assert "没有离线内容" in page.text("#freshness")
    assert barriers(page) == []
    told = wait_for(lambda: found(page, county, "none"), "the register knows that it keeps nothing")
    assert (told["state"], told["kept"]) == ("good", 0)

    page.open("/kiosk/")  # with all the storage that it wants
    page.run("document.body.dataset.keepAfter = 0")
    told = wait_for(lambda: found(page, county, "whole"), "the register knows that it keeps everything", 180)
    assert told["kept"] == told["kept_of"] > 0
    assert "离线内容" not in page.text("#freshness")
    assert county.cli("kiosk", "screens").stdout.count(f"keeps {told['kept']} pages") == 1


def found(page: Page, county: EmbeddedCounty, copy: str) -> dict[str, Any] | None:
    page.evaluate("() => 0")
    told = screen(county)
    return told if told["copy"] == copy else None


REFUSED = """async () => {
  document.body.dataset.keepAfter = 3600;
  caches.open = () => Promise.reject(new DOMException("no room", "QuotaExceededError"));
  const data = { type: "kept", failed: "QuotaExceededError", of: 300 };
  navigator.serviceWorker.dispatchEvent(new MessageEvent("message", { data }));
}"""
"""A browser that lends no storage, and its worker's word of it."""


def test_nothing_on_the_glass_leads_to_a_foreign_page(page: Page) -> None:
    page.open("/kiosk/")
    page.evaluate("""() => {
      const add = (html) => document.body.insertAdjacentHTML("afterbegin", html); // what is in main follows the server
      add('<a id="away" href="https://elsewhere.example/">away</a>');
      add('<a id="tab" href="/web/" target="_blank">another channel</a>');
      add('<form action="/web/search"><button id="send">send</button></form>');
    }""")
    for selector in ("#away", "#tab", "#send"):
        page.click(selector)
        assert page.path == "/kiosk/"


def test_a_page_that_does_not_answer_does_not_take_the_place_of_one_that_does(page: Page) -> None:
    """Without a service worker nothing would lead back from the browser's own error page."""
    page.open("/kiosk/")
    page.evaluate("""() => {
      Object.defineProperty(navigator.serviceWorker, "controller", { value: null, configurable: true });
      window.fetched = window.fetch;
      window.fetch = () => Promise.reject(new TypeError("no network"));
    }""")
    page.click(".bar a[href='/kiosk/search']")
    page.evaluate("() => new Promise((done) => setTimeout(done, 100))")
    assert page.path == "/kiosk/"

    page.evaluate("() => { window.fetch = window.fetched; }")
    page.click(".bar a[href='/kiosk/search']")
    page.arrive("/kiosk/search")


def reads_the_same(page: Page, address: str) -> None:
    """At once, or as soon as the page has heard of a case that moved meanwhile."""
    assert page.wait(SAME) is True, address


def test_the_screen_and_the_server_read_the_same_on_every_page_in_every_mode(
    page: Page, county: EmbeddedCounty
) -> None:
    code = county.http("kiosk").get("/kiosk/v1/items?limit=1").json()["items"][0]["code"]
    for address in PAGES:
        page.open(f"/kiosk/{address.format(code=code)}", status=None)
        reads_the_same(page, address)
        page.run("document.querySelector('[data-mode=lang]')?.click(); scrollTo(0, 300)")
        reads_the_same(page, address)

    page.open("/kiosk/progress")
    assert page.evaluate(SAME) is None


def test_a_revoked_screen_is_refused_and_falls_silent(page: Page, county: EmbeddedCounty) -> None:
    page.open("/kiosk/windows")
    county.http("kiosk").delete(f"/kiosk/v1/screens/{NAME}").raise_for_status()
    page.wait("() => !document.cookie")

    assert page.evaluate(SAME.replace("(await answer.json()).same", "answer.status")) == 401
    assert screen(county)["state"] == "revoked"
    page.forgive(401)


def test_a_browser_that_is_no_screen_reports_nothing_and_keeps_no_cookie(
    browser: Browser, county: EmbeddedCounty
) -> None:
    with browser.page(county.url("kiosk"), HALL) as stranger:
        stranger.open("/kiosk/windows")
        stranger.wait("() => document.getElementById('freshness').dataset.state === 'now'")
        reports = [url for url in stranger.requests if "/screen/" in url]

        assert (reports, stranger.evaluate("() => document.cookie")) == ([], "")


def test_a_wrong_code_is_told_and_leaves_the_field_empty(browser: Browser, county: EmbeddedCounty) -> None:
    with browser.page(county.url("kiosk"), HALL) as stranger:
        stranger.open("/kiosk/enrol")
        stranger.type("#code", "0000-0000-0000")
        stranger.click("[data-enrol] button[type=submit]")
        stranger.wait("() => document.querySelector('[data-outcome]').textContent.includes('不能用')")

        assert stranger.evaluate("() => document.getElementById('code').value") == ""
        stranger.forgive(404)
