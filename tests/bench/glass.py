"""`make bench-glass`: from the editor's release to the new fee on the glass of a kiosk, in a real browser.

Beside it in the same run, in turns, the least page that is told a text by a bare app: what browser and machine cost by
themselves. Both are timed from before the request until the frame after the one that shows it has begun; the page's
clock and ours are the machine's. The production shape is read through the gateway, as halls do. And each channel's
first page: when a browser that has nothing shows something.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from services.demo import content
from tests.bench.figures import spread
from tests.bench.run import servers
from tests.harness.browser import HALL, Browser, Page
from tests.harness.browser_programs import PROGRAMS
from tests.harness.county import (
    CHANNELS,
    County,
    EmbeddedCounty,
    ProductionCounty,
    answers,
    running,
    wait_for,
)
from tests.harness.gateway import gateway_before
from tests.harness.served import served

WARM, TURNS = 5, 4
PAINTED = """(mark) => new Promise((done) => {
    const look = () => {
        if (!document.getElementById("main").textContent.includes(mark)) return;
        watcher.disconnect();
        requestAnimationFrame(() => requestAnimationFrame(() => done(performance.timeOrigin + performance.now())));
    };
    const watcher = new MutationObserver(look);
    watcher.observe(document.body, {subtree: true, childList: true, characterData: true});
    look();
})"""
WATCH = f"(mark) => {{ window.painted = ({PAINTED})(mark); }}"
FIRST_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


def main() -> None:
    """One table for each browser and shape."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="tongyuan-bench-") as name:
        folder = Path(name)
        for program in arguments.browsers:
            (folder / program).mkdir()
            browser = Browser(program, folder / program)
            try:
                with running(EmbeddedCounty(folder / f"embedded-{program}")) as county:
                    measure(browser, "embedded", county, county.url("web"), arguments.releases)
                with servers(folder) as (rabbit, postgres):
                    database = postgres.url(postgres.create_database("glass"))
                    place = folder / f"production-{program}"
                    county = ProductionCounty(place, rabbit.new_vhost(), database)
                    with running(county), gateway_before(county, folder) as front:
                        measure(browser, "production", county, front, arguments.releases)
            finally:
                browser.close()


def measure(browser: Browser, shape: str, county: County, front: str, count: int) -> None:
    """Ours and the bare page in turns, so that what else the machine does strikes both."""
    guide = published(county)
    ours: list[float] = []
    theirs: list[float] = []
    with served("tests.harness.bare_stream:app", "--timeout-graceful-shutdown", "1") as other:
        for turn in range(TURNS):
            marks = [f"每件{turn}{number:03d}元整" for number in range(count // TURNS + WARM)]
            with browser.page(front, HALL) as page:
                page.open(f"/kiosk/items/{guide['code']}")
                ours += [on_the_glass(page, mark, released(county, guide, mark)) for mark in marks][WARM:]
            with browser.page(other, HALL) as page:
                page.open("/")
                theirs += [on_the_glass(page, mark, said(other, mark)) for mark in marks][WARM:]
    for name, times in (("kiosk", ours), ("bare page", theirs)):
        found = spread(times)
        told = f"{name:<9} p50 {found['p50']} ms   p99 {found['p99']} ms   n {len(times)}"
        print(f"{browser.name:<9} {shape:<11} release → {told}")
    for channel in CHANNELS:
        print(f"{browser.name:<9} {shape:<11} first paint {channel:<7} {first_paint(browser, front, channel):.0f} ms")


def on_the_glass(page: Page, mark: str, act: Callable[[], object]) -> float:
    """Milliseconds from before `act` until the page has painted `mark`."""
    page.evaluate(WATCH, mark)
    time.sleep(0.05)
    began = time.time()
    act()
    return float(page.evaluate("() => window.painted")) - began * 1000


def released(county: County, guide: dict[str, Any], stand: str) -> Callable[[], object]:
    """Writes the draft with this fee; called, it releases it."""
    http, path = county.http("guides"), f"/guides/v1/guides/{guide['code']}"
    fees = [{**guide["fees"][0], "fee_stand": stand, "amount_fen": None}, *guide["fees"][1:]]
    etag = {"If-Match": f'"{http.get(path).json()["revision"]}"'}
    http.put(path, json={**guide, "fees": fees}, headers=etag).raise_for_status()
    return lambda: http.post(f"{path}/release").raise_for_status()


def said(other: str, text: str) -> Callable[[], object]:
    """Called, it tells the bare page this text."""
    http = httpx.Client(base_url=other, trust_env=False)
    http.get("/")
    return lambda: http.post("/say", content=text.encode())


def first_paint(browser: Browser, front: str, channel: str) -> float:
    """Milliseconds from the request of a start page to something on the glass; the median of fresh profiles."""
    found = []
    for _ in range(WARM):
        with browser.page(front) as page:
            page.open(f"/{channel}/")
            found.append(page.wait(FIRST_PAINT))
    return sorted(found)[WARM // 2]


def published(county: County) -> dict[str, Any]:
    """The draft of a guide that the kiosk shows, with a fee."""
    catalog, guides = county.http("catalog"), county.http("guides")
    guide = next(one for one in content.guides() if one.fees)
    item = next(one for one in content.items() if one.code == guide.code)
    catalog.put("/catalog/v1/directory", json=[row.model_dump(mode="json") for row in content.directory()])
    for http, kind, draft in ((catalog, "catalog/v1/items", item), (guides, "guides/v1/guides", guide)):
        http.put(f"/{kind}/{draft.code}", json=draft.model_dump(mode="json")).raise_for_status()
        http.post(f"/{kind}/{draft.code}/release").raise_for_status()
    page = f"{county.url('kiosk')}/kiosk/items/{guide.code}"
    wait_for(lambda: answers(page), "the kiosk shows the guide")
    return guide.model_dump(mode="json")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=200, help="releases for each browser and shape")
    parser.add_argument("--browsers", nargs="+", default=["chromium"], choices=list(PROGRAMS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
