"""What changed between versions: every difference that a page would show, and no other."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.channels.core.port import adapters, source_of
from services.channels.pages.version_history import VersionStep
from services.channels.web.version_changes import Difference, changes
from shared.errors import Unavailable
from shared.text.bilingual import t
from tests.harness.projecting import CODE, guide, item, of_guide, of_item
from tests.harness.shelf import Shelf
from tests.unit.channels.test_pages import browser

SINCE = datetime(2026, 2, 28, 16, tzinfo=UTC)  # 1 March in China
BOOK = {"material_name": "居民户口簿"}
PHOTO = {"material_name": "照片", "copies": 2}


def shown(one, of=of_item):
    publication = of(one)
    return adapters()["web"].project(publication) | {"source": source_of(publication)}


def test_a_shorter_promise_is_said_old_and_new():
    before, now = (shown(item(promise_day=days, promise_type="1")) for days in (10, 5))

    assert changes(before, now) == [Difference("多久办好", "How long", "10个工作日", "5个工作日")]


def test_materials_come_go_and_change_by_name():
    before = shown(guide(materials=[BOOK, PHOTO]), of_guide)
    now = shown(guide(materials=[{**PHOTO, "copies": 1}, {"material_name": "申请表"}]), of_guide)

    found = {change.name: (change.old, change.new) for change in changes(before, now)}

    assert found["申请表"][0] is None
    assert found["居民户口簿"][1] is None
    assert ("2份" in found["照片"][0], "1份" in found["照片"][1]) == (True, True)


def test_two_materials_of_one_name_are_two():
    before = shown(guide(materials=[BOOK]), of_guide)

    (added,) = changes(before, shown(guide(materials=[BOOK, BOOK]), of_guide))

    assert (added.name, added.old) == ("居民户口簿 (2)", None)


@given(st.text(max_size=30), st.text(max_size=30))
def test_the_pieces_put_together_are_both_texts(old, new):
    head, was, now, tail = Difference("", "", old, new).pieces

    assert (head + was + tail, head + now + tail) == (old, new)


guides = st.builds(
    guide,
    accept_condition=st.none() | st.sampled_from(["甲", "甲乙"]),
    materials=st.lists(st.sampled_from([BOOK, PHOTO, {**PHOTO, "copies": 1}]), max_size=3),
    steps=st.lists(st.sampled_from([{"name": "受理"}, {"name": "决定", "day": 2}]), max_size=3),
    windows=st.lists(st.sampled_from([{"address": "一楼"}, {"address": "二楼", "phone": "1"}]), max_size=2),
)


@given(guides, guides)
def test_backwards_every_change_is_turned_round_and_nothing_else(one, other):
    a, b = shown(one, of_guide), shown(other, of_guide)

    there = {(c.zh, c.name, c.old, c.new) for c in changes(a, b)}
    back = {(c.zh, c.name, c.new, c.old) for c in changes(b, a)}

    assert there == back
    assert (not there) == (one == other or _same_parts(one, other))


def _same_parts(one, other):
    """Whether only the order of windows or materials differs: people read the same."""
    parts = ("materials", "windows")
    rest = one.model_dump(exclude=set(parts)) == other.model_dump(exclude=set(parts))
    return rest and all(
        sorted(map(repr, getattr(one, part))) == sorted(map(repr, getattr(other, part))) for part in parts
    )


def test_the_page_says_since_when_what_was_and_what_is(tmp_path):
    before, now = (shown(item(promise_day=days, promise_type="1")) for days in (10, 5))
    page = page_of(tmp_path, VersionStep(now, before, SINCE))

    since = t("2026年3月1日", "1 March 2026") + t("起的变化", "")
    for text in (since, "<mark>10</mark>个工作日", "<mark>5</mark>个工作日"):
        assert text in page


@pytest.mark.parametrize(
    ("why", "said"), [("first", "没有更早的可以比较"), ("withdrawn", "撤下的内容不再展示"), (None, "没有应答")]
)
def test_where_nothing_can_be_compared_the_page_says_why(tmp_path, why, said):
    now = shown(item())

    assert said in page_of(tmp_path, VersionStep(now, None, SINCE, why) if why else None)


def page_of(folder, step):
    shelf = Shelf("web", folder, [of_item(item())])

    def told(kind, code):
        if step is None:
            raise Unavailable("gone")
        return step

    shelf.step = told
    answer = browser("web", shelf).get(f"/web/items/{CODE}/changes")
    assert answer.status_code == 200
    return answer.text
