"""The harness sees what it is there to see: each complaint, in both browsers."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.harness.accessibility import barriers
from tests.harness.bidi import BidiError
from tests.harness.browser import Browser, Page
from tests.harness.browser_programs import PROGRAMS
from tests.harness.county import REPOSITORY, EmbeddedCounty, wait_for

Act = Callable[[Page], object]


@pytest.fixture
def complaints(browser: Browser, county: EmbeddedCounty) -> Callable[[Act], str]:
    """What a test would fail with, in which this is done on the home page."""

    def failing(act: Act) -> str:
        with pytest.raises(AssertionError) as failure:
            doing(act)
        return str(failure.value)

    def doing(act: Act) -> None:
        with browser.page(county.url("web")) as page:
            page.open("/web/")
            act(page)
            page.evaluate("() => new Promise((done) => setTimeout(done, 50))")

    return failing


def test_an_error_on_the_console_fails_a_test(complaints: Callable[[Act], str]) -> None:
    found = complaints(lambda page: page.evaluate("() => console.error('out of order')"))

    assert found == "console: out of order"


def test_an_exception_that_nobody_catches_fails_a_test(complaints: Callable[[Act], str]) -> None:
    found = complaints(lambda page: page.evaluate("() => { setTimeout(() => { throw new Error('by nobody') }) }"))

    assert "by nobody" in found


def test_a_request_to_another_origin_fails_a_test(browser: Browser, county: EmbeddedCounty) -> None:
    with pytest.raises(AssertionError, match="a request to another origin"), browser.page("http://127.0.0.1:1") as page:
        page.open(f"{county.url('web')}/web/")


def test_what_the_content_policy_stops_fails_a_test(complaints: Callable[[Act], str]) -> None:
    found = complaints(lambda page: page.evaluate("() => { document.body.setAttribute('style', 'color: red') }"))

    assert "content policy: style-src" in found


def test_a_file_that_does_not_come_fails_a_test(complaints: Callable[[Act], str]) -> None:
    ask = """() => new Promise((done) => {
      const link = document.createElement("link");
      Object.assign(link, {rel: "stylesheet", href: "/web/static/nothing.css", onerror: done});
      document.head.append(link);
    })"""

    assert "/web/static/nothing.css" in complaints(lambda page: page.evaluate(ask))


def test_a_barrier_is_found_and_named(page: Page) -> None:
    page.open("/verify/")  # no stream makes this page as the server has it again
    page.evaluate("() => { document.querySelector('main').innerHTML = '<button></button><input>' }")

    assert {line.partition(":")[0] for line in barriers(page)} == {"button-name", "label"}


def test_every_chinese_sign_has_its_own_picture(page: Page, tmp_path: Path) -> None:
    """Without a Chinese font each would be the same empty box."""
    page.open("/verify/")
    pictures = set()
    for sign in "同源办事":
        page.evaluate("(sign) => { document.body.textContent = sign }", sign)
        pictures.add(page.screenshot(tmp_path / "sign.png").read_bytes())

    assert len(pictures) == 4


def test_a_click_and_keys_do_what_a_person_does(page: Page) -> None:
    page.open("/web/")
    page.type("input[type=search]", "身份证")
    page.click(".search button")
    page.arrive("/web/search")

    assert "身份证" in page.text("main")


def test_a_tab_that_is_offline_reaches_nobody_until_it_is_online_again(page: Page) -> None:
    page.open("/web/")
    page.offline(True)
    with pytest.raises(BidiError):
        page.open("/web/items")
    cut = page.evaluate("() => navigator.onLine")
    page.offline(False)
    page.open("/web/items")

    assert (cut, page.evaluate("() => navigator.onLine")) == (False, True)


def test_a_page_remembers_nothing_of_the_page_of_another_test(browser: Browser, county: EmbeddedCounty) -> None:
    for _ in range(2):
        with browser.page(county.url("web")) as page:
            page.open("/web/")
            assert page.evaluate("() => localStorage.getItem('seen')") is None
            page.evaluate("() => localStorage.setItem('seen', 'yes')")


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_browser_ends_with_a_test_run_that_is_killed(name: str) -> None:
    # A short folder: Chromium puts a socket into its profile, and a socket's path has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="held-", ignore_cleanup_errors=True) as folder:
        with subprocess.Popen(
            [sys.executable, "-c", HOLDS, name, folder], cwd=REPOSITORY, stdout=subprocess.PIPE
        ) as run:
            assert run.stdout is not None
            said = run.stdout.readline()
            run.kill()

        wait_for(lambda: not alive(int(said)), f"{name} has ended", 120)


HOLDS = """
import sys, time
from pathlib import Path
from tests.harness.browser import Browser
print(Browser(sys.argv[1], Path(sys.argv[2])).program.process.pid, flush=True)
time.sleep(600)
"""


def alive(group: int) -> list[str]:
    """Command lines of a process group. Those that have ended and wait to be collected have none."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if stat.read_text().rpartition(")")[2].split()[2] == str(group):
                found.append(stat.with_name("cmdline").read_text())
    return [line for line in found if line]
