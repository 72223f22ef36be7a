"""The page that composes a set: what is found and ticked, what each member changes, and what is then released."""

import re

import httpx
import pytest

from services.console.release import compose_routes
from tests.harness.actors import TESTER
from tests.harness.pipeline import code_of, guide, item, pipeline
from tests.harness.releasing import RELEASER, releasing

FIRST, SECOND = f"item:{code_of(1)}", f"guide:{code_of(1)}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compose")
    (folder / "county").mkdir()
    with pipeline(folder / "county", channels=["web"]) as county, releasing(folder / "desk", county) as made:
        for number in (1, 2):
            county.release(item(number, f"第{number}项"))
            county.release(guide(number, f"第{number}项"))
        save(county, 1, "改了名称")
        county.flow()
        yield made


@pytest.fixture
def browser(desk):
    return desk.made.session("fabu")


def save(county, number, name):
    row = county.get(f"catalog/v1/items/{code_of(number)}", "admin-token-of-a-test").json()
    body = item(number, name).model_dump(mode="json")
    county.catalog.save_item(TESTER, code_of(number), body, row["revision"])


def revision(desk, key):
    page = desk.made.session("fabu").submit("/release/compose", **{"from": "mine", "member": key}).text
    return re.search(rf'name="seen.{key}" value="(\d+)"', page)[1]


def test_items_and_guides_are_found_by_words_and_by_their_unreleased_changes(browser):
    every = browser.submit("/release/compose", **{"from": "", "q": "项"}).text
    changed = browser.submit("/release/compose", **{"from": "changed", "q": ""}).text

    assert f'value="item:{code_of(2)}"' in every
    assert f'value="guide:{code_of(2)}"' in every
    assert f'value="{FIRST}"' in changed
    assert code_of(2) not in changed


def test_a_ticked_member_stays_and_shows_what_it_changes(browser):
    page = browser.submit("/release/compose", **{"from": "", "q": "", "member": [FIRST, SECOND]}).text

    assert "这一组：2 项" in page
    assert "<del>第1项</del>" in page
    assert "<ins>改了名称</ins>" in page
    assert "与现在公布的相同" in page


def test_what_has_changed_of_a_code_is_ticked_and_the_rest_is_left_out(browser):
    page = browser.get("/release/compose", params={"code": code_of(1)}).text

    assert "这一组：1 项" in page
    assert f'value="{FIRST}" checked' in page


def test_a_set_is_released_at_a_time_of_the_county_with_its_note(desk, browser):
    asked = {"member": [FIRST, SECOND], f"op.{SECOND}": "withdraw", "effective_at": "2099-03-01T08:00", "note": "调整"}
    seen = {f"seen.{key}": revision(desk, key) for key in (FIRST, SECOND)}
    answer = browser.submit("/release/compose/send", **asked, **seen)

    assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
    made = desk.sets.read(answer.headers["location"].rpartition("/")[2])
    assert (made["effective_at"], made["note"]) == ("2099-03-01T00:00:00.000000Z", "调整")
    assert made["members"]["catalog"] == [{"code": code_of(1), "op": "release", "revision": int(seen[f"seen.{FIRST}"])}]
    assert made["members"]["guides"][0]["op"] == "withdraw"
    desk.sets.cancel(RELEASER, made["act"])


def test_a_set_leads_to_its_receipt(desk, browser):
    key = f"item:{code_of(2)}"
    save(desk.county, 2, "再改")
    answer = browser.submit("/release/compose/send", **{"member": key, f"seen.{key}": revision(desk, key)})
    act = answer.headers["location"].rpartition("/")[2]

    assert desk.settle(act) == "complete"

    number = desk.sets.read(act)["receipt"]
    assert f"/console/release/receipts/{number}" in browser.get(f"/release/sets/{act}").text
    assert "成组发布 1 项" in browser.get(f"/release/receipts/{number}").text


def test_a_draft_that_nobody_has_looked_at_is_not_released(desk, browser):
    before = revision(desk, FIRST)
    save(desk.county, 1, "刚刚又改")
    answer = browser.submit("/release/compose/send", **{"member": FIRST, f"seen.{FIRST}": before, "note": "打好的说明"})

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "又改过" in answer.text
    assert "刚刚又改" in answer.text
    assert "打好的说明" in answer.text
    assert f'name="seen.{FIRST}" value="{revision(desk, FIRST)}"' in answer.text


def test_a_set_without_members_and_one_for_the_past_are_refused_at_their_fields(desk, browser):
    nothing = browser.submit("/release/compose/send")
    key = f"seen.{FIRST}"
    asked = {"member": FIRST, key: revision(desk, FIRST), "effective_at": "2020-01-01T08:00"}
    past = browser.submit("/release/compose/send", **asked)

    assert "请先勾选" in nothing.text
    assert 'id="effective_at-error"' in past.text
    assert past.status_code == httpx.codes.UNPROCESSABLE_ENTITY


def test_an_editor_may_compose_but_not_release(desk):
    browser = desk.made.session("bianji")

    assert "由有“发布”角色的同事发布" in browser.submit("/release/compose", **{"from": "mine", "member": FIRST}).text
    assert browser.submit("/release/compose/send", member=FIRST).status_code == httpx.codes.FORBIDDEN


def test_a_change_note_that_is_too_long_is_refused_at_its_field_and_stays_as_it_was_typed(desk, browser):
    long = "说明" * 251
    refused = browser.submit(
        "/release/compose/send", member=FIRST, note=long, **{f"seen.{FIRST}": revision(desk, FIRST)}
    )

    assert refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert 'id="note-error"' in refused.text
    assert "变更说明最多500字" in refused.text
    assert long in refused.text


def test_the_note_of_undoing_a_set_is_refused_when_it_is_too_long_and_nothing_begins(desk, browser):
    key = f"item:{code_of(2)}"
    save(desk.county, 2, "第三次改")
    sent = browser.submit("/release/compose/send", **{"member": key, f"seen.{key}": revision(desk, key)})
    act = sent.headers["location"].rpartition("/")[2]
    assert desk.settle(act) == "complete"
    long = "撤销" * 251
    before = len(desk.sets.listed())
    refused = browser.submit(f"/release/sets/{act}/undo", note=long)

    assert refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "撤销说明最多500字" in refused.text
    assert long in refused.text
    assert len(desk.sets.listed()) == before


def test_more_members_than_a_set_may_have_are_refused_and_none_is_left_out_in_silence(desk, monkeypatch):
    monkeypatch.setattr(compose_routes, "MOST_CHOSEN", 1)
    seen = {f"seen.{key}": revision(desk, key) for key in (FIRST, SECOND)}
    refused = desk.made.session("fabu").submit("/release/compose/send", member=[FIRST, SECOND], **seen)

    assert refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "一组最多1项，现在是2项" in refused.text
    assert "这一组：2 项" in refused.text
