"""What every page of every channel keeps: no error, nobody else asked, no sideways scrolling, no barrier."""

import pytest

from tests.harness.accessibility import barriers
from tests.harness.browser import NARROWEST, Page
from tests.harness.county import CHANNELS

pytestmark = pytest.mark.second_browser_long

ADDRESSES = {"home": "", "list": "items", "search": "search?q=身份证", "progress": "progress", "item": "items/{code}"}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("name", ADDRESSES)
def test_a_page_is_read_without_error_barrier_or_sideways_scrolling(
    page: Page, channel: str, name: str, code: str
) -> None:
    page.open(f"/{channel}/{ADDRESSES[name].format(code=code)}")

    assert barriers(page) == []

    page.resize(*NARROWEST)

    assert page.evaluate("() => document.documentElement.scrollWidth") <= NARROWEST[0]
    assert barriers(page) == []


@pytest.mark.one_browser
@pytest.mark.parametrize("place", [*CHANNELS, "verify", "nowhere"])
def test_the_page_of_an_error_is_a_page_like_any_other(page: Page, place: str) -> None:
    page.open("/nothing" if place == "nowhere" else f"/{place}/v1" if place == "verify" else f"/{place}/nothing", 404)

    assert page.text("h1 .zh") == "没有这个页面"
    assert page.evaluate("() => document.documentElement.lang") == "zh-CN"
    assert barriers(page) == []

    page.resize(*NARROWEST)

    assert page.evaluate("() => document.documentElement.scrollWidth") <= NARROWEST[0]
    assert barriers(page) == []
