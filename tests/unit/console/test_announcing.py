"""At the desk: what is scheduled is announced by a set or by a changed plan, and nothing that is typed is lost."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.harness.pipeline import ADMIN, code_of, guide, item, pipeline
from tests.harness.releasing import RELEASER, releasing

CODE = code_of(1)
KEY = f"item:{CODE}"
TEXT, ENGLISH = "明天起：每证10元", "From tomorrow: 10 yuan each"
WORDS = {"announcement": TEXT, "announcement_en": ENGLISH}


@pytest.fixture
def county(tmp_path):
    (tmp_path / "county").mkdir()
    with pipeline(tmp_path / "county", channels=["web"]) as made:
        for one in (item(1, "旧"), guide(1, "旧"), item(2, "旧二")):
            made.release(one)
        for source, one in (("catalog/v1/items", item(1, "新")), ("guides/v1/guides", guide(1, "新"))):
            etag = made.get(f"{source}/{CODE}", ADMIN).headers["etag"]
            headers = {"Authorization": f"Bearer {ADMIN}", "If-Match": etag}
            made.http.put(f"/{source}/{CODE}", json=one.model_dump(mode="json"), headers=headers).raise_for_status()
        made.flow()
        yield made


@pytest.fixture
def desk(tmp_path, county):
    with releasing(tmp_path / "desk", county) as made:
        yield made


def page(county, code=CODE):
    county.flow()
    return county.get(f"web/items/{code}").text


def send(desk, *keys, when="2099-03-01T08:00", **typed):
    browser = desk.made.session("fabu")
    shown = browser.submit("/release/compose", **{"from": "mine", "member": list(keys)}).text
    seen = dict(re.findall(r'name="(seen\.[^"]+)" value="(\d+)"', shown))
    return browser.submit("/release/compose/send", member=list(keys), effective_at=when, **seen, **typed)


def test_a_set_is_announced_once_it_is_complete_and_not_before(desk, county):
    answer = send(desk, KEY, f"guide:{CODE}", **WORDS)
    assert answer.status_code == 303, answer.text
    act = answer.headers["location"].rpartition("/")[2]
    desk.sets.advance()
    assert TEXT not in page(county)

    assert desk.settle(act) == "complete"
    shown = page(county)
    assert shown.count(TEXT) == 1
    assert ENGLISH in shown
    assert "新" not in re.findall(r"<h1[^>]*>([^<]*)", shown)[0]


def test_the_set_still_takes_effect_as_one_after_it_was_announced(desk, county):
    act = send(desk, KEY, f"guide:{CODE}", **WORDS).headers["location"].rpartition("/")[2]
    desk.settle(act)
    planned = [
        county.get(f"{path}/{CODE}", ADMIN).json()["planned"] for path in ("catalog/v1/items", "guides/v1/guides")
    ]

    assert [[one["part_of"] for one in some] for some in planned] == [[act], [act]]
    assert county.execute("web", "SELECT count(*) FROM scheduled WHERE part_of = :act", act=act) == [(2,)]
    assert county.execute("web", "SELECT complete FROM release_set WHERE act = :act", act=act) == [(1,)]


def test_undoing_an_announced_set_takes_the_announcement_with_it(desk, county):
    act = send(desk, KEY, **WORDS).headers["location"].rpartition("/")[2]
    desk.settle(act)
    assert TEXT in page(county)
    back = desk.sets.undo(RELEASER, act, None)["act"]
    assert desk.settle(back) == "complete"
    county.execute(
        "web", "UPDATE scheduled SET effective_at = '2026-01-01T00:00:00.000000Z' WHERE part_of = :act", act=back
    )
    county.channels["web"].store._next_turn = datetime.min.replace(tzinfo=UTC)  # noqa: SLF001  # its time has come
    county.channels["web"].turn_pages()

    assert TEXT not in page(county)


def test_an_announcement_of_what_is_shown_at_once_is_refused_at_its_field_and_nothing_typed_is_lost(desk, county):
    answer = send(desk, KEY, when="", note="打好的说明", **WORDS)

    assert answer.status_code == 422
    assert 'id="announcement-error"' in answer.text
    assert "请先填从什么时候起" in answer.text
    assert [words in answer.text for words in (TEXT, ENGLISH, "打好的说明")] == [True, True, True]
    assert desk.sets.listed() == []


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"announcement": "长" * 201}, "announcement"),
        ({"announcement": TEXT, "announcement_en": "x" * 401}, "announcement_en"),
        ({"announcement_en": ENGLISH}, "announcement"),
        ({"announcement": "请找张三 13800138000"}, "announcement"),
    ],
)
def test_what_may_not_be_announced_is_refused_at_its_field(desk, typed, field):
    answer = send(desk, KEY, **typed)

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert desk.sets.listed() == []


def test_the_calendar_tells_the_announcement_and_a_changed_plan_gets_another_one(desk, county):
    at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    browser = desk.made.session("fabu")
    etag = county.get(f"catalog/v1/items/{CODE}", ADMIN).headers["etag"].strip('"')
    asked = {"code": CODE, "etags": {"item": etag}, "effective_at": at, "announcement": {"text": TEXT}}
    assert browser.call("POST", "/v1/releases", asked).json()["receipt"]
    assert TEXT in page(county)
    assert f"预告：{TEXT}" in browser.get("/release/plans").text

    form = browser.get(f"/release/plans/change?kind=item&code={CODE}").text
    assert f'value="{TEXT}"' in form
    (etag,) = re.findall(r'name="etag" value="([^"]+)"', form)
    typed = {"kind": "item", "code": CODE, "etag": etag, "effective_at": "2099-03-01T08:00", "announcement": "改期了"}
    assert browser.submit("/release/plans/change", **typed).status_code == 303
    assert "改期了" in page(county)
    assert TEXT not in page(county)


def test_a_source_that_does_not_answer_is_asked_again_to_announce(desk, county):
    act = send(desk, KEY, **WORDS).headers["location"].rpartition("/")[2]
    services, failed = desk.releasing.desk.services, []
    original = services.post

    def post(service, path, *more, **named):
        if path == "sets/announce" and not failed:
            failed.append(path)
            desk.down.add("catalog")
        return original(service, path, *more, **named)

    object.__setattr__(desk.sets, "services", services)
    services.post = post
    for _ in range(4):
        desk.sets.advance()
        county.flow()
    assert failed
    assert desk.sets.read(act)["state"] == "completing"
    desk.down.clear()

    assert desk.settle(act) == "complete"
    assert TEXT in page(county)
