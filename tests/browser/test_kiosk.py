"""The hall's screens: a finger finds everything, letters find every item, and whoever comes next finds nothing."""

from collections.abc import Iterator

import pytest

from tests.harness.accessibility import barriers
from tests.harness.browser import DESK, HALL, NARROWEST, Browser, Page
from tests.harness.county import EmbeddedCounty

pytestmark = pytest.mark.second_browser_long

LEAST_PIXELS = 60
PAGES = {
    "home": "",
    "persons": "browse/person",
    "departments": "browse/departments",
    "list": "items?event=papers",
    "item": "items/{code}",
    "search": "search",
    "progress": "progress",
    "windows": "windows",
}
ID_CARD = "居民身份证办理(首次申领)"

SMALL = """(least) => [...document.querySelectorAll("a[href], button, summary, input, [role=button]")]
  .filter((each) => each.checkVisibility({visibilityProperty: true}) && !each.classList.contains("skip"))
  .map((each) => [each, (each.matches("input[type=checkbox]") ? each.closest("label") : each).getBoundingClientRect()])
  .filter(([, box]) => box.width && (Math.round(box.width) < least || Math.round(box.height) < least))
  .map(([each, box]) => `${each.outerHTML.slice(0, 120)}: ${Math.round(box.width)} x ${Math.round(box.height)}`)"""

TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll("body *")].filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => each.outerHTML.slice(0, 100))"""


@pytest.fixture
def page(browser: Browser, county: EmbeddedCounty) -> Iterator[Page]:
    """A screen in the hall, on end."""
    with browser.page(county.url("kiosk"), HALL) as opened:
        yield opened


@pytest.fixture(scope="package")
def code(county: EmbeddedCounty) -> str:
    """The first identity card."""
    rows = county.http("kiosk").get("/kiosk/v1/items?limit=500").json()["items"]
    return next(row["code"] for row in rows if row["name"] == ID_CARD)


def seconds(page: Page, **durations: int) -> None:
    """What takes a minute on the open page takes seconds from now on."""
    page.evaluate("(given) => { Object.assign(document.body.dataset, given) }", durations)


@pytest.mark.one_browser
@pytest.mark.parametrize("size", [HALL, DESK], ids=["on end", "wide"])
@pytest.mark.parametrize("mode", ["", "elder", "contrast", "lang"])
def test_a_finger_hits_everything_that_can_be_touched(page: Page, code: str, size: tuple[int, int], mode: str) -> None:
    page.resize(*size)
    found = {}
    for name, path in PAGES.items():
        page.open(f"/kiosk/{path.format(code=code)}")
        if mode and name == "home":
            page.click(f"[data-mode={mode}]")
        found[name] = page.evaluate(SMALL, LEAST_PIXELS)

    assert {name: small for name, small in found.items() if small} == {}


@pytest.mark.one_browser
@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_barrier_in_any_mode_and_nothing_beside_the_screen(page: Page, code: str, name: str) -> None:
    for mode in ("", "elder", "contrast", "lang"):
        page.open(f"/kiosk/{PAGES[name].format(code=code)}", status=None)  # perhaps the browser has it: 304
        if mode:
            page.click(f"[data-mode={mode}]")
        for size in (HALL, DESK, NARROWEST):
            page.resize(*size)
            assert page.evaluate(TOO_WIDE) == [], (mode, size)
        for size in (HALL, NARROWEST) if mode in ("", "elder") else (HALL,):
            page.resize(*size)
            assert barriers(page) == [], (mode, size)


@pytest.mark.one_browser
@pytest.mark.parametrize("size", [HALL, DESK], ids=["on end", "wide"])
def test_the_first_page_is_one_glance(page: Page, size: tuple[int, int]) -> None:
    page.resize(*size)
    page.open("/kiosk/")

    assert page.evaluate("() => document.documentElement.scrollHeight") <= size[1]


def test_initials_find_an_item_without_an_input_method(page: Page, code: str) -> None:
    page.open("/kiosk/")
    page.click(".ask button")
    page.arrive("/kiosk/search")
    page.wait("() => !!document.querySelector('[data-words] button')")
    for letter in "sfz":
        page.click(f'.keyboard [data-key="{letter}"]')

    assert page.evaluate("() => document.getElementById('q').value") == "sfz"
    assert "身份证" in page.texts("[data-words] button")
    page.wait("() => !!document.querySelector('[data-results] .cards strong')")
    assert "身份证" in page.texts("[data-results] .cards strong")[0]


def test_a_word_is_touched_instead_of_typed_and_a_code_is_found_by_its_digits(page: Page, code: str) -> None:
    page.open("/kiosk/search")
    page.wait("() => !!document.querySelector('[data-words] button')")
    page.click("[data-words] button")
    chosen = page.evaluate("() => document.getElementById('q').value")

    assert page.texts("[data-results] .cards strong")
    page.click('.keyboard [data-key="clear"]')
    assert (chosen != "", page.evaluate("() => document.getElementById('q').value")) == (True, "")

    for sign in code[-9:].lower():
        page.click(f'.keyboard [data-key="{sign}"]')
    assert page.texts("[data-results] .cards strong")[0] == ID_CARD


FINDS = """async (queries) => {
  const {find, prepare} = await import("/kiosk/static/finder.js");
  const prepared = prepare(await (await fetch("/kiosk/v1/finder")).json());
  return queries.map((query) => find(prepared, query).map((item) => item.names[0]));
}"""


def test_initials_full_pinyin_both_mixed_and_the_word_find_the_same(page: Page) -> None:
    page.open("/kiosk/search")
    found = page.evaluate(FINDS, ["jmsfz", "juminshenfenzheng", "jumsfzheng", "居民身份证", "JMSFZ"])

    assert all("居民身份证" in names[0] for names in found)
    assert len({frozenset(names) for names in found}) == 1


def test_initials_find_what_the_words_find_that_they_suggest(page: Page) -> None:
    page.open("/kiosk/search")
    missing = page.evaluate("""async () => {
      const {find, prepare, suggest} = await import("/kiosk/static/finder.js");
      const prepared = prepare(await (await fetch("/kiosk/v1/finder")).json());
      const codes = (query) => find(prepared, query, 100).map((item) => item.code);
      const initials = (each) => each.spoken.map((readings) => readings[0][0]).join("");
      return prepared.common
        .filter((each) => each.spoken.length > 1 && suggest(prepared, initials(each)).includes(each.word))
        .filter((each) => !codes(initials(each)).includes(codes(each.word)[0])).map((each) => each.word);
    }""")

    assert missing == []


def test_every_item_is_found_by_the_initials_of_its_name(page: Page) -> None:
    page.open("/kiosk/search")
    missing = page.evaluate("""async () => {
      const {find, prepare} = await import("/kiosk/static/finder.js");
      const prepared = prepare(await (await fetch("/kiosk/v1/finder")).json());
      const initials = (item) => item.spoken[0].map((readings) => readings[0][0]).join("").slice(0, 12);
      return prepared.items.filter((item) => !find(prepared, initials(item)).some((one) => one.code === item.code))
        .map((item) => item.names[0]);
    }""")

    assert missing == []


def test_nonsense_finds_nothing_and_says_so(page: Page) -> None:
    page.open("/kiosk/search")
    page.wait("() => !!document.querySelector('[data-words] button')")
    for letter in "vvvv":
        page.click(f'.keyboard [data-key="{letter}"]')

    assert page.texts("[data-results] .cards strong") == []
    assert "服务台" in page.text("[data-found]")


def test_who_walks_away_is_asked_and_then_leaves_nothing(page: Page, code: str) -> None:
    path = f"/kiosk/items/{code}"
    page.open("/kiosk/")
    page.click("[data-mode=elder]")
    page.click('a[href="/kiosk/items?event=papers"]')
    page.arrive("/kiosk/items")
    before = page.evaluate("() => history.length")
    page.click(f'main a[href="{path}"]')
    page.arrive(path)
    page.click(".checklist label")
    ticked = page.evaluate("() => document.querySelector('.checklist input').checked")
    seconds(page, idle=0, grace=2)
    page.arrive("/kiosk/")
    page.wait("() => document.querySelector('[data-finish]')?.hidden")

    assert ticked is True
    assert page.evaluate("() => [sessionStorage.length, localStorage.length]") == [0, 0]
    assert page.evaluate("() => document.documentElement.hasAttribute('data-elder')") is False
    assert page.evaluate("() => history.length") == before
    assert page.evaluate("() => [document.querySelectorAll('input:checked').length, scrollY]") == [0, 0]


def test_a_touch_anywhere_keeps_the_screen_and_nobody_has_less_than_twenty_seconds(page: Page) -> None:
    page.open("/kiosk/windows")
    grace = page.evaluate("() => Number(document.body.dataset.grace)")
    for _ in range(2):
        seconds(page, idle=0)
        page.wait("() => document.getElementById('leaving').open")
        seconds(page, idle=600)
        page.click("#leaving h2")
        assert page.evaluate("() => document.getElementById('leaving').open") is False

    assert grace >= 20
    assert page.path == "/kiosk/windows"


def test_the_home_page_that_nobody_touched_asks_nobody(page: Page) -> None:
    page.open("/kiosk/")
    seconds(page, idle=0)
    page.evaluate("() => new Promise((done) => setTimeout(done, 1500))")

    assert page.evaluate("() => document.getElementById('leaving').open") is False


def test_one_touch_ends_it_all(page: Page) -> None:
    page.open("/kiosk/windows")
    page.click("[data-mode=contrast]")
    page.click("[data-finish]")
    page.arrive("/kiosk/")

    kept = page.evaluate("() => [sessionStorage.length, document.documentElement.hasAttribute('data-contrast')]")
    assert kept == [0, False]


def test_back_leads_the_way_that_was_come_and_the_browser_keeps_none(page: Page) -> None:
    page.open("/kiosk/")
    length = page.evaluate("() => history.length")
    for path in ("/kiosk/browse/person", "/kiosk/items"):
        page.click(f'main a[href^="{path}"]')
        page.arrive(path)
    page.click("[data-back]")
    page.arrive("/kiosk/browse/person")
    page.click("[data-back]")
    page.arrive("/kiosk/")

    assert page.evaluate("() => history.length") == length


def type_case(page: Page, receipt: tuple[str, str]) -> None:
    page.open("/kiosk/progress")
    for name, text in zip(("project_no", "query_code"), receipt, strict=True):
        page.click(f"#{name}")
        for sign in text.lower():
            page.evaluate("(key) => document.querySelector(`.keyboard [data-key='${key}']`).click()", sign)


def in_fours(text: str) -> str:
    return text if "-" in text else " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def test_what_is_typed_can_be_shown_and_hidden_again_in_groups_of_four(page: Page) -> None:
    type_case(page, ("11440232MB2D06811W", "7k2mx9qf30tb"))
    value = "() => document.getElementById('query_code').value"
    states = [page.evaluate(value)]
    for _ in range(2):
        page.click("[data-show]")
        states.append(page.evaluate(value))

    assert states == ["•••• •••• 30TB", "7K2M X9QF 30TB", "•••• •••• 30TB"]


def test_a_look_up_without_a_line_says_not_now_and_keeps_what_was_typed(page: Page) -> None:
    type_case(page, ("37-2020-1", "0000-0000-0000"))
    page.run("globalThis.fetch = () => Promise.reject(new TypeError('no line'))")
    page.click("[data-lookup] button[type=submit]")
    page.wait("() => !!document.querySelector('.problem')")

    assert "现在查不了" in page.text(".problem")
    assert page.evaluate("() => document.getElementById('project_no').value").endswith("20-1")


def test_a_case_is_masked_while_it_is_typed_and_shown_then_gone(page: Page, receipt: tuple[str, str]) -> None:
    type_case(page, receipt)
    masked = page.evaluate("() => document.getElementById('project_no').value")
    typed = page.evaluate("() => document.documentElement.outerHTML")
    page.click("[data-lookup] button[type=submit]")
    page.wait("() => !!document.querySelector('.case .state')")
    address, kept = page.evaluate("() => [location.href, JSON.stringify({...sessionStorage, ...localStorage})]")
    told = page.text("[data-closing]")
    seconds(page, clear=1)
    page.click("[data-more-time]")
    page.arrive("/kiosk/")

    assert masked == in_fours("•" * (len(receipt[0]) - 4) + receipt[0][-4:])
    assert "秒后自动清除" in told
    assert not any(secret in address + kept + typed for secret in receipt)
    assert page.evaluate("() => [document.querySelector('.case'), sessionStorage.length]") == [None, 0]


def test_more_time_is_one_touch(page: Page, receipt: tuple[str, str]) -> None:
    type_case(page, receipt)
    page.click("[data-lookup] button[type=submit]")
    left = "Number.parseInt(document.querySelector('[data-closing]')?.innerText ?? '99', 10)"
    page.wait(f"() => {left} < 29")
    press = "document.querySelector('[data-more-time]').click()"
    before, after = page.evaluate(f"() => {{ const before = {left}; {press}; return [before, {left}] }}")

    assert before < 29
    assert after == 30


def test_the_case_is_out_of_the_page_before_the_page_is_left(page: Page, receipt: tuple[str, str]) -> None:
    type_case(page, receipt)
    page.click("[data-lookup] button[type=submit]")
    page.wait("() => !!document.querySelector('.case .state')")
    left = page.evaluate("""() => {
      dispatchEvent(new PageTransitionEvent("pagehide", {persisted: true}));
      return document.body.innerText + [...document.querySelectorAll("input")].map((each) => each.value).join();
    }""")

    assert not any(secret in left for secret in (*receipt, "办理过程"))


def test_a_wrong_pair_is_told_on_the_same_page_and_what_was_typed_stays(page: Page) -> None:
    type_case(page, ("37-2020-1", "0000-0000-0000"))
    page.click("[data-lookup] button[type=submit]")
    page.wait("() => !!document.querySelector('.problem')")
    page.click("[data-show]")
    values = [page.evaluate(f"() => document.getElementById('{name}').value") for name in ("project_no", "query_code")]

    assert "没有查到" in page.text(".problem")
    assert values == ["37-2020-1", "0000-0000-0000"]
    page.forgive(404)


SEEN = """(selectors) => selectors.map((selector) => [...document.querySelectorAll(selector)]
  .some((each) => each.checkVisibility()))"""
AS_PRINTED = """() => { for (const sheet of document.styleSheets) for (const rule of sheet.cssRules)
  if (rule instanceof CSSMediaRule && rule.media.mediaText === "print") rule.media.mediaText = "all" }"""


def test_paper_carries_the_code_that_proves_it_and_nothing_of_the_screen(page: Page, code: str) -> None:
    page.open(f"/kiosk/items/{code}")
    parts = (".seal .check .qr", ".bar", ".scan")
    on_screen = page.evaluate(SEEN, parts)
    page.evaluate(AS_PRINTED)

    assert on_screen == [False, True, True]
    assert page.evaluate(SEEN, parts) == [True, False, False]
    assert "摘要" in page.text(".seal")
    assert "大厅打印" in page.text(".printed")


def test_what_is_folded_on_the_screen_is_unfolded_for_the_printer_and_folded_again(page: Page, code: str) -> None:
    page.open(f"/kiosk/items/{code}")
    unfolded = "() => document.querySelector('.asked details').open"
    seen = [page.evaluate(unfolded)]
    for event in ("beforeprint", "afterprint"):
        page.evaluate("(event) => { dispatchEvent(new Event(event)) }", event)
        seen.append(page.evaluate(unfolded))

    assert seen == [False, True, False]


def test_a_call_shows_on_the_open_wall_without_a_reload(page: Page, county: EmbeddedCounty) -> None:
    page.resize(*DESK)
    page.open("/kiosk/board")
    page.run("window.untouched = true")
    kiosk = county.http("kiosk")
    for calls in ([{"ticket": "A032", "window": "A01"}], []):
        kiosk.put("/kiosk/v1/board", json={"calls": calls}).raise_for_status()
        page.wait("(shown) => document.querySelector('main').textContent.includes('A032') === shown", bool(calls))

    assert page.evaluate("() => window.untouched") is True
    assert page.evaluate(TOO_WIDE) == []
    assert barriers(page) == []
