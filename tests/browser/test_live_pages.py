"""An open page follows what is released, in place; what the reader chose stays chosen."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.browser import Page
from tests.harness.county import CHANNELS, EmbeddedCounty, wait_for

SAME_PAGE = "() => window.untouched === true"
NEW_FEES = ("八千八百八十八元", "九千九百九十九元")


@pytest.fixture
def guide(county: EmbeddedCounty) -> Iterator[dict[str, Any]]:
    """A guide with questions that every channel shows; as it was again in the end, on every channel."""
    shown = county.http("kiosk").get("/kiosk/v1/changes?limit=500").json()["changes"]
    code = next(
        change["document"]["code"]
        for change in shown
        if change["key"].startswith("guide:") and change["document"]["questions"] and change["document"]["fees"]
    )
    draft = county.http("guides").get(f"/guides/v1/guides/{code}").json()["draft"]
    yield draft
    release(county, draft)
    pages = {channel: f"/{channel}/items/{code}" for channel in CHANNELS}
    wait_for(
        lambda: not any(fee in county.http(name).get(page).text for name, page in pages.items() for fee in NEW_FEES),
        "every channel shows the guide as it was",
    )


@pytest.fixture
def item(county: EmbeddedCounty, guide: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The item of the guide; as it was again in the end."""
    draft = county.http("catalog").get(f"/catalog/v1/items/{guide['code']}").json()["draft"]
    yield draft
    released_item(county, draft)


def release(county: EmbeddedCounty, draft: dict[str, Any]) -> None:
    """The draft, released as the next version."""
    http, path = county.http("guides"), f"/guides/v1/guides/{draft['code']}"
    revision = http.get(path).json()["revision"]
    http.put(path, json=draft, headers={"If-Match": f'"{revision}"'}).raise_for_status()
    http.post(f"{path}/release").raise_for_status()


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_new_fee_appears_on_the_open_page_without_a_reload_or_a_jump(
    page: Page, county: EmbeddedCounty, channel: str, guide: dict[str, Any]
) -> None:
    page.open(f"/{channel}/items/{guide['code']}")
    page.run("window.untouched = true; document.querySelectorAll('#main details').forEach((one) => one.open = true)")
    page.run("window.scrollTo(0, 200)")
    before = page.evaluate("() => [scrollY, document.querySelectorAll('#main details[open]').length]")

    fees = [{**guide["fees"][0], "fee_stand": NEW_FEES[0], "amount_fen": 888_800}, *guide["fees"][1:]]
    release(county, {**guide, "fees": fees})

    page.wait("(fee) => document.querySelector('#main').textContent.includes(fee)", NEW_FEES[0])
    assert page.evaluate(SAME_PAGE)
    assert page.evaluate("() => [scrollY, document.querySelectorAll('#main details[open]').length]") == before
    assert "更新" in page.text("#status")


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_was_released_while_the_stream_was_gone_is_on_the_page_before_it_says_that_it_is_fresh(
    page: Page, county: EmbeddedCounty, channel: str, guide: dict[str, Any]
) -> None:
    """A stream opened anew is told the newest cursor alone: what came in between it does not tell."""
    page.open(f"/{channel}/items/{guide['code']}")
    page.wait("() => document.getElementById('freshness').dataset.state === 'now'")
    page.wait("() => document.getElementById('checked')?.textContent !== ''")
    page.offline(True)
    for state in ("hidden", "visible"):  # another stream, which knows of none before it
        page.run(f"Object.defineProperty(document, 'visibilityState', {{value: '{state}', configurable: true}})")
        page.run("document.dispatchEvent(new Event('visibilitychange'))")

    fees = [{**guide["fees"][0], "fee_stand": NEW_FEES[1], "amount_fen": 999_900}, *guide["fees"][1:]]
    release(county, {**guide, "fees": fees})
    page.wait("() => ['lost', 'offline'].includes(document.getElementById('freshness').dataset.state)")
    page.offline(False)

    page.wait("(fee) => document.querySelector('#main').textContent.includes(fee)", NEW_FEES[1])
    page.wait("() => document.getElementById('freshness').dataset.state === 'now'")


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_page_that_somebody_comes_back_to_calls_itself_new_only_after_it_was_compared(
    page: Page, channel: str, code: str
) -> None:
    page.open(f"/{channel}/items/{code}")
    page.wait("() => document.getElementById('freshness').dataset.state === 'now'")

    told = page.evaluate(COME_BACK)

    assert [state for state, _ in told] in (["comparing"] * 3, ["unknown"] * 3)
    assert all("正在核对" in words for _, words in told)
    page.wait("() => document.getElementById('freshness').dataset.state === 'now'")


@pytest.mark.one_browser
def test_what_was_released_while_nobody_looked_is_found_by_who_types_then(
    page: Page, county: EmbeddedCounty, item: dict[str, Any]
) -> None:
    """The hall's search reads its list once, and again when the stream tells of a change or is opened anew."""
    page.open("/kiosk/search")
    page.wait("() => !!document.querySelector('[data-words] button')")
    become(page, "hidden")

    released_item(county, {**item, "task_name": "无人看时发布的"})
    wait_for(lambda: "无人看时" in county.http("kiosk").get("/kiosk/v1/finder").text, "the list has the new name")
    become(page, "visible")
    page.run("document.getElementById('q').value = '无人看时'")

    asking = "() => document.getElementById('q').dispatchEvent(new Event('input')) && document.body.textContent"
    page.wait(f"() => ({asking})().includes('无人看时发布的')")


def released_item(county: EmbeddedCounty, draft: dict[str, Any]) -> None:
    http, path = county.http("catalog"), f"/catalog/v1/items/{draft['code']}"
    revision = http.get(path).json()["revision"]
    http.put(path, json=draft, headers={"If-Match": f'"{revision}"'}).raise_for_status()
    http.post(f"{path}/release").raise_for_status()


def become(page: Page, state: str) -> None:
    page.run(f"Object.defineProperty(document, 'visibilityState', {{value: '{state}', configurable: true}})")
    page.run("document.dispatchEvent(new Event('visibilitychange'))")


def test_an_error_of_the_moment_does_not_replace_the_page(page: Page, code: str) -> None:
    page.open(f"/web/items/{code}")
    shown = page.text("main h1")
    page.evaluate("""() => {
      const fetched = window.fetch;
      window.fetch = async () => {
        window.fetch = fetched;
        setTimeout(() => (window.answered = true));
        return new Response("<main id=main>503</main>", { status: 503 });
      };
      document.dispatchEvent(new CustomEvent("refresh"));
    }""")

    page.wait("() => window.answered")
    assert page.text("main h1") == shown


COME_BACK = """async () => {
  const seen = [];
  const line = () => document.getElementById("freshness");
  const see = () => seen.push([line().dataset.state, line().textContent]);
  const become = (state) => {
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
    see();
  };
  const fetched = window.fetch;
  const answered = new Promise((done) => {
    window.fetch = async (address, ...others) => {
      const answer = await fetched(address, ...others);
      if (address === location.href) done(see());
      return answer;
    };
  });
  become("hidden");
  become("visible");
  await answered;
  window.fetch = fetched;
  return seen;
}"""
"""Hide the page and show it again: what its line said when hidden, when shown, and when the newest page had come."""

PRINTED = """() => {
  const folded = () => [...document.querySelectorAll('#main details:not([open])')].map((one) => one.textContent);
  const before = folded();
  window.dispatchEvent(new Event('beforeprint'));
  const paper = folded();
  window.dispatchEvent(new Event('afterprint'));
  return [paper, folded().join() === before.join(), before.length];
}"""
"""In one piece, so that no release comes in between."""


@pytest.mark.parametrize("channel", CHANNELS)
def test_paper_holds_what_is_folded_on_the_screen(page: Page, channel: str, code: str) -> None:
    page.open(f"/{channel}/items/{code}")

    missing, as_before, folded = page.evaluate(PRINTED)

    assert (missing, as_before) == ([], True)
    assert folded > 0 or channel == "kiosk"


def test_a_page_that_nobody_looks_at_asks_for_nothing_more(page: Page, county: EmbeddedCounty) -> None:
    page.open("/web/")
    page.run("Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true})")
    page.run("document.dispatchEvent(new Event('visibilitychange'))")
    page.settle()
    asked = list(page.requests)

    page.run("document.dispatchEvent(new Event('visibilitychange'))")
    page.settle()

    assert page.requests == asked


def test_language_and_size_are_chosen_once_and_hold_on_every_page(page: Page) -> None:
    page.open("/web/")
    assert page.evaluate("() => getComputedStyle(document.querySelector('nav .en')).display") == "none"

    page.click("button[data-mode=lang]")
    page.click("button[data-mode=elder]")
    page.open("/web/items")

    assert page.evaluate("() => [document.documentElement.lang, document.documentElement.dataset.elder]") == [
        "en",
        "on",
    ]
    assert "All services" in page.text("nav")
    assert page.evaluate("() => document.querySelector('#q').placeholder").startswith("e.g.")
    assert page.evaluate("() => document.querySelector('button[data-mode=elder]').ariaPressed") == "true"
    assert page.evaluate("() => parseFloat(getComputedStyle(document.documentElement).fontSize)") > 20
