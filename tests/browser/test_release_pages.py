"""The desk's pages of releasing: a set is released, its receipt fills itself, a preview shows four channels."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.console.accounts.demo import DEMO_PASSWORD
from shared.text.dates import BEIJING
from tests.harness.accessibility import barriers
from tests.harness.browser import Page
from tests.harness.county import CHANNELS, EmbeddedCounty, wait_for

pytestmark = pytest.mark.one_browser
PICTURES = os.environ.get("TONGYUAN_PICTURES")


@pytest.fixture
def drafts(county: EmbeddedCounty) -> dict[str, Any]:
    """An item with a guide that every channel shows."""
    changes = county.http("kiosk").get("/kiosk/v1/changes?limit=500").json()["changes"]
    code = next(one["document"]["code"] for one in changes if one["key"].startswith("guide:"))
    places = {"catalog": "items", "guides": "guides"}
    return {
        name: county.http(name).get(f"/{name}/v1/{path}/{code}").json() | {"code": code}
        for name, path in places.items()
    }


def test_a_set_is_released_and_its_receipt_fills_itself(
    page: Page, county: EmbeddedCounty, drafts: dict[str, Any]
) -> None:
    sign_in(page)
    code = drafts["catalog"]["code"]
    asked = {"items": [{"code": code}], "guides": [{"code": code}], "note": "同时调整"}
    made = send(page, "/console/v1/sets", asked)
    wait_for(lambda: read(page, f"/console/v1/sets/{made['act']}")["state"] == "complete", "the set is complete", 60)
    receipt = read(page, "/console/v1/receipts")["receipts"][0]

    page.open(f"/console/release/receipts/{receipt['number']}")
    page.wait("() => document.querySelectorAll('td.good').length === 4")

    assert barriers(page) == []
    keep(page, "receipt")
    for channel in CHANNELS:
        shown = county.http(channel).get(f"/{channel}/v1/items/{code}").json()
        assert shown["source"]["version"] > drafts["catalog"]["in_force"]["version"]
    page.open(f"/console/release/sets/{made['act']}")
    assert "已发齐" in page.text("#main")
    assert barriers(page) == []


def test_a_preview_shows_the_draft_on_four_channels(page: Page, county: EmbeddedCounty, drafts: dict[str, Any]) -> None:
    edition = drafts["catalog"]
    code = edition["code"]
    draft = {**edition["draft"], "task_name": "只在预览里的名称"}
    http = county.http("catalog")
    revision = http.get(f"/catalog/v1/items/{code}").json()["revision"]
    http.put(f"/catalog/v1/items/{code}", json=draft, headers={"If-Match": f'"{revision}"'}).raise_for_status()
    sign_in(page)
    link = send(page, "/console/v1/previews", {"code": code})

    page.open(link["path"])

    assert page.evaluate("() => document.querySelectorAll('iframe').length") == len(CHANNELS)
    assert barriers(page) == []
    keep(page, "preview")
    for channel in CHANNELS:
        page.open(f"{link['path']}/{channel}")
        assert "预览·尚未发布" in page.text("body")
        assert "只在预览里的名称" in page.text("body")
        keep(page, f"preview-{channel}")


def test_what_a_screen_showed_is_answered_with_its_proof(
    page: Page, county: EmbeddedCounty, drafts: dict[str, Any]
) -> None:
    sign_in(page)
    at = datetime.now(BEIJING).isoformat()[:19]
    page.open(f"/console/release/shown?place=kiosk&code={drafts['catalog']['code']}&at={at}")

    assert "账本第" in page.text("#main")
    assert page.evaluate("() => document.querySelectorAll('iframe').length") == 1
    assert barriers(page) == []
    keep(page, "shown")


def test_what_is_scheduled_is_announced_on_every_channel_until_the_plan_is_cancelled(
    page: Page, county: EmbeddedCounty, drafts: dict[str, Any]
) -> None:
    sign_in(page)
    code, revision = drafts["catalog"]["code"], drafts["catalog"]["revision"]
    at = (datetime.now(BEIJING) + timedelta(days=1)).isoformat()
    told = {"text": "明天起：每证10元", "text_en": "From tomorrow: 10 yuan each"}
    asked = {"code": code, "etags": {"item": str(revision)}, "effective_at": at, "announcement": told}
    send(page, "/console/v1/releases", asked)

    for channel in CHANNELS:
        address = f"/{channel}/items/{code}"
        wait_for(lambda here=address: told["text"] in county.http("web").get(here).text, f"{channel} announces", 60)
        page.open(address)
        assert told["text"] in page.text(".announcement")
        assert barriers(page) == []
        keep(page, f"announced-{channel}")
    page.open(f"/console/release/plans/change?kind=item&code={code}")
    assert page.evaluate("() => document.querySelector('#announcement').value") == told["text"]
    assert barriers(page) == []
    keep(page, "announcing")

    page.open(f"/web/items/{code}")
    http, path = county.http("catalog"), f"/catalog/v1/items/{code}"
    etag = http.get(path).headers["etag"]
    http.post(f"{path}/cancel-plans", headers={"If-Match": etag}).raise_for_status()
    page.wait("() => document.querySelector('.announcement') === null")


def sign_in(page: Page) -> None:
    page.open("/console/sign-in")
    page.type("#name", "fabu")
    page.type("#password", DEMO_PASSWORD)
    page.keys("\ue007")
    page.arrive("/console/")


def send(page: Page, path: str, asked: dict[str, Any]) -> Any:
    script = """async (path, asked) => {
      const token = document.querySelector("meta[name=csrf]").content;
      const headers = {"X-CSRF-Token": token, "Content-Type": "application/json"};
      const answer = await fetch(path, {method: "POST", headers, body: JSON.stringify(asked)});
      return answer.ok ? await answer.json() : {refused: await answer.text()};
    }"""
    made = page.evaluate(script, path, asked)
    assert "refused" not in made, made
    return made


def read(page: Page, path: str) -> Any:
    return page.evaluate("async (path) => (await fetch(path)).json()", path)


def keep(page: Page, name: str) -> None:
    """Save a picture where `TONGYUAN_PICTURES` names a folder."""
    if PICTURES:
        page.screenshot(Path(PICTURES) / f"{name}.png", whole=True)
