"""The pages of subscribers in a browser: a webhook is added, tested, read and paused; no barrier; usable on a phone."""

from collections.abc import Iterator

import pytest

from services.console.accounts.demo import DEMO_PASSWORD
from tests.harness.accessibility import barriers
from tests.harness.browser import DESK, NARROWEST, Page
from tests.harness.receivers import Receiver, receiver, status

ANSWERED = (
    """() => [...document.querySelectorAll("td[data-label='状态']")].some((one) => one.textContent === "已送达")"""
)
DELIVERED = """() => [...document.querySelectorAll("tbody tr")]
    .find((row) => row.querySelector("td[data-label='状态']")?.textContent === "已送达")
    .querySelector("a[href*='/deliveries/']").getAttribute("href")"""
"""The page of a delivery that was answered: others may not have been tried yet."""

TRIES = 300


@pytest.fixture
def administrator(page: Page) -> Page:
    page.open("/console/sign-in")
    page.type("[name=name]", "guanli")
    page.type("[name=password]", DEMO_PASSWORD)
    page.click("main form button")
    page.arrive("/console/")
    return page


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver(status(204)) as made:
        yield made


def require_usable(page: Page) -> None:
    """Neither width has a barrier, and nothing is wider than the screen."""
    for size in (DESK, NARROWEST):
        page.resize(*size)
        assert barriers(page) == [], (page.path, size)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), (page.path, size)
    page.resize(*DESK)


@pytest.mark.one_browser
def test_a_webhook_is_added_tested_read_and_paused(administrator: Page, there: Receiver) -> None:
    page = administrator
    page.open("/console/subscribers/+new")
    page.type("#name", "市数据共享平台")
    page.click("[name=delivery][value=webhook]")
    page.type("#url", "ftp://hooks.example.gov.cn")
    page.click("[name=start][value=everything]")
    page.click("[name=kinds][value=item]")
    page.click("main form button")
    page.wait("() => document.querySelector('#url-error') !== null")
    require_usable(page)
    page.evaluate("(url) => { document.querySelector('#url').value = url; }", there.url)
    page.click("main form button")
    page.wait("() => document.querySelectorAll('code.secret').length === 3")
    assert page.evaluate("() => document.querySelector('code.secret').textContent").startswith("tysub_")
    require_usable(page)

    page.click("main a.door")
    page.wait("() => document.querySelector('h1').textContent.startsWith('市数据共享平台')")
    subscriber = page.path
    page.click(f"form[action='{subscriber}/test'] button")
    page.wait("() => location.search === '?done=tested'")
    shown = (page.evaluate(ANSWERED) or page.open(subscriber) for _ in range(TRIES))
    assert any(shown), "the test event was not delivered"
    require_usable(page)
    page.open(page.evaluate(DELIVERED))
    page.wait("() => document.querySelector('pre.secret') !== null")
    require_usable(page)

    page.open(subscriber)
    page.type("#reason", "浏览器测试")
    page.click(f"form[action='{subscriber}/pause'] button")
    page.wait("() => location.search === '?done=paused'")
    page.open("/console/subscribers")
    assert "已暂停：浏览器测试" in page.text("main")
    require_usable(page)
    assert there.calls, "the receiver was called"
