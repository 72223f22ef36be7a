"""`python -m tests.harness.pictures`: take the screenshots of README and desk from a demo county started for it."""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from services.console.accounts.demo import DEMO_PASSWORD
from services.demo import content
from tests.harness.browser import HALL, Browser, Page
from tests.harness.county import REPOSITORY, EmbeddedCounty, running, wait_for

FOLDER = REPOSITORY / "docs" / "images"
LARGEST = 200_000
"""Bytes of a picture. If one is larger, use a smaller window: the repository keeps every version of it."""

CODE = content.guides()[0].code
"""The item whose pages are shown."""


@dataclass(frozen=True)
class Picture:
    """One page in a window of `size` CSS pixels, taken when `ready` (a JavaScript function) is true.

    `person`: the account of the demonstration that looks at it; empty: anybody.
    """

    name: str
    path: str
    size: tuple[int, int]
    ready: str
    person: str = ""


PICTURES = (
    Picture("web.png", f"/web/items/{CODE}", (1120, 840), "() => true"),
    Picture("kiosk.png", "/kiosk/", HALL, '() => document.getElementById("freshness").dataset.state === "now"'),
    Picture("verify.png", f"/verify/guide/{CODE}/1", (1120, 840), '() => !!document.querySelector("[data-done]")'),
)


READY = '() => document.readyState === "complete"'
WINDOW = (1120, 840)
DESK = (
    Picture("desk-home.png", "/console/", WINDOW, READY, "bianji"),
    Picture("desk-writing.png", f"/console/content/{CODE}", WINDOW, READY, "bianji"),
    Picture("desk-release.png", f"/console/release/compose?code={CODE}", WINDOW, READY, "fabu"),
    Picture("desk-operations.png", "/console/operations", WINDOW, READY, "yunwei"),
    Picture("desk-indicators.png", "/console/indicators", WINDOW, READY, "shenji"),
)
"""The desk's main pages, which docs/operating/desk.md shows."""


def main() -> int:
    """Return the exit code: 0 done, 1 if a picture is too large or a page has complaints."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        county = EmbeddedCounty(Path(folder) / "county", "--demo")
        with running(county):
            wait_for(lambda: _shows(county), "the demo is shown", 400)
            browser = Browser("chromium", Path(folder) / "browser")
            try:
                return _take_all(county, browser)
            finally:
                browser.close()


def _shows(county: EmbeddedCounty) -> bool:
    answers = [county.http(channel).get(f"/{channel}/v1/guides/{CODE}") for channel in ("web", "kiosk")]
    return all(answer.status_code == 200 for answer in answers)


def _take_all(county: EmbeddedCounty, browser: Browser) -> int:
    result = 0
    for picture in (*PICTURES, *DESK):
        with browser.page(county.url("web"), picture.size) as page:
            if picture.person:
                _sign_in(page, picture.person)
            page.open(picture.path)
            page.wait(picture.ready)
            size = page.screenshot(FOLDER / picture.name).stat().st_size
        sys.stdout.write(f"{picture.name}: {size:,} bytes\n")
        result = max(result, int(size > LARGEST))
    return result


def _sign_in(page: Page, name: str) -> None:
    page.open("/console/sign-in")
    page.type("#name", name)
    page.type("#password", DEMO_PASSWORD)
    page.click("main button")
    page.arrive("/console/")


if __name__ == "__main__":
    sys.exit(main())
