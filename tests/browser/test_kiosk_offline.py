"""A screen without a network goes on, says since when, and shows nothing that may not hold any more."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.base import format_time
from tests.harness.browser import HALL, Browser, Page
from tests.harness.county import EmbeddedCounty
from tests.harness.proxy import Proxy

pytestmark = pytest.mark.second_browser_long

STATE = "() => document.getElementById('freshness').dataset.state"
KEPT = "async () => (await (await caches.open('tongyuan-kiosk')).match('/kiosk/kept/catalogue'))?.json()"
WHOLE = """async () => {
  const store = await caches.open("tongyuan-kiosk");
  const catalogue = await (await store.match("/kiosk/kept/catalogue")).json();
  const wrong = [];
  for (const [address, digest] of catalogue.entries) {
    const copy = await store.match("/kiosk/kept/" + (digest ?? "passing/" + address));
    const found = copy && new Uint8Array(await crypto.subtle.digest("SHA-256", await copy.arrayBuffer()));
    const hex = found && [...found].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    if (!copy || (digest && digest !== hex)) wrong.push(address);
  }
  return wrong;
}"""
MORE = """async (catalogue) => {
  const listed = new Set(catalogue.entries.map(([, digest]) => digest));
  const copies = (await (await caches.open("tongyuan-kiosk")).keys()).map(({url}) => url.split("/kept/")[1]);
  return copies.some((each) => /^[0-9a-f]{64}$/.test(each) && !listed.has(each));
}"""
EVERYTHING = """async () => {
  let all = JSON.stringify({...localStorage}) + (await indexedDB.databases()).length;
  for (const name of await caches.keys()) {
    const store = await caches.open(name);
    for (const request of await store.keys()) all += request.url + await (await store.match(request)).text();
  }
  return all;
}"""
VISIBLE = "(selector) => [...document.querySelectorAll(selector)].filter((each) => each.checkVisibility()).length"


@pytest.fixture(scope="package")
def cable(county: EmbeddedCounty) -> Iterator[Proxy]:
    """What the screens reach the county by."""
    with Proxy(int(county.url("kiosk").rpartition(":")[2])) as made:
        yield made


@pytest.fixture(scope="module")
def screen(browser: Browser, cable: Proxy) -> Iterator[Page]:
    """A screen that has kept everything, once for all: it takes a while."""
    with browser.page(f"http://127.0.0.1:{cable.port}", HALL) as opened:
        opened.open("/kiosk/")
        keep(opened)
        yield opened


@pytest.fixture
def page(screen: Page, cable: Proxy) -> Iterator[Page]:
    """The same at its home page with all that is released, before and after each test."""
    screen.open("/kiosk/", status=None)
    yield screen
    plug_in(screen, cable)


def keep(page: Page) -> None:
    """Now, and not when it is convenient."""
    page.run("document.body.dataset.keepAfter = 0")
    page.wait("() => !!navigator.serviceWorker.controller")
    page.wait(KEPT)


def pull(page: Page, cable: Proxy) -> None:
    page.unreachable(True)
    cable.cut()


def plug_in(page: Page, cable: Proxy) -> None:
    cable.resume()
    page.wait("async () => (await fetch('/kiosk/v1/position').catch(() => 0)).ok")
    page.wait("() => !document.documentElement.hasAttribute('data-copy') && document.readyState === 'complete'")
    page.unreachable(False)


def released(county: EmbeddedCounty, name: str, **period: Any) -> str:
    """An item of the demo under another name, or (empty) under its own; its code."""
    code = str(county.http("kiosk").get("/kiosk/v1/items?limit=2").json()["items"][1]["code"])
    http, path = county.http("catalog"), f"/catalog/v1/items/{code}"
    now = http.get(path).json()
    original = now["draft"]["task_name"].partition("|")[0]
    content = {**now["draft"], "task_name": f"{original}|{name}" if name else original}
    http.put(path, json=content, headers={"If-Match": f'"{now["revision"]}"'}).raise_for_status()
    http.post(f"{path}/release", json=period or None).raise_for_status()
    return code


def test_the_screen_goes_on_without_a_network_and_misses_nothing_when_it_is_back(
    page: Page, county: EmbeddedCounty, cable: Proxy
) -> None:
    pull(page, cable)
    page.wait(f"() => ({STATE})() === 'offline'")
    home = page.text("#freshness")
    page.click('a[href="/kiosk/items?event=papers"]')
    page.arrive("/kiosk/items")
    page.wait(f"() => ({STATE})() === 'offline'")
    page.click("main .cards a")
    page.wait("() => location.pathname.startsWith('/kiosk/items/') && document.readyState === 'complete'")
    seen = (page.evaluate(VISIBLE, ".checklist li"), page.evaluate(VISIBLE, "[data-until=day]"))
    for address in ("windows", "browse/person", "board", "progress"):
        page.open(f"/kiosk/{address}", status=None)
        assert page.evaluate("() => document.documentElement.hasAttribute('data-copy')"), address
    page.open("/kiosk/search", status=None)
    page.wait("() => !!document.querySelector('[data-words] button')")
    page.evaluate("(key) => document.querySelector(`.keyboard [data-key=s]`).click()", "s")
    found = page.texts("[data-results] .cards strong")
    code = released(county, "离线时发布的")
    page.open(f"/kiosk/items/{code}", status=None)
    before = page.text("h1")
    plug_in(page, cable)
    page.wait("() => document.querySelector('h1').textContent.includes('离线时发布的')")
    page.wait(f"() => ({STATE})() === 'now'")

    assert "离线，自" in home
    assert all(seen)
    assert found
    assert "离线时发布的" not in before
    assert not page.evaluate("() => document.documentElement.hasAttribute('data-copy')")
    released(county, "")


def test_an_address_that_is_not_kept_leads_home(page: Page, cable: Proxy) -> None:
    pull(page, cable)
    page.open("/kiosk/items/no-such-item", status=None)

    assert page.path == "/kiosk/"


def test_the_login_page_of_a_network_is_no_answer(page: Page, cable: Proxy) -> None:
    """It would stand on the glass until somebody comes: the worker shows what it keeps."""
    page.unreachable(True)
    cable.divert("http://127.0.0.1:9/login")
    page.open("/kiosk/items", status=None)

    assert page.path == "/kiosk/items"
    assert page.evaluate("() => document.documentElement.hasAttribute('data-copy')")
    page.complaints[:] = [each for each in page.complaints if "/login" not in each]  # the stream's; it was not followed


def test_what_is_pressing_goes_first_then_fees_and_windows_then_everything(page: Page, cable: Proxy) -> None:
    page.open("/kiosk/items?event=papers", status=None)
    code = page.evaluate("() => document.querySelector('main .cards a').href.split('/').pop()")
    pull(page, cable)
    page.open(f"/kiosk/items/{code}", status=None)
    page.wait(f"() => ({STATE})() === 'offline'")
    shown = [page.evaluate(VISIBLE, ".go, .checklist")]
    page.run("document.body.dataset.holdDay = 0; document.body.dataset.holdMoments = 0")
    page.wait("() => document.documentElement.dataset.aged === 'day'")
    shown += [page.evaluate(VISIBLE, each) for each in (".go", "#fees", ".checklist", "[data-after]")]
    page.run("{ const real = Date.now; Date.now = () => real() + 25 * 3600 * 1000 }")
    page.wait(f"() => ({STATE})() === 'expired'")
    shown += [page.evaluate(VISIBLE, "main")]
    told = page.text("#aged")
    page.open("/kiosk/progress", status=None)
    page.run("document.body.dataset.holdMoments = 0")
    page.wait("() => document.documentElement.dataset.aged === 'moments'")

    assert shown == [2, 0, 0, 1, 1, 0]
    assert "过期" in told
    assert [page.evaluate(VISIBLE, each) for each in ("[data-lookup]", "[data-after]")] == [0, 1]


def test_nothing_is_shown_past_its_end_though_nobody_tells(page: Page, county: EmbeddedCounty, cable: Proxy) -> None:
    ends = datetime.now(UTC) + timedelta(hours=2)
    code = released(county, "两小时后结束", expires_at=format_time(ends))
    page.wait(f"async (key) => !!(await ({KEPT})()).ends[key]", f"item:{code}")
    pull(page, cable)
    later = "{ const real = Date.now; Date.now = () => real() + 3 * 3600 * 1000 }"
    gone = []
    for address in ("items", f"items/{code}"):
        page.open(f"/kiosk/{address}", status=None)
        page.wait(f"() => ({STATE})() === 'offline'")
        rows = page.evaluate(VISIBLE, f'main li a[href$="{code}"], main h1')
        page.run(later)
        page.wait("(before) => " + f"({VISIBLE})" + "('main li a[href$=\"" + code + "\"], main h1') < before", rows)
        gone.append(rows)
    plug_in(page, cable)
    released(county, "")

    assert gone == [2, 1]


def test_a_catalogue_that_comes_by_half_replaces_nothing(page: Page, county: EmbeddedCounty, cable: Proxy) -> None:
    before = page.evaluate(KEPT)["entries"]
    cable.slow(rate=5_000)
    released(county, "只来了一半")
    page.wait(f"async () => ({MORE})(await ({KEPT})())")
    pull(page, cable)
    half = page.evaluate(WHOLE), page.evaluate(KEPT)["entries"] == before
    cable.slow()
    plug_in(page, cable)
    page.run("document.dispatchEvent(new CustomEvent('change', {detail: {}}))")
    page.wait(f"async (before) => JSON.stringify((await ({KEPT})()).entries) !== JSON.stringify(before)", before)
    after = page.evaluate(WHOLE)
    released(county, "")

    assert half == ([], True)
    assert after == []
    assert len(before) > 100


def test_a_line_that_is_up_and_brings_nothing_is_no_reason_to_wait(page: Page, cable: Proxy) -> None:
    page.unreachable(True)
    cable.freeze()
    page.open("/kiosk/windows", status=None)

    assert page.evaluate("() => document.documentElement.hasAttribute('data-copy')")


def test_nothing_of_a_case_is_ever_kept(page: Page, receipt: tuple[str, str]) -> None:
    number, code = receipt
    answers = page.evaluate(
        """async (pair) => {
          const form = await fetch("/kiosk/progress", {method: "POST", body: new URLSearchParams(pair)});
          const json = await fetch("/kiosk/v1/applications/lookup", {method: "POST", body: JSON.stringify(pair),
            headers: {"Content-Type": "application/json"}});
          return [await form.text(), await json.text()];
        }""",
        {"project_no": number, "query_code": code},
    )
    page.open("/kiosk/progress", status=None)
    kept = page.wait(EVERYTHING)

    assert "办理阶段" in answers[0]
    assert number not in answers[0]
    assert "stage_label" in answers[1]
    assert "居民身份证" in kept
    assert not any(secret in kept for secret in (number, code, "办理阶段", "stage_label"))
