"""The line that says how old the data are speaks from a signed head that the page itself has checked."""

from collections.abc import Iterator

import pytest

from tests.harness.browser import HALL, Browser, Page
from tests.harness.county import EmbeddedCounty

STATE = "() => document.getElementById('freshness').dataset.state"
PROVE = """async () => {
  const {proven} = await import("/kiosk/static/head.js");
  const mark = await (await fetch("/kiosk/v1/position")).json();
  const listed = async () => (await (await fetch("/ledger/v1/keys")).json()).keys;
  const first = await proven(mark, null, listed);
  const flipped = (note) => note.replace(/\\n\\n(— \\S+ )(.{20})(.)/, (_, start, same, sign) =>
    `\\n\\n${start}${same}${sign === "A" ? "B" : "A"}`);
  const heads = {
    "as it is": {},
    "another signature": {checkpoint: flipped(mark.head.checkpoint)},
    "a longer life": {statement: mark.head.statement.replace(/"expires_at":"2/, '"expires_at":"3')},
    "another signature of the statement": {statement: flipped(mark.head.statement)},
    "a checkpoint for a statement": {statement: mark.head.checkpoint},
    "another size": {size: mark.head.size + 1},
    "another root": {root: "0".repeat(64)},
  };
  const found = {};
  const tried = async (name, given, before) => {
    found[name] = await proven(given, before, listed).then(() => "proven", (error) => error.constructor.name);
  };
  for (const [name, change] of Object.entries(heads)) {
    await tried(name, {...mark, head: {...mark.head, ...change}}, null);
  }
  await tried("a channel that is behind its head", {...mark, position: mark.head.size - 1}, null);
  await tried("once more", mark, first);
  await tried("after a later one", mark, {...first, sequence: first.sequence + 1});
  await tried("after a longer ledger", mark, {...first, size: first.size + 1});
  await tried("after another past", mark, {...first, root: "0".repeat(64)});
  await tried("in a new life of the channel", mark, {...first, sequence: first.sequence + 1, epoch: "another"});
  await tried("for who knows another key", mark, {...first, keys: [await otherKey(first.origin)]});
  return found;

  async function otherKey(name) {
    const {sha256, hex, joined} = await import("/kiosk/static/merkle.js");
    const raw = joined(Uint8Array.of(1), crypto.getRandomValues(new Uint8Array(32)));
    const id = hex((await sha256(joined(new TextEncoder().encode(`${name}\\n`), raw))).slice(0, 4));
    return `${name}+${id}+${btoa(String.fromCharCode(...raw))}`;
  }
}"""
REMEMBER = """() => {
  const line = document.getElementById("freshness");
  window.said = [];
  new MutationObserver(() => window.said.push([line.dataset.state, line.innerText]))
    .observe(line, {attributes: true, childList: true, characterData: true, subtree: true});
}"""
"""The next head that is proven ends what a spoilt one made the line say: perhaps before anybody looks."""

SPOILT = """async () => {
  const mark = await (await fetch("/kiosk/v1/position")).json();
  mark.head.statement = mark.head.statement.replace(/"expires_at":"2/, '"expires_at":"3');
  document.dispatchEvent(new CustomEvent("head", {detail: mark}));
}"""


@pytest.fixture(scope="module")
def screen(browser: Browser, county: EmbeddedCounty) -> Iterator[Page]:
    """A screen of the hall, the same for all."""
    with browser.page(county.url("kiosk"), HALL) as opened:
        yield opened


@pytest.fixture
def page(screen: Page) -> Page:
    """It shows a page anew, and its line has settled."""
    screen.open("/kiosk/windows", status=None)
    screen.wait(f"() => ({STATE})() === 'now'")
    return screen


def test_only_what_is_signed_and_goes_on_from_what_was_proven_is_proven(page: Page) -> None:
    found = page.evaluate(PROVE)

    assert [name for name, outcome in found.items() if outcome == "proven"] == [
        "as it is",
        "once more",
        "in a new life of the channel",
    ]
    assert [name for name, outcome in found.items() if outcome == "WentBack"] == [
        "after a later one",
        "after a longer ledger",
    ]
    assert set(found.values()) == {"proven", "WentBack", "Broken"}


def test_a_statement_that_was_altered_is_not_called_the_same_as_the_source(page: Page) -> None:
    same = page.text("#freshness")
    page.evaluate(REMEMBER)
    page.evaluate(SPOILT)
    wrong = page.wait("() => window.said.find(([state, text]) => state === 'wrong' && text.includes('核对'))")[1]
    page.wait(f"() => ({STATE})() === 'now'")

    assert "与发布源一致" in same
    assert "核对不通过" in wrong
    assert "一致" not in wrong


def test_an_open_line_on_which_nothing_new_comes_is_not_called_new(page: Page) -> None:
    page.run("{ const real = Date.now; Date.now = () => real() + 61_000 }")
    page.wait(f"() => ({STATE})() === 'late'")

    assert "还没有收到" in page.text("#freshness")


def test_a_clock_that_is_behind_the_ledgers_is_told(page: Page) -> None:
    page.run("{ const real = Date.now; Date.now = () => real() - 3_600_000 }")

    page.wait(f"() => ({STATE})() === 'clock'")


def test_who_cannot_check_signatures_says_so(page: Page) -> None:
    page.run("Object.defineProperty(globalThis, 'crypto', {value: {}, configurable: true})")
    page.evaluate(SPOILT)

    page.wait(f"() => ({STATE})() === 'unable'")
