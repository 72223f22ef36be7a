"""Life events offer what people need, in the order in which they need it, and nothing of another event."""

import pytest

from services.channels.search.directory import Directory
from services.channels.search.facets import Filter
from services.channels.text.life_events import BY_CODE, LIFE_EVENTS
from tests.harness.projecting import county, of_item, shown

DOCUMENTS = [shown("web", of_item(one)) for one, _ in county()]
DIRECTORY = Directory(DOCUMENTS)


def offered(code: str) -> list[str]:
    return [item["name"] for item in DIRECTORY.listing(Filter({"event": (code,)}), 0, 100).items]


def test_a_birth_is_followed_from_registration_to_insurance_and_card():
    assert offered("birth")[:5] == [
        "生育登记",
        "户口登记(出生登记)",
        "城乡居民基本医疗保险参保登记",
        "社会保障卡申领",
        "居民身份证办理(首次申领)",
    ]


@pytest.mark.parametrize(
    ("event", "foreign"),
    [
        ("birth", "死亡"),
        ("birth", "迁入"),
        ("papers", "死亡"),
        ("school", "教师"),
        ("service", "见义勇为"),
        ("home", "取水"),
        ("retirement", "失业"),
        ("health", "医师"),
        ("found", "变更"),
        ("change", "设立"),
    ],
)
def test_an_event_offers_nothing_of_another_one(event, foreign):
    assert [name for name in offered(event) if foreign in name] == []


@pytest.mark.parametrize(
    ("event", "first"),
    [
        ("marriage", "内地居民婚姻登记(结婚登记)"),
        ("death", "户口登记(死亡注销)"),
        ("close", "一照一码户清税申报"),
        ("found", "公司登记(设立登记)"),
        ("build", "企业投资项目备案"),
    ],
)
def test_what_comes_first_in_life_is_offered_first(event, first):
    assert offered(event)[0] == first


def test_every_event_of_the_county_offers_something():
    assert [event.code for event in LIFE_EVENTS if not offered(event.code)] == []


def test_brackets_of_another_width_are_the_same_name():
    item = {"name": "户口登记（死亡注销）", "person_themes": ["户籍办理"]}

    assert BY_CODE["death"].takes(item)
    assert not BY_CODE["birth"].takes(item)


def test_a_search_among_an_event_keeps_the_order_of_the_search():
    codes = [item["code"] for item in reversed(DOCUMENTS)]
    found = DIRECTORY.listing(Filter({"event": ("birth",)}), 0, 100, codes).items

    assert [item["code"] for item in found] == [code for code in codes if code in {one["code"] for one in found}]
