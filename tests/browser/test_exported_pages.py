"""Exported pages on a web server that says nothing of its own: they work, and what was put into one does not."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from services.operations.export import Export
from tests.harness.browser import Browser, Page
from tests.harness.county import EmbeddedCounty

INJECTED = """<script>window.injected = "inline"</script>
<img src="icon.svg?injected" onload="window.injected = 'handler'" alt="">
<script src="data:text/javascript,window.injected='data'"></script>
<style>body { display: none }</style>"""


class Quiet(SimpleHTTPRequestHandler):
    """Python's own web server: no policy, no log."""

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="package")
def files(county: EmbeddedCounty, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portal of the demo county as files."""
    folder = tmp_path_factory.mktemp("exported")
    Export(county.http("portal"), "portal", county.url("portal")).run(folder)
    return folder


@pytest.fixture(scope="package")
def site(files: Path) -> Iterator[str]:
    """Address of the files."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(files))) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        serving.join()


@pytest.fixture
def exported(browser: Browser, site: str) -> Iterator[Page]:
    """A tab at the files. What the policy stops is a complaint, and fails the test."""
    with browser.page(site) as opened:
        yield opened


def stopped(page: Page) -> list[str]:
    page.settle()
    return [one for one in page.complaints if "content policy" in one.lower() or "Content-Security-Policy" in one]


def test_every_kind_of_page_works_and_nothing_that_it_needs_is_stopped(exported: Page, files: Path) -> None:
    item = next(iter(sorted((files / "items").glob("*.html"))))
    for address in ("/index.html", "/items.html", f"/items/{item.name}"):
        exported.open(address)
        assert exported.text("h1")
        styled = exported.evaluate("() => getComputedStyle(document.body).fontFamily")
        assert "serif" in styled
        assert exported.evaluate("() => document.documentElement.dataset.injected ?? null") is None


def test_a_search_leads_to_the_county(exported: Page, county: EmbeddedCounty) -> None:
    exported.open("/index.html")
    exported.type("form.search input", "身份证")
    exported.click("form.search button")
    host = urlsplit(county.url("portal")).netloc
    arrived = f"location.host === '{host}' && location.pathname === '/portal/search'"
    exported.wait(f"() => {arrived} && document.readyState === 'complete'")  # Firefox may hang if left earlier
    # And back, to a page that the browser may have kept: what the county's page asks for late is not asked any more.
    exported.open("/index.html", status=None)
    assert stopped(exported) == []
    exported.complaints.clear()  # that another place was asked was the purpose


def test_a_script_that_somebody_put_into_a_page_is_not_run(exported: Page, files: Path) -> None:
    page = (files / "index.html").read_text()
    (files / "altered.html").write_text(page.replace("</main>", f"{INJECTED}</main>"))
    exported.open("/altered.html")
    exported.wait("() => document.querySelector('img[onload]').complete")

    assert exported.evaluate("() => window.injected ?? null") is None
    assert exported.evaluate("() => getComputedStyle(document.body).display") != "none"
    found = stopped(exported)
    assert any("script" in one for one in found), found
    assert any("style" in one for one in found), found
    exported.complaints.clear()

    without = page.partition('<meta http-equiv="Content-Security-Policy"')
    bare = without[0] + without[2].partition(">")[2]
    (files / "bare.html").write_text(bare.replace("</main>", f"{INJECTED}</main>"))
    exported.open("/bare.html")
    exported.wait("() => window.injected")  # the policy was what kept it out
    exported.complaints.clear()
