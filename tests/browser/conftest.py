"""Both browsers, each before a demo county of its own; a page fails its test for errors that nobody asked about."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from services.demo import content
from tests.harness.browser import Browser, Page
from tests.harness.browser_programs import PROGRAMS
from tests.harness.county import CHANNELS, EmbeddedCounty, running, wait_for

WHOLE_DEMO = len(content.items()) + len(content.guides())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test runs in each browser, `one_browser` in the first, and all tests of one browser in one process.

    A test marked `second_browser_long` is one of the long tests in the second browser.
    """
    if "browser" in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker
        first, *others = PROGRAMS
        long = [pytest.mark.long] if marked("second_browser_long") else []
        names = [_in_browser(first)] + ([] if marked("one_browser") else [_in_browser(name, *long) for name in others])
        metafunc.parametrize("browser", names, indirect=True, scope="package")


def _in_browser(name: str, *marks: pytest.MarkDecorator) -> Any:
    return pytest.param(name, marks=[pytest.mark.xdist_group(f"browser-{name}"), *marks])


@pytest.fixture(scope="package")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCounty]:
    """A demo county, as `make run` starts it, all of its content on every channel."""
    made = EmbeddedCounty(tmp_path_factory.mktemp("county"), "--demo")
    with running(made):
        wait_for(lambda: all(_shows_all(made, channel) for channel in CHANNELS), "every channel shows the demo", 400)
        yield made


def _shows_all(county: EmbeddedCounty, channel: str) -> bool:
    """Items and guides come before the first case."""
    shown = county.http(channel).get(f"/{channel}/v1/source").json()
    return bool(shown["position"] >= WHOLE_DEMO)


@pytest.fixture(scope="package")
def browser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser, started once."""
    started = Browser(request.param, tmp_path_factory.mktemp(request.param))
    yield started
    started.close()


@pytest.fixture
def page(browser: Browser, county: EmbeddedCounty) -> Iterator[Page]:
    """A tab that remembers nothing, at the county."""
    with browser.page(county.url("web")) as opened:
        yield opened


@pytest.fixture(scope="package")
def code(county: EmbeddedCounty) -> str:
    """An item that all channels show, with a guide."""
    shown = [
        {row["code"] for row in county.http(channel).get(f"/{channel}/v1/items?limit=100").json()["items"]}
        for channel in CHANNELS
    ]
    return min(set.intersection(*shown))


@pytest.fixture(scope="package")
def receipt(county: EmbeddedCounty) -> tuple[str, str]:
    """Number and query code of a case of the demo that the hall can be asked about."""
    cells = wait_for(lambda: re.findall(r"<code>([^<]+)</code>", county.http("web").get("/demo/").text), "a receipt")
    # Counted, not looked up: look-ups are limited, and the tests need theirs.
    wait_for(lambda: _cases(county) >= len(content.cases()), "the hall knows every case")
    return cells[0], cells[1]


def _cases(county: EmbeddedCounty) -> int:
    counts = county.http("kiosk").get("/kiosk/v1/source").json()["digests"]["counts"]
    return int(counts.get("application", 0))
