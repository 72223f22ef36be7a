"""A county that releases only what was reviewed: from the submission to the receipt, with the keyboard alone."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyotp
import pytest

from contracts.base import format_time
from contracts.topology import CONSOLE
from services.console.accounts.people import new_account
from services.console.accounts.rights import REVIEWERS
from services.demo import content
from shared.database.engine import Database
from shared.tokens.person import Person, StaffRole
from tests.harness.accessibility import barriers
from tests.harness.browser import NARROWEST, Browser, Page
from tests.harness.county import EmbeddedCounty, running
from tests.harness.desk import GOOD_PASSWORD

pytestmark = pytest.mark.one_browser
ENTER, TAB, SPACE = "\ue007", "\ue004", " "
PICTURES = os.environ.get("TONGYUAN_PICTURES")
ITEM = content.items()[0]
SECRET = pyotp.random_base32()
WIDER_THAN_THE_SCREEN = "() => document.documentElement.scrollWidth > innerWidth"
REASONS = "() => [...document.querySelectorAll('[name^=\"why.\"]')].map((one) => one.name)"
PEOPLE = (
    Person("bianji", "林编辑", frozenset({StaffRole.EDITOR})),
    Person("shenhe", "周审核", frozenset(REVIEWERS[:3])),
    Person("fushen", "吴复审", frozenset(REVIEWERS[3:])),
    Person("fabu", "郑发布", frozenset({StaffRole.RELEASER})),
)


@pytest.fixture(scope="module")
def reviewing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCounty]:
    """A real county of five gates with four people and one draft."""
    made = EmbeddedCounty(tmp_path_factory.mktemp("reviewing"), env={"TONGYUAN_REVIEW": "five"})
    with running(made):
        db = Database(CONSOLE, f"sqlite:///{made.folder / 'data' / 'console.db'}")
        with db.write() as session:
            for person in PEOPLE:
                row = new_account(person, GOOD_PASSWORD, one_time=False)
                if StaffRole.RELEASER in person.roles:
                    row.totp_secret, row.totp_confirmed_at = SECRET, format_time(datetime.now(UTC))
                session.add(row)
        db.close()
        saved = made.http("catalog").put(f"/catalog/v1/items/{ITEM.code}", json=ITEM.model_dump(mode="json"))
        assert saved.is_success, saved.text
        yield made


class Keys:
    """A person at a page who has no mouse."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        page.open("/console/sign-in")
        self.go("#name")
        page.keys(name)
        self.go("#password")
        page.keys(GOOD_PASSWORD + ENTER)
        if name == "fabu":
            page.arrive("/console/sign-in/code")
            self.go("#code")
            page.keys(pyotp.TOTP(SECRET).now() + ENTER)
        page.arrive("/console/")

    def go(self, selector: str) -> None:
        """Press Tab until an element has the focus."""
        has_it = "(selector) => document.activeElement.matches(selector)"
        for _ in range(300):
            if self.page.evaluate(has_it, selector):
                return
            self.page.keys(TAB)
        raise AssertionError(f"{selector} cannot be reached with Tab at {self.page.path}")

    def press(self, selector: str, key: str = ENTER) -> None:
        self.go(selector)
        self.page.keys(key)

    def sees(self, words: str) -> None:
        self.page.wait("(words) => document.querySelector('main').innerText.includes(words)", words, seconds=60)

    def looks(self, name: str) -> None:
        """Require that the page has no barrier and fits a narrow screen; keep a picture where one is wanted."""
        assert barriers(self.page) == [], name
        self.keep(name)
        self.page.resize(*NARROWEST)
        assert not self.page.evaluate(WIDER_THAN_THE_SCREEN), name
        self.keep(f"{name}-narrow")
        self.page.resize(1280, 900)

    def keep(self, name: str) -> None:
        if PICTURES:
            self.page.screenshot(Path(PICTURES) / f"{name}.png", whole=True)


def test_what_five_gates_have_signed_is_released_with_the_keyboard_alone(
    browser: Browser, reviewing: EmbeddedCounty
) -> None:
    url = reviewing.url("web")
    with browser.page(url) as page:
        editor = Keys(page, "bianji")
        page.open(f"/console/content/{ITEM.code}")
        editor.press("main [name=act][value=submit]")
        editor.sees("待审核")
        editor.looks("review-submitted")
        review = page.path
    for name, gates in (("shenhe", REVIEWERS[:3]), ("fushen", REVIEWERS[3:])):
        with browser.page(url) as page:
            signer = Keys(page, name)
            signer.looks(f"home-{name}")
            page.open("/console/reviews")
            signer.looks(f"reviews-{name}")
            signer.press(f"main a[href='{review}']")
            page.arrive(review)
            signer.looks(f"review-{name}")
            for role in gates:
                signer.press(f"[name=gate][value={role.partition('.')[2]}]", SPACE)
            for field in page.evaluate(
                "() => [...document.querySelectorAll('[name^=\"why.\"]')].map((one) => one.name)"
            ):
                signer.go(f"[name='{field}']")
                page.keys("核对过，可以这样写")
            signer.press("[name=verdict][value=pass]")
            signer.sees(f"✓ 通过：{'周审核' if name == 'shenhe' else '吴复审'}")
    with browser.page(url) as page:
        releaser = Keys(page, "fabu")
        page.open(review)
        releaser.sees("已通过，待发布")
        releaser.press("main a.door[href*='/release/compose']")
        page.arrive("/console/release/compose")
        releaser.looks("compose")
        releaser.press("[formaction$='/compose/send']")
        page.wait("() => location.pathname.startsWith('/console/release/receipts/')", seconds=60)
        page.wait("() => document.querySelectorAll('td.good').length === 4", seconds=60)
        releaser.looks("receipt")
        for path in ("reviews/urgent", "reviews/absence", "release/plans"):
            page.open(f"/console/{path}")
            releaser.looks(path.replace("/", "-"))
