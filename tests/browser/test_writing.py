"""Writing in real browsers: a new author gets a guide released, a fee is changed, typing is kept, no barriers."""

import base64
import re

import pytest

from contracts.topology import CONSOLE
from services.console.accounts.demo import DEMO_PASSWORD
from services.console.accounts.people import new_account
from services.demo import content
from shared.database.engine import Database
from tests.harness.browser import Page
from tests.harness.county import EmbeddedCounty, wait_for
from tests.harness.form_files import pdf
from tests.harness.writing_desk import AUTHOR

FEE = next(guide for guide in content.guides() if guide.fees and guide.fees[0].amount_fen)
OLD = content.items()[0]
NEW = f"{OLD.code[:31]}77"
CHOOSE = """(selector, bytes) => {
  const taken = new DataTransfer();
  taken.items.add(new File([Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0))], "申请表.pdf"));
  document.querySelector(selector).files = taken.files;
}"""
WIDER_THAN_THE_SCREEN = "() => document.documentElement.scrollWidth > innerWidth"


class Hands:
    """A person at a page: every click and every key that is not text counts."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def click(self, selector: str) -> None:
        """Click as soon as the page is there: the one before may have what is looked for, too, but not for long."""
        loaded = "(selector) => document.readyState === 'complete' && document.querySelector(selector) !== null"
        self.page.wait(loaded, selector)
        self.page.click(selector)
        self.count += 1

    def write(self, selector: str, text: str) -> None:
        """Click into a field, and type over what is there."""
        self.click(selector)
        self.page.evaluate("(selector) => document.querySelector(selector).select()", selector)
        self.page.keys(text)

    def choose(self, selector: str, value: str) -> None:
        """Choose from a list: a click opens it, another one takes the choice."""
        change = "(selector, value) => { const one = document.querySelector(selector); one.value = value; "
        change += "one.dispatchEvent(new Event('change', {bubbles: true})); }"
        self.page.evaluate(change, selector, value)
        self.count += 2

    def press(self, act: str, words: str) -> None:
        """Press a button of the form, and wait for the words on the page that follows."""
        self.click(f"main [name=act][value='{act}']:not(.unseen)")
        self.page.wait("(words) => document.querySelector('main').innerText.includes(words)", words)


@pytest.fixture(scope="package")
def author(county: EmbeddedCounty) -> str:
    """Somebody who may write and release."""
    db = Database(CONSOLE, f"sqlite:///{county.folder / 'data' / 'console.db'}")
    with db.write() as session:
        session.add(new_account(AUTHOR, DEMO_PASSWORD, one_time=False))
    db.close()
    return AUTHOR.name


@pytest.fixture
def hands(page: Page, author: str) -> Hands:
    page.open("/console/sign-in")
    page.type("#name", author)
    page.type("#password", DEMO_PASSWORD)
    page.click("main button")
    page.arrive("/console/")
    return Hands(page)


@pytest.mark.one_browser
def test_a_new_author_gets_a_guide_released_in_25_clicks(hands: Hands, county: EmbeddedCounty) -> None:
    hands.page.open("/console/content")
    hands.click("a[href='/console/content/new']")
    hands.page.arrive("/console/content/new")
    hands.write("#q", "居民身份证办理")
    hands.click("main .filters button")
    hands.page.wait("() => document.querySelectorAll('.grid tbody tr').length === 1")
    hands.click(".grid tbody a")
    hands.page.wait("() => !!document.querySelector('#unit')")
    hands.choose("#unit", NEW[:18])
    hands.write("#situation", NEW[-2:])
    hands.choose("#copy", OLD.code)
    hands.click("main form button")
    hands.page.arrive(f"/console/content/{NEW}")
    hands.write("[name='item.task_name']", "居民身份证办理(夜间窗口)")
    hands.write("[name='item.promise_day']", "15")
    hands.choose("[name='item.is_fee']", "否")
    hands.write("[name='guide.link_way']", "云溪县公安局：0899-5350001")
    hands.press("add:guide.questions", "常见问题")
    number = len(next(one for one in content.guides() if one.code == OLD.code).questions)
    hands.write(f"[name='guide.questions.{number}.question']", "夜间窗口几点关？")
    hands.write(f"[name='guide.questions.{number}.answer']", "晚上八点。")
    hands.press("release", "事项第1版、办事指南第1版")

    assert hands.count <= 25
    shown = wait_for(lambda: county.http("web").get(f"/web/items/{NEW}").text, "the page", 60)
    wait_for(lambda: "夜间窗口几点关？" in county.http("web").get(f"/web/items/{NEW}").text, "the guide on the web", 60)
    assert shown


@pytest.mark.one_browser
def test_a_form_that_an_author_uploads_is_on_the_web_as_it_was(hands: Hands, county: EmbeddedCounty) -> None:
    code, form = content.items()[7].code, pdf("云溪县自己的申请表")
    place = "guide.materials.0"
    hands.page.open(f"/console/content/{code}")
    hands.page.evaluate(CHOOSE, f"[name='upload.blank.{place}']", base64.b64encode(form).decode())
    hands.press(f"upload:{place}.files", "空白表格：申请表.pdf")
    hands.press("release", "发布回执")

    def linked() -> str | None:
        page = county.http("web").get(f"/web/items/{code}").text
        found = re.search(rf'href="(/web/files/{code}/[0-9a-f]{{64}}\.pdf)"', page)
        return found and found[1]

    address = wait_for(linked, "the form on the web", 60)
    answer = county.http("web").get(address)
    assert (answer.content, answer.headers["content-type"]) == (form, "application/pdf")

    hands.page.open(f"/web/items/{code}")
    assert any("申请表.pdf" in one and "PDF" in one for one in hands.page.texts(".forms li"))


@pytest.mark.one_browser
def test_one_fee_is_changed_in_10_clicks(hands: Hands, county: EmbeddedCounty) -> None:
    hands.page.open("/console/content")
    hands.write("#q", FEE.code)
    hands.click(".filters button")
    hands.page.wait("() => document.querySelectorAll('.grid tbody tr').length === 1")
    hands.click(".grid tbody a")
    hands.page.arrive(f"/console/content/{FEE.code}")
    hands.write("[name='guide.fees.0.amount_fen']", "88")
    hands.write("[name='guide.fees.0.fee_stand']", "每证88元")
    hands.press("release", "发布回执")

    assert hands.count <= 10
    shows = "每证88元"
    wait_for(lambda: shows in county.http("web").get(f"/web/items/{FEE.code}").text, "the fee on the web", 60)


@pytest.mark.one_browser
def test_what_is_typed_is_kept_without_a_button(hands: Hands) -> None:
    code = content.items()[5].code
    hands.page.open(f"/console/content/{code}")
    hands.write("[name='guide.remedy']", "写到一半就走开了，材料：其他材料")
    hands.page.wait("() => document.getElementById('kept').textContent.includes('已自动暂存')")

    hands.page.open(f"/console/content/{code}")

    kept = hands.page.evaluate("() => document.querySelector(\"[name='guide.remedy']\").value")
    assert kept == "写到一半就走开了，材料：其他材料"
