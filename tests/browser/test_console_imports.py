"""A clerk imports a list in the browser: upload, mapping, preview, import, report, undo; with keyboard and axe."""

import base64
import os
from pathlib import Path

import pytest

from services.console.accounts.demo import DEMO_PASSWORD
from services.demo import content
from tests.harness.accessibility import barriers
from tests.harness.browser import NARROWEST, Browser, Page
from tests.harness.county import EmbeddedCounty
from tests.harness.workbooks import HEADER, xlsx

CHOOSE = """(name, content) => {
  const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
  const chosen = new DataTransfer();
  chosen.items.add(new File([bytes], name));
  document.getElementById("file").files = chosen.files;
}"""
TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"
PICTURES = os.environ.get("IMPORT_PICTURES")
"""Folder for pictures of the pages, for people; without it none are taken."""


def sign_in(page: Page, name: str) -> None:
    page.open("/console/sign-in")
    page.type("#name", name)
    page.type("#password", DEMO_PASSWORD)
    page.click("main button")
    page.arrive("/console/")


def looked_at(page: Page, name: str) -> None:
    """The page has no barrier, and fits on the smallest phone."""
    assert barriers(page) == []
    if PICTURES:
        page.screenshot(Path(PICTURES) / f"{name}.png", whole=True)
    page.resize(375, 800)
    assert not page.evaluate(TOO_WIDE), name
    if PICTURES:
        page.screenshot(Path(PICTURES) / f"{name}-375.png", whole=True)
    page.resize(1280, 900)


def choose(page: Page, file: Path) -> None:
    page.evaluate(CHOOSE, file.name, base64.b64encode(file.read_bytes()).decode())


def list_of(folder: Path, name: str, minutes: str) -> Path:
    """The first item of the demo, with another limit, and one that is new and one that breaks a rule."""
    first = content.items()[0]
    row = [first.code, first.task_name, "", first.dept_name, minutes, "", ""]
    wrong = ["123", "没有编码的事项", "行政许可", first.dept_name, "5个工作日", "", ""]
    labels = {"01": "行政许可", "07": "行政确认", "05": "行政给付", "20": "公共服务"}
    row[2] = labels.get(first.task_type, first.task_type)
    return xlsx(folder / name, ("清单", [HEADER, row, wrong]))


def test_a_clerk_imports_a_list_and_takes_it_back(browser: Browser, county: EmbeddedCounty, tmp_path: Path) -> None:
    with browser.page(county.url("web"), (1280, 900)) as page:
        sign_in(page, "fabu")
        page.open("/console/imports")
        looked_at(page, "list")
        choose(page, list_of(tmp_path, "清单.xlsx", "9个工作日"))
        page.click("main form button")
        page.wait("() => document.getElementById('mapping') !== null")
        looked_at(page, "mapping")
        assert page.evaluate("() => document.getElementById('column.code').value") == "实施编码"

        page.click("#mapping ~ form > button")
        page.wait("() => document.getElementById('preview') !== null")
        looked_at(page, "preview")
        assert "还什么都没有改" in page.text("#preview")
        assert "9" in page.text("#changes + div")

        page.click("form[action$='/run'] button")
        page.wait("() => document.getElementById('ended')?.textContent.includes('导入完成')")
        looked_at(page, "report")

        page.click("form[action$='/undo'] button")
        page.wait("() => document.getElementById('ended')?.textContent.includes('撤销的预览完成')")
        looked_at(page, "undo-preview")
        page.click("form[action$='/undo'] button.harm")
        page.wait("() => document.getElementById('ended')?.textContent.includes('撤销完成')")
        looked_at(page, "undone")
        assert page.evaluate("() => document.querySelector(\"form[action$='/undo']\") === null")


@pytest.mark.one_browser
def test_an_editor_prepares_and_cannot_import(browser: Browser, county: EmbeddedCounty, tmp_path: Path) -> None:
    with browser.page(county.url("web"), NARROWEST) as page:
        sign_in(page, "bianji")
        page.open("/console/imports")
        choose(page, list_of(tmp_path, "编辑的清单.xlsx", "8个工作日"))
        page.click("main form button")
        page.wait("() => document.getElementById('mapping') !== null")
        page.click("#mapping ~ form > button")
        page.wait("() => document.getElementById('preview') !== null")

        assert "由“发布”角色的同事来做" in page.text("main")
        assert page.evaluate("() => document.querySelector(\"form[action$='/run']\") === null")


@pytest.mark.one_browser
def test_a_foreign_file_is_told_at_the_field(browser: Browser, county: EmbeddedCounty, tmp_path: Path) -> None:
    file = tmp_path / "通知.xlsx"
    file.write_bytes(b"%PDF-1.7 not a table")
    with browser.page(county.url("web"), (1280, 900)) as page:
        sign_in(page, "fabu")
        page.open("/console/imports")
        choose(page, file)
        page.click("main form button")
        page.wait("() => document.getElementById('file-error') !== null")

        assert "PDF" in page.text("#file-error")
        looked_at(page, "refused")
