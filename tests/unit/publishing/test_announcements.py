"""What is scheduled is announced on the page in force until it begins: on every channel, and not a moment longer."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.envelope.publication import Publication
from services.channels.core import announcements as on_pages
from services.channels.core import store
from services.runtime.manifests import CHANNELS
from shared.errors import Invalid
from shared.publishing.editions import EditionState, Plans
from shared.transparency.canonical import digest
from tests.harness.actors import TESTER
from tests.harness.pipeline import ADMIN, code_of, guide, item, pipeline
from tests.harness.wall_clock import WallClock

CODE, KEY = code_of(1), f"item:{code_of(1)}"
TEXT, ENGLISH = "明天起：每证10元", "From tomorrow: 10 yuan each"
SECRET = "尚未公开的新名称"
AS_ADMIN = {"Authorization": f"Bearer {ADMIN}"}


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path) as made:
        made.release(item(1, "旧"))
        made.release(guide(1, "旧"))
        made.flow()
        yield made


@pytest.fixture
def clock(monkeypatch):
    return WallClock(monkeypatch, store, on_pages)


def at(hours):
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def plan(county, hours, text=TEXT, name=SECRET, source="catalog", **more):
    one = item(1, name) if source == "catalog" else guide(1, name)
    path = "catalog/v1/items" if source == "catalog" else "guides/v1/guides"
    revision = county.get(f"{path}/{CODE}", ADMIN).headers["etag"]
    county.http.put(f"/{path}/{CODE}", json=one.model_dump(mode="json"), headers={**AS_ADMIN, "If-Match": revision})
    words = {"text": text, "text_en": ENGLISH} if text else None
    asked = {"effective_at": at(hours), "announcement": words, **more}
    revision = county.get(f"{path}/{CODE}", ADMIN).headers["etag"]
    answer = county.http.post(f"/{path}/{CODE}/release", json=asked, headers={**AS_ADMIN, "If-Match": revision})
    county.flow()
    return answer


def cancel(county):
    revision = county.get(f"catalog/v1/items/{CODE}", ADMIN).headers["etag"]
    path = f"/catalog/v1/items/{CODE}/cancel-plans"
    assert county.http.post(path, headers={**AS_ADMIN, "If-Match": revision}).is_success
    county.flow()


def told(county, channel="web"):
    """Return the announcements on a page, in Chinese."""
    page = county.get(f"{channel}/items/{CODE}").text
    return [text for text in (TEXT, "后天起：免费", "下月起：停办") if text in page]


def on_all(texts):
    return {channel: list(texts) for channel in CHANNELS}


def everywhere(county):
    return {channel: told(county, channel) for channel in CHANNELS}


def test_every_channel_announces_what_is_scheduled_in_both_languages_and_reveals_nothing_else(county):
    assert plan(county, 2).is_success

    assert everywhere(county) == on_all([TEXT])
    for channel in CHANNELS:
        page = county.get(f"{channel}/items/{CODE}").text
        assert ENGLISH in page
        assert SECRET not in page
    listed = county.get(f"ledger/v1/versions/{KEY}").text + county.get("ledger/v1/entries", after=0, limit=50).text
    assert TEXT in listed
    assert SECRET not in listed


def test_it_vanishes_on_every_channel_at_the_moment_at_which_the_version_begins(county, clock):
    plan(county, 2)
    clock.forward(timedelta(hours=3))
    for channel in county.channels.values():
        channel.turn_pages()

    assert everywhere(county) == on_all([])
    assert SECRET in county.get(f"web/items/{CODE}").text


def test_it_is_off_the_page_at_its_time_although_the_channel_has_not_turned_its_pages(county, clock):
    plan(county, 2)
    clock.forward(timedelta(hours=3))

    assert everywhere(county) == on_all([])


def test_the_announcement_is_part_of_the_entry_that_the_ledger_proves(county):
    plan(county, 2)
    document = county.get(f"web/v1/items/{CODE}").json()
    entry = county.get(f"ledger/v1/entries/{document['source']['position']}").json()

    assert document["announcements"] == [
        {"text": TEXT, "text_en": ENGLISH, "until": document["announcements"][0]["until"]}
    ]
    assert entry["body"]["announcements"] == document["announcements"]
    assert digest(Publication.model_validate(entry).content()) == document["source"]["digest"]
    assert county.get("ledger/v1/proof/inclusion", position=entry["position"]).is_success


def test_a_rebuilt_channel_has_the_same_bytes(county):
    plan(county, 2)
    before = {channel: county.get(f"{channel}/v1/items/{CODE}").content for channel in CHANNELS}
    for channel in CHANNELS:
        county.rebuild(channel)

    assert {channel: county.get(f"{channel}/v1/items/{CODE}").content for channel in CHANNELS} == before


def test_it_is_cancelled_with_the_plan_in_one_transaction(county):
    plan(county, 2)
    before = county.execute("catalog", "SELECT count(*) FROM release")[0][0]
    cancel(county)

    assert everywhere(county) == on_all([])
    assert county.execute("catalog", "SELECT count(*) FROM release")[0][0] == before + 1


def test_it_goes_with_its_item_and_comes_back_with_it_while_the_plan_stands(county):
    plan(county, 2)
    county.withdraw(item(1), EditionState.SUSPENDED, plans=Plans.KEEP)
    county.flow()
    assert county.get(f"web/items/{CODE}").status_code == 410
    assert TEXT not in county.get(f"web/items/{CODE}").text


def test_an_overtaken_plan_takes_its_announcement_with_it(county):
    plan(county, 2)
    plan(county, 1, text=None, name="抢先", plans="cancel")

    assert told(county) == []
    assert [one["op"] for one in county.get(f"catalog/v1/items/{CODE}", ADMIN).json()["planned"]] == ["release"]


def test_a_correction_at_once_that_keeps_the_plan_keeps_its_announcement(county):
    plan(county, 2)
    county.release(item(1, "更正"), plans=Plans.KEEP)
    county.flow()

    assert everywhere(county) == on_all([TEXT])
    assert "更正" in county.get(f"web/items/{CODE}").text


def test_two_plans_are_announced_in_order_and_the_second_stays_after_the_first_has_begun(county, clock):
    plan(county, 4, text="后天起：免费", name="第二")
    plan(county, 2, plans="keep", name="第一")
    page = county.get(f"web/items/{CODE}").text
    assert 0 < page.index(TEXT) < page.index("后天起：免费")

    clock.forward(timedelta(hours=3))
    county.channels["web"].turn_pages()
    assert told(county) == ["后天起：免费"]
    assert "第一" in county.get(f"web/items/{CODE}").text


def test_a_plan_with_another_text_replaces_the_announcement_in_one_step(county):
    plan(county, 2)
    plan(county, 2, text="后天起：免费", name="另一版", plans="cancel")

    assert everywhere(county) == on_all(["后天起：免费"])


def test_an_announcement_of_a_guide_is_on_the_page_of_its_item(county):
    assert plan(county, 2, source="guides").is_success

    assert everywhere(county) == on_all([TEXT])


def test_the_draft_of_the_editor_never_holds_an_announcement(county):
    plan(county, 2)
    seen = county.get(f"catalog/v1/items/{CODE}", ADMIN).json()
    assert "announcements" not in seen["draft"]
    assert "announcements" not in seen["in_force"]["body"]
    assert seen["planned"][0]["announcement"] == {"text": TEXT, "text_en": ENGLISH}
    assert not seen["draft_changed"]

    told_by_hand = {**seen["draft"], "announcements": [{"text": "自己写", "until": at(1)}]}
    with pytest.raises(Invalid, match="an announcement is written when"):
        county.catalog.save_item(TESTER, CODE, told_by_hand, seen["revision"])


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        ({"effective_at": None}, "scheduled"),
        ({"announcement": {"text": "找张三，13800138000"}}, "personal"),
        ({"announcement": {"text": "明天\u200b起"}}, "invisible_character"),
        ({"announcement": {"text": "长" * 201}}, "string_too_long"),
    ],
)
def test_an_announcement_that_may_not_be_public_is_refused_at_its_field_and_nothing_is_released(county, asked, rule):
    before = county.execute("catalog", "SELECT count(*) FROM release")
    answer = plan(county, 2, **asked)

    assert answer.status_code == 422
    assert [one["rule"] for one in answer.json()["errors"]] == [rule]
    assert answer.json()["errors"][0]["field"].startswith("announcement")
    assert county.execute("catalog", "SELECT count(*) FROM release") == before


def test_what_is_not_shown_now_has_no_page_to_announce_on(county):
    county.catalog.save_item(TESTER, code_of(2), item(2).model_dump(mode="json"), None)
    asked = {"effective_at": at(2), "announcement": {"text": TEXT}}
    path = f"/catalog/v1/items/{code_of(2)}/release"
    answer = county.http.post(path, json=asked, headers={**AS_ADMIN, "If-Match": '"1"'})

    assert [one["rule"] for one in answer.json()["errors"]] == ["no_page"]


def test_a_body_without_an_announcement_has_the_bytes_that_it_had(county):
    plan(county, 2, text=None)
    documents = [document for (document,) in county.execute("catalog", "SELECT document FROM release")]

    assert len(documents) == 2
    assert [one for one in documents if "announcement" in one] == []


def test_the_page_of_changes_answers_while_something_is_announced(county):
    plan(county, 2)
    page = county.get(f"web/items/{CODE}/changes")

    assert page.status_code == 200
    assert SECRET not in page.text
