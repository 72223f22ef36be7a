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
